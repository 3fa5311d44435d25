// Integer products as one would write them down, and random operands for them.
import { type Random, random } from '../../../src/core/random.ts';
import { quantizeMultiplier } from '../../../src/kernels/int8/requantize.ts';
import { multiplyByQuantizedMultiplier } from '../../reference/int8.ts';
import { rint } from '../../reference/quantize.ts';

export type Levels = Int8Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** Levels of one sign, now and then only the extremes, at any alignment. */
export function levels(count: number, unsigned: boolean, draw: Random): Levels {
  const shift = draw.below(4);
  const extreme = draw.below(4) === 0;
  const data = new Uint8Array(count + shift);
  for (let i = 0; i < data.length; i++)
    data[i] = extreme ? [0, 127, 128, 255][draw.below(4)]! : draw.below(256);
  return unsigned ? data.subarray(shift) : new Int8Array(data.buffer).subarray(shift);
}

const zeroOf = (unsigned: boolean, draw: Random): number =>
  unsigned ? [draw.below(256), 0, 255, 128][draw.below(4)]! : draw.below(256) - 128;

/** No zero point, one for all, or one for each of `count`. */
export function zeros(
  count: number,
  unsigned: boolean,
  draw: Random,
): number | Int32Array | undefined {
  const kind = draw.below(3);
  if (kind === 0) return undefined;
  if (kind === 1) return zeroOf(unsigned, draw);
  return Int32Array.from({ length: count }, () => zeroOf(unsigned, draw));
}

export function zeroAt(zero: number | ArrayLike<number> | undefined, i: number): number {
  return typeof zero === 'number'
    ? zero
    : zero === undefined
      ? 0
      : zero[zero.length === 1 ? 0 : i]!;
}

export function plainMatmul(
  a: Levels,
  b: Levels,
  m: number,
  k: number,
  n: number,
  aZero?: number | Int32Array,
  bZero?: number | Int32Array,
): Int32Array {
  const c = new Int32Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      const za = zeroAt(aZero, i);
      const zb = zeroAt(bZero, j);
      for (let p = 0; p < k; p++) sum += (a[i * k + p]! - za) * (b[p * n + j]! - zb);
      c[i * n + j] = sum;
    }
  }
  return c;
}

export interface Rule {
  scale: number | Float64Array;
  zeroPoint: number;
  type: 'int8' | 'uint8';
  min: number;
  max: number;
  rounding: 'single' | 'double';
}

export function randomRule(n: number, depth: number, draw: Random): Rule {
  const unsigned = draw.below(2) === 0;
  const shift = unsigned ? 0 : -128;
  const typical = 0.01 / Math.max(1, Math.sqrt(depth));
  const scale = (): number => typical * (draw.uniform() + 0.05);
  const [first, second] = [draw.below(256) + shift, draw.below(256) + shift];
  const whole = draw.below(2) === 0;
  return {
    scale: draw.below(2) === 0 ? scale() : Float64Array.from({ length: n }, scale),
    zeroPoint: draw.below(256) + shift,
    type: unsigned ? 'uint8' : 'int8',
    min: whole ? shift : Math.min(first, second),
    max: whole ? shift + 255 : Math.max(first, second),
    rounding: draw.below(2) === 0 ? 'single' : 'double',
  };
}

/** Levels of sums whose last axis has the scales. */
export function plainRequantize(
  sums: Int32Array,
  n: number,
  { scale, zeroPoint, min, max, rounding }: Rule,
): number[] {
  return Array.from(sums, (sum, i) => {
    const factor = zeroAt(scale, i % n);
    let level: number;
    if (rounding === 'single') {
      level = rint(Math.fround(Math.fround(sum) * Math.fround(factor)));
    } else {
      const { multiplier, shift } = quantizeMultiplier(factor);
      level = multiplyByQuantizedMultiplier(sum, multiplier, shift);
    }
    return Math.max(min, Math.min(max, level + zeroPoint));
  });
}

export { random };
