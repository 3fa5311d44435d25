import type { Arena } from './arena.ts';
import type { RelaxedKernels } from './kernels.ts';

/** Which integer dot product is exact here.
 *  usdot: the relaxed dot is signed × unsigned bytes; sdot: signed × signed bytes; i16: only the 16-bit dot is. */
export type Int8Mode = 'usdot' | 'sdot' | 'i16';

interface Case {
  a: readonly number[];
  b: readonly number[];
}

const repeat = (...values: number[]): number[] =>
  Array.from({ length: 16 }, (_, i) => values[i % values.length]!);

/** b in 0..127: every conforming engine agrees. A buggy one is caught here, so the accumulator is not zero. */
const inRange: readonly Case[] = [
  { a: repeat(1, -2, 3, -4), b: repeat(5, 6, 7, 8) },
  { a: repeat(127, -128), b: repeat(127, 1) },
  { a: repeat(-128), b: repeat(127) },
  { a: repeat(127), b: repeat(127) },
  { a: [1, 2, 3, 4, -5, -6, -7, -8, 9, 10, 11, 12, -13, -14, -15, -16], b: repeat(100, 0, 27, 64) },
];

/** b in 128..255, with sums that saturate where pairs are kept in 16 bits. */
const beyond: readonly Case[] = [
  { a: repeat(127), b: repeat(255) },
  { a: repeat(-128), b: repeat(255) },
  { a: repeat(127), b: repeat(128) },
  { a: repeat(-127, 127, 127, 127), b: repeat(200, 129, 255, 128) },
  { a: repeat(-128, 5), b: repeat(128, 254) },
];

const accumulators = [1_000_003, -77, 2_000_000_000, -2_000_000_000];

/** Asks the engine what its relaxed dot product computes, as versions don't tell: values, not names.
 *  Runs every case several times, since a baseline and an optimizing compiler may differ. */
export function probeInt8(kernels: RelaxedKernels, arena: Arena): Int8Mode {
  return arena.withScratch([16, 16, 16, 16], (a, b, c, target) => {
    const views = arena.views();
    const agrees = (cases: readonly Case[], byte: (value: number) => number): boolean =>
      cases.every((item) => {
        views.i8.set(item.a, a);
        views.u8.set(item.b, b);
        views.i32.set(accumulators, c >>> 2);
        kernels.relaxed_dot(a, b, c, target);
        return accumulators.every((start, lane) => {
          let sum = start;
          for (let k = 4 * lane; k < 4 * lane + 4; k++) sum += item.a[k]! * byte(item.b[k]!);
          return views.i32[(target >>> 2) + lane] === sum;
        });
      });
    const always = (cases: readonly Case[], byte: (value: number) => number): boolean => {
      for (let round = 0; round < 8; round++) if (!agrees(cases, byte)) return false;
      return true;
    };
    const unsigned = (value: number): number => value;
    const signed = (value: number): number => (value << 24) >> 24;
    if (!always(inRange, unsigned)) return 'i16';
    if (always(beyond, unsigned)) return 'usdot';
    if (always(beyond, signed)) return 'sdot';
    return 'i16';
  });
}
