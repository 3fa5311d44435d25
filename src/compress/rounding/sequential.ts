import { breather } from '../../core/breathe.ts';
import { decibels } from '../../core/decibels.ts';
import { checkAborted } from '../../core/errors.ts';
import { volume } from '../../core/shape.ts';
import { bytesOf } from '../../core/tensor.ts';
import { clone } from '../../ir/clone.ts';
import { type Constant, constantOf, constantOfValue } from '../../ir/constant.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import { realsOf } from '../../ir/levels.ts';
import type { Model } from '../../ir/model.ts';
import { shapeOf } from '../../ir/types.ts';
import { floatsOf } from '../../passes/constants.ts';
import type { LayerRounding } from '../../report/report.ts';
import { loadWeights } from '../../runtime/prepare.ts';
import type { Feeds } from '../../runtime/runner.ts';
import type { AffineParameters } from '../affine.ts';
import { batchOf } from '../calibration/watch.ts';
import type { Progress } from '../options.ts';
import { partOf } from '../pipeline/samples.ts';
import { quantizationOf, quantizedConstant } from '../quantized.ts';
import type { Scheme } from '../scheme.ts';
import { isBias } from '../slots.ts';
import { type Reader, readerOf } from '../statistics/reader.ts';
import { gather, momentsOf } from './joint.ts';
import { roundWeights } from './layer.ts';
import { levelsConstant } from './levels-constant.ts';
import type { Rounding } from './round.ts';
import { bytesBetween, canWalk, Walk } from './walk.ts';

/** A weight that is going to be quantized, and how. */
export interface Wish {
  readonly scheme: Scheme;
  readonly parameters: AffineParameters;
  readonly rounding: Rounding;
}

/** A weight's levels as rounding chose them. */
export interface RoundedWeight {
  readonly method: Exclude<Rounding, 'nearest'>;
  /** Levels as they are stored but for packing, in the order of the weight. */
  readonly levels: Int16Array;
  readonly parameters: AffineParameters;
  /** Signal-to-noise ratios of the layer's output: as it would be with nearest levels, and as it is; null for no
   *  noise. */
  readonly nearestDb: number | null;
  readonly outputDb: number | null;
  /** Biases that go with it: they take up the mean error; null where the layer has none. */
  readonly bias: Float32Array | null;
}

/** What a report says of it. */
export function reportOf({ method, nearestDb, outputDb }: RoundedWeight): LayerRounding {
  return { method, nearestDb, outputDb };
}

export interface RoundOptions {
  seed?: number;
  /** Whether layers make up for what rounding did to those before them; default true. Without it they read what they do in
   *  the real model. */
  prefix?: boolean;
  /** Whether biases are corrected; default true. */
  biases?: boolean;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** Most samples that are held, and bytes of values between two layers. */
const mostSamples = 256;
const mostBytes = 2 ** 29;
/** Longer vectors are taken not to depend on each other: K² numbers would not fit. */
const longest = 4608;

/** Rounds the weights of a model's layers in order. A layer reads what the layers before it, rounded already, make, and is
 *  to give what it gives in the real model: it makes up for their errors as far as it can. Weights that several
 *  operators use, or that are not an operand themselves, get their nearest levels.
 *  @param model   the real model; it is not changed
 *  @param wishes  by name of the constant
 *  @param isFull  whether int4 has −8, too
 *  @returns  by name of the constant; those that are not in it are to be rounded to the nearest level
 *  @throws {NumericError} NaN; {AbortError} the signal was aborted
 *  Cost: two runs of the model over up to 256 samples; outputs·K² and 10·K³ for each layer. Memory: the weights, the
 *  samples, and what is between two layers for all of them.
 *  Sources: GPTQ (Frantar et al. 2023) on the moments of the quantized prefix, with the real model's outputs as targets
 *  (Li et al. 2025, GPTAQ). */
export async function roundLayers(
  model: Model,
  wishes: ReadonlyMap<string, Wish>,
  samples: AsyncIterable<Feeds>,
  isFull: boolean,
  { seed = 0, prefix = true, biases = true, signal, onProgress }: RoundOptions = {},
): Promise<Map<string, RoundedWeight>> {
  const rounded = new Map<string, RoundedWeight>();
  const held = clone(model);
  await loadWeights(held);
  const jobs = jobsOf(held.graph, wishes);
  if (jobs.size === 0 || !canWalk(held)) return rounded;
  const feeds = await firstOf(held, samples);
  if (feeds.length === 0) return rounded;
  const batches = feeds.map(batchOf);
  const [real, coarse] = [new Walk(held, feeds), new Walk(held, feeds)];
  for (const value of constantsOf(held.graph)) {
    const wish = wishes.get(value.name);
    const constant = constantOfValue(value);
    if (wish !== undefined && constant !== null)
      coarse.replace(value.name, nearest(constant, wish));
  }
  const breathe = breather();
  const pause = async (): Promise<void> => {
    await breathe();
    checkAborted(signal);
  };
  let done = 0;
  for (const [node, job] of jobs) {
    await pause();
    const name = node.outputs[0]!.name;
    onProgress?.({ stage: 'round', done: done++, total: jobs.size, name });
    const a = await real.before(node, node.inputs[0]!, signal);
    const b = prefix ? await coarse.before(node, node.inputs[0]!, signal) : a;
    const joint = gather(job.reader, a, b, batches, seed);
    if (joint === null) continue;
    const weights = await floatsOf(job.constant);
    const bias = job.bias === null || !biases ? null : await floatsOf(job.bias.constant);
    const { groups, size, outputs, element } = job.reader;
    const each = outputs / groups;
    const moments = Array.from({ length: groups }, (_, group) => {
      const own = new Float64Array(each * size);
      for (let i = 0; i < own.length; i++)
        own[i] = weights[element(group * each + Math.floor(i / size), i % size)]!;
      return momentsOf(joint, group, own, size, {
        isCentered: bias !== null,
        withGram: size <= longest,
      });
    });
    const { scheme, parameters } = job.wish;
    const layer = {
      reader: job.reader,
      weights,
      shape: job.constant.shape,
      scheme,
      parameters,
      isFull,
    };
    const method = job.wish.rounding as RoundedWeight['method'];
    const found = await roundWeights(layer, moments, method, pause);
    const stored = levelsConstant(scheme, job.constant.shape, found.levels);
    const reals = realsOf(stored, quantizationOf(job.constant, scheme, found.parameters));
    coarse.replace(job.value.name, reals);
    const corrected =
      bias === null || job.bias === null
        ? null
        : correctedBias(bias, job.bias.factor, job.reader, moments, weights, await floatsOf(reals));
    if (corrected !== null && job.bias !== null) {
      const { value, constant } = job.bias;
      coarse.replaceFor(
        node,
        value.name,
        constantOf('float32', constant.shape, bytesOf(corrected)),
      );
    }
    rounded.set(job.value.name, {
      method,
      levels: found.levels,
      parameters: found.parameters,
      nearestDb: ratio(found.signal, found.nearestError),
      outputDb: ratio(found.signal, found.error),
      bias: corrected,
    });
  }
  onProgress?.({ stage: 'round', done: jobs.size, total: jobs.size, name: '' });
  return rounded;
}

interface Job {
  reader: Reader;
  value: Value;
  constant: Constant;
  wish: Wish;
  /** The operand that is added; `factor` is what a change of the sum is in it. */
  bias: { value: Value; constant: Constant; factor: number } | null;
}

/** Layers whose weights are rounded, in order. */
function jobsOf(graph: Graph, wishes: ReadonlyMap<string, Wish>): Map<Node, Job> {
  const jobs = new Map<Node, Job>();
  for (const node of graph.nodes) {
    const value = node.inputs[1];
    const constant = value == null ? null : constantOfValue(value);
    const wish = value == null ? undefined : wishes.get(value.name);
    const reader = readerOf(node);
    if (value?.quantization !== null || constant === null || wish === undefined) continue;
    if (reader === null) continue;
    const isOwn = value.uses.size === 1 && wish.rounding !== 'nearest';
    if (isOwn) jobs.set(node, { reader, value, constant, wish, bias: biasOf(node, reader) });
  }
  return jobs;
}

function biasOf(node: Node, { outputs }: Reader): Job['bias'] {
  const value = node.inputs[2];
  const constant = value == null || !isBias(node, 2) ? null : constantOfValue(value);
  if (value == null || constant?.dtype !== 'float32' || value.quantization !== null) return null;
  if (volume(constant.shape) !== outputs) return null;
  const number = (name: string): number => {
    const attribute = node.attributes.get(name);
    return attribute?.type === 'float' || attribute?.type === 'int' ? Number(attribute.value) : 1;
  };
  const factor = number('alpha') / number('beta');
  return Number.isFinite(factor) ? { value, constant, factor } : null;
}

/** Biases with which the output's mean is what it was. */
function correctedBias(
  bias: Float32Array,
  factor: number,
  { groups, size, outputs, element }: Reader,
  moments: readonly { realMean: Float64Array; coarseMean: Float64Array }[],
  weights: Float32Array,
  reals: Float32Array,
): Float32Array {
  const each = outputs / groups;
  return bias.map((b, output) => {
    const { realMean, coarseMean } = moments[Math.floor(output / each)]!;
    let sum = 0;
    for (let k = 0; k < size; k++) {
      const at = element(output, k);
      sum += weights[at]! * realMean[k]! - reals[at]! * coarseMean[k]!;
    }
    return b + factor * sum;
  });
}

const ratio = (signal: number, noise: number): number | null =>
  signal > 0 && noise > 0 ? decibels(signal, noise) : null;

/** A constant as it is with nearest rounding. */
function nearest(constant: Constant, { scheme, parameters }: Wish): Constant {
  const stored = quantizedConstant(constant, scheme, parameters);
  return realsOf(stored, quantizationOf(constant, scheme, parameters));
}

/** Initializers, and what Constant nodes make. */
function constantsOf({ constants, nodes }: Graph): Value[] {
  const made = nodes.filter(({ op }) => op === 'Constant').flatMap(({ outputs }) => outputs);
  return [...constants, ...made];
}

/** As many samples as fit: the first ones, however they are cut into batches. */
async function firstOf(model: Model, samples: AsyncIterable<Feeds>): Promise<Feeds[]> {
  const feeds: Feeds[] = [];
  let count = 0;
  let most = mostSamples;
  // All are looked at, as others may count on their end.
  for await (const next of samples) {
    const batch = batchOf(next);
    if (count === 0) {
      const bytes = bytesBetween(model, next) / batch;
      most = Math.max(1, Math.min(most, Math.floor(mostBytes / Math.max(1, bytes))));
    }
    if (count >= most) continue;
    const taken = Math.min(batch, most - count);
    const isWhole = taken === batch || !isCut(model);
    feeds.push(isWhole ? next : rowsOf(next, taken, batch));
    count += batch;
  }
  return feeds;
}

function isCut({ graph }: Model): boolean {
  return graph.inputs.every(({ type }) => typeof shapeOf(type)?.[0] !== 'number');
}

/** The first rows of a batch. */
function rowsOf(feeds: Feeds, count: number, batch: number): Feeds {
  const rows = Array.from({ length: count }, (_, row) => row);
  return partOf(feeds, rows, batch);
}
