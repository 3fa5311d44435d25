import type { Tensor } from '../../core/tensor.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { openProbe } from '../sensitivity/probe.ts';
import type { Grid } from '../sensitivity/rounding.ts';
import { asIn, Other } from './other.ts';
import type { Sides } from './sides.ts';

/** What a value takes over samples, in the reference and in the other model. */
export interface Observation {
  /** Smallest and largest element, all and by channel. */
  min: number;
  max: number;
  channels: { min: Float64Array; max: Float64Array };
  /** Mean square. */
  power: number;
  /** Part of the elements beyond the levels of the other model; 0 where it has none there. */
  beyond: number;
  /** Part of the elements whose size is at most a sixteenth of the largest. */
  smallShare: number;
  /** The other's numbers y as slope · x + offset, and how well that fits: correlation; null without a counterpart. */
  line: { slope: number; offset: number; correlation: number } | null;
  /** Mean square of y − x, and extremes of y; null without a counterpart. */
  other: { noise: number; min: number; max: number } | null;
}

/** Runs both models on samples and looks at values on the way.
 *  Cost: two runs of the reference and one of the other model for each sample. */
export function observe(
  sides: Sides,
  names: readonly string[],
  samples: readonly Feeds[],
  grids: ReadonlyMap<string, Grid> = new Map(),
): Promise<Map<string, Observation>> {
  return new Observer(sides, names, grids).run(samples);
}

class Observer {
  readonly #sides: Sides;
  readonly #names: readonly string[];
  /** Of the reference's names. */
  readonly #others: ReadonlyMap<string, string>;
  readonly #sums: Map<string, Sums> = new Map();
  readonly #grids: ReadonlyMap<string, Grid>;

  constructor(sides: Sides, names: readonly string[], grids: ReadonlyMap<string, Grid>) {
    this.#grids = grids;
    this.#sides = sides;
    this.#names = names;
    const others = new Map<string, string>();
    for (const [value, other] of sides.pairs.values) others.set(value.name, other.name);
    this.#others = others;
  }

  async run(samples: readonly Feeds[]): Promise<Map<string, Observation>> {
    const { reference, other } = this.#sides;
    const plan = { add: [], read: this.#names, twins: new Map() };
    const probe = await openProbe(reference.model, plan);
    const wanted = this.#names.flatMap((name) => this.#others.get(name) ?? []);
    const run = new Other(other, reference.model, wanted);
    try {
      for (const feeds of samples) {
        const exact = probe.run(feeds, new Map()).values;
        const results = run.run(feeds);
        for (const name of this.#names) {
          const at = this.#others.get(name);
          const tensor = exact.get(name)!;
          const counterpart = at === undefined ? null : asIn(tensor, results[at]);
          this.#sumsOf(name, tensor).add(tensor, counterpart);
        }
      }
    } finally {
      probe.dispose();
      run.dispose();
    }
    return new Map([...this.#sums].map(([name, sums]) => [name, sums.result()]));
  }

  #sumsOf(name: string, { dims }: Tensor): Sums {
    const known = this.#sums.get(name);
    if (known !== undefined) return known;
    const isFirst = this.#sides.reference.model.format !== 'tflite' && dims.length > 2;
    const axis = isFirst ? 1 : Math.max(dims.length - 1, 0);
    const made = new Sums(axis, this.#grids.get(name) ?? null);
    this.#sums.set(name, made);
    return made;
  }
}

const bins = 16;

class Sums {
  readonly #axis: number;
  #min = Infinity;
  #max = -Infinity;
  readonly #low: number[] = [];
  readonly #high: number[] = [];
  #count = 0;
  #paired = 0;
  #x = 0;
  #y = 0;
  #xx = 0;
  #yy = 0;
  #xy = 0;
  #squares = 0;
  #noise = 0;
  #otherMin = Infinity;
  #otherMax = -Infinity;
  readonly #samples: Float32Array[] = [];

  readonly #first: number;
  readonly #last: number;
  #beyond = 0;

  /** @param axis  of the channels */
  constructor(axis: number, grid: Grid | null) {
    this.#axis = axis;
    const half = grid === null ? 0 : grid.scale / 2;
    this.#first = grid === null ? -Infinity : (grid.min - grid.zeroPoint) * grid.scale - half;
    this.#last = grid === null ? Infinity : (grid.max - grid.zeroPoint) * grid.scale + half;
  }

  add({ data, dims }: Tensor, other: Float32Array | null): void {
    const xs = data as Float32Array;
    const inner = dims.slice(this.#axis + 1).reduce((product, size) => product * size, 1);
    const channels = dims[this.#axis] ?? 1;
    for (let i = 0; i < xs.length; i++) {
      const x = xs[i]!;
      const channel = Math.floor(i / inner) % channels;
      if (!(x >= this.#low[channel]!)) this.#low[channel] = x;
      if (!(x <= this.#high[channel]!)) this.#high[channel] = x;
      this.#squares += x * x;
      if (x < this.#first || x > this.#last) this.#beyond++;
      if (other === null) continue;
      const y = other[i]!;
      this.#x += x;
      this.#y += y;
      this.#xx += x * x;
      this.#yy += y * y;
      this.#xy += x * y;
      this.#noise += (y - x) * (y - x);
      if (y < this.#otherMin) this.#otherMin = y;
      if (y > this.#otherMax) this.#otherMax = y;
    }
    this.#min = Math.min(this.#min, ...this.#low);
    this.#max = Math.max(this.#max, ...this.#high);
    this.#count += xs.length;
    if (other !== null) this.#paired += xs.length;
    this.#samples.push(xs);
  }

  result(): Observation {
    const most = Math.max(-this.#min, this.#max) / bins;
    let small = 0;
    for (const xs of this.#samples) for (const x of xs) if (Math.abs(x) <= most) small++;
    const isPaired = this.#paired > 0;
    return {
      min: this.#min,
      max: this.#max,
      channels: { min: Float64Array.from(this.#low), max: Float64Array.from(this.#high) },
      power: this.#squares / Math.max(this.#count, 1),
      beyond: this.#beyond / Math.max(this.#count, 1),
      smallShare: small / Math.max(this.#count, 1),
      line: isPaired ? this.#line() : null,
      other: isPaired
        ? { noise: this.#noise / this.#paired, min: this.#otherMin, max: this.#otherMax }
        : null,
    };
  }

  #line(): NonNullable<Observation['line']> {
    const n = this.#paired;
    const [x, y] = [this.#x / n, this.#y / n];
    const xx = this.#xx / n - x * x;
    const yy = this.#yy / n - y * y;
    const xy = this.#xy / n - x * y;
    const slope = xx > 0 ? xy / xx : 1;
    const correlation = xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 1;
    return { slope, offset: y - slope * x, correlation };
  }
}
