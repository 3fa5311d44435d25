import { eachElement, type ReferencesFor } from './types.ts';

interface View {
  outer: number;
  length: number;
  block: number;
  unit?: number;
  shared?: number;
}

function extremes(
  x: Float32Array,
  least: Float32Array,
  greatest: Float32Array,
  view: View,
): number {
  let nan = 0;
  eachElement(view, (element, cell) => {
    const value = x[element]!;
    if (Number.isNaN(value)) nan = 1;
    if (value < least[cell]!) least[cell] = value;
    if (value > greatest[cell]!) greatest[cell] = value;
    // −0 is written as 0.
    least[cell] = least[cell]! + 0;
    greatest[cell] = greatest[cell]! + 0;
  });
  return nan;
}

export const reduceReferences: ReferencesFor<
  | 'f32_min_max_runs'
  | 'f32_min_max_rows'
  | 'f32_moments'
  | 'f32_squared_error'
  | 'f32_abs_histogram'
> = {
  f32_min_max_runs: ({ x, least, greatest }, view) => extremes(x, least, greatest, view),
  f32_min_max_rows: ({ x, least, greatest }, view) => extremes(x, least, greatest, view),

  f32_moments({ x, moments }, { count }) {
    let sum = 0;
    let magnitude = 0;
    for (const value of x) {
      sum += value;
      magnitude += Math.abs(value);
    }
    const mean = sum / count;
    let squares = 0;
    let scale = 0;
    for (const value of x) {
      squares += (value - mean) * (value - mean);
      scale += (Math.abs(value) + Math.abs(mean)) ** 2;
    }
    moments.set([mean, squares]);
    return { moments: [magnitude * 2 ** -52, (count + 2) * scale * 2 ** -52] };
  },

  f32_squared_error({ a, b, sums }, { count }) {
    let signal = 0;
    let noise = 0;
    for (let i = 0; i < count; i++) {
      signal += a[i]! * a[i]!;
      noise += (a[i]! - b[i]!) * (a[i]! - b[i]!);
    }
    sums.set([signal, noise]);
    return { sums: [count * signal * 2 ** -52, count * noise * 2 ** -52] };
  },

  f32_abs_histogram({ x, counts }, { bins, factor }) {
    for (const value of x) {
      if (Number.isNaN(value)) continue;
      const bin = Math.min(Math.trunc(Math.fround(Math.abs(value) * factor)), bins - 1);
      counts[bin] = counts[bin]! + 1;
    }
  },
};
