import type { Node, Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import type { Found, Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';
import { isNear, polynomialIn, productOf, scaledOf } from './expression.ts';

/** Activations that graphs spell out become the operators that ONNX has for them. */

/** First operator set that has the operator. */
const since: Readonly<Record<string, number>> = {
  HardSigmoid: 6,
  Softplus: 1,
  HardSwish: 14,
  Mish: 18,
  Gelu: 20,
  LayerNormalization: 17,
  RMSNormalization: 23,
  Attention: 23,
  Swish: 24,
};

/** Why a model can't have an operator, or null. */
export function tooNew(op: string, c: RuleContext): string | null {
  const first = since[op] ?? 1;
  return first <= c.opset ? null : `${op} is in opset ${first}, the model is written at ${c.opset}`;
}

function take(
  node: Node,
  c: RuleContext,
  op: string,
  input: Value,
  attributes: [string, Attribute][] = [],
): Found {
  const why = tooNew(op, c);
  if (why !== null) return why;
  if (!c.sameType(input, node.outputs[0])) return 'it changes the shape';
  return () => c.take(node, { op, inputs: [input], attributes });
}

const float = (value: number): Attribute => ({ type: 'float', value: Math.fround(value) });

/** min(max(a·x + b, 0), top), read back. */
interface Ramp {
  input: Value;
  slope: number;
  start: number;
  top: number;
}

function rampOf(value: Value, c: RuleContext): Ramp | null {
  const sigmoid = c.producer(value, 'HardSigmoid');
  if (sigmoid !== null) {
    const attributes = c.attributes(sigmoid);
    const [slope, start] = [attributes.float('alpha'), attributes.float('beta')];
    return { input: sigmoid.inputs[0]!, slope, start, top: 1 };
  }
  const clip = c.producer(value, 'Clip');
  const top = c.scalar(clip?.inputs[2]);
  if (clip === null || top === null || !(top > 0) || c.scalar(clip.inputs[1]) !== 0) return null;
  const [inner] = clip.inputs as [Value];
  const shifted = c.producer(inner, 'Add', 'Sub');
  const scaled = scaledOf(shifted === null ? inner : shifted.inputs[0]!, c);
  const line = polynomialIn(inner, scaled.value, c);
  if (line === null || line[1] === 0 || line[2] !== 0 || line[3] !== 0) return null;
  return { input: scaled.value, slope: line[1]!, start: line[0]!, top };
}

/** Products that are activations: Gelu in both forms, Swish, Mish, HardSwish, HardSigmoid times what its limit is. */
export const liftedProducts: Rule = {
  name: 'lift-activation',
  reason: 'the nodes spell out an operator of ONNX',
  roots: ['Mul', 'Div'],
  find: (node, c) => {
    if (c.dtype(node.outputs[0]) !== 'float32') return null;
    const { scale, factors } = productOf(node, c);
    if (factors.length === 1) return scaledRamp(node, c, factors[0]!, scale);
    if (factors.length !== 2) return null;
    const [a, b] = factors as [Value, Value];
    return gated(node, c, a, b, scale) ?? gated(node, c, b, a, scale);
  },
};

/** A ramp up to 6 divided by 6, and the like. */
function scaledRamp(node: Node, c: RuleContext, value: Value, scale: number): Found {
  const ramp = c.producer(value, 'Clip') === null ? null : rampOf(value, c);
  if (ramp === null || !isNear([ramp.top * scale], [1])) return null;
  const attributes: [string, Attribute][] = [
    ['alpha', float(ramp.slope * scale)],
    ['beta', float(ramp.start * scale)],
  ];
  return take(node, c, 'HardSigmoid', ramp.input, attributes);
}

/** x · gate(x) · scale */
function gated(node: Node, c: RuleContext, x: Value, gate: Value, scale: number): Found {
  const ramp = rampOf(gate, c);
  if (ramp?.input === x) {
    const parts = [ramp.top * scale, ramp.slope * scale, ramp.start * scale];
    if (isNear(parts, [1, 1 / 6, 0.5])) return take(node, c, 'HardSwish', x);
  }
  const sigmoid = c.producer(gate, 'Sigmoid');
  if (sigmoid !== null && isNear([scale], [1])) {
    const inner = scaledOf(sigmoid.inputs[0]!, c);
    if (sigmoid.inputs[0] === x) return take(node, c, 'Swish', x);
    if (inner.value === x) return take(node, c, 'Swish', x, [['alpha', float(inner.scale)]]);
  }
  const softplus = c.producer(c.producer(gate, 'Tanh')?.inputs[0], 'Softplus');
  if (softplus?.inputs[0] === x && isNear([scale], [1])) return take(node, c, 'Mish', x);
  return isNear([scale], [0.5]) ? gelu(node, c, x, gate) : null;
}

/** √½ and √(2/π) */
const rootHalf = Math.sqrt(0.5);
const rootTwoOverPi = Math.sqrt(2 / Math.PI);

/** x · (1 + erf(x·√½)) · ½, or with tanh of a cubic. */
function gelu(node: Node, c: RuleContext, x: Value, gate: Value): Found {
  const sum = c.producer(gate, 'Add');
  if (sum === null) return null;
  const [a, b] = sum.inputs as [Value, Value];
  const inner = c.scalar(b) === 1 ? a : c.scalar(a) === 1 ? b : null;
  const erf = c.producer(inner, 'Erf');
  if (erf !== null) {
    const { value, scale } = scaledOf(erf.inputs[0]!, c);
    return value === x && isNear([scale], [rootHalf]) ? take(node, c, 'Gelu', x) : null;
  }
  const tanh = c.producer(inner, 'Tanh');
  const cubic = tanh === null ? null : polynomialIn(tanh.inputs[0]!, x, c);
  if (cubic === null || !isNear(cubic, [0, rootTwoOverPi, 0, 0.044715 * rootTwoOverPi]))
    return null;
  return take(node, c, 'Gelu', x, [['approximate', { type: 'string', value: 'tanh' }]]);
}

/** A ramp up to 1 is HardSigmoid. */
export const liftedRamps: Rule = {
  name: 'lift-hard-sigmoid',
  reason: 'the nodes spell out an operator of ONNX',
  roots: ['Clip'],
  find: (node, c) => {
    const ramp = c.dtype(node.outputs[0]) === 'float32' ? rampOf(node.outputs[0]!, c) : null;
    if (ramp === null || ramp.top !== 1 || ramp.input === node.inputs[0]) return null;
    const attributes: [string, Attribute][] = [
      ['alpha', float(ramp.slope)],
      ['beta', float(ramp.start)],
    ];
    return take(node, c, 'HardSigmoid', ramp.input, attributes);
  },
};

/** log(exp(x) + 1), which overflows where Softplus does not. */
export const liftedSoftplus: Rule = {
  name: 'lift-softplus',
  reason: 'the nodes spell out an operator of ONNX',
  roots: ['Log'],
  find: (node, c) => {
    const sum = c.producer(node.inputs[0], 'Add');
    const exp = c.producer(sum?.inputs[0], 'Exp');
    if (sum === null || exp === null || c.scalar(sum.inputs[1]) !== 1) return null;
    return take(node, c, 'Softplus', exp.inputs[0]!);
  },
};
