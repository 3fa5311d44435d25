import { rangeError } from '../core/errors.ts';
import { backend } from '../wasm/load.ts';
import {
  axisLayout,
  cellsOf,
  eachPart,
  elementsOf,
  type Granularity,
  type Layout,
  repetitionOf,
  tensorLayout,
} from './layout.ts';
import { checkFloats, checkLength, partElements } from './types.ts';

interface Extremes {
  min: Float32Array<ArrayBuffer>;
  max: Float32Array<ArrayBuffer>;
  nan: boolean;
}

/** The smallest and the largest number of an array. NaN is passed over, −0 counts as 0.
 *  @returns  min Infinity and max −Infinity when there is no number
 *  @throws {TypeError} x is not a Float32Array
 *  Cost O(n), at reading speed. Deterministic. */
export function minMax(x: Float32Array): { min: number; max: number } {
  checkFloats('x', x);
  const { min, max } = extremes(x, tensorLayout(x.length));
  return { min: min[0]!, max: max[0]! };
}

/** Whether an array has a NaN.
 *  @throws {TypeError} x is not a Float32Array
 *  Cost O(n), at reading speed. */
export function hasNaN(x: Float32Array): boolean {
  return extent(x).hasNaN;
}

/** `minMax` and `hasNaN` in one pass. */
export function extent(x: Float32Array): { min: number; max: number; hasNaN: boolean } {
  checkFloats('x', x);
  const { min, max, nan } = extremes(x, tensorLayout(x.length));
  return { min: min[0]!, max: max[0]!, hasNaN: nan };
}

/** Smallest and largest numbers along an axis: one for each index or, with `blockSize`, one for each block, in the
 *  order in which `quantize` takes scales. NaN is passed over, −0 counts as 0.
 *  @param x            row-major elements
 *  @param granularity  shape; axis, default 1 (0 for one axis); blockSize
 *  @returns            Infinity and −Infinity where there is no number
 *  @throws {TypeError} x is not a Float32Array
 *  @throws {RangeError} sizes that don't fit, no such axis
 *  Cost O(n). Deterministic. */
export function minMaxAxis(
  x: Float32Array,
  granularity: Granularity,
): { min: Float32Array<ArrayBuffer>; max: Float32Array<ArrayBuffer> } {
  checkFloats('x', x);
  const { min, max } = extremes(x, axisLayout(x.length, granularity));
  return { min, max };
}

function extremes(x: Float32Array, layout: Layout): Extremes {
  const { arena, simd } = backend();
  const cells = cellsOf(layout);
  const min = new Float32Array(cells).fill(Infinity);
  const max = new Float32Array(cells).fill(-Infinity);
  let nan = 0;
  eachPart(layout, partElements, (part, at, cell) => {
    const { outer, length, block, unit, shared } = part;
    const count = elementsOf(part);
    const some = cellsOf(part);
    const repetition = accumulatedRepetition(part);
    const columns = repetition === null ? some : repetition.period * repetition.copies;
    arena.withScratch([4 * count, 4 * columns, 4 * columns], (input, low, high) => {
      const { f32 } = arena.views();
      f32.set(x.subarray(at, at + count), input >>> 2);
      const lows = f32.subarray(low >>> 2, (low >>> 2) + columns);
      const highs = f32.subarray(high >>> 2, (high >>> 2) + columns);
      if (repetition === null) {
        lows.set(min.subarray(cell, cell + some));
        highs.set(max.subarray(cell, cell + some));
        nan |=
          unit === 1
            ? simd.f32_min_max_runs(input, low, high, outer, length, block, shared ? 1 : 0)
            : simd.f32_min_max_rows(input, low, high, outer, length, block, unit);
        min.set(lows, cell);
        max.set(highs, cell);
        return;
      }
      // Few columns: several steps side by side make a row, whose results are then folded into the columns'.
      const { period, steps, copies } = repetition;
      const rows = Math.floor(steps / copies);
      lows.fill(Infinity);
      highs.fill(-Infinity);
      nan |= simd.f32_min_max_rows(input, low, high, 1, rows, rows, columns);
      const rest = period * steps - rows * columns;
      if (rest > 0) {
        nan |= simd.f32_min_max_rows(input + 4 * rows * columns, low, high, 1, 1, 1, rest);
      }
      for (let i = 0; i < columns; i++) {
        const step = i % period;
        const to = cell + (unit === 1 ? Math.floor(step / block) : step);
        if (lows[i]! < min[to]!) min[to] = lows[i]!;
        if (highs[i]! > max[to]!) max[to] = highs[i]!;
      }
    });
  });
  return { min, max, nan: nan !== 0 };
}

/** Repetition whose columns are results again: what repeats once only is no gain here. */
function accumulatedRepetition(part: Layout): ReturnType<typeof repetitionOf> {
  const repetition = repetitionOf(part);
  return repetition === null || repetition.copies === 1 ? null : repetition;
}

/** Mean and population variance (divided by n), in float64.
 *  @returns  NaN for both when the array is empty or has a NaN
 *  @throws {TypeError} x is not a Float32Array
 *  Cost O(n). Deterministic: two passes over parts of 65,536 elements, combined in order.
 *  Source: Chan, Golub & LeVeque 1979. */
export function meanVariance(x: Float32Array): { mean: number; variance: number } {
  checkFloats('x', x);
  const { arena, simd } = backend();
  let seen = 0;
  let mean = Number.NaN;
  let squares = Number.NaN;
  eachPart(tensorLayout(x.length), partElements, (part, at) => {
    const count = part.length;
    arena.withScratch([4 * count, 16], (input, moments) => {
      const views = arena.views();
      views.f32.set(x.subarray(at, at + count), input >>> 2);
      simd.f32_moments(input, moments, count);
      const partMean = views.f64[moments >>> 3]!;
      const partSquares = views.f64[(moments >>> 3) + 1]!;
      if (seen === 0) {
        mean = partMean;
        squares = partSquares;
      } else {
        const difference = partMean - mean;
        const total = seen + count;
        mean += (difference * count) / total;
        squares += partSquares + ((difference * difference * seen) / total) * count;
      }
      seen += count;
    });
  });
  return { mean, variance: squares / seen };
}

/** How often each magnitude occurs: bin i counts |x| from i·w up to (i + 1)·w, where w = max / bins. What is at or
 *  beyond max is in the last bin, NaN in none. The bin is trunc(|x| · (bins / max)) in float32.
 *  @param x        elements, any length
 *  @param options  bins: 1..65,536, default 2048; max: upper end > 0, default the largest |x|
 *  @returns        counts [bins]
 *  @throws {TypeError} x is not a Float32Array
 *  @throws {RangeError} bins or max out of range
 *  Cost O(n). Deterministic. */
export function absHistogram(
  x: Float32Array,
  options: { bins?: number; max?: number } = {},
): Uint32Array<ArrayBuffer> {
  checkFloats('x', x);
  const { bins = 2048 } = options;
  if (!Number.isInteger(bins) || bins < 1 || bins > 65536)
    throw rangeError('bins', '1..65536', bins);
  const max = options.max ?? (magnitude(x) || 1);
  const factor = Math.fround(bins / max);
  if (!(max > 0 && factor > 0 && factor < Infinity)) {
    throw rangeError('max', 'a finite number > 0 with float32 bins / max', max);
  }
  const { arena, simd } = backend();
  return arena.withScratch([4 * bins, 16 * (bins + 1)], (counts, scratch) => {
    const first = counts >>> 2;
    arena.views().u32.fill(0, first, first + bins);
    eachPart(tensorLayout(x.length), partElements, (part, at) => {
      const count = part.length;
      arena.withScratch([4 * count], (input) => {
        arena.views().f32.set(x.subarray(at, at + count), input >>> 2);
        simd.f32_abs_histogram(input, counts, scratch, count, bins, factor);
      });
    });
    return arena.views().u32.slice(first, first + bins);
  });
}

function magnitude(x: Float32Array): number {
  const { min, max } = minMax(x);
  return Math.max(-min, max, 0);
}

/** Energy of a signal and of an error: Σa² and Σ(a − b)², in float64.
 *  @param a  the reference
 *  @param b  its approximation, as long
 *  @throws {TypeError} not Float32Arrays
 *  @throws {RangeError} different lengths
 *  Cost O(n). Deterministic. */
export function squaredError(a: Float32Array, b: Float32Array): { signal: number; noise: number } {
  checkFloats('a', a);
  checkFloats('b', b);
  checkLength('b', b.length, a.length);
  const { arena, simd } = backend();
  let signal = 0;
  let noise = 0;
  eachPart(tensorLayout(a.length), partElements, (part, at) => {
    const count = part.length;
    arena.withScratch([4 * count, 4 * count, 16], (left, right, sums) => {
      const views = arena.views();
      views.f32.set(a.subarray(at, at + count), left >>> 2);
      views.f32.set(b.subarray(at, at + count), right >>> 2);
      simd.f32_squared_error(left, right, sums, count);
      signal += views.f64[sums >>> 3]!;
      noise += views.f64[(sums >>> 3) + 1]!;
    });
  });
  return { signal, noise };
}
