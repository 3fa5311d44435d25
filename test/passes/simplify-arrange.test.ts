import { floats, info, ints, node, noise } from '../build-model.ts';
import { type Case, runCases } from './rewrite.ts';

const image = info('x', [1, 4, 6, 6]);
const y = info('y', null);

const cases: Case[] = [
  {
    name: 'a Slice takes a part of a Concat; across parts it stays',
    graph: {
      node: [
        node('Neg', ['x'], ['n']),
        node('Concat', ['x', 'n'], ['a'], { axis: 1 }),
        node('Slice', ['a', 'four', 'eight', 'one'], ['b']),
        node('Slice', ['a', 'one', 'six', 'one'], ['c']),
        node('Relu', ['b'], ['y']),
        node('Relu', ['c'], ['z']),
      ],
      initializer: [ints('four', [4]), ints('eight', [8]), ints('one', [1]), ints('six', [6])],
      input: [image],
      output: [y, info('z', null)],
    },
    left: ['Neg', 'Concat', 'Slice', 'Relu', 'Relu'],
    rule: 'slice-of-concat',
    why: /begin and end/,
  },
  {
    name: 'Slices along different axes are one, to the very end',
    graph: {
      node: [
        node('Slice', ['x', 'one', 'most', 'two'], ['a']),
        node('Slice', ['a', 'one', 'two', 'one'], ['b']),
        node('Squeeze', ['b', 'one'], ['y']),
      ],
      initializer: [ints('one', [1]), ints('two', [2]), ints('most', [2 ** 60])],
      input: [info('x', [1, 4, 'h', 6])],
      output: [y],
    },
    left: ['Slice', 'Squeeze'],
    sizes: { h: 7 },
    rule: 'slice-chain',
  },
  {
    name: 'Slices with steps along different axes are one; along the same axis they stay',
    graph: {
      node: [
        node('Slice', ['x', 'zero', 'most', 'two', 'two'], ['a']),
        node('Slice', ['a', 'zero', 'most', 'three', 'two'], ['b']),
        node('Slice', ['b', 'zero', 'most', 'three', 'two'], ['y']),
      ],
      initializer: [
        ints('zero', [0]),
        ints('two', [2]),
        ints('three', [3]),
        ints('most', [2 ** 60]),
      ],
      input: [info('x', [1, 4, 'h', 9])],
      output: [y],
    },
    left: ['Slice', 'Slice'],
    sizes: { h: 7 },
    why: /along the same axis/,
  },
  {
    name: 'one place along an axis is a Gather',
    graph: {
      node: [
        node('Slice', ['x', 'one', 'two', 'one'], ['b']),
        node('Squeeze', ['b', 'one'], ['y']),
      ],
      initializer: [ints('one', [1]), ints('two', [2])],
      input: [info('x', [1, 4, 'h', 6])],
      output: [y],
    },
    left: ['Gather'],
    sizes: { h: 7 },
    rule: 'squeeze-of-slice',
  },
  {
    name: 'zeros put beside a tensor are padding',
    graph: {
      node: [
        node('ConstantOfShape', ['shape'], ['z']),
        node('Concat', ['x', 'z'], ['y'], { axis: 1 }),
      ],
      initializer: [ints('shape', [1, 40, 6, 6])],
      input: [image],
      output: [y],
    },
    left: ['Pad'],
    rule: 'concat-zeros',
  },
  {
    name: 'ones put beside a tensor stay',
    graph: {
      node: [
        node('ConstantOfShape', ['shape'], ['z'], { value: floats('one', [1], [1]) }),
        node('Concat', ['x', 'z'], ['y'], { axis: 1 }),
      ],
      initializer: [ints('shape', [1, 40, 6, 6])],
      input: [image],
      output: [y],
    },
    left: ['ConstantOfShape', 'Concat'],
  },
  {
    name: 'an operator that broadcasts needs no Expand',
    graph: {
      node: [
        node('Shape', ['x'], ['s']),
        node('Expand', ['c', 's'], ['e']),
        node('Mul', ['x', 'e'], ['y']),
      ],
      initializer: [floats('c', [1, 6], noise(6, 2))],
      input: [info('x', ['n', 6])],
      output: [y],
    },
    left: ['Mul'],
    sizes: { n: 4 },
    rule: 'idle-expand',
  },
  {
    name: 'an Expand that makes the result larger stays',
    graph: {
      node: [node('Expand', ['x', 'shape'], ['e']), node('Mul', ['e', 'c'], ['y'])],
      initializer: [floats('c', [6], noise(6, 2)), ints('shape', [200, 1, 6])],
      input: [info('x', [4, 6])],
      output: [y],
    },
    left: ['Expand', 'Mul'],
    why: /may be smaller/,
  },
];

runCases('simplify: arrange', cases);
