import { clone } from '../../ir/clone.ts';
import { Edit } from '../../ir/edit.ts';
import type { Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import type { Quantization } from '../../ir/types.ts';
import { ops } from '../../ops/index.ts';
import { expandQuantized } from '../../passes/expand-quantized.ts';
import { exportQuantization } from '../../passes/export-quantization.ts';
import { importQuantization } from '../../passes/import-quantization.ts';
import { saidQuantization } from '../../passes/quantization-of.ts';
import { inferShapes } from '../../passes/shapes.ts';
import { evaluateNode } from '../../runtime/evaluate-node.ts';
import { loadWeights } from '../../runtime/prepare.ts';
import { type Parts, takeApart } from '../sensitivity/parts.ts';

/** A quantized model with its quantization attached to values, its products apart from what follows them. */
export interface Attached extends Parts {
  /** Inputs that are integers, and what they stand for: feeds are quantized by it. */
  readonly integerInputs: ReadonlyMap<string, Quantization>;
}

/** @param model  of whatever form: nodes, operators on integers, attached; it is not changed */
export async function attachedOf(model: Model): Promise<Attached> {
  const copy = clone(model);
  await loadWeights(copy);
  copy.inlineCalls?.(copy);
  inferShapes(copy, ops);
  exportQuantization(copy);
  expandQuantized(copy, evaluateNode);
  const integerInputs = realEnds(copy);
  importQuantization(copy);
  inferShapes(copy, ops);
  return { ...takeApart(copy, false), integerInputs };
}

/** Outputs that are integers become the reals that they are made of. */
function realEnds(model: Model): Map<string, Quantization> {
  const { graph } = model;
  const edit = new Edit(model, { pass: 'explain', rule: 'reals', reason: 'reals are compared' });
  for (const value of [...graph.outputs]) {
    const real = value.producer?.op === 'QuantizeLinear' ? dequantized(value) : null;
    if (real !== null) edit.replaceUses(value, real, ({ user }) => user === graph);
  }
  edit.commit();
  const found = new Map<string, Quantization>();
  for (const value of graph.inputs) {
    for (const { user } of value.uses) {
      const isReal = 'op' in user && user.op === 'DequantizeLinear';
      const quantization = isReal ? saidQuantization(user) : null;
      if (quantization !== null && quantization.scale.length === 1)
        found.set(value.name, quantization);
    }
  }
  return found;
}

/** What stands before a QuantizeLinear: a DequantizeLinear behind it would say the same but for rounding. */
function dequantized(stored: Value): Value | null {
  for (const { user } of stored.uses)
    if ('op' in user && user.op === 'DequantizeLinear') return user.outputs[0]!;
  return stored.producer!.inputs[0] ?? null;
}
