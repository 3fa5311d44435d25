// Work that several libraries can do, as plain data: a new kind of work is one more member here and one more case
// in each peer that can do it.

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

/** Levels of 8 bits times int8 weights, to int32. */
export interface IntegerMatmulTask {
  readonly op: 'matmulInteger';
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Of the left operand. */
  readonly signed: boolean;
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

export type Task = MatmulTask | ConvTask | IntegerMatmulTask | IntegerConvTask | BlockTask;

export interface NamedTask {
  readonly name: string;
  readonly task: Task;
  /** Multiply-adds. */
  readonly macs: number;
}

/** The same numbers in every process, of a size as weights and activations have it. */
export function numbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** The same bytes in every process. */
export function bytes(count: number, seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(numbers(count, seed), (value) => Math.floor((value + 1) * 128));
}

export const volume = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
