import { axisView, eachSlab } from './blocks.ts';
import { checkFloats, resultArray } from './types.ts';

/** Where softmax sums. */
export interface SoftmaxOptions {
  /** Sizes; default one axis. */
  shape?: readonly number[];
  /** Default the last. */
  axis?: number;
  /** Where to put the result; x itself is fine. */
  output?: Float32Array;
}

/** e^x / Σ e^x along an axis.
 *  @returns  as many elements as x; NaN where a run has a NaN, a +∞ or nothing but −∞
 *  @throws {TypeError} x is not a Float32Array
 *  @throws {RangeError} a shape that does not fit, no such axis
 *  Cost O(n). Deterministic. Within (|x − max| + 4) ulp: the difference is rounded to float32, the sum is float64. */
export function softmax(x: Float32Array, options: SoftmaxOptions = {}): Float32Array {
  return run(x, options, 0);
}

/** x − ln Σ e^x along an axis: what `softmax` gives, as a logarithm.
 *  @throws {TypeError} x is not a Float32Array
 *  @throws {RangeError} a shape that does not fit, no such axis
 *  Cost O(n). Deterministic. Within 1 ulp and 2^-22. */
export function logSoftmax(x: Float32Array, options: SoftmaxOptions = {}): Float32Array {
  return run(x, options, 1);
}

function run(
  x: Float32Array,
  { shape, axis = -1, output }: SoftmaxOptions,
  log: number,
): Float32Array {
  checkFloats('x', x);
  const { outer, length, unit } = axisView(x.length, shape, axis);
  const result = resultArray<Float32Array>(output, Float32Array, x.length);
  const slab = length * unit;
  eachSlab(x, result, outer, slab, slab, [], (simd, [input, y], slabs) => {
    if (unit === 1) simd.f32_softmax_rows(input!, y!, slabs, length, log);
    else simd.f32_softmax_columns(input!, y!, slabs, length, unit, log);
  });
  return result;
}
