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

/** The first five have b in 0..127, where every conforming engine agrees. A buggy one is caught there, as the
 *  accumulator is not zero. The others have b in 128..255, with sums that saturate where pairs are kept in 16 bits. */
const cases: readonly Case[] = [
  { a: repeat(1, -2, 3, -4), b: repeat(5, 6, 7, 8) },
  { a: repeat(127, -128), b: repeat(127, 1) },
  { a: repeat(-128), b: repeat(127) },
  { a: repeat(127), b: repeat(127) },
  { a: [1, 2, 3, 4, -5, -6, -7, -8, 9, 10, 11, 12, -13, -14, -15, -16], b: repeat(100, 0, 27, 64) },
  { a: repeat(127), b: repeat(255) },
  { a: repeat(-128), b: repeat(255) },
  { a: repeat(-128), b: repeat(128) },
  { a: repeat(-127, 127, 127, 127), b: repeat(200, 129, 255, 128) },
  { a: repeat(-128, 5), b: repeat(128, 254) },
];

const accumulators = [1_000_003, -77, 2_000_000_000, -2_000_000_000];
/** A baseline and an optimizing compiler may differ, so that one look is not enough. */
const rounds = 8;

/** Asks the engine what its relaxed dot product computes, as versions don't tell: values, not names. */
export function probeInt8(kernels: Pick<RelaxedKernels, 'relaxed_dot'>, arena: Arena): Int8Mode {
  return arena.withScratch([16, 16, 16, 16], (a, b, c, target) => {
    const { i8, u8, i32 } = arena.views();
    let unsigned = true;
    let signed = true;
    for (let round = 0; round < rounds; round++) {
      for (const item of cases) {
        i8.set(item.a, a);
        u8.set(item.b, b);
        i32.set(accumulators, c >>> 2);
        kernels.relaxed_dot(a, b, c, target);
        for (const [lane, start] of accumulators.entries()) {
          const got = i32[(target >>> 2) + lane];
          unsigned &&= got === dot(item, lane, start, (byte) => byte);
          signed &&= got === dot(item, lane, start, (byte) => (byte << 24) >> 24);
        }
      }
    }
    return unsigned ? 'usdot' : signed ? 'sdot' : 'i16';
  });
}

function dot(item: Case, lane: number, start: number, read: (byte: number) => number): number {
  let sum = start;
  for (let k = 4 * lane; k < 4 * lane + 4; k++) sum += item.a[k]! * read(item.b[k]!);
  return sum;
}
