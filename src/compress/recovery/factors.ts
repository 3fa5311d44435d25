import { isStatic } from '../../core/shape.ts';
import { clone } from '../../ir/clone.ts';
import { Edit } from '../../ir/edit.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { namesAround } from '../../ir/walk.ts';
import { ops } from '../../ops/index.ts';
import { inferShapes } from '../../passes/shapes.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { applyFactors } from './apply-factors.ts';
import { channelStatistics } from './channel-statistics.ts';
import type { Channels } from './channels.ts';
import { chooseFactors, type Levels } from './choose-factors.ts';
import { type Cluster, clustersOf } from './clusters.ts';
import { mapChannels } from './map-channels.ts';

/** Factors of channels that are worth trying: how they are chosen, and for which layers. */
export interface Proposal {
  /** `smooth` behind a normalization, else `equalize`. */
  readonly kind: 'equalize' | 'smooth';
  /** Factors by number, in the map of the model that they were found on and of its copies. */
  readonly factors: ReadonlyMap<number, number>;
  /** Less of it, with room in channels for samples that go further than those at hand. */
  readonly careful: ReadonlyMap<number, number>;
  /** Layers that read the channels, by their first outputs. */
  readonly layers: readonly string[];
  /** Part of the products' relative noise that is expected to go. */
  readonly gain: number;
}

/** Proposals that expect less than this of noise to go are not worth a try. */
const leastGain = 0.02;

/** Finds factors for the channels of a model's values.
 *  @param shapes   of values, by name, see `shapesFor`
 *  @param samples  a few are enough
 *  Cost: a pass over the samples; reads all weights that are multiplied with channels. */
export async function proposeFactors(
  model: Model,
  shapes: ReadonlyMap<string, readonly number[]>,
  samples: AsyncIterable<Feeds> | Iterable<Feeds>,
  levels: Levels,
  signal?: AbortSignal,
): Promise<Proposal[]> {
  const map = mapChannels(model, shapes);
  const whole: Channels = { digits: [], factors: new Int32Array(1) };
  const results = map.readers.map(({ node }) => [node.outputs[0]!, whole] as const);
  const values = new Map<Value, Channels>([...results, ...map.values]);
  const statistics = await channelStatistics(map, samples, [...values], signal);
  const proposals: Proposal[] = [];
  for (const cluster of clustersOf(map, statistics)) {
    const choice = chooseFactors(cluster, levels, 4);
    const careful = chooseFactors(cluster, levels, 3);
    const gain = choice.before - choice.after;
    if (gain > leastGain * choice.before)
      proposals.push(proposalOf(cluster, choice.factors, careful.factors, gain));
  }
  return proposals;
}

function proposalOf(
  { factors, readers, scaled }: Cluster,
  chosen: Float64Array,
  careful: Float64Array,
  gain: number,
): Proposal {
  const isNormalized = scaled.some(({ node }) => normalizations.has(node.op));
  const byNumber = (own: Float64Array): Map<number, number> =>
    new Map(factors.map((factor, i) => [factor, own[i]!]));
  return {
    kind: isNormalized ? 'smooth' : 'equalize',
    factors: byNumber(chosen),
    careful: byNumber(careful),
    layers: readers.map(({ node }) => keyOf(node)),
    gain,
  };
}

const normalizations = new Set(['LayerNormalization', 'RMSNormalization', 'Mul', 'Add']);

const keyOf = (node: Node): string => node.outputs[0]!.name;

/** Puts factors into a model that proposals were found on, or into a copy of it. What it computes stays the same but for
 *  rounding. */
export function scaleChannels(
  model: Model,
  shapes: ReadonlyMap<string, readonly number[]>,
  proposals: readonly Proposal[],
): void {
  const factors = new Map(proposals.flatMap(({ factors: own }) => [...own]));
  const edit = new Edit(model, {
    pass: 'recover',
    rule: proposals[0]?.kind ?? 'equalize',
    reason: 'channels with ranges alike lose less',
  });
  applyFactors(edit, mapChannels(model, shapes), factors, namesAround(model.graph));
  edit.commit();
}

/** Sizes of a model's values for a sample; values without static ones are left out. */
export function shapesFor(model: Model, sample: Feeds): Map<string, readonly number[]> {
  const typed = clone(model);
  const inputs = Object.fromEntries(
    Object.entries(sample).map(([name, { dims }]) => [
      model.aliases.inputs.get(name) ?? name,
      dims,
    ]),
  );
  inferShapes(typed, ops, { inputs, declared: 'ignore' });
  const shapes = new Map<string, readonly number[]>();
  for (const value of [
    ...typed.graph.inputs,
    ...typed.graph.constants,
    ...typed.graph.nodes.flatMap(({ outputs }) => outputs),
  ]) {
    const shape = value.type?.kind === 'tensor' ? value.type.shape : null;
    if (shape !== null && isStatic(shape)) shapes.set(value.name, shape);
  }
  return shapes;
}
