import { clone } from '../../ir/clone.ts';
import type { Model } from '../../ir/model.ts';
import { exportQuantization } from '../../passes/export-quantization.ts';
import type { ActivationsReport, KeptReport, LayerReport } from '../../report/report.ts';
import { quantizeActivations } from '../activations/quantize.ts';
import { quantizeProducts } from '../dynamic/products.ts';
import type { PlannedActivation, PlannedWeight } from '../plan.ts';
import { quantizeWeights } from '../quantize.ts';
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
  const stored = await quantizeWeights(model, decisions, {
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
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
