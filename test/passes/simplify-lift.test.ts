import type { NodeProto } from '../../src/formats/onnx/proto.ts';
import { floats, info, ints, node, noise } from '../build-model.ts';
import { type Case, runCases } from './rewrite.ts';

const image = info('x', [2, 3, 8]);
const y = info('y', null);
const numbers = Object.entries({
  half: 0.5,
  one: 1,
  two: 2,
  three: 3,
  six: 6,
  sixth: 1 / 6,
  zero: 0,
  root: Math.SQRT2,
  inverse: Math.SQRT1_2,
  cube: 0.044715,
  outer: Math.sqrt(2 / Math.PI),
  quick: 1.702,
  eps: 1e-5,
}).map(([name, value]) => floats(name, [], [value]));

const axes = ints('axes', [-1]);
const scale = floats('scale', [8], noise(8, 5));
const bias = floats('bias', [8], noise(8, 6));

const graph = (nodes: NodeProto[], extra = false) => ({
  node: nodes,
  initializer: [...numbers, axes, scale, bias],
  input: [image],
  output: extra ? [y, info('z', null)] : [y],
});

const erf = [
  node('Div', ['x', 'root'], ['a']),
  node('Erf', ['a'], ['b']),
  node('Add', ['b', 'one'], ['c']),
];
const centered = [
  node('ReduceMean', ['x', 'axes'], ['mean']),
  node('Sub', ['x', 'mean'], ['d']),
  node('Pow', ['d', 'two'], ['square']),
  node('ReduceMean', ['square', 'axes'], ['variance']),
  node('Add', ['variance', 'eps'], ['sum']),
  node('Sqrt', ['sum'], ['deviation']),
];

const cases: Case[] = [
  {
    name: 'Gelu by erf, in the order of PyTorch',
    graph: graph([...erf, node('Mul', ['x', 'c'], ['d']), node('Mul', ['d', 'half'], ['y'])]),
    left: ['Gelu'],
    rule: 'lift-activation',
  },
  {
    name: 'Gelu by erf, in another order',
    graph: graph([
      node('Mul', ['x', 'inverse'], ['a']),
      node('Erf', ['a'], ['b']),
      node('Add', ['one', 'b'], ['c']),
      node('Mul', ['half', 'x'], ['d']),
      node('Mul', ['d', 'c'], ['y']),
    ]),
    left: ['Gelu'],
  },
  {
    name: 'Gelu by tanh',
    graph: graph([
      node('Pow', ['x', 'three'], ['a']),
      node('Mul', ['a', 'cube'], ['b']),
      node('Add', ['x', 'b'], ['c']),
      node('Mul', ['outer', 'c'], ['d']),
      node('Tanh', ['d'], ['e']),
      node('Add', ['e', 'one'], ['f']),
      node('Mul', ['x', 'f'], ['g']),
      node('Mul', ['g', 'half'], ['y']),
    ]),
    left: ['Gelu'],
  },
  {
    name: 'what resembles Gelu stays',
    graph: graph([...erf, node('Mul', ['x', 'c'], ['d']), node('Mul', ['d', 'sixth'], ['y'])]),
    left: ['Div', 'Erf', 'Add', 'Mul', 'Mul'],
  },
  {
    name: 'Gelu of a value whose parts others read leaves these',
    graph: graph(
      [
        ...erf,
        node('Mul', ['x', 'c'], ['d']),
        node('Mul', ['d', 'half'], ['y']),
        node('Neg', ['c'], ['z']),
      ],
      true,
    ),
    left: ['Div', 'Erf', 'Add', 'Gelu', 'Neg'],
  },
  {
    name: 'an operator that the operator set lacks is not made',
    graph: graph([...erf, node('Mul', ['x', 'c'], ['d']), node('Mul', ['d', 'half'], ['y'])]),
    left: ['Div', 'Erf', 'Add', 'Mul', 'Mul'],
    opset: 17,
    why: /Gelu is in opset 20, the model is written at 17/,
  },
  {
    name: 'Swish, with and without a factor',
    graph: graph([
      node('Sigmoid', ['x'], ['a']),
      node('Mul', ['a', 'x'], ['b']),
      node('Mul', ['b', 'quick'], ['c']),
      node('Sigmoid', ['c'], ['d']),
      node('Mul', ['b', 'd'], ['y']),
    ]),
    left: ['Swish', 'Swish'],
    opset: 24,
  },
  {
    name: 'a gate of another value stays',
    graph: graph([
      node('Neg', ['x'], ['n']),
      node('Sigmoid', ['n'], ['a']),
      node('Mul', ['a', 'x'], ['y']),
    ]),
    left: ['Neg', 'Sigmoid', 'Mul'],
    opset: 24,
  },
  {
    name: 'HardSwish by a ramp to 6, and by HardSigmoid',
    graph: graph([
      node('Add', ['x', 'three'], ['a']),
      node('Clip', ['a', 'zero', 'six'], ['b']),
      node('Mul', ['x', 'b'], ['c']),
      node('Div', ['c', 'six'], ['d']),
      node('HardSigmoid', ['d'], ['e'], { alpha: { f: 1 / 6 } }),
      node('Mul', ['d', 'e'], ['y']),
    ]),
    left: ['HardSwish', 'HardSwish'],
  },
  {
    name: 'HardSigmoid by a ramp to 6, and to 1',
    graph: graph([
      node('Add', ['x', 'three'], ['a']),
      node('Clip', ['a', 'zero', 'six'], ['b']),
      node('Div', ['b', 'six'], ['c']),
      node('Mul', ['c', 'sixth'], ['d']),
      node('Add', ['d', 'half'], ['e']),
      node('Clip', ['e', 'zero', 'one'], ['y']),
    ]),
    left: ['HardSigmoid', 'HardSigmoid'],
  },
  {
    name: 'Softplus and Mish',
    graph: graph([
      node('Exp', ['x'], ['a']),
      node('Add', ['a', 'one'], ['b']),
      node('Log', ['b'], ['c']),
      node('Tanh', ['c'], ['d']),
      node('Mul', ['x', 'd'], ['y']),
    ]),
    left: ['Mish'],
  },
  {
    name: 'LayerNormalization with scale and bias',
    graph: graph([
      ...centered,
      node('Div', ['d', 'deviation'], ['n']),
      node('Mul', ['n', 'scale'], ['s']),
      node('Add', ['s', 'bias'], ['y']),
    ]),
    left: ['LayerNormalization'],
    rule: 'lift-normalization',
  },
  {
    name: 'LayerNormalization without, whose result goes two ways',
    graph: graph(
      [
        ...centered,
        node('Reciprocal', ['deviation'], ['r']),
        node('Mul', ['d', 'r'], ['n']),
        node('Mul', ['n', 'scale'], ['y']),
        node('Neg', ['n'], ['z']),
      ],
      true,
    ),
    left: ['LayerNormalization', 'Mul', 'Neg'],
  },
  {
    name: 'a mean over other axes than the last is no LayerNormalization',
    graph: {
      ...graph([...centered, node('Div', ['d', 'deviation'], ['y'])]),
      initializer: [...numbers, ints('axes', [1])],
    },
    left: ['ReduceMean', 'Sub', 'Pow', 'ReduceMean', 'Add', 'Sqrt', 'Div'],
  },
  {
    name: 'RMSNormalization',
    graph: graph([
      node('Mul', ['x', 'x'], ['square']),
      node('ReduceMean', ['square', 'axes'], ['mean']),
      node('Add', ['mean', 'eps'], ['sum']),
      node('Sqrt', ['sum'], ['deviation']),
      node('Div', ['x', 'deviation'], ['n']),
      node('Mul', ['scale', 'n'], ['y']),
    ]),
    left: ['RMSNormalization'],
    opset: 23,
  },
];

for (const item of cases) {
  item.opset ??= 22;
  item.error ??= 1e-6;
}

runCases('simplify: operators spelled out', cases);
