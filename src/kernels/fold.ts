import { rangeError } from '../core/errors.ts';
import { normalizeAxis, volume } from '../core/shape.ts';
import type { LibraryKernels } from '../wasm/kernels.ts';
import { axisView, eachSlab } from './blocks.ts';
import { checkShape } from './layout.ts';
import { exp, log } from './math.ts';
import { transpose } from './move.ts';
import { checkFloats, resultArray } from './types.ts';

/** Names of `reduce`, as in the ONNX operators Reduce…. */
export type ReduceOperation =
  | 'sum'
  | 'mean'
  | 'max'
  | 'min'
  | 'prod'
  | 'sumSquare'
  | 'l1'
  | 'l2'
  | 'logSum'
  | 'logSumExp';

/** What `reduce` takes. */
export interface ReduceOptions {
  /** Sizes; default one axis. */
  shape?: readonly number[];
  /** Axes to reduce, negative from the end; default all. */
  axes?: readonly number[];
}

type Kernel = (
  simd: LibraryKernels,
  x: number,
  y: number,
  outer: number,
  length: number,
  unit: number,
) => void;

const kernels: Readonly<Record<Exclude<ReduceOperation, 'logSum' | 'logSumExp'>, Kernel>> = {
  sum: (simd, x, y, outer, length, unit) => simd.f32_fold_sum(x, y, outer, length, unit, 1),
  mean: (simd, x, y, outer, length, unit) => simd.f32_fold_sum(x, y, outer, length, unit, length),
  max: (simd, x, y, outer, length, unit) => simd.f32_fold_extreme(x, y, outer, length, unit, 0),
  min: (simd, x, y, outer, length, unit) => simd.f32_fold_extreme(x, y, outer, length, unit, 1),
  prod: (simd, x, y, outer, length, unit) => simd.f32_fold_product(x, y, outer, length, unit),
  sumSquare: (simd, x, y, outer, length, unit) =>
    simd.f32_fold_squares(x, y, outer, length, unit, 0),
  l1: (simd, x, y, outer, length, unit) => simd.f32_fold_l1(x, y, outer, length, unit),
  l2: (simd, x, y, outer, length, unit) => simd.f32_fold_squares(x, y, outer, length, unit, 1),
};

/** One number from all those along some axes.
 *  @returns  elements of the shape without those axes (or with size 1 for them). Of nothing: 0, 1 for prod, ∓∞ for
 *            max and min, NaN for mean
 *  @throws {TypeError} x is not a Float32Array
 *  @throws {RangeError} no such operation or axis, a shape that does not fit
 *  Cost O(n), and a transposition where the axes are not next to each other. Deterministic. Sums and products are
 *  float64 in a fixed order and rounded once; logSum and logSumExp are within 2^-22 besides 1 ulp. max and min: a NaN
 *  gives a NaN, −0 counts as 0. */
export function reduce(
  operation: ReduceOperation,
  x: Float32Array,
  options: ReduceOptions = {},
): Float32Array {
  checkFloats('x', x);
  const { data, outer, length, unit } = arranged(x, options);
  if (operation === 'logSum') return log(fold('sum', data, outer, length, unit));
  if (operation === 'logSumExp') return logSumExp(data, outer, length, unit);
  return fold(operation, data, outer, length, unit);
}

function fold(
  operation: string,
  x: Float32Array,
  outer: number,
  length: number,
  unit: number,
): Float32Array {
  const kernel = Object.hasOwn(kernels, operation)
    ? kernels[operation as keyof typeof kernels]
    : undefined;
  if (kernel === undefined) {
    throw rangeError(
      'operation',
      [...Object.keys(kernels), 'logSum', 'logSumExp'].join(' | '),
      operation,
    );
  }
  const y = new Float32Array(outer * unit);
  eachSlab(x, y, outer, length * unit, unit, [], (simd, [input, output], slabs) =>
    kernel(simd, input!, output!, slabs, length, unit),
  );
  return y;
}

/** max + ln Σ e^(x − max). */
function logSumExp(x: Float32Array, outer: number, length: number, unit: number): Float32Array {
  const top = fold('max', x, outer, length, unit).map((v) => (Math.abs(v) === Infinity ? 0 : v));
  const shifted = x.map((v, i) => {
    const column = unit === 1 ? 0 : i % unit;
    return v - top[Math.floor(i / (length * unit)) * unit + column]!;
  });
  return log(fold('sum', exp(shifted), outer, length, unit)).map((v, i) => v + top[i]!);
}

/** The reduced axes next to each other: as they are, or last after a transposition. */
function arranged(
  x: Float32Array,
  { shape = [x.length], axes }: ReduceOptions,
): { data: Float32Array; outer: number; length: number; unit: number } {
  checkShape(shape, x.length);
  const reduced = new Set(
    (axes ?? shape.map((_, i) => i)).map((axis) => normalizeAxis(axis, shape.length)),
  );
  const isReduced = (i: number): boolean => reduced.has(i);
  const real = shape.map((_, i) => i).filter((i) => shape[i] !== 1 && isReduced(i));
  const first = real[0] ?? 0;
  const last = real.at(-1) ?? first - 1;
  const between = shape
    .slice(first, last + 1)
    .every((size, i) => size === 1 || isReduced(first + i));
  if (between) {
    return {
      data: x,
      outer: volume(shape.slice(0, first)),
      length: volume(shape.slice(first, last + 1)),
      unit: volume(shape.slice(last + 1)),
    };
  }
  const kept = shape.map((_, i) => i).filter((i) => !isReduced(i));
  const order = [...kept, ...[...reduced].sort((a, b) => a - b)];
  const outer = volume(kept.map((i) => shape[i]!));
  return {
    data: transpose(x, shape, order),
    outer,
    length: outer === 0 ? 0 : x.length / outer,
    unit: 1,
  };
}

/** What `argMax` and `argMin` take. */
export interface ArgOptions {
  shape?: readonly number[];
  /** Default 0, as in ONNX. */
  axis?: number;
  /** Of equal elements take the last, not the first. */
  selectLast?: boolean;
}

/** Index of the greatest element along an axis; a NaN counts as greater than any number.
 *  @returns  indices of the shape without the axis
 *  @throws {TypeError} x is not a Float32Array
 *  @throws {RangeError} a shape that does not fit, no such axis or an empty one
 *  Cost O(n). */
export function argMax(x: Float32Array, options: ArgOptions = {}): Uint32Array<ArrayBuffer> {
  return argExtreme(x, options, 0);
}

/** Index of the least element along an axis; a NaN counts as less than any number.
 *  @returns  indices of the shape without the axis
 *  @throws {TypeError} x is not a Float32Array
 *  @throws {RangeError} a shape that does not fit, no such axis or an empty one
 *  Cost O(n). */
export function argMin(x: Float32Array, options: ArgOptions = {}): Uint32Array<ArrayBuffer> {
  return argExtreme(x, options, 1);
}

function argExtreme(
  x: Float32Array,
  { shape, axis = 0, selectLast = false }: ArgOptions,
  least: number,
): Uint32Array<ArrayBuffer> {
  checkFloats('x', x);
  const { outer, length, unit } = axisView(x.length, shape, axis);
  const y = new Uint32Array(outer * unit);
  if (length === 0 && y.length > 0) throw rangeError('axis', 'an axis with elements', axis);
  eachSlab(x, y, outer, length * unit, unit, [], (simd, [input, output], slabs) =>
    simd.f32_arg_extreme(input!, output!, slabs, length, unit, least, selectLast ? 1 : 0),
  );
  return y;
}

/** What `cumulativeSum` takes. */
export interface CumulativeSumOptions {
  shape?: readonly number[];
  axis?: number;
  /** Leave out the element itself. */
  exclusive?: boolean;
  /** Start from the end. */
  reverse?: boolean;
  output?: Float32Array;
}

/** Running sums along an axis, default the first: float64, each rounded once.
 *  @throws {TypeError} x is not a Float32Array
 *  @throws {RangeError} a shape that does not fit, no such axis
 *  Cost O(n). Deterministic. */
export function cumulativeSum(x: Float32Array, options: CumulativeSumOptions = {}): Float32Array {
  const { shape, axis = 0, exclusive = false, reverse = false, output } = options;
  checkFloats('x', x);
  const { outer, length, unit } = axisView(x.length, shape, axis);
  const result = resultArray<Float32Array>(output, Float32Array, x.length);
  const slab = length * unit;
  eachSlab(x, result, outer, slab, slab, [], (simd, [input, y], slabs) =>
    simd.f32_cumulative_sum(input!, y!, slabs, length, unit, exclusive ? 1 : 0, reverse ? 1 : 0),
  );
  return result;
}
