import { Edit } from '../../../ir/edit.ts';
import type { Node, Value } from '../../../ir/graph.ts';
import type { Model } from '../../../ir/model.ts';
import { allGraphs, namesAround } from '../../../ir/walk.ts';
import type { QuantizationChange } from '../../quantization-change.ts';
import { Legalizer, levelsOf } from './legalizer.ts';
import { legalizeLinear } from './linear.ts';
import { linearOf } from './linear-view.ts';
import { quantizedRules } from './rules.ts';
import { chooseStorage } from './storage.ts';

export interface Legalized {
  /** Nodes to be written as operators on integers: their operands are as TFLite wants them. All others compute with
   *  real numbers. */
  readonly integer: ReadonlySet<Node>;
  readonly changes: readonly QuantizationChange[];
}

/** Brings quantization that is attached to values under the rules of TFLite's operators: exactly where that can be,
 *  else by quantizing a value twice; what can't be is left to real numbers. Where values of different quantization
 *  meet, there is an Identity. Constants must be in memory, layouts and activations as they are to be written.
 *  @param byRow  whether FULLY_CONNECTED may have a scale for each output: runtimes from 2.17 on know them, and older
 *                ones compute nonsense; without it, such products become convolutions */
export function legalizeQuantization(model: Model, byRow = false): Legalized {
  const edit = new Edit(model, {
    pass: 'legalize',
    rule: 'tflite',
    reason: "TFLite's operators have rules for scales and zero points",
  });
  const legalizer = new Legalizer(edit, namesAround(model.graph), byRow);
  chooseStorage(legalizer, model);
  for (const graph of allGraphs(model.graph))
    for (const node of graph.nodes) if (isQuantized(node)) legalizeNode(legalizer, node);
  edit.commit();
  return { integer: legalizer.integer, changes: legalizer.changes };
}

function legalizeNode(l: Legalizer, node: Node): void {
  const linear = linearOf(node);
  const rule = quantizedRules.get(node.domain === '' ? node.op : `${node.domain}.${node.op}`);
  const why =
    linear !== null
      ? legalizeLinear(l, node, linear)
      : rule === undefined
        ? 'TFLite has no operator of integers for it'
        : rule(l, node);
  if (why === null) l.integer.add(node);
  else l.say(node, 'real', `it computes with real numbers: ${why}`);
}

/** Where integers become others, nothing is computed. */
const between: ReadonlySet<string> = new Set(['Identity', 'QuantizeLinear', 'DequantizeLinear']);

/** Whether a node computes with values that are quantized. */
function isQuantized(node: Node): boolean {
  if (node.domain === 'tflite' || (node.domain === '' && between.has(node.op))) return false;
  const isLevels = (value: Value | null): boolean =>
    levelsOf(value) !== null && value?.constant == null;
  return node.inputs.some(isLevels) || node.outputs.some(isLevels);
}
