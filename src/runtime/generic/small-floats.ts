import type { DType } from '../../core/dtype.ts';
import { roundHalfEven } from '../../core/round.ts';

/** Floating-point types of 16 bits and fewer, as bit patterns: from and to float64 with one rounding.
 *  Source: IEEE 754-2019; OCP OFP8 and MX specifications; "8-bit numerical formats" (Noune et al. 2022) for fnuz. */

interface FloatFormat {
  readonly exponent: number;
  readonly mantissa: number;
  readonly bias: number;
  /** Largest finite magnitude's pattern. */
  readonly top: number;
  /** Pattern of an overflow that does not saturate. */
  readonly overflow: number;
  readonly nan: number;
  /** Whether −0 is there; where it is not, its pattern is the NaN. */
  readonly negativeZero: boolean;
}

const format = (
  exponent: number,
  mantissa: number,
  bias: number,
  top: number,
  overflow: number,
  nan: number,
  negativeZero = true,
): FloatFormat => ({ exponent, mantissa, bias, top, overflow, nan, negativeZero });

const formats: Partial<Record<DType, FloatFormat>> = {
  float16: format(5, 10, 15, 0x7bff, 0x7c00, 0x7e00),
  bfloat16: format(8, 7, 127, 0x7f7f, 0x7f80, 0x7fc0),
  float8e4m3fn: format(4, 3, 7, 0x7e, 0x7f, 0x7f),
  float8e4m3fnuz: format(4, 3, 8, 0x7f, 0x80, 0x80, false),
  float8e5m2: format(5, 2, 15, 0x7b, 0x7c, 0x7e),
  float8e5m2fnuz: format(5, 2, 16, 0x7f, 0x80, 0x80, false),
  // Neither infinities nor NaN: everything saturates, NaN is 0.
  float4e2m1: format(2, 1, 1, 0x07, 0x07, 0),
};

/** Which of the neighboring powers of two an e8m0 scale becomes. */
export type PowerRounding = 'up' | 'down' | 'nearest';

/** Whether a type's elements are bit patterns of at most 16 bits that stand for real numbers. */
export function isSmallFloat(dtype: DType): boolean {
  return formats[dtype] !== undefined || dtype === 'float8e8m0';
}

const words = new Float64Array(1);
const halves = new Uint32Array(words.buffer);

/** ⌊log2 |x|⌋ of a normal number; below the normal ones −1023. */
function exponentOf(x: number): number {
  words[0] = x;
  return ((halves[1]! >>> 20) & 0x7ff) - 1023;
}

/** The pattern nearest to a number, ties to even.
 *  @param saturate  whether what is too large becomes the largest finite number, not infinity or NaN */
export function encodeSmall(
  dtype: DType,
  value: number,
  saturate = false,
  power: PowerRounding = 'up',
): number {
  const f = formats[dtype];
  if (f === undefined) return encodePower(value, saturate, power);
  if (Number.isNaN(value)) return f.nan;
  const magnitude = Math.abs(value);
  const exponent = Math.min(Math.max(exponentOf(magnitude), 1 - f.bias), 1023);
  const units = roundHalfEven(magnitude / 2 ** (exponent - f.mantissa));
  const exact = (exponent + f.bias - 1) * 2 ** f.mantissa + units;
  const fits = magnitude !== Number.POSITIVE_INFINITY && exact <= f.top;
  const pattern = fits ? exact : saturate ? f.top : f.overflow;
  const negative = value < 0 || Object.is(value, -0);
  if (!negative || (!f.negativeZero && (pattern === 0 || pattern === f.nan))) return pattern;
  return pattern + 2 ** (f.exponent + f.mantissa);
}

/** 2^(bits − 127). Zero becomes the smallest power; negative numbers have none. */
function encodePower(value: number, saturate: boolean, rounding: PowerRounding): number {
  if (Number.isNaN(value) || value < 0) return 0xff;
  if (value === Number.POSITIVE_INFINITY) return saturate ? 0xfe : 0xff;
  if (value < 2 ** -127) return 0;
  const exponent = exponentOf(value);
  const fraction = value / 2 ** exponent;
  const up = rounding === 'up' ? fraction > 1 : rounding === 'nearest' ? fraction >= 1.5 : false;
  const bits = exponent + 127 + (up ? 1 : 0);
  return bits > 0xfe ? (saturate ? 0xfe : 0xff) : bits;
}

function decodePattern(dtype: DType, bits: number): number {
  const f = formats[dtype];
  if (f === undefined) return bits === 0xff ? Number.NaN : 2 ** (bits - 127);
  const signBit = 2 ** (f.exponent + f.mantissa);
  if (!f.negativeZero && bits === f.nan) return Number.NaN;
  const negative = bits >= signBit;
  const magnitude = negative ? bits - signBit : bits;
  if (magnitude > f.top) {
    const infinite = magnitude === f.overflow && f.overflow !== f.nan;
    return infinite ? (negative ? -1 : 1) * Number.POSITIVE_INFINITY : Number.NaN;
  }
  const biased = Math.floor(magnitude / 2 ** f.mantissa);
  const fraction = magnitude % 2 ** f.mantissa;
  const value =
    biased === 0
      ? fraction * 2 ** (1 - f.bias - f.mantissa)
      : (2 ** f.mantissa + fraction) * 2 ** (biased - f.bias - f.mantissa);
  return negative ? -value : value;
}

const tables = new Map<DType, Float64Array>();

/** The number of every pattern of a type. */
export function decodeTable(dtype: DType): Float64Array {
  let table = tables.get(dtype);
  if (table === undefined) {
    const f = formats[dtype];
    const bits = f === undefined ? 8 : 1 + f.exponent + f.mantissa;
    table = Float64Array.from({ length: 2 ** bits }, (_, pattern) => decodePattern(dtype, pattern));
    tables.set(dtype, table);
  }
  return table;
}
