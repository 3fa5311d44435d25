import { decibels } from '../../core/decibels.ts';
import { volume } from '../../core/shape.ts';
import { constantOfValue } from '../../ir/constant.ts';
import { type ResolvedQuantize, resolveLayer } from '../options.ts';
import { linearLayers } from '../sensitivity/linear.ts';
import type { WeightOption } from '../sensitivity/options.ts';
import { measureSensitivity, type PlaceSensitivity } from '../sensitivity/sensitivity.ts';
import type { Context } from './context.ts';
import { type Decision, type Decisions, layersOf } from './decide.ts';

/** What such a step is called in reports. */
export const mixedBits = 'mixed-bits';

/** So many of the samples that are held back are enough to rank layers. */
const mostSamples = 4;

/** A layer whose weights would have 4 bits. */
interface Candidate {
  readonly key: string;
  readonly elements: number;
  /** Noise power that its weights add to the outputs, as a share of these: at 4 bits, and at 8. */
  readonly four: number;
  readonly eight: number;
}

/** Of the layers whose weights are to have 4 bits, lets those keep 8 where that takes most noise from the outputs for each
 *  weight, until a share of all weights has 8: each layer's own rounding error is sent through the model. The order is
 *  that of nearest rounding; what rounds better comes after.
 *  Cost: six runs for each layer and sample. */
export async function mixBits(context: Context, decisions: Decisions): Promise<Decisions> {
  const { samples, model, seed, signal, onProgress, recovery } = context;
  const { eightBits } = decisions.base;
  if (samples === null || eightBits === 0) return decisions;
  const { feeds } = await samples.judging();
  const candidates = new Map<string, number>();
  for (const { key, node, weights } of layersOf(model)) {
    const { settings, why } = decisions.of(node);
    if (settings === null || why !== null || !isNarrow(settings)) continue;
    const elements = weights.reduce((sum, value) => sum + elementsOf(value), 0);
    if (elements >= settings.minElements) candidates.set(key, elements);
  }
  const linear = new Set(linearLayers(model).map(({ key }) => key));
  if (candidates.size < 2) return decisions;
  const found = await measureSensitivity(model, feeds.slice(0, mostSamples), {
    layers: [...candidates.keys()].filter((key) => linear.has(key)),
    weights: optionsOf(decisions.base),
    seed,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const powers = found.outputs.map(({ power }) => power);
  const noises = found.layers.flatMap((layer) => noiseOf(layer, powers, candidates) ?? []);
  const raised = choose(noises, eightBits);
  if (raised.length === 0) return decisions;
  const sum = (list: readonly Candidate[], of: (item: Candidate) => number): number =>
    list.reduce((total, item) => total + of(item), 0);
  const before = sum(noises, ({ four }) => four);
  const gone = sum(raised, ({ four, eight }) => four - eight);
  const share = sum(raised, ({ elements }) => elements) / sum(noises, ({ elements }) => elements);
  recovery.push({
    kind: mixedBits,
    layers: raised.map(({ key }) => key),
    gainDb: gone < before ? decibels(before, before - gone) : null,
    note: `${(100 * share).toFixed(1)} % of the weights keep 8 bits, where 4 would cost the outputs most`,
  });
  const isStatic = decisions.base.activations !== null;
  return decisions.with(
    raised.map(({ key }): [string, Decision] => {
      const settings = resolveLayer(key, 'int8', context.given, model.format, isStatic);
      return [key, { settings, option: 'int8', why: '4 bits would cost the outputs most here' }];
    }),
  );
}

const isNarrow = ({ weights }: ResolvedQuantize): boolean =>
  weights === 'int4' || weights === 'uint4';

function elementsOf(value: Parameters<typeof constantOfValue>[0]): number {
  const constant = constantOfValue(value);
  return constant === null ? 0 : volume(constant.shape);
}

/** 8 bits as the others are to have them, and 4. */
function optionsOf({ granularity, blockSize, convBlocks }: ResolvedQuantize): WeightOption[] {
  const isBlock = granularity === 'block' && convBlocks;
  return [
    { name: '8', storage: 'int8', granularity: 'channel', blockSize: null },
    {
      name: '4',
      storage: 'int4',
      granularity: granularity === 'block' && !isBlock ? 'channel' : granularity,
      blockSize: isBlock ? blockSize : null,
    },
  ];
}

function noiseOf(
  { place, options }: PlaceSensitivity,
  powers: readonly number[],
  candidates: ReadonlyMap<string, number>,
): Candidate | null {
  const shareOf = (name: string): number | null => {
    const option = options.find((each) => each.option === name);
    if (option === undefined) return null;
    const noises = option.measured ?? option.predicted;
    return noises.reduce((sum, noise, at) => sum + (powers[at]! > 0 ? noise / powers[at]! : 0), 0);
  };
  const [four, eight, elements] = [shareOf('4'), shareOf('8'), candidates.get(place)];
  if (four === null || eight === null || elements === undefined) return null;
  return { key: place, elements, four, eight: Math.min(eight, four) };
}

/** Those with the most noise for each weight, as long as they fit. */
function choose(all: readonly Candidate[], share: number): Candidate[] {
  let room = share * all.reduce((sum, { elements }) => sum + elements, 0);
  const worth = ({ four, eight, elements }: Candidate): number => (four - eight) / elements;
  return [...all]
    .sort((a, b) => worth(b) - worth(a))
    .filter((item) => {
      if (worth(item) <= 0 || item.elements > room) return false;
      room -= item.elements;
      return true;
    });
}
