import { Node, type Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import type { Found, Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';
import { floatConstant } from './constants.ts';
import { tooNew } from './lift-activations.ts';

/** Normalizations that graphs spell out become the operators that ONNX has for them. */

/** The axis from which on a ReduceMean takes the mean, keeping the axes; null if these are not the last ones. */
function meanFrom(node: Node, c: RuleContext): number | null {
  const rank = c.rank(node.inputs[0]);
  const axes = c.known(node.inputs[1]);
  if (rank === null || axes === null || axes.length === 0) return null;
  if (c.attributes(node).int('keepdims', 1) === 0) return null;
  const sorted = axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
  const first = rank - sorted.length;
  return sorted.every((axis, i) => axis === first + i) ? first : null;
}

/** √(mean(v²) + ε) of a value v. */
interface Deviation {
  value: Value;
  axis: number;
  epsilon: number;
}

function deviationOf(value: Value | null | undefined, c: RuleContext): Deviation | null {
  const sum = c.producer(c.producer(value, 'Sqrt')?.inputs[0], 'Add');
  const epsilon = c.scalar(sum?.inputs[1]);
  const mean = c.producer(sum?.inputs[0], 'ReduceMean');
  const axis = mean === null ? null : meanFrom(mean, c);
  const square = c.producer(mean?.inputs[0], 'Pow', 'Mul');
  if (epsilon === null || axis === null || square === null) return null;
  const [a, b] = square.inputs as [Value, Value];
  const isSquare = square.op === 'Mul' ? a === b : c.scalar(b) === 2;
  return isSquare ? { value: a, axis, epsilon } : null;
}

/** A value divided by its deviation. */
function normalized(node: Node, c: RuleContext): Deviation | null {
  const [a, b] = node.inputs as [Value, Value];
  if (node.op === 'Div') {
    const deviation = deviationOf(b, c);
    return deviation?.value === a ? deviation : null;
  }
  for (const [value, inverse] of [
    [a, b],
    [b, a],
  ] as const) {
    const deviation = deviationOf(c.producer(inverse, 'Reciprocal')?.inputs[0], c);
    if (deviation?.value === value) return deviation;
  }
  return null;
}

/** The only node that reads a value, of one operator, and the constant that is its other operand. */
function constantAfter(
  value: Value,
  op: string,
  sizes: readonly number[],
  c: RuleContext,
): { node: Node; constant: Value } | null {
  const [use] = value.uses;
  const node = use?.user;
  if (!(node instanceof Node) || value.uses.size !== 1 || node.graph !== value.graph) return null;
  if (node.op !== op || node.domain !== '' || !c.isSound(node)) return null;
  const other = node.inputs[1 - use!.index]!;
  const constant = c.constant(other);
  if (constant?.dtype !== 'float32' || constant.shape.length > sizes.length) return null;
  const at = sizes.length - constant.shape.length;
  const fits = constant.shape.every((size, axis) => size === sizes[at + axis]);
  return fits && constant.shape.length > 0 ? { node, constant: other } : null;
}

function lift(node: Node, c: RuleContext, deviation: Deviation): Found {
  const sub = c.producer(deviation.value, 'Sub');
  const mean = c.producer(sub?.inputs[1], 'ReduceMean');
  const isCentered =
    sub !== null &&
    mean !== null &&
    mean.inputs[0] === sub.inputs[0] &&
    meanFrom(mean, c) === deviation.axis;
  const op = isCentered ? 'LayerNormalization' : 'RMSNormalization';
  const why = tooNew(op, c);
  if (why !== null) return why;
  const x = isCentered ? sub.inputs[0]! : deviation.value;
  const shape = c.shape(x)?.slice(deviation.axis);
  if (shape === undefined || !shape.every((size) => typeof size === 'number'))
    return 'the size of what is normalized is not known';
  const sizes = shape as readonly number[];
  if (node.outputs[0]!.quantization !== null) return 'the result is quantized';
  const scaled = constantAfter(node.outputs[0]!, 'Mul', sizes, c);
  const last = scaled?.node ?? node;
  const isPlain = last.outputs[0]!.quantization === null;
  const shifted = isCentered && isPlain ? constantAfter(last.outputs[0]!, 'Add', sizes, c) : null;
  const root = shifted?.node ?? last;
  if (!c.sameType(x, root.outputs[0])) return 'it changes the shape';
  return () => {
    const ones = (): Value => {
      const count = sizes.reduce((a, b) => a * b, 1);
      const constant = floatConstant(new Array<number>(count).fill(1), sizes);
      return c.addConstant(node.graph, `${node.outputs[0]!.name}_scale`, constant);
    };
    const inputs = [x, scaled?.constant ?? ones()];
    if (shifted !== null) inputs.push(shifted.constant);
    const attributes: [string, Attribute][] = [
      ['axis', { type: 'int', value: deviation.axis - c.rank(x)! }],
      ['epsilon', { type: 'float', value: Math.fround(deviation.epsilon) }],
    ];
    c.take(root, { op, inputs, attributes });
  };
}

/** (x − mean) / √(variance + ε) · scale + bias, and the same without the mean. */
export const liftedNorms: Rule = {
  name: 'lift-normalization',
  reason: 'the nodes spell out an operator of ONNX',
  roots: ['Div', 'Mul'],
  find: (node, c) => {
    if (c.dtype(node.outputs[0]) !== 'float32') return null;
    const deviation = normalized(node, c);
    return deviation === null ? null : lift(node, c, deviation);
  },
};
