import { bytesOf } from '../../core/tensor.ts';
import { constantOf } from '../../ir/constant.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import { type Activation, activationAttributes, activationOf } from '../../ops/activation.ts';
import type { Rule } from '../rule.ts';
import type { NewNode, RuleContext } from '../rule-context.ts';

/** Operators of `mp` that ONNX has too, once they have no activation. */
const plain: readonly string[] = ['Add', 'Sub', 'Mul'];

/** What is one node in a file becomes two, so that rules see the same in all formats; `activation-into-producer` puts
 *  them together again for running. */
export const splitActivations: Rule = {
  name: 'activation-apart',
  reason: 'an operator and its activation are simplified each by itself',
  roots: ['mp.Conv', 'mp.ConvTranspose', 'mp.MatMul', 'mp.Add', 'mp.Sub', 'mp.Mul'],
  find: (node, c) => {
    const activation = activationOf(node);
    const isPlain = plain.includes(node.op);
    if (activation.kind === 'none' && !isPlain) return null;
    const attributes = [...node.attributes].filter(([name]) => !(name in activationAttributes));
    const spec: NewNode = {
      op: node.op,
      domain: isPlain ? '' : node.domain,
      inputs: [...node.inputs],
      attributes,
    };
    if (activation.kind === 'none') return () => c.take(node, spec);
    return () => {
      const output = node.outputs[0]!;
      const before = c.insert(node, spec, output.name, output.type);
      c.take(node, functionOf(activation, before, node, c));
    };
  },
};

/** The node of an activation. */
function functionOf(activation: Activation, input: Value, node: Node, c: RuleContext): NewNode {
  const { kind, alpha, beta, min, max } = activation;
  const float = (value: number): Attribute => ({ type: 'float', value });
  switch (kind) {
    case 'Clip': {
      const limit = (value: number): Value | null => {
        if (!Number.isFinite(value)) return null;
        const constant = constantOf('float32', [], bytesOf(Float32Array.of(value)));
        return c.addConstant(node.graph, `${input.name}_limit`, constant);
      };
      const [low, high] = [limit(min), limit(max)];
      return { op: kind, inputs: high === null ? [input, low] : [input, low, high] };
    }
    case 'LeakyRelu':
    case 'Elu':
      return { op: kind, inputs: [input], attributes: [['alpha', float(alpha)]] };
    case 'HardSigmoid': {
      const attributes: [string, Attribute][] = [
        ['alpha', float(alpha)],
        ['beta', float(beta)],
      ];
      return { op: kind, inputs: [input], attributes };
    }
    case 'Silu':
      return { op: 'Swish', inputs: [input] };
    case 'GeluTanh':
      return {
        op: 'Gelu',
        inputs: [input],
        attributes: [['approximate', { type: 'string', value: 'tanh' }]],
      };
    default:
      return { op: kind, inputs: [input] };
  }
}
