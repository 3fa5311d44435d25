import { breather } from '../../core/breathe.ts';
import { decibels } from '../../core/decibels.ts';
import { checkAborted } from '../../core/errors.ts';
import { describe } from '../../ir/edit.ts';
import type { Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { floatsOf } from '../../passes/constants.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { affineParameters } from '../affine.ts';
import type { Range } from '../calibration/index.ts';
import { findWeights } from '../weights.ts';
import { type Adder, openAdder } from './adder.ts';
import { type Gain, type GainOptions, measureGains } from './gain.ts';
import { storedAs, type WeightOption, weightOptions } from './options.ts';
import { type Parts, partsOf } from './parts.ts';
import { openProbe } from './probe.ts';
import { errorsOf, type Grid, gridOf } from './rounding.ts';
import { isRounded } from './sites.ts';

/** What one option does to the model's outputs, all else being exact. */
export interface OptionNoise {
  option: string;
  /** Bytes of the weights; null for values that are computed. */
  bytes: number | null;
  /** Noise power that it makes at the place, measured there. */
  noise: number;
  /** Predicted noise power at each output of the model: noise · gain. */
  predicted: number[];
  /** What came out with just this noise added at the place; null unless options are run. */
  measured: number[] | null;
}

export interface PlaceSensitivity {
  /** Key of a layer, or name of a value. */
  place: string;
  /** `Conv "conv_3"`, or null for a value. */
  layer: string | null;
  gain: Gain;
  options: OptionNoise[];
}

/** Noise powers are means of squares and add up: those of places together are about their sum. */
export interface Sensitivity {
  /** What is looked at: the model's outputs, but what a last Softmax or Sigmoid reads instead of its result. */
  outputs: { name: string; power: number }[];
  layers: PlaceSensitivity[];
  values: PlaceSensitivity[];
}

export interface SensitivityOptions extends Omit<GainOptions, 'values'> {
  /** Ranges of computed values that may become integers, by their names. */
  ranges?: ReadonlyMap<string, Range>;
  /** Default `weightOptions`. */
  weights?: readonly WeightOption[];
  /** Whether each option's own error is sent through the model, too, instead of trusting the gain; default true. */
  runs?: boolean;
}

/** How much each layer's weights and each value, stored in fewer bits, add to the noise of the outputs.
 *  @param model    in real numbers, as it is before weights are stored; it is not changed
 *  @param samples  a few feeds
 *  Errors are those of `measureGains`. Cost: runs for each place and sample as `measureGains` has
 *  them, one more for each option unless `runs` is false.
 *  Deterministic. */
export async function measureSensitivity(
  model: Model,
  samples: readonly Feeds[],
  options: SensitivityOptions = {},
): Promise<Sensitivity> {
  const { ranges = new Map<string, Range>(), weights = weightOptions, runs = true } = options;
  const parts = await partsOf(model);
  const places = placesOf(parts, ranges);
  const gains = await measureGains(model, samples, { ...options, values: places });
  const layers = new Map<string, PlaceSensitivity>();
  for (const [key, gain] of gains.layers) {
    const layer = describe(parts.layers.get(key)!.node);
    layers.set(key, { place: key, layer, gain, options: [] });
  }
  const values = new Map<string, PlaceSensitivity>();
  for (const [place, gain] of gains.values)
    values.set(place, { place, layer: null, gain, options: [] });
  const total = samples.length * (weights.length * layers.size + valueOptions.length * values.size);
  const breathe = breather();
  let done = 0;
  const layerNames = [...layers.keys()].map((key) => parts.layers.get(key)!.key);
  const adder = runs ? await openAdder(parts.model, [...layerNames, ...places]) : null;
  const context: Context = {
    ...{ parts, layers, values, ranges, samples, adder },
    async step(name) {
      await breathe();
      checkAborted(options.signal);
      done++;
      options.onProgress?.({ stage: 'options', done, total, name });
    },
  };
  try {
    for (const option of weights) await addWeights(context, option);
    for (const storage of valueOptions) await addValues(context, storage);
  } finally {
    adder?.dispose();
  }
  return {
    outputs: parts.heads.map((name, at) => ({ name, power: gains.outputs[at] ?? 0 })),
    layers: [...layers.values()],
    values: [...values.values()],
  };
}

/** The values that rounding does something to. */
function placesOf({ model }: Parts, ranges: ReadonlyMap<string, Range>): string[] {
  const { inputs, nodes } = model.graph;
  const isSame = (value: Value): ((other: Value) => boolean) => {
    const own = ranges.get(value.name)!;
    return ({ name }) => {
      const other = ranges.get(name);
      return other !== undefined && other.min === own.min && other.max === own.max;
    };
  };
  return [...inputs, ...nodes.flatMap(({ outputs }) => outputs)]
    .filter((value) => ranges.has(value.name) && !isRounded(value, isSame(value)))
    .map(({ name }) => name);
}

/** Weights that an option would have, less those that are there, by the layer's name in the parts. */
async function changes(
  option: WeightOption,
  { model, layers }: Parts,
): Promise<Map<string, { weights: Float32Array; bytes: number }>> {
  const axes = new Map(findWeights(model).weights.map((weight) => [weight.value, weight]));
  const found = new Map<string, { weights: Float32Array; bytes: number }>();
  for (const { key, weight, constant } of layers.values()) {
    const own = axes.get(weight);
    const stored = own === undefined ? null : await storedAs(option, constant, own);
    if (stored === null) continue;
    const exact = await floatsOf(constant);
    const weights = exact.map((real, i) => stored.weights[i]! - real);
    found.set(key, { weights, bytes: stored.bytes });
  }
  return found;
}

/** Adds an option to all layers that it fits. */
async function addWeights(c: Context, option: WeightOption): Promise<void> {
  const { parts, layers } = c;
  const stored = await changes(option, parts);
  const names = [...layers.keys()].map((key) => [key, parts.layers.get(key)!.key] as const);
  const chosen = names.filter(([, name]) => stored.has(name));
  const twins = new Map(chosen.map(([, name]) => [name, stored.get(name)!.weights]));
  const probe = await openProbe(parts.model, { add: [], read: [], twins });
  const sums = chosen.map(() => new Response());
  try {
    for (const feeds of c.samples) {
      const made = probe.run(feeds, new Map()).twins;
      for (const [at, [key, name]] of chosen.entries())
        await sums[at]!.add(c, feeds, name, made.get(name)!, `${option.name} ${key}`);
    }
  } finally {
    probe.dispose();
  }
  chosen.forEach(([key, name], at) => {
    const { gain, options } = layers.get(key)!;
    options.push(sums[at]!.result(option.name, stored.get(name)!.bytes, gain));
  });
}

const valueOptions = ['int8', 'int16'] as const;

async function addValues(c: Context, storage: (typeof valueOptions)[number]): Promise<void> {
  const names = [...c.values.keys()];
  const sums = names.map(() => new Response());
  const probe = await openProbe(c.parts.model, { add: [], read: names, twins: new Map() });
  try {
    for (const feeds of c.samples) {
      const { values } = probe.run(feeds, new Map());
      for (const [at, name] of names.entries()) {
        const data = values.get(name)!.data as Float32Array;
        const { clipping, rounding } = errorsOf(data, gridFor(storage, c.ranges.get(name)!));
        const both = rounding.map((x, i) => x + clipping[i]!);
        await sums[at]!.add(c, feeds, name, both, `${storage} ${name}`);
      }
    }
  } finally {
    probe.dispose();
  }
  names.forEach((name, at) => {
    const { gain, options } = c.values.get(name)!;
    options.push(sums[at]!.result(storage, null, gain));
  });
}

interface Context {
  parts: Parts;
  layers: ReadonlyMap<string, PlaceSensitivity>;
  values: ReadonlyMap<string, PlaceSensitivity>;
  ranges: ReadonlyMap<string, Range>;
  samples: readonly Feeds[];
  /** null where nothing is run but for the gains. */
  adder: Adder | null;
  step(name: string): Promise<void>;
}

/** Noise of one option at one place, and what came of it. */
class Response {
  #noise = 0;
  #count = 0;
  readonly #outputs: number[] = [];
  readonly #counts: number[] = [];
  #isRun = false;

  async add(
    c: Context,
    feeds: Feeds,
    place: string,
    noise: Float32Array,
    step: string,
  ): Promise<void> {
    for (const x of noise) this.#noise += x * x;
    this.#count += noise.length;
    await c.step(step);
    if (c.adder === null) return;
    this.#isRun = true;
    c.adder.respond(feeds, place, noise).forEach((sum, at) => {
      this.#outputs[at] = (this.#outputs[at] ?? 0) + sum.squares;
      this.#counts[at] = (this.#counts[at] ?? 0) + sum.count;
    });
  }

  result(option: string, bytes: number | null, gain: Gain): OptionNoise {
    const noise = this.#noise / Math.max(this.#count, 1);
    const measured = this.#outputs.map((sum, at) => sum / Math.max(this.#counts[at]!, 1));
    return {
      option,
      bytes,
      noise,
      predicted: gain.outputs.map((each) => each * noise),
      measured: this.#isRun ? measured : null,
    };
  }
}

/** int8 spans the range, int16 is around zero, as TFLite has it. */
function gridFor(storage: (typeof valueOptions)[number], { min, max }: Range): Grid {
  if (storage === 'int16') {
    const most = Math.max(-min, max);
    return gridOf(storage, most === 0 ? 1 : Math.fround(most / 32767), 0);
  }
  const { scale, zeroPoint } = affineParameters(Float32Array.of(min), Float32Array.of(max), {
    storage,
    symmetric: false,
  });
  return gridOf(storage, scale[0]!, zeroPoint?.[0] ?? 0);
}

/** One option for each place; places that are not named stay exact. */
export type Choice = ReadonlyMap<string, string>;

/** What a choice is predicted to do to each output: the sum of its noise powers, and the signal-to-noise ratio, dB; null
 *  where there is no noise. */
export function predict(
  { outputs, layers, values }: Sensitivity,
  choice: Choice,
): { name: string; noise: number; sqnrDb: number | null }[] {
  const sums = outputs.map(() => 0);
  for (const { place, options } of [...layers, ...values]) {
    const chosen = options.find(({ option }) => option === choice.get(place));
    (chosen?.measured ?? chosen?.predicted)?.forEach((noise, at) => {
      sums[at]! += noise;
    });
  }
  return outputs.map(({ name, power }, at) => ({
    name,
    noise: sums[at]!,
    sqnrDb: sums[at] === 0 ? null : decibels(power, sums[at]!),
  }));
}
