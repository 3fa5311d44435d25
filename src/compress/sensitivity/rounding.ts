import { integerRange } from '../../core/dtype.ts';
import { roundHalfEven } from '../../core/round.ts';

/** Levels of a value: real = (level − zeroPoint) · scale, with levels from `min` to `max`. */
export interface Grid {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly min: number;
  readonly max: number;
}

/** The levels of an integer type with one scale. */
export function gridOf(
  storage: Parameters<typeof integerRange>[0],
  scale: number,
  zeroPoint: number,
): Grid {
  return { scale, zeroPoint, ...integerRange(storage) };
}

/** What levels do to numbers, apart: numbers beyond the first or last level are cut off, then all are rounded.
 *  @returns  clipped − x, and rounded − clipped */
export function errorsOf(
  data: Float32Array,
  { scale, zeroPoint, min, max }: Grid,
): { clipping: Float32Array<ArrayBuffer>; rounding: Float32Array<ArrayBuffer> } {
  const low = Math.fround((min - zeroPoint) * scale);
  const high = Math.fround((max - zeroPoint) * scale);
  const clipping = new Float32Array(data.length);
  const rounding = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const x = data[i]!;
    const level = roundHalfEven(Math.fround(x / scale)) + zeroPoint;
    const kept = Math.max(min, Math.min(max, level));
    const rounded = Math.fround((kept - zeroPoint) * scale);
    // Half a level beyond the ends is rounding still.
    const inside = level === kept ? x : x < low ? low : high;
    clipping[i] = inside - x;
    rounding[i] = rounded - inside;
  }
  return { clipping, rounding };
}

/** Mean square; 0 of nothing. */
export function powerOf(data: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i]! * data[i]!;
  return data.length === 0 ? 0 : sum / data.length;
}
