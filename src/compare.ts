import { type ExplainOptions, explain } from './compress/explain/explain.ts';
import { lossless } from './compress/lossless.ts';
import { type StoredWeight, weightOf } from './compress/weight-of.ts';
import { decibels } from './core/decibels.ts';
import { ModelpressError } from './core/errors.ts';
import { readModel, writeModel } from './formats/index.ts';
import { clone } from './ir/clone.ts';
import type { Value } from './ir/graph.ts';
import type { Model } from './ir/model.ts';
import { allGraphs } from './ir/walk.ts';
import { squaredError } from './kernels/index.ts';
import type { ComparisonReport, WeightReport } from './report/report.ts';
import { compareModels, type CompareOptions as RunOptions } from './runtime/compare.ts';
import { compareLayers } from './runtime/layers/compare.ts';
import { ownRunner } from './runtime/own-runner.ts';
import type { Feeds } from './runtime/runner.ts';

export interface CompareOptions extends Omit<RunOptions, 'runner'> {
  /** What runs the models; default modelpress itself. With null only weights and sizes are compared. */
  runner?: RunOptions['runner'] | null;
  /** Whether values on the way to the outputs are compared, too, on the first inputs, and, for a quantized model, what
   *  makes the difference is looked for; default false. */
  layers?: boolean;
}

/** Compares two models, weight by weight and output by output.
 *  @param reference  the model that is right
 *  @param model      the other one, made of it: weights are found by their names, in whatever form they are stored;
 *                    what loses nothing (BatchNormalization folded into weights) is done to the reference first
 *  @returns          sizes, signal-to-noise ratio of each weight that is stored otherwise, and of each output
 *  Errors of the runner are passed on. Cost: reads all weights; runs both models `samples` times. */
export async function compare(
  reference: Model,
  model: Model,
  options: CompareOptions = {},
): Promise<ComparisonReport> {
  const report = await compareWeights(reference, model);
  const { runner = ownRunner(readModel) } = options;
  if (runner === null) return report;
  // Running brings weights into memory: the copies' go with them.
  const [first, second] = [clone(reference), clone(model)];
  const compared = await compareModels(
    { model: first, bytes: () => writeModel(reference) },
    { model: second, bytes: () => writeModel(model) },
    { ...options, runner },
  );
  report.outputs = compared.report;
  if (options.layers === true && compared.feeds !== null) {
    report.layers = await compareLayers(first, second, compared.feeds);
    if (isQuantized(second)) {
      const samples = options.inputs ?? [compared.feeds.reference];
      const given = Object.keys(options.given ?? {}).length > 0;
      const settings: ExplainOptions = { areRandom: options.inputs === undefined && !given };
      if (options.signal !== undefined) settings.signal = options.signal;
      Object.assign(report, await explained(first, second, samples, settings));
    }
  }
  return report;
}

/** Whether integers stand for reals anywhere in it. */
function isQuantized(model: Model): boolean {
  for (const { nodes, constants, inputs } of allGraphs(model.graph)) {
    const made = nodes.flatMap(({ outputs }) => outputs);
    if ([...constants, ...inputs, ...made].some(({ quantization }) => quantization !== null))
      return true;
    if (nodes.some(({ op }) => /Quantize|^QLinear|Integer|NBits/.test(op))) return true;
  }
  return false;
}

/** A comparison is worth having where nothing can be explained, too. */
async function explained(
  reference: Model,
  model: Model,
  samples: readonly Feeds[],
  options: ExplainOptions,
): Promise<Pick<ComparisonReport, 'explanation' | 'unexplained'>> {
  try {
    const explanation = await explain(reference, model, samples, options);
    return { explanation, unexplained: null };
  } catch (error) {
    if (!(error instanceof ModelpressError)) throw error;
    return { explanation: null, unexplained: error.message };
  }
}

/** The part of `compare` that runs nothing. */
export async function compareWeights(reference: Model, model: Model): Promise<ComparisonReport> {
  const folded = clone(reference);
  await lossless(folded);
  const others = weightsByName(model);
  const report: ComparisonReport = {
    kind: 'comparison',
    version: 1,
    bytesBefore: reference.sourceBytes,
    bytesAfter: model.sourceBytes,
    weights: [],
    kept: { constants: 0, bytes: 0 },
    missing: [],
    outputs: null,
    layers: null,
    explanation: null,
    unexplained: null,
  };
  for (const [name, list] of weightsByName(folded)) {
    for (const [index, weight] of list.entries()) {
      const other = others.get(name)?.[index];
      if (other === undefined || !sameShape(weight.shape, other.shape)) {
        report.missing.push(name);
        continue;
      }
      const row = await compareWeight(name, weight, other);
      if (row.sqnrDb === null && row.bytesBefore === row.bytesAfter) {
        report.kept.constants++;
        report.kept.bytes += row.bytesBefore;
      } else report.weights.push(row);
    }
  }
  return report;
}

/** Weights that a node or an output uses as real numbers; bodies may repeat names. */
function weightsByName(model: Model): Map<string, StoredWeight[]> {
  const found = new Map<string, StoredWeight[]>();
  for (const graph of allGraphs(model.graph)) {
    const values: Value[] = [...graph.constants];
    for (const node of graph.nodes) values.push(...node.outputs);
    for (const value of values) {
      const weight = value.uses.size > 0 ? weightOf(value) : null;
      if (weight === null) continue;
      const list = found.get(value.name);
      if (list === undefined) found.set(value.name, [weight]);
      else list.push(weight);
    }
  }
  return found;
}

async function compareWeight(
  name: string,
  before: StoredWeight,
  after: StoredWeight,
): Promise<WeightReport> {
  const { signal, noise } = squaredError(await before.read(), await after.read());
  return {
    weight: name,
    shape: before.shape,
    bytesBefore: before.bytes,
    bytesAfter: after.bytes,
    stored: after.stored,
    sqnrDb: noise === 0 ? null : decibels(signal, noise),
  };
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
