import { floats, info, ints, node, noise } from '../build-model.ts';
import { type Case, runCases } from './rewrite.ts';

const image = info('x', [1, 4, 6, 6]);
const y = info('y', null);
const scalar = (name: string, value: number) => floats(name, [], [value]);

const cases: Case[] = [
  {
    name: 'sizes that are numbers are computed',
    graph: {
      node: [
        node('Shape', ['x'], ['s']),
        node('Cast', ['s'], ['f'], { to: 1 }),
        node('Slice', ['f', 'two', 'four'], ['area']),
        node('ReduceProd', ['area'], ['count'], { keepdims: 0 }),
        node('ReduceSum', ['x'], ['sum'], { keepdims: 0 }),
        node('Div', ['sum', 'count'], ['y']),
      ],
      initializer: [ints('two', [2]), ints('four', [4])],
      input: [info('x', ['n', 4, 6, 6])],
      output: [y],
    },
    left: ['ReduceSum', 'Div'],
    sizes: { n: 2 },
    opset: 13,
  },
  {
    name: 'constants are folded, but not what would be much larger',
    graph: {
      node: [
        node('Constant', [], ['c'], { value: floats('c', [4, 1], [1, 2, 3, 4]) }),
        node('Transpose', ['c'], ['t']),
        node('Expand', ['t', 'small'], ['small4']),
        node('Expand', ['t', 'large'], ['large4']),
        node('Mul', ['x', 'small4'], ['a']),
        node('Concat', ['a', 'large4'], ['y'], { axis: 0 }),
      ],
      initializer: [ints('small', [3, 4]), ints('large', [3000, 4])],
      input: [info('x', [3, 4])],
      output: [y],
    },
    left: ['Expand', 'Mul', 'Concat'],
    rule: 'fold',
    why: /its result would take 48000 bytes/,
  },
  {
    name: 'random numbers are not folded or shared',
    graph: {
      node: [
        node('RandomUniformLike', ['c'], ['a'], { seed: { f: 1 } }),
        node('RandomUniformLike', ['c'], ['b'], { seed: { f: 1 } }),
        node('Add', ['a', 'b'], ['r']),
        node('Sub', ['r', 'r'], ['z']),
        node('Add', ['x', 'z'], ['y']),
      ],
      initializer: [floats('c', [4], [1, 2, 3, 4])],
      input: [info('x', [4])],
      output: [y],
    },
    left: ['RandomUniformLike', 'RandomUniformLike', 'Add', 'Sub', 'Add'],
  },
  {
    name: 'what computes the same is computed once',
    graph: {
      node: [
        node('Add', ['x', 'one'], ['a']),
        node('Add', ['x', 'eins'], ['b']),
        node('Relu', ['a'], ['c']),
        node('Relu', ['b'], ['d']),
        node('Mul', ['c', 'd'], ['y']),
      ],
      initializer: [scalar('one', 1), scalar('eins', 1)],
      input: [image],
      output: [y],
    },
    left: ['Add', 'Relu', 'Mul'],
    rule: 'common-subexpression',
  },
  {
    name: 'what differs in an attribute or a constant is not the same',
    graph: {
      node: [
        node('Add', ['x', 'one'], ['a']),
        node('Add', ['x', 'two'], ['b']),
        node('Softmax', ['a'], ['c'], { axis: 1 }),
        node('Softmax', ['b'], ['d'], { axis: 1 }),
        node('Softmax', ['b'], ['e'], { axis: 2 }),
        node('Sum', ['c', 'd', 'e'], ['y']),
      ],
      initializer: [floats('one', [6], noise(6, 3)), floats('two', [6], noise(6, 4))],
      input: [image],
      output: [y],
    },
    left: ['Add', 'Add', 'Softmax', 'Softmax', 'Softmax', 'Sum'],
  },
  {
    name: 'nodes that no output depends on go',
    graph: {
      node: [node('Neg', ['x'], ['a']), node('Exp', ['a'], ['b']), node('Relu', ['x'], ['y'])],
      input: [image],
      output: [y],
    },
    left: ['Relu'],
    rule: 'dead-code',
  },
];

runCases('simplify: constants', cases);
