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
import { toQLinear } from '../../passes/to-qlinear.ts';
import { unfuse } from '../../passes/unfuse.ts';
import type { WriteOptions } from '../format.ts';
import { padExplicitly } from './explicit-pads.ts';
import { narrowBiases } from './narrow-biases.ts';
import { resizeWhole } from './whole-resize.ts';

/** First operator set that models from other formats are written in: the first whose DequantizeLinear has an axis. */
const firstOpset = 13;

/** Domains that only the IR has. */
const own: ReadonlySet<string> = new Set(['mp', 'tflite']);

/** A model in ONNX's terms: itself, or a copy with channels first, activations as nodes of their own, quantization of
 *  computed values as nodes, and no records of another format. Inputs and outputs keep their shapes and types.
 *  @throws {UnsupportedError} operators that ONNX does not have, all of them in one */
export function asOnnx(model: Model, form?: WriteOptions['quantizationForm']): Model {
  const isForeign = model.format !== 'onnx' && model.format !== '';
  const hasOwn = [...allNodes(model.graph)].some(({ domain }) => own.has(domain));
  const isFused = form === 'qoperator';
  if (!isForeign && !hasOwn && !isFused && !hasQuantizedActivations(model)) return model;
  const copy = clone(model);
  if (isForeign) {
    forget(copy);
    narrowBiases(copy);
  }
  if (hasOwn) {
    expandOperators(copy, ({ domain }) => domain !== 'mp');
    unfuse(copy);
    inferShapes(copy, ops);
    assignLayout(copy, channelsFirst);
  }
  exportQuantization(copy);
  if (isForeign || hasOwn) inferShapes(copy, ops);
  if (isForeign || hasOwn) {
    resizeWhole(copy);
    padExplicitly(copy);
  }
  if (isFused) toQLinear(copy);
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
    for (const value of [...graph.constants])
      if (value.uses.size === 0 && !graph.inputs.includes(value)) graph.constants.delete(value);
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
