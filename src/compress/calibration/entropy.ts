import { log } from '../../kernels/math.ts';
import { binsOf, type Histogram } from './histogram.ts';
import type { Range, Target } from './observer.ts';

/** Bins at most, numbers for each on average at least, and thresholds that are tried at most. */
const most = 2048;
const fill = 8;
const trials = 128;

/** The range, cut at ±T, whose quantization has the least relative entropy to what it cuts: P, the numbers with those
 *  beyond T at its ends, against Q, each level's numbers spread evenly over its bins that have any. Zeros count in
 *  neither: they are exact in all. A level without numbers counts as one. What the finite number of samples adds to the relative entropy on average
 *  is taken off: (bins − levels that have numbers) / 2n. Where levels are finer than bins, it is all that was seen.
 *  Source: Migacz, 8-bit inference with TensorRT, 2017. */
export function entropyRange(histogram: Histogram, target: Target): Range {
  const { min, max } = histogram;
  const { symmetric } = target;
  const levels = symmetric ? Math.ceil(target.levels / 2) : target.levels;
  const count = histogram.counts.reduce((sum, n) => sum + n, 0);
  const enough = Math.floor(count / fill);
  if (enough < levels) return { min, max };
  const { counts, first, width } = binsOf(histogram, symmetric, Math.min(most, enough));
  const zero = -first;
  const farthest = Math.max(zero, counts.length - zero);
  const step = Math.max(1, Math.ceil(farthest / trials));
  let best = Infinity;
  let threshold = farthest;
  // From the whole range down; of equals, the wider stays.
  for (let t = farthest; t > 0; t -= step) {
    const from = Math.max(zero - t, 0);
    const to = Math.min(zero + t, counts.length);
    if (to - from < levels) break;
    const divergence = divergenceOf(counts, from, to, levels);
    if (divergence < best) {
      best = divergence;
      threshold = t;
    }
  }
  const top = threshold * width;
  return { min: Math.max(min, -top), max: Math.min(max, top) };
}

/** Σ p ln(p / q) over bins from..to; Infinity if there is no number. */
function divergenceOf(counts: Float64Array, from: number, to: number, levels: number): number {
  const bins = to - from;
  const p = counts.slice(from, to);
  for (let i = 0; i < from; i++) p[0] = p[0]! + counts[i]!;
  for (let i = to; i < counts.length; i++) p[bins - 1] = p[bins - 1]! + counts[i]!;
  const total = p.reduce((sum, n) => sum + n, 0);
  const inside = counts.subarray(from, to).reduce((sum, n) => sum + n, 0);
  if (inside === 0) return Infinity;
  let degrees = 0;
  const ratios = new Float64Array(bins).fill(1);
  for (let level = 0; level < levels; level++) {
    const start = Math.floor((level * bins) / levels);
    const end = Math.floor(((level + 1) * bins) / levels);
    let sum = 0;
    let some = 0;
    for (let i = start; i < end; i++) {
      sum += counts[from + i]!;
      if (p[i]! > 0) some++;
    }
    degrees += Math.max(some - 1, 0);
    // Numbers from beyond T alone: an impossible level, were it not for this one.
    if (sum === 0) sum = 1;
    for (let i = start; i < end; i++) {
      if (p[i]! > 0) ratios[i] = (p[i]! * some * inside) / (sum * total);
    }
  }
  const logarithms = log(ratios);
  let divergence = -degrees / (2 * total);
  for (let i = 0; i < bins; i++) divergence += (p[i]! / total) * logarithms[i]!;
  return divergence;
}
