import { quantizeMultiplier } from '../../kernels/int8/requantize.ts';

/** Integer arithmetic of TFLite's reference kernels: products with real factors as 31-bit multipliers and shifts. */

/** A real factor as multiplier · 2^(shift − 31). */
export interface Multiplier {
  readonly multiplier: number;
  readonly shift: number;
}

/** A real factor, rounded as TFLite rounds it. */
export function multiplierOf(factor: number): Multiplier {
  if (!(Math.abs(factor) > 0)) return { multiplier: 0, shift: 0 };
  const { multiplier, shift } = quantizeMultiplier(Math.abs(factor));
  return { multiplier: factor < 0 ? -multiplier : multiplier, shift };
}

const most = 2 ** 31 - 1;
const least = -(2 ** 31);
const half = 2 ** 30;
const whole = 2 ** 31;
/** Products below it are exact with what is added to them. */
const exact = 2 ** 52;

/** 2·a·b / 2^32 of int32, to the nearest (ties up), saturated: gemmlowp's SaturatingRoundingDoublingHighMul. Its
 *  division rounds towards zero, which makes ties of negative products go up, too. */
export function doublingHighMultiply(a: number, b: number): number {
  const product = a * b;
  const nudge = product >= 0 ? half : 1 - half;
  if (product < exact && product > -exact) return Math.trunc((product + nudge) / whole) | 0;
  if (a === least && b === least) return most;
  // a·b + nudge = (high + carry)·2^16 + low with exact numbers.
  const rest = (a & 0xffff) * b + nudge;
  const carry = Math.floor(rest / 65536);
  const low = rest - carry * 65536;
  const high = (a >> 16) * b + carry;
  const floor = Math.floor(high / 32768);
  const isExact = low === 0 && floor * 32768 === high;
  return (product < 0 && !isExact ? floor + 1 : floor) | 0;
}

/** x / 2^exponent of int32 to the nearest, ties away from zero; exponents up to 31. */
export function roundingShift(x: number, exponent: number): number {
  const mask = exponent === 31 ? most : (1 << exponent) - 1;
  const threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

/** x · factor of int32, rounded twice: MultiplyByQuantizedMultiplier. */
export function scaled(x: number, { multiplier, shift }: Multiplier): number {
  if (shift >= 0) return doublingHighMultiply(x << shift, multiplier);
  return roundingShift(doublingHighMultiply(x, multiplier), -shift);
}

/** x · factor of a sum of up to 48 bits, with the multiplier's upper 15 bits, rounded once: what 16-bit activations
 *  use. */
export function scaledWide(x: number, { multiplier, shift }: Multiplier): number {
  const reduced = multiplier < 0x7fff0000 ? (multiplier + 2 ** 15) >> 16 : 0x7fff;
  const total = 15 - shift;
  const half = 2 ** (total - 1);
  const product = x * reduced;
  if (Math.abs(product) + half < 2 ** 53) return Math.floor((product + half) / 2 ** total) | 0;
  const exact = BigInt(x) * BigInt(reduced) + BigInt(half);
  return Number(BigInt.asIntN(32, exact >> BigInt(total)));
}
