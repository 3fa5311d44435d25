import { decibels } from '../core/decibels.ts';
import { byteLengthOf } from '../core/dtype.ts';
import { run, wait } from '../core/maybe.ts';
import { volume } from '../core/shape.ts';
import type { ByteSource, MaybePromise } from '../core/source.ts';
import { bytesOf, typedArrayOf } from '../core/tensor.ts';
import { type Constant, constantOf } from '../ir/constant.ts';
import type { Quantization } from '../ir/types.ts';
import {
  dequantize,
  minMaxAxis,
  type QuantizedArray,
  quantize,
  squaredError,
} from '../kernels/index.ts';
import { type AffineParameters, affineParameters } from './affine.ts';
import { Clipping } from './clipping.ts';
import { bitsOf, channelView, type LevelStorage, type Scheme, type Storage } from './scheme.ts';
import { type Slab, slabs } from './slabs.ts';

/** What quantizing a weight in a scheme would do to it. */
export interface Measured {
  parameters: AffineParameters;
  /** Signal-to-noise ratio of the weight itself, dB. NaN if it has NaN or infinite elements. */
  sqnrDb: number;
}

/** Finds scales and zero points of a float32 weight and measures the rounding error, slab by slab:
 *  memory does not grow with the weight. Scales of 8 bits hold the whole range; at 4 bits each is the one with the least
 *  squared error. Reads the weight once, or up to three times where a scale spans several slabs.
 *  @param importance  what a squared error of each element counts when scales of 4 bits are chosen */
export function measure(
  weight: Constant,
  scheme: Scheme,
  importance?: Float32Array,
): MaybePromise<Measured> {
  return run(measureSteps(weight, scheme, importance));
}

function* measureSteps(
  weight: Constant,
  scheme: Scheme,
  importance: Float32Array | undefined,
): Generator<MaybePromise<unknown>, Measured, unknown> {
  const view = channelView(scheme);
  const parts = slabs(view);
  const parameters: AffineParameters = { scale: new Float32Array(view.scales), zeroPoint: null };
  const { min, max } = yield* extremeSteps(weight, scheme);
  if (!min.every(Number.isFinite) || !max.every(Number.isFinite)) {
    return { parameters, sqnrDb: Number.NaN };
  }
  const found =
    bitsOf[scheme.storage] === 4
      ? yield* clipped(weight, scheme, { min, max }, importance)
      : affineParameters(min, max, scheme);
  let signal = 0;
  let noise = 0;
  for (const slab of parts) {
    const reals = yield* floats(weight, slab);
    const options = { ...layout(scheme, slab), ...parametersOf(found, slab), type: scheme.storage };
    const stored = levelsOf(reals, scheme, found, slab);
    const error = squaredError(reals, dequantize(stored, { ...options, length: slab.count }));
    signal += error.signal;
    noise += error.noise;
  }
  return {
    parameters: found,
    sqnrDb: signal === 0 ? Number.POSITIVE_INFINITY : decibels(signal, noise),
  };
}

/** Scales with the least squared error. Those of blocks are each of one slab: no errors are held but a slab's. */
function* clipped(
  weight: Constant,
  scheme: Scheme,
  { min, max }: { min: Float32Array; max: Float32Array },
  importance: Float32Array | undefined,
): Generator<MaybePromise<unknown>, AffineParameters, unknown> {
  const { shared, scales } = channelView(scheme);
  const result = { scale: new Float32Array(scales), zeroPoint: new Int32Array(scales) };
  const keep = ({ scale, zeroPoint }: AffineParameters, first: number): void => {
    result.scale.set(scale, first);
    if (zeroPoint !== null) result.zeroPoint.set(zeroPoint, first);
  };
  const whole = shared ? new Clipping(scheme, min, max) : null;
  for (const slab of slabs(channelView(scheme))) {
    const { firstScale, start, count } = slab;
    const end = firstScale + slab.scales;
    const own = whole ?? new Clipping(scheme, ...ends(firstScale, end), firstScale);
    own.add(yield* floats(weight, slab), slab, importance?.subarray(start, start + count));
    if (own !== whole) keep(own.best(), firstScale);
  }
  if (whole !== null) keep(whole.best(), 0);
  const hasZeros = result.zeroPoint.some((zero) => zero !== 0);
  return { ...result, zeroPoint: hasZeros ? result.zeroPoint : null };

  function ends(first: number, end: number): [Float32Array, Float32Array] {
    return [min.subarray(first, end), max.subarray(first, end)];
  }
}

/** Levels of a slab. Symmetric ones are as far below zero as above: what is clipped stops at −7 of int4. */
function levelsOf(
  reals: Float32Array,
  scheme: Scheme,
  parameters: AffineParameters,
  slab: Slab,
): QuantizedArray<Storage | LevelStorage> {
  const { storage, symmetric } = scheme;
  const options = { ...layout(scheme, slab), ...parametersOf(parameters, slab), type: storage };
  const levels = quantize(reals, options);
  if (!symmetric || bitsOf[storage] !== 4) return levels;
  // Half bytes of −8, or of 0 where the zero point is 8.
  const [lowest, next] = storage === 'int4' ? [8, 9] : [0, 1];
  for (let i = 0; i < levels.length; i++) {
    const byte = levels[i]!;
    const [low, high] = [byte & 15, (byte >> 4) & 15];
    if (low !== lowest && high !== lowest) continue;
    levels[i] = (low === lowest ? next : low) | ((high === lowest ? next : high) << 4);
  }
  if (slab.count % 2 === 1) levels[levels.length - 1]! &= 15;
  return levels;
}

/** Smallest and largest elements, for each scale; NaN where there is one. */
export interface Extremes {
  min: Float32Array;
  max: Float32Array;
}

/** The ranges of a float32 weight's parts that have a scale each, slab by slab. */
export function extremesOf(weight: Constant, scheme: Scheme): MaybePromise<Extremes> {
  return run(extremeSteps(weight, scheme));
}

function* extremeSteps(
  weight: Constant,
  scheme: Scheme,
): Generator<MaybePromise<unknown>, Extremes, unknown> {
  const view = channelView(scheme);
  const min = new Float32Array(view.scales).fill(Number.POSITIVE_INFINITY);
  const max = new Float32Array(view.scales).fill(Number.NEGATIVE_INFINITY);
  for (const slab of slabs(view)) {
    const range = minMaxAxis(yield* floats(weight, slab), layout(scheme, slab));
    for (let i = 0; i < slab.scales; i++) {
      const at = slab.firstScale + i;
      min[at] = Math.min(min[at] ?? 0, range.min[i] ?? 0);
      max[at] = Math.max(max[at] ?? 0, range.max[i] ?? 0);
    }
  }
  return { min, max };
}

/** Makes the stored bytes of a part of a weight. */
export type StoreSlab = (reals: Float32Array, slab: Slab) => Uint8Array;

/** Steps of int8 weights with which they are within 7 bits, ±63, in place of ±127. */
export function within7Bits({ parameters, sqnrDb }: Measured): Measured {
  const scale = parameters.scale.map((step) => Math.fround((step * 127) / 63));
  return { parameters: { ...parameters, scale }, sqnrDb: sqnrDb - lost7BitsDb };
}

/** 20·log10(127 / 63). */
const lost7BitsDb = 6.09;

/** The weight in its stored integers, made when they are read: nothing is held but one slab.
 *  @param store  how parts are rounded; by default each element to the nearest level, ties to even */
export function quantizedConstant(
  weight: Constant,
  scheme: Scheme,
  parameters: AffineParameters,
  store: StoreSlab = nearest(scheme, parameters),
): Constant {
  const parts = slabs(channelView(scheme));
  const bits = bitsOf[scheme.storage];
  const size = byteLengthOf(scheme.storage, volume(weight.shape));
  let held: { slab: Slab; bytes: Uint8Array } | null = null;

  function* stored(slab: Slab): Generator<MaybePromise<unknown>, Uint8Array, unknown> {
    if (held?.slab === slab) return held.bytes;
    const bytes = store(yield* floats(weight, slab), slab);
    held = { slab, bytes };
    return bytes;
  }

  function* read(
    offset: number,
    length: number,
  ): Generator<MaybePromise<unknown>, Uint8Array, unknown> {
    const result = new Uint8Array(length);
    for (const slab of parts) {
      const first = (slab.start * bits) / 8;
      const last = first + Math.ceil((slab.count * bits) / 8);
      if (last <= offset || first >= offset + length) continue;
      const bytes = yield* stored(slab);
      const from = Math.max(offset, first);
      const to = Math.min(offset + length, last);
      result.set(bytes.subarray(from - first, to - first), from - offset);
    }
    return result;
  }

  const source: ByteSource = { size, read: (offset, length) => run(read(offset, length)) };
  return constantOf(scheme.storage, weight.shape, source);
}

function nearest(scheme: Scheme, parameters: AffineParameters): StoreSlab {
  return (reals, slab) => bytesOf(levelsOf(reals, scheme, parameters, slab));
}

/** The attached quantization that says what the integers mean. */
export function quantizationOf(
  weight: Constant,
  scheme: Scheme,
  parameters: AffineParameters,
): Quantization {
  const { storage, axis, blockSize, view } = scheme;
  const same =
    view.length === weight.shape.length && view.every((size, i) => size === weight.shape[i]);
  return { storage, view: same ? null : view, ...parameters, axis, blockSize };
}

function* floats(
  weight: Constant,
  slab: Slab,
): Generator<MaybePromise<unknown>, Float32Array, unknown> {
  const bytes = yield* wait(weight.data.read(slab.start * 4, slab.count * 4));
  return typedArrayOf('float32', bytes) as Float32Array;
}

function layout(scheme: Scheme, slab: Slab): { shape: number[]; axis: number; blockSize?: number } {
  const shape = [slab.outer, slab.channels, slab.inner];
  return scheme.blockSize === null
    ? { shape, axis: 1 }
    : { shape, axis: 1, blockSize: scheme.blockSize };
}

function parametersOf(
  { scale, zeroPoint }: AffineParameters,
  { firstScale, scales }: Slab,
): { scale: Float32Array; zeroPoint: Int32Array | number } {
  const end = firstScale + scales;
  return {
    scale: scale.subarray(firstScale, end),
    zeroPoint: zeroPoint === null ? 0 : zeroPoint.subarray(firstScale, end),
  };
}
