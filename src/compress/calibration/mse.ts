import { type Bins, binsOf, type Histogram } from './histogram.ts';
import type { Range, Target } from './observer.ts';

/** The range [a, b] with the least expected squared error: (b − a)² / (12 (levels − 1)²) for each number that is not
 *  zero (rounding), and its squared distance from the range for what is clipped.
 *
 *  This is convex, so it is least where the derivatives vanish: Σ (x − b)⁺ = Σ (a − x)⁺ = C (b − a) with
 *  C = n / (12 (levels − 1)²); at an end that has nothing to clip, the end is the extreme (or 0). Both ends fall as
 *  b − a grows, which bisection finds. A symmetric range has (2t)² for (b − a)².
 *  Source: OCTAV (Sakr et al. 2022) has the symmetric case, with Newton's steps. */
export function errorRange(histogram: Histogram, { levels, symmetric }: Target): Range {
  const { min, max } = histogram;
  const bins = binsOf(histogram, symmetric);
  const count = bins.counts.reduce((sum, n) => sum + n, 0);
  if (count === 0) return { min, max };
  const cost = count / (12 * (levels - 1) * (levels - 1));
  const above = tailOf(bins);
  if (symmetric) {
    // d/dt: 2 · 4 C t = 2 Σ (|x| − t)⁺
    const top = bisect(0, Math.max(-min, max), (t) => above(t) - 4 * cost * t);
    return { min: Math.max(min, -top), max: Math.min(max, top) };
  }
  const below = tailOf(mirrored(bins));
  const high = (length: number): number => bisect(0, max, (b) => above(b) - cost * length);
  const low = (length: number): number => bisect(0, -min, (a) => below(a) - cost * length);
  const length = bisect(0, max - min, (t) => high(t) + low(t) - t);
  return { min: -low(length), max: high(length) };
}

/** Σ (x − b)⁺ as a function of b ≥ 0, every number taken at the middle of its bin. O(1) after O(bins). */
function tailOf({ counts, first, width }: Bins): (b: number) => number {
  const zero = -first;
  const bins = counts.length - zero;
  const numbers = new Float64Array(bins + 1);
  const sums = new Float64Array(bins + 1);
  for (let i = bins - 1; i >= 0; i--) {
    const n = counts[zero + i]!;
    numbers[i] = numbers[i + 1]! + n;
    sums[i] = sums[i + 1]! + n * (i + 0.5);
  }
  return (b) => {
    const at = b / width;
    const from = Math.min(Math.max(Math.ceil(at - 0.5), 0), bins);
    return (sums[from]! - at * numbers[from]!) * width;
  };
}

function mirrored({ counts, first, width }: Bins): Bins {
  return { counts: counts.slice().reverse(), first: -(first + counts.length), width };
}

/** Where a falling function changes its sign in [low, high]; an end where it doesn't. */
function bisect(low: number, high: number, falling: (x: number) => number): number {
  if (!(falling(high) < 0)) return high;
  if (!(falling(low) > 0)) return low;
  let [a, b] = [low, high];
  for (let step = 0; step < 60; step++) {
    const middle = (a + b) / 2;
    if (falling(middle) > 0) a = middle;
    else b = middle;
  }
  return b;
}
