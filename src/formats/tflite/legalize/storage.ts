import type { Graph, Node, Value } from '../../../ir/graph.ts';
import type { Model } from '../../../ir/model.ts';
import { allGraphs } from '../../../ir/walk.ts';
import type { Legalizer } from './legalizer.ts';
import { linearOf } from './linear-view.ts';
import { shifted, shiftedQuantization } from './weights.ts';

/** TFLite's uint8 operators take uint8 weights with one scale, and no others. Where a product of uint8 values has other
 *  weights, all uint8 values become int8, whose zero points are 128 less: the same real numbers, exactly. */
export function chooseStorage(legalizer: Legalizer, model: Model): void {
  const graphs = [...allGraphs(model.graph)];
  if (!graphs.some((graph) => graph.nodes.some(needsInt8))) return;
  let count = 0;
  for (const graph of graphs) for (const value of valuesOf(graph)) if (shift(value)) count++;
  legalizer.changes.push({
    where: `${count} values`,
    kind: 'shifted',
    what: 'uint8 became int8 with zero points 128 less: operators with weights per channel have only that',
    error: 0,
  });
}

function needsInt8(node: Node): boolean {
  const linear = linearOf(node);
  if (linear === null) return false;
  const [x, w] = [node.inputs[0], linear.weights];
  if (x?.quantization?.storage !== 'uint8') return false;
  const { quantization } = w;
  if (quantization === null) return false;
  return !linear.isConstant || quantization.storage !== 'uint8' || quantization.axis !== null;
}

function shift(value: Value): boolean {
  const { quantization, constant } = value;
  if (quantization?.storage !== 'uint8' || quantization.blockSize !== null) return false;
  value.quantization = shiftedQuantization(quantization);
  if (constant !== null) value.constant = shifted(constant);
  return true;
}

function* valuesOf(graph: Graph): Generator<Value> {
  yield* graph.inputs;
  for (const value of graph.constants) if (!graph.inputs.includes(value)) yield value;
  for (const node of graph.nodes) yield* node.outputs;
}
