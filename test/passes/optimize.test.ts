import { floats, info, node, noise } from '../build-model.ts';
import { type Case, runCases } from './rewrite.ts';

const y = info('y', null);
const image = info('x', [2, 4, 6, 6]);
const rows = info('x', [3, 4]);
const factor = floats(
  'f',
  [4, 1, 1],
  noise(4, 1).map((v) => v + 2),
);
const shift = floats('s', [1, 4, 1, 1], noise(4, 2));
const row = floats('row', [4], noise(4, 7));
const dense = floats('w', [6, 4, 3, 3], noise(216, 3));
const deep = floats('d', [8, 1, 3, 3], noise(72, 4));
const matrix = floats('m', [4, 5], noise(20, 5));
const turned = floats('t', [5, 4], noise(20, 5));
const bias = floats('b', [5], noise(5, 6));

const affine = [node('Mul', ['x', 'f'], ['a']), node('Add', ['a', 's'], ['c'])];
const flat = [node('Mul', ['x', 'row'], ['a']), node('Sub', ['a', 'row'], ['c'])];

const cases: Case[] = [
  {
    name: 'a scale and a shift go into the convolution after them',
    graph: {
      node: [...affine, node('Conv', ['c', 'w'], ['y'], { strides: [2, 1] })],
      initializer: [factor, shift, dense],
      input: [image],
      output: [y],
    },
    left: ['Conv'],
    error: 2e-6,
  },
  {
    name: 'they go into one with a filter for each channel',
    graph: {
      node: [...affine, node('Conv', ['c', 'd'], ['y'], { group: 4 })],
      initializer: [factor, shift, deep],
      input: [image],
      output: [y],
    },
    left: ['Conv'],
    error: 2e-6,
  },
  {
    name: 'only a scale goes into one that pads',
    graph: {
      node: [
        ...affine,
        node('Conv', ['c', 'w'], ['y'], { pads: [1, 1, 1, 1] }),
        node('Mul', ['x', 'f'], ['e']),
        node('Conv', ['e', 'w'], ['z'], { pads: [1, 1, 1, 1] }),
      ],
      initializer: [factor, shift, dense],
      input: [info('x', [1, 4, 6, 6])],
      output: [y, info('z', null)],
    },
    left: ['Mul', 'Add', 'Conv', 'Conv'],
    error: 2e-6,
    why: /zeros that are not shifted/,
  },
  {
    name: 'they go into products of matrices',
    graph: {
      node: [
        ...flat,
        node('MatMul', ['c', 'm'], ['p']),
        node('Neg', ['x'], ['n']),
        node('Mul', ['n', 'row'], ['k']),
        node('Add', ['k', 'row'], ['l']),
        node('Gemm', ['l', 't', 'b'], ['q'], { transB: 1, alpha: { f: 0.5 }, beta: { f: 3 } }),
        node('Sum', ['p', 'q'], ['y']),
      ],
      initializer: [row, matrix, turned, bias],
      input: [rows],
      output: [y],
    },
    left: ['Gemm', 'Neg', 'Gemm', 'Sum'],
    error: 2e-6,
  },
  {
    name: 'what others read too keeps its scale',
    graph: {
      node: [node('Mul', ['x', 'row'], ['z']), node('MatMul', ['z', 'm'], ['y'])],
      initializer: [row, matrix],
      input: [rows],
      output: [y, info('z', null)],
    },
    left: ['Mul', 'MatMul'],
    why: /another reader/,
  },
  {
    name: 'weights that are shared are copied',
    graph: {
      node: [
        node('Mul', ['x', 'row'], ['a']),
        node('MatMul', ['a', 'm'], ['y']),
        node('MatMul', ['x', 'm'], ['z']),
      ],
      initializer: [row, matrix],
      input: [rows],
      output: [y, info('z', null)],
    },
    left: ['MatMul', 'MatMul'],
    error: 2e-6,
  },
];

for (const item of cases) {
  item.runs = true;
  item.opset = 13;
}

runCases('optimize for running', cases);
