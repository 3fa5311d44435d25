import { clone } from '../../ir/clone.ts';
import type { Model } from '../../ir/model.ts';
import { ops } from '../../ops/index.ts';
import { inferShapes } from '../../passes/shapes.ts';
import { unfuse } from '../../passes/unfuse.ts';
import { loadWeights } from '../../runtime/prepare.ts';
import { type LinearLayer, linearLayers } from './linear.ts';

/** A copy of a model in which products stand apart from the activations behind them, and its products by their keys in
 *  the model that was given. */
export interface Parts {
  readonly model: Model;
  readonly layers: ReadonlyMap<string, LinearLayer>;
}

/** Takes operators of domain `mp` apart, so that something can be added between their parts. Weights are in memory. */
export async function partsOf(model: Model): Promise<Parts> {
  const copy = clone(model);
  await loadWeights(copy);
  copy.inlineCalls?.(copy);
  inferShapes(copy, ops);
  const keys = linearLayers(copy).map(({ key }) => key);
  unfuse(copy);
  // Every product stays one product, in the same order.
  const layers = linearLayers(copy);
  return { model: copy, layers: new Map(keys.map((key, index) => [key, layers[index]!])) };
}
