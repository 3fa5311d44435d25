import { exp, expm1, gelu, geluTanh, log, tanh } from '../generic/functions.ts';
import type { LowerContext } from '../lower/lowering.ts';
import { roundAway } from './limits.ts';
import { type Meaning, type Run, type StoredKernel, smallMeaning } from './stored.ts';

/** Functions of one number that TFLite's reference kernels look up: all 256 levels of 8 bits, computed in float32;
 *  513 places of 16 bits, with lines in between. */

const { fround } = Math;

/** Of float32 numbers, as float32. */
export type FloatFunction = (x: Float64Array) => Float64Array;

const rounded =
  (f: FloatFunction): FloatFunction =>
  (x) =>
    f(x).map(fround);

const expFloat = rounded(exp);

/** 1 / (1 + e^−x), each step rounded. */
const logistic: FloatFunction = (x) =>
  expFloat(x.map((v) => -v)).map((e) => fround(1 / fround(1 + e)));

/** The level for each of 256, in the order of their bytes. */
function table8(x: Meaning, y: Meaning, f: FloatFunction): Int16Array {
  const inverse = fround(1 / y.scale);
  const levels = Float64Array.from({ length: 256 }, (_, byte) =>
    x.min < 0 && byte > 127 ? byte - 256 : byte,
  );
  const values = f(levels.map((level) => fround(x.scale * (level - x.zero))));
  return Int16Array.from(values, (value) => {
    const level = fround(roundAway(fround(value * inverse)) + y.zero);
    return Math.trunc(Math.min(Math.max(level, y.min), y.max));
  });
}

/** Numbers as LUTPopulate has them: float32, or float64. */
type Number = (x: number) => number;

/** 513 levels over the range of 16-bit inputs, moved by half of what a line between two misses in the middle. */
export function table16(
  x: { scale: number; zero: number },
  y: { scale: number; zero: number },
  f: FloatFunction,
  precise: boolean,
): Int16Array {
  const as: Number = precise ? (v) => v : fround;
  const [low, high] = [as(x.scale * (-32768 - x.zero)), as(x.scale * (32767 - x.zero))];
  const [least, most] = [as(y.scale * (-32768 - y.zero)), as(y.scale * (32767 - y.zero))];
  const step = as(as(high - low) / 512);
  const half = as(step / 2);
  const inverse = as(65536 / as(most - least));
  const at = Float64Array.from({ length: 513 }, (_, i) => as(low + as(i * step)));
  at[512] = high;
  const values = f(at);
  const next = f(Float64Array.from({ length: 512 }, (_, i) => as(low + as((i + 1) * step))));
  const middle = f(at.subarray(0, 512).map((v) => as(v + half)));
  const limited = (v: number): number => Math.min(Math.max(v, -32768), 32767);
  return Int16Array.from({ length: 513 }, (_, i) => {
    const sample = roundAway(as(values[i]! * inverse));
    if (i === 512) return limited(sample);
    const line = roundAway(as(as(as(next[i]! * inverse) + sample) / 2));
    const miss = as(line - roundAway(as(middle[i]! * inverse)));
    return limited(sample - roundAway(as(miss / 2)));
  });
}

/** A 16-bit level by a table of 513. */
export function lookUp16(table: Int16Array, level: number): number {
  const index = 256 + (level >> 7);
  const base = table[index]!;
  const slope = ((table[index + 1]! - base) << 16) >> 16;
  return ((base + ((slope * (level & 127) + 64) >> 7)) << 16) >> 16;
}

/** A function by its tables; null for a storage that TFLite has none for. */
function byTable(c: LowerContext, f: FloatFunction, wide: FloatFunction | null): Run | null {
  const [x, y] = [smallMeaning(c.inputs[0]), smallMeaning(c.outputs[0])];
  if (x === null || y === null || x.storage !== y.storage) return null;
  if (x.storage === 'int16') {
    if (wide === null) return null;
    const table = table16(x, y, wide, false);
    return ([from], [to]) => {
      for (let i = 0; i < to!.length; i++) to![i] = lookUp16(table, from![i]!);
    };
  }
  if (x.storage !== 'int8' && x.storage !== 'uint8') return null;
  const table = table8(x, y, f);
  return ([from], [to]) => {
    for (let i = 0; i < to!.length; i++) to![i] = table[from![i]! & 255]!;
  };
}

/** ln, with the least result where there is none. */
function logarithm(c: LowerContext): FloatFunction {
  const y = smallMeaning(c.outputs[0]);
  const least = y === null ? 0 : fround((y.min - y.zero) * y.scale);
  return (x) => rounded(log)(x).map((v, i) => (x[i]! <= 0 ? least : v));
}

const kernel = (
  op: string,
  f: (c: LowerContext) => FloatFunction,
  hasWide: boolean,
): StoredKernel => ({ op, prepare: (c) => byTable(c, f(c), hasWide ? f(c) : null) });

export const tableKernels: readonly StoredKernel[] = [
  kernel('Sigmoid', () => logistic, false),
  kernel('Tanh', () => rounded(tanh), false),
  kernel('Exp', () => expFloat, true),
  kernel('Log', logarithm, true),
  kernel('Elu', () => (x) => rounded(expm1)(x).map((v, i) => (x[i]! < 0 ? v : x[i]!)), false),
  kernel(
    'Gelu',
    (c) => rounded(c.attributes.string('approximate', 'none') === 'tanh' ? geluTanh : gelu),
    false,
  ),
];
