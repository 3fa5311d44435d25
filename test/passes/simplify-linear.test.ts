import { floats, info, ints, node, noise } from '../build-model.ts';
import { type Case, runCases } from './rewrite.ts';

const image = info('x', [1, 4, 6, 6]);
const y = info('y', null);
const kernel = floats('w', [8, 4, 3, 3], noise(288, 1));
const perChannel = (name: string, seed: number, dims = [1, 8, 1, 1]) =>
  floats(
    name,
    dims,
    noise(8, seed).map((v) => v + 2),
  );
const scalar = (name: string, value: number) => floats(name, [], [value]);

const cases: Case[] = [
  {
    name: 'BatchNormalization, factors and sums go into a convolution',
    graph: {
      node: [
        node('Conv', ['x', 'w'], ['a']),
        node('BatchNormalization', ['a', 's', 's', 's', 's'], ['b']),
        node('Mul', ['b', 'f'], ['c']),
        node('Add', ['f', 'c'], ['d']),
        node('Div', ['d', 'two'], ['e']),
        node('Sub', ['two', 'e'], ['y']),
      ],
      initializer: [kernel, perChannel('s', 5, [8]), perChannel('f', 6), scalar('two', 2)],
      input: [image],
      output: [y],
    },
    left: ['Conv'],
    rule: 'affine-into-linear',
    error: 2e-6,
  },
  {
    name: 'factors go into a transposed convolution and into products of matrices',
    graph: {
      node: [
        node('ConvTranspose', ['x', 'w'], ['a'], { strides: [2, 2] }),
        node('Mul', ['a', 'f'], ['b']),
        node('GlobalAveragePool', ['b'], ['c']),
        node('Flatten', ['c'], ['d']),
        node('MatMul', ['d', 'm'], ['e']),
        node('Add', ['e', 'g'], ['h']),
        node('Mul', ['h', 'g'], ['y']),
      ],
      initializer: [
        floats('w', [4, 8, 3, 3], noise(288, 1)),
        perChannel('f', 6),
        floats('m', [8, 8], noise(64, 4)),
        perChannel('g', 7, [8]),
      ],
      input: [image],
      output: [y],
    },
    left: ['ConvTranspose', 'GlobalAveragePool', 'Flatten', 'Gemm'],
    error: 2e-6,
  },
  {
    name: 'a weight that another node reads is copied, not changed',
    graph: {
      node: [
        node('Conv', ['x', 'w'], ['a']),
        node('Mul', ['a', 'f'], ['y']),
        node('Conv', ['x', 'w'], ['b'], { pads: [1, 1, 1, 1] }),
        node('Relu', ['b'], ['z']),
      ],
      initializer: [kernel, perChannel('f', 6)],
      input: [image],
      output: [y, info('z', null)],
    },
    left: ['Conv', 'Conv', 'Relu'],
    rule: 'affine-into-linear',
    error: 2e-6,
  },
  {
    name: 'a result with another reader keeps its factor',
    graph: {
      node: [node('Conv', ['x', 'w'], ['z']), node('Mul', ['z', 'f'], ['y'])],
      initializer: [kernel, perChannel('f', 6)],
      input: [image],
      output: [y, info('z', null)],
    },
    left: ['Conv', 'Mul'],
    why: /another reader/,
  },
  {
    name: 'a factor for each place stays',
    graph: {
      node: [node('Conv', ['x', 'w'], ['a']), node('Mul', ['a', 'f'], ['y'])],
      initializer: [kernel, floats('f', [4, 4], noise(16, 6))],
      input: [image],
      output: [y],
    },
    left: ['Conv', 'Mul'],
    why: /one constant a channel/,
  },
  {
    name: 'zeros around the input of a convolution are its padding',
    graph: {
      node: [
        node('Pad', ['x', 'pads'], ['a']),
        node('Conv', ['a', 'w'], ['y'], { pads: [1, 0, 1, 0] }),
      ],
      initializer: [kernel, ints('pads', [0, 0, 1, 2, 0, 0, 0, 1])],
      input: [image],
      output: [y],
    },
    left: ['Conv'],
    rule: 'pad-into-conv',
  },
  {
    name: 'padding by other numbers, or of channels, stays',
    graph: {
      node: [
        node('Pad', ['x', 'pads', 'one'], ['a']),
        node('Conv', ['a', 'w'], ['b']),
        node('Pad', ['b', 'channels'], ['c']),
        node('Conv', ['c', 'v'], ['y']),
      ],
      initializer: [
        kernel,
        floats('v', [1, 9, 1, 1], noise(9, 2)),
        ints('pads', [0, 0, 1, 2, 0, 0, 0, 1]),
        ints('channels', [0, 1, 0, 0, 0, 0, 0, 0]),
        scalar('one', 1),
      ],
      input: [image],
      output: [y],
    },
    left: ['Pad', 'Conv', 'Pad', 'Conv'],
    why: /not zeros/,
  },
  {
    name: 'factors in a row are one, sums too',
    graph: {
      node: [
        node('Mul', ['x', 'f'], ['a']),
        node('Div', ['a', 'three'], ['b']),
        node('Sub', ['b', 'f'], ['c']),
        node('Add', ['c', 'three'], ['y']),
      ],
      initializer: [floats('f', [4, 1, 1], [1, 2, 3, 4]), scalar('three', 3)],
      input: [image],
      output: [y],
    },
    left: ['Mul', 'Add'],
    rule: 'merge-mul',
    error: 1e-6,
  },
];

runCases('simplify: linear', cases);
