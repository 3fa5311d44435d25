import { integerRange } from '../core/dtype.ts';
import { type AffineParameters, affineParameters } from './affine.ts';
import type { Scheme } from './scheme.ts';
import type { Slab } from './slabs.ts';

/** Shares of a range that its ends may be taken in to: 1, 0.975 … 0.45. At 4 bits the best is about 0.7 of the largest of
 *  some hundred normal numbers, and near 1 for a few. */
const shares: readonly number[] = Array.from({ length: 23 }, (_, i) => 1 - i / 40);

/** Scales with the least squared error of what they round, each chosen among shares of its range: a narrower range
 *  rounds finer and clips what is beyond it. Errors are added slab by slab, in a fixed order. */
export class Clipping {
  readonly #scheme: Scheme;
  /** Parameters of every share, for the scales from `#first` on. */
  readonly #options: readonly AffineParameters[];
  readonly #tables: readonly Table[];
  readonly #errors: Float64Array;
  readonly #first: number;

  /** @param min  least of the real numbers of each scale, from scale `first` on; finite
   *  @param max  greatest */
  constructor(scheme: Scheme, min: Float32Array, max: Float32Array, first = 0) {
    this.#scheme = scheme;
    this.#first = first;
    this.#options = shares.map((share) => {
      const scaled = (x: number): number => x * share;
      return affineParameters(min.map(scaled), max.map(scaled), scheme);
    });
    this.#tables = this.#options.map((option) => tableOf(option, scheme));
    this.#errors = new Float64Array(min.length * shares.length);
  }

  /** Adds the errors of a slab's numbers.
   *  @param importance  what an error of each number counts, as many; 1 without
   *  Cost O(numbers × shares). */
  add(reals: Float32Array, slab: Slab, importance?: Float32Array): void {
    const { outer, channels, inner } = slab;
    const block = this.#scheme.blockSize;
    const base = slab.firstScale - this.#first;
    if (block === null) {
      for (let row = 0; row < outer * channels; row++)
        this.#run(base + (row % channels), reals, row * inner, inner, importance);
      return;
    }
    const groups = Math.ceil(channels / block);
    for (let o = 0; o < outer; o++)
      for (let c = 0; c < channels; c += inner === 1 ? block : 1)
        for (let i = 0; i < inner; i++) {
          const cell = base + (o * groups + Math.floor(c / block)) * inner + i;
          const count = inner === 1 ? Math.min(block, channels - c) : 1;
          this.#run(cell, reals, (o * channels + c) * inner + i, count, importance);
        }
  }

  /** Adds the errors of consecutive numbers that have one scale. */
  #run(
    cell: number,
    reals: Float32Array,
    from: number,
    count: number,
    importance: Float32Array | undefined,
  ): void {
    for (let k = 0; k < shares.length; k++) {
      const { scale, low, high } = this.#tables[k]!;
      const [step, lowest, highest] = [scale[cell]!, low[cell]!, high[cell]!];
      let sum = 0;
      for (let at = from; at < from + count; at++) {
        const real = reals[at]!;
        const level = Math.min(highest, Math.max(lowest, Math.round(real / step)));
        const error = real - level * step;
        sum += importance === undefined ? error * error : error * error * importance[at]!;
      }
      this.#errors[cell * shares.length + k]! += sum;
    }
  }

  /** The parameters with the least errors so far; of equal ones the widest range. */
  best(): AffineParameters {
    const [whole] = this.#options;
    const scale = Float32Array.from(whole!.scale);
    const zeroPoint = new Int32Array(scale.length);
    for (let cell = 0; cell < scale.length; cell++) {
      let best = 0;
      for (let k = 1; k < shares.length; k++)
        if (this.#error(cell, k) < this.#error(cell, best)) best = k;
      scale[cell] = this.#options[best]!.scale[cell]!;
      zeroPoint[cell] = this.#options[best]!.zeroPoint?.[cell] ?? 0;
    }
    return { scale, zeroPoint: zeroPoint.every((zero) => zero === 0) ? null : zeroPoint };
  }

  #error(cell: number, share: number): number {
    return this.#errors[cell * shares.length + share]!;
  }
}

/** Scales, and how many steps below and above zero a number of each can be. */
interface Table {
  readonly scale: Float32Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

function tableOf({ scale, zeroPoint }: AffineParameters, { storage, symmetric }: Scheme): Table {
  const { min, max } = integerRange(storage);
  const high = Float64Array.from(scale, (_, i) => max - (zeroPoint?.[i] ?? 0));
  const low = high.map((most, i) => (symmetric ? -most : min - (zeroPoint?.[i] ?? 0)));
  return { scale, low, high };
}
