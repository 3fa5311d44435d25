import { rangeError } from '../../core/errors.ts';
import { minMax } from '../../kernels/reduce.ts';
import { entropyRange } from './entropy.ts';
import { Histogram } from './histogram.ts';
import { errorRange } from './mse.ts';
import { percentileRange } from './percentile.ts';

/** What a value is quantized to. */
export interface Target {
  /** How many integers: 256, or 255 for int8 without −128. */
  levels: number;
  /** Whether the range will be made ±max. */
  symmetric: boolean;
}

export interface Range {
  min: number;
  max: number;
}

/** Collects the range of a value over samples. */
export interface Observer {
  /** @param data     elements, row-major, in the samples' order
   *  @param samples  how many samples they are, of the same size; default 1. The range doesn't depend on how samples
   *                  are cut into calls.
   *  @param extent   their smallest and largest number, if known */
  observe(data: Float32Array, samples?: number, extent?: Range): void;
  /** The range so far: min ≤ 0 ≤ max, both finite. */
  range(): Range;
}

/** `minmax`: all that was seen. `moving-average`: the mean of the samples' minima and maxima, as onnxruntime's
 *  quantizer has it. `percentile`: all but 0.001 % of the numbers. `entropy`: the range after which least information
 *  is lost, for numbers that are spread smoothly: a few frequent ones mislead it. `mse`: the one with the least mean squared error. */
export type CalibrationMethod = 'minmax' | 'moving-average' | 'percentile' | 'entropy' | 'mse';

export const calibrationMethods: readonly CalibrationMethod[] = [
  'minmax',
  'moving-average',
  'percentile',
  'entropy',
  'mse',
];

/** An observer for one value. Numbers that are not finite are passed over. 64 KB each for the last three methods, a few
 *  bytes for the others.
 *  @throws {RangeError} no such method, fewer than two levels
 *  Cost of `observe` O(n), of `range` some milliseconds at most. Deterministic: the same bits in every runtime. */
export function makeObserver(method: CalibrationMethod, target: Target): Observer {
  if (!Number.isInteger(target.levels) || target.levels < 2)
    throw rangeError('target.levels', 'a whole number ≥ 2', target.levels);
  switch (method) {
    case 'minmax':
      return new Extremes();
    case 'moving-average':
      return new MeanExtremes();
    case 'percentile':
      return new Counting((histogram) => percentileRange(histogram, target));
    case 'entropy':
      return new Counting((histogram) => entropyRange(histogram, target));
    case 'mse':
      return new Counting((histogram) => errorRange(histogram, target));
    default:
      throw rangeError('method', calibrationMethods.join(' | '), method);
  }
}

/** Extremes of finite numbers and 0. */
function extremes(data: Float32Array, known?: Range): Range {
  const { min, max } = known ?? minMax(data);
  if (min !== -Infinity && max !== Infinity)
    return { min: Math.min(min, 0), max: Math.max(max, 0) };
  return minMaxOfFinite(data);
}

function minMaxOfFinite(data: Float32Array): Range {
  const found = { min: 0, max: 0 };
  for (const x of data) {
    if (!Number.isFinite(x)) continue;
    if (x < found.min) found.min = x;
    if (x > found.max) found.max = x;
  }
  return found;
}

class Extremes implements Observer {
  readonly #seen: Range = { min: 0, max: 0 };

  observe(data: Float32Array, _samples?: number, known?: Range): void {
    if (data.length === 0) return;
    const { min, max } = extremes(data, known);
    this.#seen.min = Math.min(this.#seen.min, min);
    this.#seen.max = Math.max(this.#seen.max, max);
  }

  range(): Range {
    return { ...this.#seen };
  }
}

class MeanExtremes implements Observer {
  #samples = 0;
  readonly #sums: Range = { min: 0, max: 0 };

  observe(data: Float32Array, samples = 1): void {
    if (data.length === 0) return;
    const size = data.length / samples;
    if (!Number.isInteger(size)) throw rangeError('samples', 'parts of equal size', samples);
    for (let at = 0; at < data.length; at += size) {
      const { min, max } = extremes(data.subarray(at, at + size));
      this.#sums.min += min;
      this.#sums.max += max;
      this.#samples++;
    }
  }

  range(): Range {
    const n = Math.max(this.#samples, 1);
    return { min: this.#sums.min / n, max: this.#sums.max / n };
  }
}

class Counting implements Observer {
  readonly #histogram: Histogram = new Histogram();
  readonly #choose: (histogram: Histogram) => Range;

  constructor(choose: (histogram: Histogram) => Range) {
    this.#choose = choose;
  }

  observe(data: Float32Array, _samples?: number, known?: Range): void {
    this.#histogram.add(data, extremes(data, known));
  }

  range(): Range {
    return this.#choose(this.#histogram);
  }
}
