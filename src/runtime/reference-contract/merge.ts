import { constantOfValue, smallValues } from '../../ir/constant.ts';
import { Edit } from '../../ir/edit.ts';
import type { Node, NodeSpec, Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { allGraphs } from '../../ir/walk.ts';

/** What one builtin of TFLite is several nodes of ONNX becomes one node again, where the values in between are real and
 *  those around them levels: the builtin computes all of it on levels. */
export function mergeBuiltins(model: Model): void {
  const edit = new Edit(model, {
    pass: 'reference',
    rule: 'merge',
    reason: 'one builtin computes this on levels',
  });
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) {
      const spec = node.domain === '' ? (patterns[node.op]?.(node) ?? null) : null;
      const output = node.outputs[0]!;
      if (spec === null || output.quantization === null) continue;
      const { name, type, quantization } = output;
      const whole = { ...spec, domain: 'mp', name: node.name };
      const [result] = edit.addNode({ before: node }, whole, [{ name, type }]).outputs;
      result!.quantization = quantization;
      edit.replaceUses(output, result!);
      const inner = node.inputs[0]!.producer!;
      edit.removeNode(node);
      edit.removeNode(inner);
      count++;
    }
  }
  if (count > 0) edit.commit();
}

/** What a real value that only `user` reads was made by; null where it is another kind of value.
 *  @param count  how often it is read */
function madeBy(value: Value | null | undefined, op: string, count: number): Node | null {
  const producer = value?.producer;
  if (value == null || producer == null || producer.op !== op || producer.domain !== '')
    return null;
  return value.quantization === null && value.uses.size === count ? producer : null;
}

const isQuantized = (value: Value | null | undefined): boolean => value?.quantization != null;

const patterns: Readonly<Record<string, (node: Node) => NodeSpec | null>> = {
  /** SQUARED_DIFFERENCE */
  Mul(node) {
    const [a, b] = node.inputs;
    const difference = a === b ? madeBy(a, 'Sub', 2) : null;
    if (difference === null || !difference.inputs.every(isQuantized)) return null;
    return { op: 'SquaredDifference', inputs: [...difference.inputs] };
  },
  /** RSQRT */
  Reciprocal(node) {
    const root = madeBy(node.inputs[0], 'Sqrt', 1);
    if (root === null || !isQuantized(root.inputs[0])) return null;
    return { op: 'Rsqrt', inputs: [...root.inputs] };
  },
  /** SOFTMAX whose logits have a factor */
  Softmax(node) {
    const scaled = madeBy(node.inputs[0], 'Mul', 1);
    const [x, factor] = scaled?.inputs ?? [];
    const constant = factor == null ? null : constantOfValue(factor);
    const beta = constant === null ? null : smallValues(constant, 1);
    if (!isQuantized(x) || isQuantized(factor) || beta?.length !== 1) return null;
    const attributes = new Map(node.attributes);
    attributes.set('beta', { type: 'float', value: Number(beta[0]) });
    return { op: 'Softmax', inputs: [x!], attributes };
  },
};
