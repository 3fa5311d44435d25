import { breather } from '../../core/breathe.ts';
import { checkAborted } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Feeds } from '../../runtime/runner.ts';
import type { Parts } from '../sensitivity/parts.ts';
import { openProbe, type ProbeResult } from '../sensitivity/probe.ts';
import { errorsOf, powerOf } from '../sensitivity/rounding.ts';
import type { Attached } from './attached.ts';
import { asIn, Other } from './other.ts';
import type { Place } from './sources.ts';

export type SourceKind = 'weights' | 'bias' | 'clipping' | 'rounding';

/** One place, and one reason why numbers change there. */
export interface Source {
  readonly place: Place;
  readonly kind: SourceKind;
  /** Noise power that it makes at the place. */
  noise: number;
  /** Part of the outputs' error power: how far it moves them along the error. */
  share: number;
}

export interface Shares {
  sources: Source[];
  /** Sum of the shares: 1 where the places are all that there is. */
  explained: number;
  /** Of the outputs, over all samples: power of the reference and of the error, sums of squares. */
  outputs: { name: string; signal: number; noise: number }[];
  /** By place: mean square of the reference, and of what all noise before and at it makes of it. */
  powers: Map<string, { signal: number; noise: number }>;
}

/** A value of the reference that is looked at in the end, and the same of the other model. */
export interface Head {
  name: string;
  other: string;
}

export interface ShareOptions {
  signal?: AbortSignal | undefined;
  onStep?: (done: number, total: number, name: string) => void;
}

/** Noise of a kind below this part of the place's other one is counted with it. */
const negligible = 0.01;

/** Splits the error of a quantized model's outputs among its sources.
 *
 *  The float model is turned into the quantized one source by source, in the order in which it computes: every step adds what
 *  one source changes, given all that was changed before. What the outputs move by at a step, projected on the whole
 *  error e (⟨Δ, e⟩ / ⟨e, e⟩), is the source's share; the shares sum up to what the last step has of e, however large
 *  the error is and however the model bends. e is measured: the quantized model on its integer kernels.
 *  Cost: one run for each source and sample. Memory: one sample's values. */
export async function shareOut(
  reference: Parts,
  other: Attached,
  places: readonly Place[],
  heads: readonly Head[],
  samples: readonly Feeds[],
  { signal, onStep }: ShareOptions = {},
): Promise<Shares> {
  const names = places.map(({ name }) => name);
  const read = [...new Set([...names, ...heads.map(({ name }) => name)])];
  const twins = new Map(
    places.flatMap(({ name, weights }) => (weights === null ? [] : [[name, weights] as const])),
  );
  const reader = await openProbe(reference.model, { add: [], read, twins });
  const probe = await openProbe(reference.model, { add: names, read, twins });
  const stored = places.flatMap((place) => (place.rounded === null ? [] : [place.rounded.name]));
  const quantized = new Other(other, reference.model, [
    ...heads.map((head) => head.other),
    ...stored,
  ]);
  const outputs = heads.map(({ name }) => ({ name, signal: 0, noise: 0 }));
  const powers = new Map(names.map((name) => [name, { signal: 0, noise: 0 }]));
  const breathe = breather();
  let steps: Step[] | null = null;
  let done = 0;
  try {
    for (const feeds of samples) {
      const exact = reader.run(feeds, new Map());
      const dims = new Map(names.map((name) => [name, exact.values.get(name)!.dims]));
      const results = quantized.run(feeds);
      const errors = heads.map(({ name, other: at }, index) => {
        const before = exact.values.get(name)!;
        const after = asIn(before, results[at]);
        const error = errorOf(before, after);
        outputs[index]!.signal += sumOf(before.data as Float32Array);
        outputs[index]!.noise += sumOf(error);
        return error;
      });
      let now = probe.run(feeds, dims);
      steps ??= stepsOf(places, now);
      const added = new Map<string, Float32Array>();
      for (const step of steps) {
        await breathe();
        checkAborted(signal);
        onStep?.(++done, steps.length * samples.length, step.place.name);
        const { place } = step;
        const actual = place.rounded === null ? undefined : results[place.rounded.name];
        const change = changeOf(step, now, asIn(now.values.get(place.name)!, actual));
        step.noise += powerOf(change) / samples.length;
        if (change.every((x) => x === 0)) continue;
        const { name } = place;
        added.set(name, sum(added.get(name), change));
        const next = probe.run(feeds, dims, added);
        heads.forEach((head, index) => {
          const [a, b] = [now, next].map(({ values }) => values.get(head.name)!.data);
          step.along[index] =
            (step.along[index] ?? 0) + along(a as Float32Array, b as Float32Array, errors[index]!);
        });
        now = next;
      }
      for (const name of names) {
        const power = powers.get(name)!;
        const before = exact.values.get(name)!.data as Float32Array;
        power.signal += powerOf(before) / samples.length;
        power.noise +=
          powerOf(errorOf(exact.values.get(name)!, floats(now, name))) / samples.length;
      }
    }
  } finally {
    reader.dispose();
    probe.dispose();
    quantized.dispose();
  }
  return { ...sharesOf(steps ?? [], outputs), outputs, powers };
}

interface Step {
  place: Place;
  kind: SourceKind;
  /** Kinds that it stands for. */
  kinds: readonly SourceKind[];
  noise: number;
  /** ⟨Δ, e⟩ for each output. */
  along: number[];
}

/** What is worth a step of its own. */
function stepsOf(places: readonly Place[], base: ProbeResult): Step[] {
  const steps: Step[] = [];
  for (const place of places) {
    const powers = new Map<SourceKind, number>();
    for (const kind of ['weights', 'bias', 'clipping', 'rounding'] as const) {
      const power = powerOf(changeOf({ place, kinds: [kind] }, base));
      if (power > 0) powers.set(kind, power);
    }
    for (const [main, minor] of [
      ['weights', 'bias'],
      ['rounding', 'clipping'],
    ] as const) {
      const [large, small] = [powers.get(main) ?? 0, powers.get(minor) ?? 0];
      const isOne = small < negligible * large;
      const isOther = large < negligible * small;
      const both = [main, minor] as const;
      const step = (kind: SourceKind, kinds: readonly SourceKind[]): Step => ({
        ...{ place, kind, kinds, noise: 0, along: [] },
      });
      // Clipping depends on what comes before: it is always tried where there are levels.
      if (isOne) steps.push(step(main, both));
      else if (isOther) steps.push(step(minor, both));
      else {
        if (small > 0) steps.push(step(minor, [minor]));
        if (large > 0) steps.push(step(main, [main]));
      }
    }
  }
  return steps;
}

/** What a step adds to a place. */
function changeOf(
  { place, kinds }: Pick<Step, 'place' | 'kinds'>,
  now: ProbeResult,
  actual: Float32Array | null = null,
): Float32Array<ArrayBuffer> {
  const { name, grid } = place;
  const data = floats(now, name);
  const total = new Float32Array(data.length);
  const add = (part: Float32Array): void => {
    for (let i = 0; i < total.length; i++) total[i]! += part[i]!;
  };
  if (kinds.includes('weights') && place.weights !== null) add(now.twins.get(name)!);
  if (kinds.includes('bias') && place.bias !== null) add(spread(place, now.values.get(name)!));
  if (grid !== null && (kinds.includes('rounding') || kinds.includes('clipping'))) {
    const { rounding, clipping } = errorsOf(data, grid);
    if (kinds.includes('clipping')) add(clipping);
    if (kinds.includes('rounding')) {
      const before = data.map((x, i) => x + (kinds.includes('clipping') ? clipping[i]! : 0));
      add(settled(before, rounding, actual, grid.scale));
    }
  }
  return total;
}

/** The change to the levels that are there, where they are about those that were expected. */
function settled(
  before: Float32Array,
  rounding: Float32Array,
  actual: Float32Array | null,
  step: number,
): Float32Array {
  if (actual === null) return rounding;
  const change = before.map((x, i) => actual[i]! - x);
  const apart = powerOf(change.map((x, i) => x - rounding[i]!));
  return apart < step * step ? change : rounding;
}

/** One number for each output of a product, everywhere. */
function spread({ bias, pair }: Place, { data, dims }: Tensor): Float32Array {
  const axis = pair!.reference.outputAxis === 'second' ? 1 : dims.length - 1;
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1);
  const count = dims[axis]!;
  return Float32Array.from(
    { length: data.length },
    (_, i) => bias![Math.floor(i / inner) % count]!,
  );
}

function sharesOf(
  steps: readonly Step[],
  outputs: Shares['outputs'],
): Pick<Shares, 'sources' | 'explained'> {
  // Outputs count by their own size: noise of a large one is not worse than that of a small one.
  const weight = outputs.map(({ signal }) => (signal > 0 ? 1 / signal : 0));
  const whole = outputs.reduce((sum, { noise }, i) => sum + noise * weight[i]!, 0);
  const sources = steps.map(({ place, kind, noise, along: dots }): Source => {
    const moved = dots.reduce((sum, dot, i) => sum + dot * weight[i]!, 0);
    return { place, kind, noise, share: whole > 0 ? moved / whole : 0 };
  });
  return { sources, explained: sources.reduce((sum, { share }) => sum + share, 0) };
}

function floats({ values }: ProbeResult, name: string): Float32Array {
  return values.get(name)!.data as Float32Array;
}

function errorOf({ data }: Tensor, after: Float32Array | null): Float32Array<ArrayBuffer> {
  const before = data as Float32Array;
  return Float32Array.from(before, (x, i) => (after === null ? 0 : after[i]! - x));
}

function along(a: Float32Array, b: Float32Array, error: Float32Array): number {
  let dot = 0;
  for (let i = 0; i < a.length; i++) dot += (b[i]! - a[i]!) * error[i]!;
  return dot;
}

function sum(a: Float32Array | undefined, b: Float32Array): Float32Array {
  return a === undefined ? b : a.map((x, i) => x + b[i]!);
}

function sumOf(data: Float32Array): number {
  return powerOf(data) * data.length;
}
