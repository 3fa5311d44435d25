import type { Node, Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import {
  type Activation,
  activationOf,
  attributesOfActivation,
  noActivation,
} from '../../ops/activation.ts';
import type { Found, Rule } from '../rule.ts';
import { operatorOf } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';
import { floatConstant } from './constants.ts';

/** Rules that make nodes of domain `mp`, for models that run and are not written. */

/** The activation that a node is, or why it can't be one of an operator. */
function activationNode(node: Node, c: RuleContext): Activation | string {
  const attributes = c.attributes(node);
  const kind = { ...noActivation };
  switch (node.op) {
    case 'Relu':
    case 'HardSwish':
    case 'Sigmoid':
    case 'Tanh':
    case 'Softplus':
    case 'Mish':
      return { ...kind, kind: node.op };
    case 'Clip': {
      const [min, max] = [1, 2].map((at) => {
        const value = node.inputs[at];
        return value == null ? (at === 1 ? -Infinity : Infinity) : c.scalar(value);
      }) as [number | null, number | null];
      if (min === null || max === null) return 'its limits are computed';
      return { ...kind, kind: 'Clip', min, max };
    }
    case 'LeakyRelu':
    case 'Elu':
      return { ...kind, kind: node.op, alpha: attributes.float('alpha') };
    case 'HardSigmoid': {
      const [alpha, beta] = [attributes.float('alpha'), attributes.float('beta')];
      return { ...kind, kind: 'HardSigmoid', alpha, beta };
    }
    case 'Swish':
      if (attributes.float('alpha') !== 1) return 'its alpha is not 1';
      return { ...kind, kind: 'Silu' };
    default:
      return { ...kind, kind: attributes.string('approximate') === 'tanh' ? 'GeluTanh' : 'Gelu' };
  }
}

const activations = [
  'Relu',
  'Clip',
  'LeakyRelu',
  'HardSwish',
  'HardSigmoid',
  'Sigmoid',
  'Tanh',
  'Swish',
  'Gelu',
  'Elu',
  'Softplus',
  'Mish',
];

const own = ['mp.Conv', 'mp.ConvTranspose', 'mp.MatMul', 'mp.Add', 'mp.Sub', 'mp.Mul'];
const alike = ['MatMul', 'Gemm', 'Add', 'Sub', 'Mul'];

/** An activation is applied by the operator before it. */
export const activationsIntoProducers: Rule = {
  name: 'activation-into-producer',
  reason: 'the operator before it applies it before it stores its results',
  roots: activations,
  find: (node, c) => {
    const [input] = node.inputs as [Value];
    const producer = c.producer(input, ...own, ...alike);
    if (producer === null) return null;
    if (c.dtype(input) !== 'float32') return 'it is not float32';
    if (!c.isOnlyFor(input, node)) return 'the result before it has another reader';
    if (activationOf(producer).kind !== 'none') return 'the operator before it has an activation';
    const activation = activationNode(node, c);
    if (typeof activation === 'string') return activation;
    const form = ownForm(producer, c);
    if (typeof form === 'string') return form;
    return () => {
      const attributes = [...form.attributes, ...attributesOfActivation(activation)];
      c.take(node, { op: form.op, domain: 'mp', inputs: form.inputs(), attributes });
    };
  },
};

interface Form {
  op: string;
  attributes: [string, Attribute][];
  inputs(): (Value | null)[];
}

/** A node as an operator of `mp`. */
function ownForm(node: Node, c: RuleContext): Form | string {
  if (node.op !== 'Gemm') {
    const { op, inputs } = node;
    return { op, attributes: [...node.attributes], inputs: () => [...inputs] };
  }
  const [a, b, bias] = node.inputs;
  const beta = c.attributes(node).float('beta');
  const attributes = [...node.attributes].filter(([name]) => name !== 'beta');
  const form = { op: 'MatMul', attributes };
  if (bias == null) return { ...form, inputs: () => [a!, b!] };
  if (beta === 1) return { ...form, inputs: () => [a!, b!, bias] };
  const numbers = c.numbers(bias);
  const constant = c.constant(bias);
  if (numbers === null || constant?.dtype !== 'float32') return 'its bias is scaled and computed';
  return {
    ...form,
    inputs: () => {
      const scaled = floatConstant(
        numbers.map((x) => x * beta),
        constant.shape,
      );
      return [a!, b!, c.addConstant(node.graph, bias.name, scaled)];
    },
  };
}

/** A sum with another value of the same shape is made where a convolution stores its results. */
export const addendsIntoConv: Rule = {
  name: 'addend-into-conv',
  reason: 'the convolution before it adds it before it stores its results',
  roots: ['Add'],
  find: (node, c) => {
    const [a, b] = node.inputs as [Value, Value];
    let why: string | null = null;
    for (const [input, addend] of [
      [a, b],
      [b, a],
    ] as const) {
      const conv = c.producer(input, 'mp.Conv');
      if (conv === null) continue;
      why = whyNoAddend(conv, input, addend, node, c);
      if (why !== null) continue;
      const [x, w, bias] = conv.inputs;
      const inputs = [x!, w!, bias ?? null, addend];
      const { attributes } = conv;
      return () => c.take(node, { op: 'Conv', domain: 'mp', inputs, attributes });
    }
    return why;
  },
};

function whyNoAddend(
  conv: Node,
  input: Value,
  addend: Value,
  node: Node,
  c: RuleContext,
): string | null {
  if (c.dtype(input) !== 'float32') return 'it is not float32';
  if (conv.inputs[3] != null) return 'the convolution adds something else';
  if (activationOf(conv).kind !== 'none') return 'an activation is between';
  if (!c.isOnlyFor(input, node)) return 'the result of the convolution has another reader';
  if (!c.sameShape(input, addend)) return 'what is added has another shape';
  const isQuantized = [...conv.inputs, addend, node.outputs[0]!].some(
    (value) => value != null && value.quantization !== null,
  );
  return isQuantized ? 'the convolution is quantized' : null;
}

/** Products of more than two axes and what has no place in ONNX's MatMul. */
const products = ['MatMul', 'mp.MatMul'];

/** One number for each column added to a product. */
export const biasIntoMatMul: Rule = {
  name: 'bias-into-matmul',
  reason: 'the product before it adds one number a column itself',
  roots: ['Add'],
  find: (node, c) => {
    const [input, bias] = node.inputs as [Value, Value];
    const product = c.producer(input, ...products);
    const constant = c.constant(bias);
    const columns = c.shape(input)?.at(-1);
    if (product === null || constant === null || constant.dtype !== 'float32') return null;
    if (product.inputs[2] != null || activationOf(product).kind !== 'none')
      return 'the product has a bias or an activation';
    const size = constant.shape.reduce((a, b) => a * b, 1);
    if (constant.shape.at(-1) !== columns || size !== columns)
      return 'it is not one number a column';
    if (!c.isOnlyFor(input, node)) return 'the product has another reader';
    if (c.rank(node.outputs[0]) !== c.rank(input)) return 'it changes the shape';
    return () => {
      const inputs = [product.inputs[0]!, product.inputs[1]!, bias];
      c.take(node, { op: 'MatMul', domain: 'mp', inputs, attributes: product.attributes });
    };
  },
};

/** A product reads an operand with its last two axes exchanged, and scales its results. */
export const transposesIntoMatMul: Rule = {
  name: 'transpose-into-matmul',
  reason: 'the product reads the operand in the other order itself',
  roots: products,
  find: (node, c) => {
    for (const index of [0, 1] as const) {
      const input = node.inputs[index]!;
      const transpose = c.producer(input, 'Transpose');
      if (transpose === null || input.quantization !== null) continue;
      const rank = c.rank(input);
      const perm =
        c.attributes(transpose).ints('perm') ??
        Array.from({ length: rank ?? 0 }, (_, axis) => (rank ?? 0) - 1 - axis);
      const last = perm.length - 1;
      const isSwap = perm.every((axis, at) =>
        at < last - 1 ? axis === at : axis === (at === last ? last - 1 : last),
      );
      if (last < 1 || !isSwap) continue;
      const name = index === 0 ? 'transA' : 'transB';
      const before = node.attributes.get(name);
      const value = before?.type === 'int' && Number(before.value) !== 0 ? 0 : 1;
      return () => {
        const attributes = new Map(node.attributes);
        attributes.set(name, { type: 'int', value });
        const inputs = node.inputs.with(index, transpose.inputs[0]!);
        c.take(node, { op: 'MatMul', domain: 'mp', inputs, attributes });
      };
    }
    return null;
  },
};

/** A scalar factor before or after a product is the product's own. */
export const factorsIntoMatMul: Rule = {
  name: 'factor-into-matmul',
  reason: 'the product scales its results itself',
  roots: ['Mul', 'Div', ...products],
  find: (node, c) =>
    products.includes(operatorOf(node)) ? factorBefore(node, c) : factorAfter(node, c),
};

function factorOf(node: Node, c: RuleContext): number | null {
  const factor = c.dtype(node.inputs[1]) === 'float32' ? c.scalar(node.inputs[1]) : null;
  if (factor === null || (c.rank(node.inputs[1]) ?? 9) > (c.rank(node.inputs[0]) ?? -1))
    return null;
  const number = node.op === 'Div' ? 1 / factor : factor;
  return Number.isFinite(Math.fround(number)) && Math.fround(number) !== 0 ? number : null;
}

function factorAfter(node: Node, c: RuleContext): Found {
  const [input] = node.inputs as [Value];
  const product = c.producer(input, ...products);
  const factor = product === null ? null : factorOf(node, c);
  if (product === null || factor === null) return null;
  if (product.inputs[2] != null || activationOf(product).kind !== 'none')
    return 'the product has a bias or an activation';
  if (!c.isOnlyFor(input, node)) return 'the product has another reader';
  return () => takeScaled(node, c, product, product.inputs, factor);
}

function factorBefore(node: Node, c: RuleContext): Found {
  for (const index of [0, 1] as const) {
    const input = node.inputs[index]!;
    const scaling = c.producer(input, 'Mul', 'Div');
    const factor = scaling === null ? null : factorOf(scaling, c);
    if (scaling === null || factor === null || input.quantization !== null) continue;
    if (!c.isOnlyFor(input, node)) return 'what is scaled has another reader';
    const inputs = node.inputs.with(index, scaling.inputs[0]!);
    return () => takeScaled(node, c, node, inputs, factor);
  }
  return null;
}

function takeScaled(
  node: Node,
  c: RuleContext,
  product: Node,
  inputs: readonly (Value | null)[],
  factor: number,
): void {
  const attributes = new Map(product.attributes);
  const before = attributes.get('alpha');
  const alpha = before?.type === 'float' ? before.value : 1;
  attributes.set('alpha', { type: 'float', value: Math.fround(alpha * factor) });
  c.take(node, { op: 'MatMul', domain: 'mp', inputs, attributes });
}
