import { binsOf, type Histogram } from './histogram.ts';
import type { Range, Target } from './observer.ts';

/** One of so many numbers is cut: the default of onnxruntime's quantizer. */
const rarity = 100_000;

/** The range of all but 0.001 % of the numbers, zeros included: half of them cut at each end, or the largest magnitudes
 *  for a symmetric range. Ends are the outer edges of bins, within the extremes. */
export function percentileRange(
  histogram: Histogram,
  { symmetric }: Pick<Target, 'symmetric'>,
): Range {
  const { counts, first, width } = binsOf(histogram, symmetric);
  const { min, max, zeros } = histogram;
  const total = counts.reduce((sum, count) => sum + count, zeros);
  const cut = total / (symmetric ? rarity : 2 * rarity);
  const zero = -first;
  const high = lastAbove(counts, zero, cut);
  if (symmetric) {
    const top = high * width;
    return { min: Math.max(min, -top), max: Math.min(max, top) };
  }
  // The same from the other end.
  const low = lastAbove(counts.slice().reverse(), counts.length - zero, cut);
  return { min: Math.max(min, -low * width), max: Math.min(max, high * width) };
}

/** How many bins from `zero` on it takes for at most `cut` numbers to lie beyond them. */
function lastAbove(counts: Float64Array, zero: number, cut: number): number {
  let beyond = 0;
  for (let i = counts.length - 1; i >= zero; i--) {
    beyond += counts[i]!;
    if (beyond > cut) return i + 1 - zero;
  }
  return 0;
}
