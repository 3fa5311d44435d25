import { rangeError, typeError } from '../core/errors.ts';
import { normalizeAxis, volume } from '../core/shape.ts';
import { axisView, eachSlab } from './blocks.ts';
import { checkShape } from './layout.ts';
import { checkFloats, checkLength, resultArray } from './types.ts';

interface Common {
  /** Sizes of x. */
  shape: readonly number[];
  /** Added to the variance; rounded to float32, default 1e-5. */
  epsilon?: number;
  /** Where to put the result; x itself is fine. */
  output?: Float32Array;
}

/** Factors and offsets after normalization: default 1 and 0. */
interface ScaleBias {
  scale?: Float32Array;
  bias?: Float32Array;
}

/** Options of `layerNormalization` and `rmsNormalization`. */
export interface LayerNormalizationOptions extends Common, ScaleBias {
  /** First of the axes that are normalized together, default the last; scale and bias have an element for each place
   *  in them. */
  axis?: number;
}

/** Options of `groupNormalization`: x is [batch, channels, …], scale and bias have an element for each channel. */
export interface GroupNormalizationOptions extends Common, ScaleBias {
  /** Groups of channels with common statistics, a divisor of the channels. */
  groups: number;
}

/** Options of `instanceNormalization`: x is [batch, channels, …]. */
export interface InstanceNormalizationOptions extends Common, ScaleBias {}

/** Options of `batchNormalization`: one element for each channel. */
export interface BatchNormalizationOptions extends Common, ScaleBias {
  mean: Float32Array;
  variance: Float32Array;
  /** Axis of the channels, default 1. */
  axis?: number;
}

/** (x − mean) / √(variance + epsilon) · scale + bias over the last axes.
 *  @throws {TypeError} arrays of another class
 *  @throws {RangeError} sizes that don't fit, no such axis, epsilon not a number ≥ 0
 *  Cost O(n). Deterministic. Statistics and formula are float64, in two passes: one rounding to float32, besides
 *  2^-40 of the terms. */
export function layerNormalization(
  x: Float32Array,
  options: LayerNormalizationOptions,
): Float32Array {
  return layer(x, options, 0);
}

/** x / √(mean of x² + epsilon) · scale + bias over the last axes.
 *  @throws {TypeError} arrays of another class
 *  @throws {RangeError} sizes that don't fit, no such axis, epsilon not a number ≥ 0
 *  Cost O(n). Deterministic, in float64 with one rounding. */
export function rmsNormalization(
  x: Float32Array,
  options: LayerNormalizationOptions,
): Float32Array {
  return layer(x, options, 1);
}

function layer(x: Float32Array, options: LayerNormalizationOptions, rms: number): Float32Array {
  const { shape, axis = -1 } = options;
  checkFloats('x', x);
  checkShape(shape, x.length);
  const at = normalizeAxis(axis, shape.length);
  const channels = volume(shape.slice(at));
  return rows(x, options, {
    outer: volume(shape.slice(0, at)),
    channels,
    inner: 1,
    groups: 1,
    rms,
  });
}

/** (x − mean) / √(variance + epsilon) · scale + bias over each group of channels of [batch, channels, …].
 *  @throws {TypeError} arrays of another class
 *  @throws {RangeError} sizes that don't fit, epsilon not a number ≥ 0
 *  Cost O(n). Deterministic, in float64 with one rounding. */
export function groupNormalization(
  x: Float32Array,
  options: GroupNormalizationOptions,
): Float32Array {
  const { shape, groups } = options;
  checkFloats('x', x);
  checkShape(shape, x.length);
  const [batch = 1, channels = 1] = shape;
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
    throw rangeError('groups', `a divisor of ${channels} channels`, groups);
  }
  return rows(x, options, {
    outer: batch * groups,
    channels: channels / groups,
    inner: volume(shape.slice(2)),
    groups,
    rms: 0,
  });
}

/** (x − mean) / √(variance + epsilon) · scale + bias over each channel of [batch, channels, …].
 *  @throws {TypeError} arrays of another class
 *  @throws {RangeError} sizes that don't fit, epsilon not a number ≥ 0
 *  Cost O(n). Deterministic, in float64 with one rounding. */
export function instanceNormalization(
  x: Float32Array,
  options: InstanceNormalizationOptions,
): Float32Array {
  return groupNormalization(x, { ...options, groups: Math.max(options.shape[1] ?? 1, 1) });
}

interface Rows {
  outer: number;
  channels: number;
  inner: number;
  groups: number;
  rms: number;
}

function rows(
  x: Float32Array,
  { scale, bias, epsilon, output }: Common & ScaleBias,
  { outer, channels, inner, groups, rms }: Rows,
): Float32Array {
  const factors = parameter('scale', scale, groups * channels, 1);
  const offsets = parameter('bias', bias, groups * channels, 0);
  const small = checkEpsilon(epsilon);
  const result = resultArray<Float32Array>(output, Float32Array, x.length);
  // Slabs hold all groups, so that each starts with the first.
  const slab = groups * channels * inner;
  eachSlab(x, result, outer / groups, slab, slab, [factors, offsets], (simd, [input, y, s, b], n) =>
    simd.f32_normalize(input!, y!, s!, b!, n * groups, channels, inner, groups, small, rms),
  );
  return result;
}

/** (x − mean) / √(variance + epsilon) · scale + bias with given statistics of each channel, as x · a + b: a and b are
 *  computed in float64 and rounded.
 *  @throws {TypeError} arrays of another class
 *  @throws {RangeError} sizes that don't fit, no such axis, epsilon not a number ≥ 0
 *  Cost O(n). Deterministic. Within 2^-23 · (|x · a| + |b|). */
export function batchNormalization(
  x: Float32Array,
  options: BatchNormalizationOptions,
): Float32Array {
  checkFloats('x', x);
  const { shape, axis = 1, mean, variance, output } = options;
  const { outer, length, unit } = axisView(x.length, shape, axis);
  const means = parameter('mean', mean, length, 0);
  const variances = parameter('variance', variance, length, 1);
  const scale = parameter('scale', options.scale, length, 1);
  const bias = parameter('bias', options.bias, length, 0);
  const epsilon = checkEpsilon(options.epsilon);
  const a = scale.map((factor, c) => factor / Math.sqrt(variances[c]! + epsilon));
  const b = bias.map((offset, c) => {
    const factor = scale[c]! / Math.sqrt(variances[c]! + epsilon);
    return offset - means[c]! * factor;
  });
  const result = resultArray<Float32Array>(output, Float32Array, x.length);
  const slab = length * unit;
  eachSlab(x, result, outer, slab, slab, [a, b], (simd, [input, y, s, t], n) =>
    simd.f32_scale_shift(input!, y!, s!, t!, n, length, unit),
  );
  return result;
}

function parameter(
  name: string,
  given: Float32Array | undefined,
  count: number,
  otherwise: number,
): Float32Array {
  if (given === undefined) return new Float32Array(count).fill(otherwise);
  if (!(given instanceof Float32Array)) throw typeError(name, 'a Float32Array', given);
  checkLength(name, given.length, count);
  return given;
}

function checkEpsilon(epsilon = 1e-5): number {
  if (!(epsilon >= 0 && epsilon < Infinity)) throw rangeError('epsilon', 'a number ≥ 0', epsilon);
  return Math.fround(epsilon);
}
