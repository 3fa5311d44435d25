import { integerRange } from '../../core/dtype.ts';
import { rangeError, typeError } from '../../core/errors.ts';
import type { LevelStorage } from '../scheme.ts';

/** What is known about a value without running anything: between which numbers it lies, or its levels.
 *  real = (level − zeroPoint) · scale. An entry of `Plan.activations` is one. */
export type GivenRange =
  | { readonly min: number; readonly max: number }
  | { readonly scale: number; readonly zeroPoint: number };

/** @throws {TypeError | RangeError} a range that is none, levels that the integers don't have */
export function checkRanges(
  ranges: Readonly<Record<string, GivenRange>>,
  storage: LevelStorage,
): ReadonlyMap<string, GivenRange> {
  if (typeof ranges !== 'object' || ranges === null)
    throw typeError('quantize.ranges', 'ranges by name', ranges);
  const { min: least, max: most } = integerRange(storage);
  for (const [name, given] of Object.entries(ranges)) {
    const where = `quantize.ranges["${name}"]`;
    if (typeof given !== 'object' || given === null)
      throw typeError(where, '{ min, max } or { scale, zeroPoint }', given);
    if ('scale' in given) {
      const { scale, zeroPoint } = given;
      if (!(Math.fround(scale) > 0 && Math.fround(scale) < Infinity))
        throw rangeError(`${where}.scale`, 'a float32 above 0', scale);
      if (!(Number.isInteger(zeroPoint) && zeroPoint >= least && zeroPoint <= most))
        throw rangeError(`${where}.zeroPoint`, `an integer ${least}..${most}`, zeroPoint);
    } else {
      const { min, max } = given;
      if (!(Number.isFinite(min) && Number.isFinite(max) && min <= max))
        throw rangeError(where, 'finite numbers min ≤ max', `${min}, ${max}`);
    }
  }
  return new Map(Object.entries(ranges));
}
