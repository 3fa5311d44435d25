import { clone } from '../../ir/clone.ts';
import type { Model } from '../../ir/model.ts';
import { exportQuantization } from '../../passes/export-quantization.ts';
import type { ActivationsReport, KeptReport, LayerReport } from '../../report/report.ts';
import { quantizeActivations } from '../activations/quantize.ts';
import { useNBits } from '../dynamic/nbits.ts';
import { quantizeProducts } from '../dynamic/products.ts';
import type { PlannedActivation, PlannedWeight } from '../plan.ts';
import { quantizeWeights, wishesFor } from '../quantize.ts';
import { type Corrections, correctBiases } from '../recovery/biases.ts';
import { type RoundedWeight, roundLayers, type Wish } from '../rounding/sequential.ts';
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
  correctBiases(model, correctionsFor(context, decisions));
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
          (wishes) => round(context, wishes),
        );
  const products = await quantizeProducts(model, decisions, signal);
  const rounded = await round(context, await wishesFor(model, decisions, signal));
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

/** Biases make up for what rounding shifts, where weights are rounded. */
function correctionsFor({ model, corrections }: Context, decisions: Decisions): Corrections {
  const isRounded = new Set<string>();
  if (corrections.size === 0) return corrections;
  for (const node of model.graph.nodes) {
    const { settings } = decisions.of(node);
    if (settings !== null && settings.weights === decisions.base.weights)
      isRounded.add(node.outputs[0]?.name ?? '');
  }
  return new Map([...corrections].filter(([key]) => isRounded.has(key)));
}

/** Levels of weights that are not to be rounded to the nearest one. What was found for a candidate holds for others with
 *  the same or fewer weights in integers. */
async function round(
  context: Context,
  wishes: ReadonlyMap<string, Wish>,
): Promise<ReadonlyMap<string, RoundedWeight>> {
  const { model, samples, seed, signal, onProgress } = context;
  const isIdle = [...wishes.values()].every(({ rounding }) => rounding === 'nearest');
  if (samples === null || isIdle) return new Map();
  const wished = [...wishes].map(([name, wish]) => `${name} ${JSON.stringify(wish.scheme)}`);
  const known = (done.get(context) ?? []).find((each) => wished.every((key) => each.keys.has(key)));
  if (known !== undefined) return known.rounded;
  const isFull = model.format !== 'tflite';
  const options = { seed, signal, onProgress };
  const rounded = await roundLayers(model, wishes, samples.statistics(), isFull, options);
  done.set(context, [...(done.get(context) ?? []), { keys: new Set(wished), rounded }]);
  return rounded;
}

const done: WeakMap<Context, { keys: Set<string>; rounded: Map<string, RoundedWeight> }[]> =
  new WeakMap();
