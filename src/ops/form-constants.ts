import type { DType } from '../core/dtype.ts';
import { bytesOf } from '../core/tensor.ts';
import { type Constant, constantOf } from '../ir/constant.ts';
import type { AdaptContext } from './form.ts';

/** A float constant of the element type of `like`, which operators with several float inputs ask for. */
export function floatConstant<T>(
  context: AdaptContext<T>,
  like: T | null | undefined,
  values: readonly number[],
  shape: readonly number[],
): Constant {
  const known = like == null ? null : (context.constantOf(like)?.dtype ?? context.dtype?.(like));
  return floatConstantOf(known ?? 'float32', values, shape);
}

/** A constant of a float type (bfloat16 included) or, for other types, of the nearest integers. */
function floatConstantOf(
  dtype: DType,
  values: readonly number[],
  shape: readonly number[],
): Constant {
  switch (dtype) {
    case 'float64':
      return constantOf(dtype, shape, bytesOf(Float64Array.from(values)));
    case 'float16':
      return constantOf(dtype, shape, bytesOf(Uint16Array.from(values, toFloat16)));
    case 'bfloat16':
      return constantOf(dtype, shape, bytesOf(Uint16Array.from(values, toBfloat16)));
    default:
      return constantOf('float32', shape, bytesOf(Float32Array.from(values)));
  }
}

const word = new Float32Array(1);
const bits = new Uint32Array(word.buffer);

/** Bits of the float32 nearest to a number. */
function float32Bits(value: number): number {
  word[0] = value;
  return bits[0]!;
}

/** Drops the low `shift` bits, to nearest, ties to even. */
function roundBits(value: number, shift: number): number {
  const half = 2 ** (shift - 1);
  const kept = Math.floor(value / 2 ** shift);
  const rest = value - kept * 2 ** shift;
  return rest > half || (rest === half && kept % 2 === 1) ? kept + 1 : kept;
}

function toBfloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  return roundBits(float32Bits(value), 16);
}

function toFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = float32Bits(Math.abs(value));
  const exponent = (size >>> 23) - 127;
  if (exponent > 15) return sign | 0x7c00;
  // A carry out of the mantissa raises the exponent, up to infinity: that is the right rounding.
  if (exponent >= -14) return sign | (roundBits(size, 13) - ((127 - 15) << 10));
  if (exponent < -25) return sign;
  return sign | roundBits((size & 0x7fffff) | 0x800000, -exponent - 1);
}
