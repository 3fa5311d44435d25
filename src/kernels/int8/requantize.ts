import { rangeError, typeError } from '../../core/errors.ts';
import type { LibraryBackend } from '../../wasm/library.ts';

/** How int32 sums become 8-bit levels. */
export interface RequantizeOptions {
  /** Scale of the sums over the scale of the result, positive: one, or one for each output column or channel. */
  scale: number | Float32Array | Float64Array | readonly number[];
  /** Of the result, in the type's range; default 0. */
  zeroPoint?: number | undefined;
  /** Of the result; default 'int8'. */
  type?: 'int8' | 'uint8' | undefined;
  /** Least and greatest level, e.g. those of a fused activation; default the type's. */
  min?: number | undefined;
  max?: number | undefined;
  /** 'single': clamp(rint(float32(sum) · float32(scale)) + zeroPoint), ties to even, as XNNPACK and ONNX Runtime.
   *  'double': TFLite's reference kernels, with a 31-bit multiplier and two roundings, which differs by one in a
   *  few of a thousand results. Default 'single'. */
  rounding?: 'single' | 'double' | undefined;
}

/** Checked options, with a value for each column. */
export interface Requantization {
  readonly unsigned: boolean;
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
  /** Null for double rounding; perhaps the caller's own array. */
  readonly scales: Float32Array | null;
  readonly multipliers: Int32Array;
  readonly shifts: Int32Array;
}

const none = new Int32Array(0);

/** @throws {TypeError | RangeError} naming the option */
export function resolveRequantization(options: RequantizeOptions, n: number): Requantization {
  const { scale, zeroPoint = 0, type = 'int8', rounding = 'single' } = options;
  if (type !== 'int8' && type !== 'uint8') throw rangeError('type', 'int8 | uint8', type);
  if (rounding !== 'single' && rounding !== 'double')
    throw rangeError('rounding', 'single | double', rounding);
  const unsigned = type === 'uint8';
  const [least, most] = unsigned ? [0, 255] : [-128, 127];
  const level = (name: string, value: number): number => {
    if (!Number.isInteger(value) || value < least || value > most)
      throw rangeError(name, `an integer in ${least}..${most}`, value);
    return value;
  };
  const lo = level('min', options.min ?? least);
  const hi = level('max', options.max ?? most);
  if (lo > hi) throw rangeError('min', `at most ${hi}, the max`, lo);
  const base = { unsigned, zero: level('zeroPoint', zeroPoint), lo, hi };
  if (rounding === 'single' && scale instanceof Float32Array && scale.length === n) {
    // As it is: a small product takes less time than copies of its scales.
    for (let j = 0; j < n; j++) positive(scale[j]!);
    return { ...base, scales: scale, multipliers: none, shifts: none };
  }
  const given = toScales(scale, n);
  if (rounding === 'single')
    return { ...base, scales: new Float32Array(given), multipliers: none, shifts: none };
  const multipliers = new Int32Array(n);
  const shifts = new Int32Array(n);
  given.forEach((value, j) => {
    const { multiplier, shift } = quantizeMultiplier(value);
    multipliers[j] = multiplier;
    shifts[j] = shift;
  });
  return { ...base, scales: null, multipliers, shifts };
}

function toScales(scale: RequantizeOptions['scale'], n: number): Float64Array {
  if (typeof scale === 'number') return new Float64Array(n).fill(positive(scale));
  const values = scale;
  if (typeof values !== 'object' || values === null || typeof values.length !== 'number')
    throw typeError('scale', 'a number or an array of numbers', scale);
  if (values.length !== 1 && values.length !== n)
    throw rangeError('scale', `1 or ${n} values`, values.length);
  const scales = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    scales[j] = positive(values[values.length === 1 ? 0 : j]!);
  }
  return scales;
}

function positive(scale: number): number {
  if (!(scale > 0 && Math.fround(scale) < Infinity))
    throw rangeError('scale', 'positive finite numbers', scale);
  return scale;
}

/** A positive number as multiplier · 2^(shift − 31), the multiplier in 2^30..2^31−1.
 *  Source: QuantizeMultiplier of TFLite: frexp, then round(fraction · 2^31), halves away from zero. */
export function quantizeMultiplier(value: number): { multiplier: number; shift: number } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const exponent = ((bits.getUint32(0) >>> 20) & 0x7ff) - 1022;
  // A subnormal is far below what 31 places hold.
  if (exponent < -31) return { multiplier: 0, shift: 0 };
  bits.setUint32(0, (bits.getUint32(0) & 0x800fffff) | (1022 << 20));
  const multiplier = Math.floor(bits.getFloat64(0) * 2 ** 31 + 0.5);
  const carried = multiplier === 2 ** 31;
  const shift = exponent + (carried ? 1 : 0);
  if (shift < -31) return { multiplier: 0, shift: 0 };
  // Beyond 30 places to the left nothing but saturation is left, as in TFLite.
  if (shift > 30) return { multiplier: 2 ** 31 - 1, shift: 30 };
  return { multiplier: carried ? 2 ** 30 : multiplier, shift };
}

/** Sums at c [m, n] → levels at y [m, n], with the parameters of columns from `first` on. */
export function requantize(
  { arena, simd }: LibraryBackend,
  { scales, multipliers, shifts, zero, lo, hi }: Requantization,
  c: number,
  y: number,
  m: number,
  n: number,
  first: number,
): void {
  arena.withScratch([4 * n, 4 * n], (s, t) => {
    const { f32, i32 } = arena.views();
    if (scales !== null) {
      f32.set(scales.subarray(first, first + n), s >>> 2);
      simd.i32_q8_requantize(c, y, s, m, n, zero, lo, hi);
    } else {
      i32.set(multipliers.subarray(first, first + n), s >>> 2);
      i32.set(shifts.subarray(first, first + n), t >>> 2);
      simd.i32_q8_requantize_double(c, y, s, t, m, n, zero, lo, hi);
    }
  });
}
