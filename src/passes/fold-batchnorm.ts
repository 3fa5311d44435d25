import { bytesOf } from '../core/tensor.ts';
import { type Constant, constantOf, constantOfValue } from '../ir/constant.ts';
import { Edit } from '../ir/edit.ts';
import type { Graph, Node, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { allGraphs, freshName, namesAround } from '../ir/walk.ts';
import { asInitializer, floatsOf, scaledConstant } from './constants.ts';

/** Axis of the output channels in the weights of what a BatchNormalization can be folded into. */
const channelAxis: Readonly<Record<string, number>> = { Conv: 0, ConvTranspose: 1 };

/** Folds each BatchNormalization into the convolution before it: with f = scale / √(var + ε),
 *  W' = W · f along the output channels and b' = (b − mean) · f + B, computed in float64 and rounded once.
 *  A weight that has other users is left alone. Returns one sentence for the report, or none.
 *  Outputs agree to about 1e-6 of their size: additions happen in another order. */
export async function foldBatchNorm(model: Model): Promise<string[]> {
  const edit = new Edit(model, {
    pass: 'fold',
    rule: 'batch-normalization',
    reason: 'a scale and a shift by constants fit into the convolution before it',
  });
  const names = namesAround(model.graph);
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of [...graph.nodes]) {
      const folding = match(node, graph);
      if (folding === null) continue;
      await fold(edit, folding, names);
      count++;
    }
  }
  if (count === 0) return [];
  edit.commit();
  return [`${count} BatchNormalization folded into the convolutions before them`];
}

interface Folding {
  norm: Node;
  conv: Node;
  weight: Value;
  /** scale, B, mean, var of BatchNormalization; all [C]. */
  parameters: [Constant, Constant, Constant, Constant];
  bias: Constant | null;
  axis: number;
}

function match(norm: Node, graph: Graph): Folding | null {
  if (norm.op !== 'BatchNormalization' || norm.domain !== '' || norm.outputs.length !== 1)
    return null;
  const training = norm.attributes.get('training_mode');
  if (training?.type === 'int' && Number(training.value) !== 0) return null;
  const input = norm.inputs[0];
  const conv = input?.producer;
  const axis = channelAxis[conv?.op ?? ''];
  if (input == null || conv == null || conv.domain !== '' || axis === undefined) return null;
  if (conv.graph !== graph || input.uses.size !== 1) return null;
  const group = conv.attributes.get('group');
  if (axis === 1 && group?.type === 'int' && Number(group.value) !== 1) return null;
  const weight = conv.inputs[1];
  const constant = weight == null ? null : constantOfValue(weight);
  // Only a constant that callers can't override and nobody else reads may change.
  if (weight == null || constant == null || weight.uses.size !== 1 || weight.quantization !== null)
    return null;
  if (weight.graph !== graph || constant.dtype !== 'float32') return null;
  const channels = constant.shape[axis];
  const perChannel = (value: Value | null | undefined): Constant | null => {
    const found = value == null ? null : constantOfValue(value);
    const fits =
      found?.dtype === 'float32' && found.shape.length === 1 && found.shape[0] === channels;
    return fits ? found : null;
  };
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((at) => perChannel(norm.inputs[at]));
  if (scale == null || shift == null || mean == null || variance == null) return null;
  const bias = conv.inputs[2] == null ? null : perChannel(conv.inputs[2]);
  if (conv.inputs[2] != null && bias === null) return null;
  return { norm, conv, weight, parameters: [scale, shift, mean, variance], bias, axis };
}

async function fold(edit: Edit, folding: Folding, names: Set<string>): Promise<void> {
  const { norm, conv, parameters, bias, axis } = folding;
  const weight = asInitializer(edit, folding.weight);
  const [scale, shift, mean, variance] = await Promise.all(parameters.map(floatsOf));
  const before = bias === null ? null : await floatsOf(bias);
  const attribute = norm.attributes.get('epsilon');
  const epsilon = attribute?.type === 'float' ? attribute.value : Math.fround(1e-5);
  const channels = scale!.length;
  const factors = new Float64Array(channels);
  const added = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    factors[c] = scale![c]! / Math.sqrt(variance![c]! + epsilon);
    added[c] = ((before?.[c] ?? 0) - mean![c]!) * factors[c]! + shift![c]!;
  }
  const graph = conv.graph;
  edit.setConstant(weight, scaledConstant(weight.constant!, axis, factors));
  edit.fixConstant(weight);
  const name = freshName(names, `${weight.name}_bias`);
  const constant = constantOf('float32', [channels], bytesOf(added));
  edit.setInput(conv, 2, edit.addConstant(graph, name, constant));
  // The output keeps the name that the rest of the graph, and its readers, know.
  const output = norm.outputs[0]!;
  const made = conv.outputs[0]!;
  edit.removeNode(norm);
  edit.replaceUses(output, made);
  edit.rename(made, output.name);
}
