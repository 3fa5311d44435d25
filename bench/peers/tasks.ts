// Work that several libraries can do, as plain data: a new kind of work is one more member here and one more case
// in each peer that can do it.
import type { Asked } from '../comparison.ts';

export interface MatmulTask {
  readonly op: 'matmul';
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Whether the right operand is known beforehand, as weights are. */
  readonly constant: boolean;
}

/** Channels last; a peer that has them first takes the same sizes so. */
export interface ConvTask {
  readonly op: 'conv' | 'convTranspose';
  readonly shape: readonly number[];
  readonly weightShape: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly groups: number;
}

/** Levels of 8 bits times int8 weights, to int32 or, requantized, to levels. */
export interface IntegerMatmulTask {
  readonly op: 'matmulInteger';
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Of the left operand, and of the result's levels. */
  readonly signed: boolean;
  readonly requantized: boolean;
}

/** Levels to levels, by int8 weights with a scale for each channel. */
export interface IntegerConvTask extends Omit<ConvTask, 'op'> {
  readonly op: 'convInteger';
  readonly signed: boolean;
}

/** Float32 times block-quantized weights. */
export interface BlockTask {
  readonly op: 'matmulBlockwise';
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly bits: 4 | 8;
  readonly blockSize: number;
  readonly activations: 'float32' | 'int8';
}

/** Singular value decomposition, thin; with a rank only that many. */
export interface SvdTask {
  readonly op: 'svd';
  readonly rows: number;
  readonly columns: number;
  readonly rank?: number;
}

/** Eigenvalues and vectors of a symmetric matrix. */
export interface EighTask {
  readonly op: 'eigh';
  readonly size: number;
}

/** ST-HOSVD along the first axes. */
export interface TuckerTask {
  readonly op: 'tucker';
  readonly shape: readonly number[];
  readonly ranks: readonly number[];
}

/** Levels of 8 bits, one scale and zero point for all. */
export interface QuantizeTask {
  readonly op: 'quantize' | 'dequantize';
  readonly count: number;
}

/** One run of a model that is loaded. */
export interface ModelTask {
  readonly op: 'model';
  readonly path: string;
  /** The same model without what modelpress did to it. */
  readonly original?: string;
  /** The same in a file for onnxruntime, where `path` is of another format. */
  readonly onnx?: string;
  readonly feeds: ModelFeeds;
  /** Where those of the original are others. */
  readonly originalFeeds?: ModelFeeds;
}

/** In the order of the inputs. */
export type ModelFeeds = readonly { readonly name: string; readonly npy: string }[];

export type Task =
  | MatmulTask
  | ConvTask
  | IntegerMatmulTask
  | IntegerConvTask
  | BlockTask
  | SvdTask
  | EighTask
  | TuckerTask
  | QuantizeTask
  | ModelTask;

export interface NamedTask {
  readonly name: string;
  readonly task: Task;
  /** Multiply-adds. */
  readonly macs?: number;
  readonly asked?: Asked;
  /** Not part of a quick look. */
  readonly slow?: boolean;
}

/** The same numbers in every process, of a size as weights and activations have it. */
export function numbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
  return values;
}

/** The same bytes in every process. */
export function bytes(count: number, seed: number): Uint8Array<ArrayBuffer> {
  const values = new Uint8Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state >>> 24;
  }
  return values;
}

/** The same levels in every process. */
export function levels(
  count: number,
  seed: number,
  signed: boolean,
): Int8Array<ArrayBuffer> | Uint8Array<ArrayBuffer> {
  const data = bytes(count, seed);
  return signed ? new Int8Array(data.buffer) : data;
}

/** A symmetric matrix, row-major. */
export function symmetric(size: number): Float64Array<ArrayBuffer> {
  const values = Float64Array.from(numbers(size * size, 1));
  for (let i = 0; i < size; i++)
    for (let j = 0; j < i; j++) values[i * size + j] = values[j * size + i]!;
  return values;
}

export const volume = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
