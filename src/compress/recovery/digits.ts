import { volume } from '../../core/shape.ts';

/** Where a channel's number stands in the place of an element, counted from the first in memory: of the place divided by
 *  `inner`, the rest by `size`. Reshaping changes nothing about it. */
export interface Digit {
  readonly inner: number;
  readonly size: number;
}

/** Digits of a channel, the most significant first; those that follow each other in memory are one. */
export type Digits = readonly Digit[];

/** Digits in the form in which equal ones are the same: those of one value left out, neighbors as one. */
export function digitsOf(list: readonly Digit[]): Digits {
  const digits: Digit[] = [];
  for (const { inner, size } of list) {
    const last = digits.at(-1);
    if (size === 1) continue;
    if (last !== undefined && last.inner === inner * size)
      digits[digits.length - 1] = { inner, size: last.size * size };
    else digits.push({ inner, size });
  }
  return digits;
}

/** Axes of an array as digits. */
export function digitsOfAxes(axes: readonly number[], shape: readonly number[]): Digits {
  return digitsOf(
    axes.map((axis) => ({ inner: volume(shape.slice(axis + 1)), size: shape[axis]! })),
  );
}

/** The axes that digits are, those of size 1 left out; null where one is part of an axis. */
export function axesOfDigits(digits: Digits, shape: readonly number[]): number[] | null {
  const found: number[] = [];
  for (const { inner, size } of digits) {
    let product = 1;
    const own: number[] = [];
    let stride = 1;
    for (let axis = shape.length - 1; axis >= 0; stride *= shape[axis]!, axis--) {
      const length = shape[axis]!;
      if (length === 1 || stride < inner || stride >= inner * size) continue;
      product *= length;
      own.unshift(axis);
    }
    const [first] = own;
    const last = own.at(-1);
    if (first === undefined || last === undefined || product !== size) return null;
    if (volume(shape.slice(last + 1)) !== inner) return null;
    found.push(...own);
  }
  return found;
}

/** The channel of an element. */
export function channelAt(digits: Digits, place: number): number {
  let channel = 0;
  for (const { inner, size } of digits)
    channel = channel * size + (Math.floor(place / inner) % size);
  return channel;
}

/** How many channels there are. */
export function countOf(digits: Digits): number {
  return digits.reduce((product, { size }) => product * size, 1);
}

/** Whether channels lie at the same places. */
export function sameDigits(a: Digits, b: Digits): boolean {
  return (
    a.length === b.length &&
    a.every(({ inner, size }, i) => inner === b[i]!.inner && size === b[i]!.size)
  );
}
