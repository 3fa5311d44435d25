import type { Cluster, ReadWeights, StoredValue } from './clusters.ts';

/** How values and weights will be stored. */
export interface Levels {
  /** Steps of a value's range; null: values stay real. */
  readonly activations: number | null;
  /** Steps from 0 to the largest weight: 127, 7. */
  readonly weights: number;
  /** Whether each output has its own steps. */
  readonly byOutput: boolean;
}

/** Factors of a cluster, and how much less noise products will add with them, as a share of their results' power. */
export interface Choice {
  readonly factors: Float64Array;
  readonly before: number;
  readonly after: number;
}

/** Largest and smallest factor: beyond it float32 products would lose digits in some runtimes' sums. */
const limit = 2 ** 10;

/** Takes the candidate with which the levels' steps make the least noise: all ranges alike to some degree (how far, by
 *  quarters), with or without regard to the weights that multiply a channel.
 *  @param mostQuarters  4: ranges may be quite alike, which leaves no channel room for samples that go further
 *  Source: Nagel et al. 2019, section 4.1 (ranges of weights); Xiao et al. 2022, equation 4 (of values and weights). */
export function chooseFactors(cluster: Cluster, levels: Levels, mostQuarters: 3 | 4): Choice {
  const ranges = rangesOf(cluster);
  const weights = largestWeights(cluster);
  const none = new Float64Array(cluster.factors.length).fill(1);
  const before = noiseOf(cluster, none, levels);
  let best: Choice = { factors: none, before, after: before };
  const consider = (factors: Float64Array): void => {
    const limited = factors.map((x) => Math.fround(Math.min(limit, Math.max(1 / limit, x))));
    const after = noiseOf(cluster, limited, levels);
    if (after < best.after) best = { factors: limited, before, after };
  };
  for (let quarters = 1; quarters <= mostQuarters; quarters++) {
    const alike = ranges.map((x) => quarterPower(x, quarters));
    consider(alike);
    if (quarters === 4) continue;
    const shared = alike.map((x, i) => x / quarterPower(weights[i]!, 4 - quarters));
    const most = shared.reduce((found, x, i) => Math.max(found, ranges[i]! / x), 0);
    consider(shared.map((x) => x * most));
  }
  return best;
}

/** x^(n/4) */
function quarterPower(x: number, quarters: number): number {
  const half = Math.sqrt(x);
  const quarter = Math.sqrt(half);
  return [1, quarter, half, half * quarter, x][quarters]!;
}

/** How much of its values' ranges a channel takes, the most of all: 1 for the largest; for channels of nothing but zeros, as
 *  for the smallest other. */
function rangesOf({ factors, values }: Cluster): Float64Array {
  const ranges = new Float64Array(factors.length);
  for (const { statistics, at } of values) {
    const { min, max } = statistics;
    const [low, high] = [Math.min(...min), Math.max(...max)];
    at.forEach((factor, channel) => {
      if (factor < 0) return;
      const above = high > 0 ? Math.max(0, max[channel]!) / high : 0;
      const below = low < 0 ? Math.min(0, min[channel]!) / low : 0;
      ranges[factor] = Math.max(ranges[factor]!, above, below);
    });
  }
  return withoutZeros(ranges);
}

function largestWeights({ factors, readers }: Cluster): Float64Array {
  const largest = new Float64Array(factors.length);
  for (const { weights, channels, at } of readers) {
    const most = weights.reduce((found, x) => Math.max(found, Math.abs(x)), 0);
    weights.forEach((x, i) => {
      const factor = at[channels[i]!]!;
      if (factor >= 0 && most > 0) largest[factor] = Math.max(largest[factor]!, Math.abs(x) / most);
    });
  }
  return withoutZeros(largest);
}

function withoutZeros(values: Float64Array): Float64Array {
  const least = values.reduce((found, x) => (x > 0 ? Math.min(found, x) : found), 1);
  return values.map((x) => (x > 0 ? x : least));
}

/** Noise that products add, each relative to its result: of the steps of what they read, and of their weights. Values that
 *  no product reads count with what the others make of their channels. */
function noiseOf(cluster: Cluster, factors: Float64Array, levels: Levels): number {
  const { values, readers } = cluster;
  const gains = new Float64Array(factors.length);
  let noise = 0;
  for (const reader of readers) {
    const energy = energyOf(reader);
    const { signal } = reader;
    if (!(signal > 0)) continue;
    noise += weightNoise(reader, factors, levels) / signal;
    energy.forEach((x, channel) => {
      const factor = reader.at[channel]!;
      if (factor >= 0) gains[factor]! += x / signal;
    });
  }
  if (levels.activations === null) return noise;
  for (const value of values) {
    const step = rangeWith(value, factors) / levels.activations;
    for (const factor of value.at)
      if (factor >= 0) noise += ((step * step) / 12) * factors[factor]! ** 2 * gains[factor]!;
  }
  return noise;
}

/** Σ of the squares of the weights of each channel. */
function energyOf({ weights, channels, power }: ReadWeights): Float64Array {
  const energy = new Float64Array(power.length);
  weights.forEach((x, i) => {
    energy[channels[i]!]! += x * x;
  });
  return energy;
}

function weightNoise(
  { weights, channels, outputs, outputCount, at, power }: ReadWeights,
  factors: Float64Array,
  { weights: steps, byOutput }: Levels,
): number {
  const factorOf = (channel: number): number => (at[channel]! < 0 ? 1 : factors[at[channel]!]!);
  const own = power.map((_, channel) => factorOf(channel));
  const largest = new Float64Array(outputCount);
  const read = new Float64Array(outputCount);
  weights.forEach((x, i) => {
    const [channel, output] = [channels[i]!, outputs[i]!];
    largest[output] = Math.max(largest[output]!, Math.abs(x) * own[channel]!);
    read[output]! += power[channel]! / (own[channel]! * own[channel]!);
  });
  const most = Math.max(...largest);
  let noise = 0;
  for (let output = 0; output < outputCount; output++) {
    const step = (byOutput ? largest[output]! : most) / steps;
    noise += ((step * step) / 12) * read[output]!;
  }
  return noise;
}

function rangeWith({ statistics: { min, max }, at }: StoredValue, factors: Float64Array): number {
  let [low, high] = [0, 0];
  at.forEach((factor, channel) => {
    const by = factor < 0 ? 1 : factors[factor]!;
    low = Math.min(low, min[channel]! / by);
    high = Math.max(high, max[channel]! / by);
  });
  return high - low;
}
