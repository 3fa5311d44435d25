import { constantOfValue } from '../../../ir/constant.ts';
import type { Node } from '../../../ir/graph.ts';
import { twoForms } from '../../../passes/layout/spatial.ts';
import { activationRows } from './activation.ts';
import { opaqueRow } from './as-read.ts';
import { controlRows } from './control.ts';
import { convRows } from './conv.ts';
import { elementwiseRows } from './elementwise.ts';
import type { Row } from './emitter.ts';
import { gatherRows } from './gather.ts';
import { matmulRows } from './matmul.ts';
import { normalizationRows } from './normalize.ts';
import { padRows } from './padding.ts';
import { poolRows } from './pool.ts';
import { quantizeRows } from './quantize.ts';
import { recurrentRows } from './recurrent.ts';
import { reduceRows } from './reduce.ts';
import { resizeRows } from './resize.ts';
import { shapeRows } from './shape.ts';
import { sliceRows } from './slice.ts';

/** How each operator of the IR is written, by its name with its domain. */
export const rows: Readonly<Record<string, Row>> = {
  ...elementwiseRows,
  ...activationRows,
  ...controlRows,
  ...convRows,
  ...poolRows,
  ...matmulRows,
  ...recurrentRows,
  ...reduceRows,
  ...shapeRows,
  ...sliceRows,
  ...padRows,
  ...gatherRows,
  ...normalizationRows,
  ...resizeRows,
  ...quantizeRows,
};

/** The row of a node's operator, or null. */
export function rowOf(node: Node): Row | null {
  if (node.domain === 'tflite') return opaqueRow;
  const name =
    node.domain === '' || node.domain === 'ai.onnx' ? node.op : `${node.domain}.${node.op}`;
  return Object.hasOwn(rows, name) ? rows[name]! : null;
}

/** Rows of last resort: an expansion, where there is one for the node, is better. */
const expandable: ReadonlySet<string> = new Set(['Loop', 'Scan']);

/** Whether a node has a row that is as good as an expansion, or will have one when its images have their channels last. */
export function hasRow(node: Node): boolean {
  if (expandable.has(node.op)) return false;
  if (node.op === 'MaxPool' && (node.outputs[1]?.uses.size ?? 0) > 0) return false;
  const training = node.attributes.get('training_mode');
  if (training?.type === 'int' && training.value !== 0) return false;
  const isComputed = (input: number): boolean => {
    const value = node.inputs[input];
    return value != null && constantOfValue(value) === null;
  };
  if (node.op === 'Resize' && (isComputed(2) || isComputed(3))) return false;
  // A scale that is computed is no quantization of a tensor.
  const scale = node.inputs[1];
  if (
    /^(De)?[qQ]uantizeLinear$/.test(node.op) &&
    (scale == null || constantOfValue(scale) === null)
  )
    return false;
  if (rowOf(node) !== null) return true;
  const { domain, op } = node;
  return domain === '' && twoForms.includes(op) && Object.hasOwn(rows, `mp.${op}`);
}
