import { rangeError, typeError } from '../../core/errors.ts';
import type { IntegerArray } from '../types.ts';

/** 8-bit levels; the class says whether they are signed. */
export type Levels = Int8Array | Uint8Array;

/** Zero points: one for all, or one for each row or column. */
export type ZeroPoints = number | IntegerArray | readonly number[];

/** @throws {TypeError} not an Int8Array or Uint8Array */
export function checkLevels(name: string, value: unknown): asserts value is Levels {
  if (!(value instanceof Int8Array || value instanceof Uint8Array))
    throw typeError(name, 'an Int8Array or Uint8Array', value);
}

/** The same memory as unsigned bytes: copying between classes of arrays is slow. */
export const bytesOf = (levels: Levels): Uint8Array =>
  new Uint8Array(levels.buffer, levels.byteOffset, levels.length);

export const isUnsigned = (levels: Levels): boolean => levels instanceof Uint8Array;

/** Levels in wasm memory. */
export interface LevelsAt {
  readonly address: number;
  readonly unsigned: boolean;
}

/** Whether levels of either kind are unsigned. */
export const hasUnsigned = (levels: Levels | LevelsAt): boolean =>
  'address' in levels ? levels.unsigned : isUnsigned(levels);

/** Copies `count` levels from the `from`-th on to an address in wasm memory. */
export function copyLevels(
  memory: Uint8Array,
  levels: Levels | LevelsAt,
  from: number,
  count: number,
  target: number,
): void {
  if ('address' in levels)
    memory.copyWithin(target, levels.address + from, levels.address + from + count);
  else memory.set(bytesOf(levels).subarray(from, from + count), target);
}

/** @throws {RangeError} not an integer ≥ least, or too large for a tensor in memory */
export function checkSize(name: string, value: number, least = 0): void {
  if (!Number.isSafeInteger(value) || value < least || value > 2 ** 31)
    throw rangeError(name, `an integer in ${least}..2^31`, value);
}

/** @throws {RangeError} more elements than an array may have */
export function checkElements(name: string, count: number): void {
  if (count > 2 ** 30) throw rangeError(name, 'at most 2^30 elements', count);
}

/** Zero points as integers: one, or `count`.
 *  @throws {TypeError | RangeError} of another kind, another number, or outside of the type */
export function toZeroPoints(
  name: string,
  given: ZeroPoints | undefined,
  count: number,
  unsigned: boolean,
): Int32Array {
  if (given === undefined) return new Int32Array(1);
  const values = typeof given === 'number' ? [given] : given;
  if (typeof values !== 'object' || typeof values.length !== 'number')
    throw typeError(name, 'a number or an array of integers', given);
  if (values.length !== 1 && values.length !== count)
    throw rangeError(name, `1 or ${count} values`, values.length);
  const [min, max] = unsigned ? [0, 255] : [-128, 127];
  const zeros = new Int32Array(values.length);
  for (let i = 0; i < zeros.length; i++) {
    const value = values[i]!;
    if (!Number.isInteger(value) || value < min || value > max)
      throw rangeError(name, `integers in ${min}..${max}`, value);
    zeros[i] = value;
  }
  const [first = 0] = zeros;
  return zeros.every((zero) => zero === first) ? Int32Array.of(first) : zeros;
}
