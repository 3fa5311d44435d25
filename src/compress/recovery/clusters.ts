import { constantOfValue, floatsNow } from '../../ir/constant.ts';
import { Node, type Value } from '../../ir/graph.ts';
import type { ChannelStatistics } from './channel-statistics.ts';
import type { ChannelMap, Channels, LinearReader, Scaled } from './channels.ts';
import { channelAt } from './digits.ts';

/** Factors that have to be chosen together: those of channels of the same values. */
export interface Cluster {
  /** Numbers of its factors. */
  readonly factors: readonly number[];
  readonly values: readonly StoredValue[];
  readonly readers: readonly ReadWeights[];
  /** Constants that change. */
  readonly scaled: readonly Scaled[];
}

/** A value as it will be stored in levels, by channels. */
export interface StoredValue {
  readonly value: Value;
  readonly statistics: ChannelStatistics;
  /** Of each channel the index among the cluster's factors; -1: it stays. */
  readonly at: Int32Array;
}

/** Weights of a product that reads the cluster's channels. */
export interface ReadWeights {
  readonly node: Node;
  readonly weights: Float32Array;
  /** Of each weight, the channel that it multiplies, and its output. */
  readonly channels: Int32Array;
  readonly outputs: Int32Array;
  readonly outputCount: number;
  /** Of each channel the index among the cluster's factors, and E[x²]. */
  readonly at: Int32Array;
  readonly power: Float64Array;
  /** Σ E[y²] over outputs. */
  readonly signal: number;
}

/** The free factors of a map, in clusters; those without a product to read them are left out. */
export function clustersOf(
  map: ChannelMap,
  statistics: ReadonlyMap<Value, ChannelStatistics>,
): Cluster[] {
  const groups = groupsOf(map);
  const clusters: Cluster[] = [];
  for (const factors of groups) {
    const index = new Map(factors.map((factor, i) => [factor, i]));
    const at = ({ factors: own }: Channels): Int32Array =>
      own.map((factor) => index.get(map.root(factor)) ?? -1);
    const touches = (channels: Channels): boolean => at(channels).some((i) => i >= 0);
    const readers = map.readers.filter(({ weight }) => touches(weight));
    const read = readers.flatMap((reader) => readOf(reader, statistics, at));
    const values: StoredValue[] = [];
    for (const [value, channels] of map.values) {
      const found = statistics.get(value);
      if (found !== undefined && touches(channels) && isStored(value))
        values.push({ value, statistics: found, at: at(channels) });
    }
    if (read.length === 0 || read.length < readers.length || values.length === 0) continue;
    clusters.push({ factors, values, readers: read, scaled: map.scaled.filter(touches) });
  }
  return clusters;
}

/** Numbers of factors that occur in the same values. */
function groupsOf(map: ChannelMap): number[][] {
  const first = new Map<number, number>();
  const find = (factor: number): number => {
    let at = factor;
    while (first.get(at) !== at) at = first.get(at)!;
    return at;
  };
  for (const [, { factors }] of map.values) {
    let before = -1;
    for (const factor of factors) {
      const root = map.root(factor);
      if (root < 0) continue;
      if (!first.has(root)) first.set(root, root);
      if (before >= 0) {
        const [a, b] = [find(before), find(root)];
        first.set(Math.max(a, b), Math.min(a, b));
      }
      before = root;
    }
  }
  const groups = new Map<number, number[]>();
  for (const factor of [...first.keys()].sort((a, b) => a - b)) {
    const root = find(factor);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [factor]);
    else group.push(factor);
  }
  return [...groups.values()];
}

function readOf(
  { node, weight, outputs }: LinearReader,
  statistics: ReadonlyMap<Value, ChannelStatistics>,
  at: (channels: Channels) => Int32Array,
): ReadWeights[] {
  const constant = constantOfValue(node.inputs[1]!);
  const weights = constant === null ? null : floatsNow(constant);
  const found = statistics.get(node.inputs[0]!);
  const result = statistics.get(node.outputs[0]!);
  if (weights === null || found === undefined || result === undefined) return [];
  const channels = Int32Array.from(weights, (_, i) => channelAt(weight.digits, i));
  const places = Int32Array.from(weights, (_, i) => channelAt(outputs, i));
  const outputCount = outputs.reduce((count, { size }) => count * size, 1);
  return [
    {
      node,
      weights,
      channels,
      outputs: places,
      outputCount,
      at: at(weight),
      power: found.power,
      signal: (sum(result.power) / result.power.length) * outputCount,
    },
  ];
}

/** Whether a value is kept in levels: a product's sums in front of a clamp are not. */
function isStored({ uses }: Value): boolean {
  const [use] = uses;
  if (uses.size !== 1 || use === undefined) return true;
  return !(use.user instanceof Node && (use.user.op === 'Relu' || use.user.op === 'Clip'));
}

const sum = (values: Float64Array): number => values.reduce((total, x) => total + x, 0);
