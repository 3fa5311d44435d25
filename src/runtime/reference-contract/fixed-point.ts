import { doublingHighMultiply, type Multiplier, roundingShift } from './multiplier.ts';

/** gemmlowp's functions of fixed-point numbers: a raw integer of 16 or 32 bits, of which `integerBits` are before the
 *  point. Constants are its, in 32 bits; 16-bit ones are these rounded.
 *  Source: gemmlowp fixedpoint.h. */

/** Arithmetic on raw integers of one width. */
interface Width {
  readonly bits: 16 | 32;
  /** 1, or just below it, as a number without integer bits. */
  readonly one: number;
  wrap(x: number): number;
  multiply(a: number, b: number): number;
  constant(raw: number): number;
}

const wide: Width = {
  bits: 32,
  one: 2 ** 31 - 1,
  wrap: (x) => x | 0,
  multiply: doublingHighMultiply,
  constant: (raw) => raw,
};

const narrow: Width = {
  bits: 16,
  one: 2 ** 15 - 1,
  wrap: (x) => (x << 16) >> 16,
  multiply: (a, b) => {
    if (a === -32768 && b === -32768) return 32767;
    const product = a * b;
    return Math.trunc((product + (product >= 0 ? 2 ** 14 : 1 - 2 ** 14)) / 2 ** 15);
  },
  constant: (raw) => roundingShift(raw, 16),
};

/** x · 2^exponent: saturated to the left, rounded (ties away from zero) to the right. */
function rescaled({ bits, wrap }: Width, x: number, exponent: number): number {
  if (exponent <= 0) return roundingShift(x, -exponent);
  const threshold = 2 ** (bits - 1 - exponent) - 1;
  if (x > threshold) return 2 ** (bits - 1) - 1;
  if (x < -threshold) return -(2 ** (bits - 1));
  return wrap(x * 2 ** exponent);
}

/** e^a for −1/4 ≤ a < 0, both without integer bits: Taylor's series around −1/8. */
function expNearZero(w: Width, a: number): number {
  const x = w.wrap(a + 2 ** (w.bits - 4));
  const x2 = w.multiply(x, x);
  const x3 = w.multiply(x2, x);
  const x4 = w.multiply(x2, x2);
  const cubic = w.multiply(w.wrap(roundingShift(x4, 2) + x3), w.constant(715827883));
  const rest = roundingShift(w.wrap(cubic + x2), 1);
  const start = w.constant(1895147668);
  const sum = start + w.multiply(start, w.wrap(x + rest));
  return w.bits === 16 ? Math.min(Math.max(sum, -32768), 32767) : w.wrap(sum);
}

/** e^(−2^k) for k = −2 … 4. */
const powers = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242];

function exp(w: Width, a: number, integerBits: number): number {
  if (a === 0) return w.one;
  const fraction = w.bits - 1 - integerBits;
  const quarter = 2 ** (fraction - 2);
  if (integerBits > 5 && a < w.constant(-(2 ** (36 - integerBits)))) return 0;
  const near = w.wrap((a & (quarter - 1)) - quarter);
  let result = expNearZero(w, rescaled(w, near, integerBits));
  const rest = w.wrap(near - a);
  powers.forEach((power, i) => {
    const exponent = i - 2;
    if (integerBits > exponent && (rest & (1 << (fraction + exponent))) !== 0)
      result = w.multiply(result, w.constant(power));
  });
  return result;
}

/** 2 / (1 + a) for 0 ≤ a ≤ 1 with two integer bits: Newton's method. */
function reciprocal(w: Width, a: number): number {
  const half = Math.trunc((a + w.one + 1) / 2);
  const one = 2 ** (w.bits - 3);
  let x = w.wrap(w.constant(1515870810) + w.multiply(half, w.constant(-1010580540)));
  for (let i = 0; i < 3; i++) {
    const rest = w.wrap(one - w.multiply(half, x));
    x = w.wrap(x + rescaled(w, w.multiply(x, rest), 2));
  }
  return x;
}

/** 1 / (1 + a) */
function overOnePlus(w: Width, a: number): number {
  return rescaled(w, reciprocal(w, a), 1);
}

function logistic(w: Width, a: number, integerBits: number): number {
  if (a === 0) return w.constant(2 ** 30);
  const positive = overOnePlus(w, exp(w, w.wrap(-Math.abs(a)), integerBits));
  return a > 0 ? positive : w.wrap(w.one - positive);
}

function tanh(w: Width, a: number, integerBits: number): number {
  if (a === 0) return 0;
  const negative = a < 0 ? a : w.wrap(-a);
  const power = exp(w, negative, integerBits + 1);
  const t = rescaled(w, w.wrap(reciprocal(w, power) - 2 ** (w.bits - 3)), 2);
  return a < 0 ? w.wrap(-t) : t;
}

/** e^a for a ≤ 0 with `integerBits` of 32 before the point; the result has none. */
export function exp32(a: number, integerBits: number): number {
  return exp(wide, a, integerBits);
}

/** 1 / (1 + a) for 0 ≤ a ≤ 1, both 32 bits without integer bits. */
export function overOnePlus32(a: number): number {
  return overOnePlus(wide, a);
}

/** 1 / (1 + e^−a), 32 bits; the result has no integer bits. */
export function logistic32(a: number, integerBits: number): number {
  return logistic(wide, a, integerBits);
}

/** tanh a, 32 bits. */
export function tanh32(a: number, integerBits: number): number {
  return tanh(wide, a, integerBits);
}

/** 1 / (1 + e^−a), 16 bits. */
export function logistic16(a: number, integerBits: number): number {
  return logistic(narrow, a, integerBits);
}

/** tanh a, 16 bits. */
export function tanh16(a: number, integerBits: number): number {
  return tanh(narrow, a, integerBits);
}

/** 1 / √x of an int32 as a multiplier.
 *  Source: TFLite's GetInvSqrtQuantizedMultiplierExp: five of Newton's steps with three integer bits. */
export function inverseSquareRoot(input: number): Multiplier {
  if (input <= 1) return { multiplier: 2 ** 31 - 1, shift: 0 };
  let right = 11;
  let value = input;
  for (; value >= 2 ** 29; right++) value = Math.trunc(value / 4);
  const pairs = ((Math.clz32(value) - 1) >> 1) - 1;
  right -= pairs;
  value *= 2 ** (2 * pairs);
  const start = value >> 1;
  const half = roundingShift(start, 1);
  const multiply = wide.multiply;
  let x = 2 ** 28;
  for (let i = 0; i < 5; i++) {
    const cube = rescaled(wide, multiply(multiply(x, x), x), 6);
    x = rescaled(wide, (multiply(2 ** 28 + 2 ** 27, x) - multiply(half, cube)) | 0, 3);
  }
  const multiplier = multiply(x, 1518500250);
  return right < 0
    ? { multiplier: multiplier * 2 ** -right, shift: 0 }
    : { multiplier, shift: right === 0 ? 0 : -right };
}
