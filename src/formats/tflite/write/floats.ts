import type { DType } from '../../../core/dtype.ts';
import { typedArrayOf } from '../../../core/tensor.ts';

/** Elements of a floating-point type as float32, the nearest there is. float32 itself is a view.
 *  @param dtype  float16, bfloat16, float32 or float64 */
export function floatsOf(dtype: DType, bytes: Uint8Array): Float32Array {
  if (dtype === 'float32') return typedArrayOf('float32', bytes) as Float32Array;
  if (dtype === 'float64') return Float32Array.from(typedArrayOf('float64', bytes) as Float64Array);
  const bits = typedArrayOf(dtype, bytes) as Uint16Array;
  if (dtype === 'float16') return Float32Array.from(bits, halfOf);
  const words = Uint32Array.from(bits, (word) => word << 16);
  return new Float32Array(words.buffer);
}

/** IEEE 754 binary16. */
function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
