import { breather } from '../../core/breathe.ts';
import { checkAborted, rangeError } from '../../core/errors.ts';
import { type Random, random } from '../../core/random.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Model } from '../../ir/model.ts';
import { floatsOf } from '../../passes/constants.ts';
import type { Feeds } from '../../runtime/runner.ts';
import type { Progress } from '../options.ts';
import { type Adder, openAdder } from './adder.ts';
import type { LinearLayer } from './linear.ts';
import { partsOf } from './parts.ts';
import { openProbe } from './probe.ts';

/** What becomes of noise at a place in a model. Powers are mean squares of elements. */
export interface Gain {
  /** Name of the value that noise was added to: a layer's key, or that of any other value. */
  place: string;
  /** Power of the value itself. */
  power: number;
  /** Noise power at each of the model's outputs for noise power 1 at the place. */
  outputs: readonly number[];
}

export interface Gains {
  /** Power of each of the model's outputs. */
  outputs: readonly number[];
  /** Of noise like that of changed weights: random mixtures of what the layer reads. */
  layers: ReadonlyMap<string, Gain>;
  /** Of noise that knows nothing of its neighbors; where the value is exactly 0, so is the noise. */
  values: ReadonlyMap<string, Gain>;
}

export interface GainOptions {
  /** Keys of linear layers; default all. */
  layers?: readonly string[];
  /** Names of values, model inputs included; default none. */
  values?: readonly string[];
  seed?: number;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** Noise is drawn so often: how few weights happen to point matters less. */
const draws: readonly number[] = [0, 1];

/** Noise is this part of the value's root mean square: rounding is far below it, bends of activations are not felt. */
const level = 2 ** -6;

/** Measures how noise at places of a model comes out: each place has seeded noise added to it in one run for every sample,
 *  everything else being exact. Nothing is said about where the noise comes from: rounding, low rank, pruning.
 *  @param model    in real numbers; it is not changed
 *  @param samples  a few feeds; each may be a batch
 *  @throws {RangeError} no sample, no such layer or value
 *  @throws {AbortError} the signal was aborted
 *  Cost: two runs for each place and sample. Memory: that of a session that holds every
 *  place's value. Deterministic. */
export async function measureGains(
  model: Model,
  samples: readonly Feeds[],
  options: GainOptions = {},
): Promise<Gains> {
  const { seed = 0, signal, onProgress, values = [] } = options;
  if (samples.length === 0) throw rangeError('samples', 'at least one', 0);
  const parts = await partsOf(model);
  const layers = chosen(parts.layers, options.layers);
  const places: Place[] = [
    ...layers.map(([key, { key: name }]) => ({ key, name, isLayer: true })),
    ...values.map((name) => ({ key: name, name, isLayer: false })),
  ];
  const names = places.map(({ name }) => name);
  const twins = await Promise.all(
    draws.map(async (draw) => {
      const mixed = new Map<string, Float32Array>();
      const next = random(seed + draw);
      for (const [, layer] of layers) mixed.set(layer.key, await mixture(layer, next));
      return openProbe(parts.model, { add: [], read: names, twins: mixed });
    }),
  );
  const adder = await openAdder(parts.model, names);
  const sums = places.map((): Sums => ({ count: 0, power: 0, noise: 0, outputs: [] }));
  const results: Power[] = [];
  const breathe = breather();
  const total = samples.length * draws.length * places.length;
  let done = 0;
  try {
    for (const feeds of samples) {
      adder.base(feeds).forEach((output, at) => {
        results[at] ??= { count: 0, sum: 0 };
        addPower(results[at], output);
      });
      for (const draw of draws) {
        const base = twins[draw]!.run(feeds, new Map());
        for (const [at, place] of places.entries()) {
          await breathe();
          checkAborted(signal);
          const value = base.values.get(place.name)!;
          const noise = place.isLayer
            ? base.twins.get(place.name)!
            : white(value, random(seed + draw + at));
          measure(adder, feeds, place, value, noise, sums[at]!);
          done++;
          onProgress?.({ stage: 'sensitivity', done, total, name: place.key });
        }
      }
    }
  } finally {
    for (const probe of twins) probe.dispose();
    adder.dispose();
  }
  const gains = places.map(({ key }, at): [string, Gain] => [key, gainOf(key, sums[at]!, results)]);
  return {
    outputs: results.map(({ sum, count }) => sum / Math.max(count, 1)),
    layers: new Map(gains.slice(0, layers.length)),
    values: new Map(gains.slice(layers.length)),
  };
}

interface Place {
  key: string;
  /** In the copy that is taken apart. */
  name: string;
  isLayer: boolean;
}

interface Power {
  count: number;
  sum: number;
}

/** Sums of squares over samples. */
interface Sums {
  count: number;
  power: number;
  noise: number;
  outputs: number[];
}

function chosen(
  layers: ReadonlyMap<string, LinearLayer>,
  keys: readonly string[] | undefined,
): [string, LinearLayer][] {
  if (keys === undefined) return [...layers];
  return keys.map((key) => {
    const layer = layers.get(key);
    if (layer === undefined) throw rangeError('layers', 'keys of linear layers', key);
    return [key, layer];
  });
}

/** Random weights, those of each output of the same power as the layer's own. */
async function mixture(
  { constant, channel }: LinearLayer,
  next: Random,
): Promise<Float32Array<ArrayBuffer>> {
  const weights = await floatsOf(constant);
  const channels = constant.shape[channel]!;
  const inner = constant.shape.slice(channel + 1).reduce((product, size) => product * size, 1);
  const powers = new Float64Array(channels);
  const channelOf = (i: number): number => Math.floor(i / inner) % channels;
  weights.forEach((weight, i) => {
    powers[channelOf(i)]! += weight * weight;
  });
  const each = weights.length / channels;
  const sizes = powers.map((power) => Math.sqrt((3 * power) / each));
  return Float32Array.from(
    { length: weights.length },
    (_, i) => sizes[channelOf(i)]! * (2 * next.uniform() - 1),
  );
}

function white({ data }: Tensor, next: Random): Float32Array<ArrayBuffer> {
  return Float32Array.from(data as Float32Array, (x) => {
    const noise = 2 * next.uniform() - 1;
    return x === 0 ? 0 : noise;
  });
}

/** One run with noise of the right size. */
function measure(
  adder: Adder,
  feeds: Feeds,
  { name }: Place,
  value: Tensor,
  noise: Float32Array,
  sums: Sums,
): void {
  const data = value.data as Float32Array;
  const [power, unscaled] = [squares(data), squares(noise)];
  sums.count += data.length;
  sums.power += power;
  if (power === 0 || unscaled === 0) return;
  const factor = level * Math.sqrt(power / unscaled);
  const scaled = noise.map((x) => x * factor);
  sums.noise += squares(scaled);
  adder.respond(feeds, name, scaled).forEach((response, at) => {
    sums.outputs[at] = (sums.outputs[at] ?? 0) + response.squares;
  });
}

function gainOf(place: string, sums: Sums, outputs: readonly Power[]): Gain {
  const { count, power, noise } = sums;
  return {
    place,
    power: power / Math.max(count, 1),
    outputs: outputs.map((output, at) => {
      const squared = sums.outputs[at] ?? 0;
      // Both are sums over the same draws; outputs were counted once for all of them.
      return noise === 0
        ? 0
        : (squared / (draws.length * Math.max(output.count, 1))) * (count / noise);
    }),
  };
}

function addPower(power: Power, data: Float32Array | null): void {
  power.count += data?.length ?? 0;
  power.sum += data === null ? 0 : squares(data);
}

function squares(data: Float32Array): number {
  let sum = 0;
  for (const x of data) sum += x * x;
  return sum;
}
