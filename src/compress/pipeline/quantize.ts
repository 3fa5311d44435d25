import { clone } from '../../ir/clone.ts';
import type { Model } from '../../ir/model.ts';
import { exportQuantization } from '../../passes/export-quantization.ts';
import type { ActivationsReport, KeptReport, LayerReport } from '../../report/report.ts';
import { quantizeActivations } from '../activations/quantize.ts';
import { useNBits } from '../dynamic/nbits.ts';
import { quantizeProducts } from '../dynamic/products.ts';
import type { PlannedActivation, PlannedWeight } from '../plan.ts';
import { quantizeWeights, wishesFor } from '../quantize.ts';
import { type RoundedWeight, roundLayers } from '../rounding/sequential.ts';
import type { Context } from './context.ts';
import type { Decisions } from './decide.ts';

/** A quantized copy of a model, and how it was made. */
export interface Candidate {
  /** What is quantized stands in nodes. */
  model: Model;
  decisions: Decisions;
  weights: PlannedWeight[];
  values: PlannedActivation[];
  layers: LayerReport[];
  kept: KeptReport[];
  activations: ActivationsReport | null;
  /** What the caller should know, one sentence each. */
  warnings: string[];
}

/** Steps 5 to 7: makes a quantized copy of the float model as was decided. */
export async function quantizeWith(context: Context, decisions: Decisions): Promise<Candidate> {
  const { statistics, signal, onProgress } = context;
  const model = clone(context.model);
  const { activations } = decisions.base;
  const run =
    activations === null
      ? null
      : await quantizeActivations(
          model,
          decisions,
          activations,
          (_, values) => statistics.ranges(values, { method: activations.method }),
          signal,
        );
  const products = await quantizeProducts(model, decisions, signal);
  const rounded = await round(context, model, decisions);
  const watch = {
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
  const stored = await quantizeWeights(model, decisions, watch, rounded);
  useNBits(model, decisions);
  exportQuantization(model);
  return {
    model,
    decisions,
    weights: [...(run?.weights ?? []), ...products.weights, ...stored.planned],
    values: run?.planned ?? [],
    layers: [...(run?.layers ?? []), ...products.layers, ...stored.layers],
    kept: stored.kept,
    activations: run?.report ?? null,
    warnings: products.warnings,
  };
}

/** Levels of the weights that are not to be rounded to the nearest one. */
async function round(
  { model, samples, seed, signal, onProgress }: Context,
  copy: Model,
  decisions: Decisions,
): Promise<ReadonlyMap<string, RoundedWeight>> {
  const all = [decisions.base, ...[...decisions.layers.values()].map(({ settings }) => settings)];
  if (samples === null || all.every((settings) => (settings?.rounding ?? 'nearest') === 'nearest'))
    return new Map();
  const wishes = await wishesFor(copy, decisions, signal);
  const isFull = model.format !== 'tflite';
  return roundLayers(model, wishes, samples.statistics(), isFull, { seed, signal, onProgress });
}
