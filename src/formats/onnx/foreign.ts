import { UnsupportedError } from '../../core/errors.ts';
import { clone } from '../../ir/clone.ts';
import { describe } from '../../ir/edit.ts';
import type { Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { allGraphs, allNodes, freshName } from '../../ir/walk.ts';
import { ops } from '../../ops/index.ts';
import { expandOperators } from '../../passes/expand/index.ts';
import { exportQuantization, hasQuantizedActivations } from '../../passes/export-quantization.ts';
import { assignLayout, channelsFirst } from '../../passes/layout.ts';
import { inferShapes } from '../../passes/shapes.ts';
import { unfuse } from '../../passes/unfuse.ts';
import { unfuseRecurrent } from '../../passes/unfuse-recurrent.ts';

/** First operator set that models from other formats are written in: the first whose DequantizeLinear has an axis. */
const firstOpset = 13;

/** Domains that only the IR has. */
const own: ReadonlySet<string> = new Set(['mp', 'tflite']);

/** A model in ONNX's terms: itself, or a copy with channels first, activations as nodes of their own, quantization of
 *  computed values as nodes, and no records of another format. Inputs and outputs keep their shapes and types.
 *  @throws {UnsupportedError} operators that ONNX does not have, all of them in one */
export function asOnnx(model: Model): Model {
  const isForeign = model.format !== 'onnx' && model.format !== '';
  const hasOwn = [...allNodes(model.graph)].some(({ domain }) => own.has(domain));
  if (!isForeign && !hasOwn && !hasQuantizedActivations(model)) return model;
  const copy = clone(model);
  if (isForeign) forget(copy);
  if (hasOwn) {
    expandOperators(copy, ({ domain }) => domain !== 'mp');
    unfuse(copy);
    unfuseRecurrent(copy);
    inferShapes(copy, ops);
    assignLayout(copy, channelsFirst);
  }
  exportQuantization(copy);
  if (isForeign || hasOwn) inferShapes(copy, ops);
  if (isForeign) nameNodes(copy);
  refuseOwn(copy);
  return copy;
}

function forget(model: Model): void {
  model.format = 'onnx';
  model.origin = null;
  model.opsets.clear();
  model.opsets.set('', firstOpset);
  for (const graph of allGraphs(model.graph)) {
    graph.origin = null;
    const values: Iterable<Value>[] = [graph.inputs, graph.constants];
    for (const list of values) {
      for (const value of list) {
        value.origin = null;
        if (value.constant?.origin !== undefined) {
          const { origin: _record, ...constant } = value.constant;
          value.constant = constant;
        }
      }
    }
    for (const node of graph.nodes) {
      node.origin = null;
      for (const value of node.outputs) value.origin = null;
    }
  }
}

/** Other formats don't name operators, and several nodes were one: each gets a name of its own. */
function nameNodes({ graph }: Model): void {
  const names = new Set<string>();
  for (const node of allNodes(graph)) if (node.name !== '') node.name = freshName(names, node.name);
}

function refuseOwn({ graph }: Model): void {
  const left = [...allNodes(graph)].filter(({ domain }) => own.has(domain));
  if (left.length === 0) return;
  const kinds = [...new Set(left.map(({ domain, op }) => `${domain}.${op}`))];
  throw new UnsupportedError(`ONNX has no operator for ${kinds.join(', ')}`, {
    code: 'E_ONNX_OPERATOR',
    where: left.map(describe).join(', '),
    hint: 'write the format that the model was read from',
  });
}
