import { clone } from '../../ir/clone.ts';
import { Edit } from '../../ir/edit.ts';
import type { Value } from '../../ir/graph.ts';
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
  /** Names of the values that noise is looked at, in the order of the model's outputs: these, or what a last Softmax or
   *  Sigmoid reads, since probabilities near 0 and 1 hide it. */
  readonly heads: readonly string[];
  readonly layers: ReadonlyMap<string, LinearLayer>;
}

/** Takes operators of domain `mp` apart, so that something can be added between their parts. Weights are in memory. */
export async function partsOf(model: Model): Promise<Parts> {
  const copy = clone(model);
  await loadWeights(copy);
  copy.inlineCalls?.(copy);
  inferShapes(copy, ops);
  return takeApart(copy);
}

/** The same to a copy of one's own, in which types are known.
 *  @param isLookedInto  whether heads are looked for; else they are the outputs */
export function takeApart(model: Model, isLookedInto = true): Parts {
  const keys = linearLayers(model).map(({ key }) => key);
  unfuse(model);
  // Every product stays one product, in the same order.
  const layers = linearLayers(model);
  const heads = isLookedInto ? moveHeads(model) : outputsOf(model);
  return { model, heads, layers: new Map(keys.map((key, index) => [key, layers[index]!])) };
}

const saturating: ReadonlySet<string> = new Set(['Softmax', 'Sigmoid']);

/** Makes what a saturating function at the end reads an output in its place. */
function moveHeads(model: Model): string[] {
  const edit = new Edit(model, { pass: 'probe', rule: 'heads', reason: 'saturation hides noise' });
  const { graph } = model;
  for (const value of [...graph.outputs]) {
    const from = headOf(value);
    if (from !== value) edit.replaceUses(value, from, ({ user }) => user === graph);
  }
  edit.commit();
  return outputsOf(model);
}

/** Names of the outputs but for states. */
export function outputsOf({ graph, states: kept }: Model): string[] {
  const states = new Set(kept.map(({ output }) => output));
  return graph.outputs.map(({ name }) => name).filter((name) => !states.has(name));
}

/** The value in front of a saturating function that makes an output; else the output itself. */
export function headOf(output: Value): Value {
  const { producer } = output;
  const from = producer?.inputs[0];
  if (producer == null || producer.domain !== '' || !saturating.has(producer.op)) return output;
  return from?.producer == null ? output : from;
}
