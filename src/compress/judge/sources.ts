import { breather } from '../../core/breathe.ts';
import { decibels } from '../../core/decibels.ts';
import { checkAborted } from '../../core/errors.ts';
import type { Model } from '../../ir/model.ts';
import type { Feeds } from '../../runtime/runner.ts';
import type { Progress } from '../options.ts';
import { openAdder } from '../sensitivity/adder.ts';
import { partsOf } from '../sensitivity/parts.ts';
import { openProbe } from '../sensitivity/probe.ts';
import { errorsOf, type Grid } from '../sensitivity/rounding.ts';

/** One thing that is rounded, and what comes of it alone. */
export interface Source {
  /** `layer`: nothing of its own, but a product that can be left real. */
  kind: 'value' | 'weights' | 'layer';
  /** Name of the value, or key of the layer. */
  place: string;
  /** Sums of squares of what it does to each output. */
  noise: readonly number[];
}

export interface Sources {
  /** Sums of squares of the outputs themselves (or of what a last Softmax reads). */
  signal: readonly number[];
  sources: Source[];
}

export interface SourceOptions {
  /** What the weights of layers change by, by the layers' keys. */
  weights: ReadonlyMap<string, Float32Array>;
  /** Levels of values, by their names. */
  values: ReadonlyMap<string, Grid>;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** Sends each rounding's own error through the float model and looks at what comes out.
 *  Cost: a run for each layer, value and sample; a session that holds all of them. */
export async function measureSources(
  model: Model,
  samples: readonly Feeds[],
  { weights, values, signal, onProgress }: SourceOptions,
): Promise<Sources> {
  const parts = await partsOf(model);
  const layers = [...weights].flatMap(([key, error]) => {
    const name = parts.layers.get(key)?.key;
    return name === undefined ? [] : [{ key, name, error }];
  });
  const made = parts.model.graph.nodes.flatMap(({ outputs }) => outputs);
  const known = new Set([...parts.model.graph.inputs, ...made].map(({ name }) => name));
  const places = [...values].filter(([name]) => known.has(name));
  const names = places.map(([name]) => name);
  const probe = await openProbe(parts.model, {
    add: [],
    read: names,
    twins: new Map(layers.map(({ name, error }) => [name, error])),
  });
  const adder = await openAdder(parts.model, [...layers.map(({ name }) => name), ...names]);
  const sources: { kind: Source['kind']; place: string; noise: number[] }[] = [];
  const sums: number[] = [];
  const add = (index: number, kind: Source['kind'], place: string, at: number[]): void => {
    const source = sources[index] ?? { kind, place, noise: at.map(() => 0) };
    sources[index] = source;
    at.forEach((squares, output) => {
      source.noise[output]! += squares;
    });
  };
  const breathe = breather();
  const total = samples.length * (layers.length + places.length);
  let done = 0;
  const step = async (name: string): Promise<void> => {
    await breathe();
    checkAborted(signal);
    onProgress?.({ stage: 'find what loses', done: ++done, total, name });
  };
  try {
    for (const feeds of samples) {
      const exact = probe.run(feeds, new Map());
      for (const [at, output] of adder.base(feeds).entries())
        sums[at] = (sums[at] ?? 0) + (output === null ? 0 : squaresOf(output));
      const respond = (name: string, error: Float32Array): number[] =>
        adder.respond(feeds, name, error).map(({ squares }) => squares);
      for (const [i, { key, name }] of layers.entries()) {
        await step(key);
        add(i, 'weights', key, respond(name, exact.twins.get(name)!));
      }
      for (const [i, [name, grid]] of places.entries()) {
        await step(name);
        const { data } = exact.values.get(name)!;
        if (!(data instanceof Float32Array)) continue;
        const { clipping, rounding } = errorsOf(data, grid);
        const error = rounding.map((x, k) => x + clipping[k]!);
        add(layers.length + i, 'value', name, respond(name, error));
      }
    }
  } finally {
    probe.dispose();
    adder.dispose();
  }
  return { signal: sums, sources: sources.filter((source) => source !== undefined) };
}

/** Least ratio of the outputs with just one source, dB. */
export function aloneDb({ noise }: Source, signal: readonly number[]): number {
  const each = noise.map((sum, at) => decibels(signal[at] ?? 0, sum));
  return Math.min(Infinity, ...each.filter((ratio) => !Number.isNaN(ratio)));
}

function squaresOf(data: Float32Array): number {
  let sum = 0;
  for (const x of data) sum += x * x;
  return sum;
}
