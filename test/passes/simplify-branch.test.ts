import type { GraphProto } from '../../src/formats/onnx/proto.ts';
import { floats, info, ints, node, noise } from '../build-model.ts';
import { type Case, runCases } from './rewrite.ts';

const y = info('y', null);
const condition = (value: number) =>
  node('Equal', ['one', value === 1 ? 'one' : 'two'], ['condition']);
const numbers = [ints('one', [1], []), ints('two', [2], [])];

const body = (nodes: GraphProto['node'], output: string, extra: GraphProto = {}): GraphProto => ({
  name: output,
  node: nodes!,
  output: [info(output, null)],
  ...extra,
});

const either = (then: GraphProto, otherwise: GraphProto) =>
  node('If', ['condition'], ['r'], { then_branch: then, else_branch: otherwise });

const cases: Case[] = [
  {
    name: 'an If on a constant is its branch, with constants and captured values',
    graph: {
      node: [
        condition(2),
        node('Neg', ['x'], ['n']),
        either(
          body([node('Relu', ['x'], ['t'])], 't'),
          body([node('Add', ['n', 'c'], ['a']), node('Exp', ['a'], ['e'])], 'e', {
            initializer: [floats('c', [4], noise(4, 2))],
          }),
        ),
        node('Relu', ['r'], ['y']),
      ],
      initializer: numbers,
      input: [info('x', [3, 4])],
      output: [y],
    },
    left: ['Neg', 'Add', 'Exp', 'Relu'],
    rule: 'known-branch',
  },
  {
    name: 'an If inside the branch that is taken moves with it',
    graph: {
      node: [
        condition(1),
        node('ReduceSum', ['x'], ['sum'], { keepdims: 0 }),
        node('Greater', ['sum', 'zero'], ['positive']),
        node('If', ['condition'], ['y'], {
          then_branch: body(
            [
              node('Neg', ['x'], ['m']),
              node('If', ['positive'], ['inner'], {
                then_branch: body([node('Exp', ['m'], ['p'])], 'p'),
                else_branch: body([node('Abs', ['m'], ['q'])], 'q'),
              }),
            ],
            'inner',
          ),
          else_branch: body([node('Relu', ['x'], ['t'])], 't'),
        }),
      ],
      initializer: [...numbers, floats('zero', [], [0])],
      input: [info('x', [3, 4])],
      output: [y],
    },
    left: ['ReduceSum', 'Greater', 'Neg', 'If', 'Abs', 'Exp'],
    rule: 'known-branch',
    why: /the condition is computed/,
  },
  {
    name: 'a branch that gives a value of outside gives it by name',
    graph: {
      node: [
        condition(1),
        node('If', ['condition'], ['y', 'z'], {
          then_branch: body([node('Neg', ['x'], ['m']), node('Identity', ['x'], ['i'])], 'm', {
            output: [info('m', null), info('i', null)],
          }),
          else_branch: body([node('Relu', ['x'], ['a']), node('Exp', ['x'], ['b'])], 'a', {
            output: [info('a', null), info('b', null)],
          }),
        }),
      ],
      initializer: numbers,
      input: [info('x', [3, 4])],
      output: [y, info('z', null)],
    },
    left: ['Neg', 'Identity'],
    rule: 'known-branch',
  },
  {
    name: 'the branch of the only rank that fits is taken',
    graph: {
      node: [
        node('Shape', ['x'], ['s']),
        node('Gather', ['s', 'zero'], ['n']),
        node('Equal', ['n', 'one'], ['condition']),
        either(
          body([node('Squeeze', ['x', 'axis'], ['t'])], 't'),
          body([node('Identity', ['x'], ['e'])], 'e'),
        ),
        node('Relu', ['r'], ['q']),
        node('Gemm', ['q', 'w'], ['y']),
      ],
      initializer: [
        ints('one', [1], []),
        ints('zero', [0], []),
        ints('axis', [0]),
        floats('w', [4, 2], noise(8, 3)),
      ],
      input: [info('x', ['n', 3, 4])],
      output: [y],
    },
    left: ['Squeeze', 'Relu', 'Gemm'],
    sizes: { n: 1 },
    rule: 'only-branch',
  },
  {
    name: 'an If stays where either rank fits',
    graph: {
      node: [
        node('Shape', ['x'], ['s']),
        node('Gather', ['s', 'zero'], ['n']),
        node('Equal', ['n', 'one'], ['condition']),
        either(
          body([node('Squeeze', ['x', 'axis'], ['t'])], 't'),
          body([node('Identity', ['x'], ['e'])], 'e'),
        ),
        node('Relu', ['r'], ['y']),
      ],
      initializer: [ints('one', [1], []), ints('zero', [0], []), ints('axis', [0])],
      input: [info('x', ['n', 3, 4])],
      output: [y],
    },
    left: ['Shape', 'Gather', 'Equal', 'If', 'Relu', 'Identity', 'Squeeze'],
    sizes: { n: 2 },
    why: /the condition is computed/,
  },
];

runCases('simplify: branches', cases);
