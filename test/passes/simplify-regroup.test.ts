import type { NodeProto } from '../../src/formats/onnx/proto.ts';
import { info, ints, node } from '../build-model.ts';
import { type Case, runCases } from './rewrite.ts';

type Sizes = readonly (number | string)[];

/** Reshape, Transpose, Reshape. */
function regroup(
  name: string,
  [before, split, perm, after]: [Sizes, number[], number[], number[]],
  left: string[],
  rest: Partial<Case> = {},
  more: NodeProto[] = [],
): Case {
  return {
    name,
    graph: {
      node: [
        node('Reshape', ['x', 'split'], ['a']),
        node('Transpose', ['a'], ['b'], { perm }),
        node('Reshape', ['b', 'after'], ['y']),
        ...more,
      ],
      initializer: [ints('split', split), ints('after', after)],
      input: [info('x', before)],
      output: [info('y', null), ...more.map(({ output }) => info(output![0]!, null))],
    },
    left,
    ...(left.includes('Transpose') ? {} : { rule: 'regrouped-axes' }),
    ...rest,
  };
}

const spelledOut = ['Reshape', 'Transpose', 'Reshape'];

const cases: Case[] = [
  regroup(
    'shuffled channels are a Gather',
    [
      [2, 12, 4, 5],
      [2, 3, 4, 4, 5],
      [0, 2, 1, 3, 4],
      [2, 12, 4, 5],
    ],
    ['Gather'],
  ),
  regroup(
    'shuffled channels of an image of any size, as PyTorch writes them',
    [
      ['n', 12, 'h', 'w'],
      [0, 3, 4, -1],
      [0, 2, 1, 3],
      [0, 12, -1, 5],
    ],
    ['Gather'],
    { sizes: { n: 2, h: 3, w: 5 }, graph: symbolicShuffle() },
  ),
  regroup(
    'shuffled channels that come last are a Gather, too',
    [
      [2, 4, 5, 12],
      [2, 4, 5, 2, 6],
      [0, 1, 2, 4, 3],
      [2, 4, 5, 12],
    ],
    ['Gather'],
  ),
  regroup(
    'three parts of the channels in another order',
    [
      [1, 24, 2, 3],
      [1, 2, 3, 4, 2, 3],
      [0, 3, 1, 2, 4, 5],
      [1, 24, 2, 3],
    ],
    ['Gather'],
  ),
  regroup(
    'a pixel shuffle is a DepthToSpace in the order CRD',
    [
      [2, 12, 3, 5],
      [2, 3, 2, 2, 3, 5],
      [0, 1, 4, 2, 5, 3],
      [2, 3, 6, 10],
    ],
    ['DepthToSpace'],
  ),
  regroup(
    'before operator set 11 it stays',
    [
      [2, 12, 3, 5],
      [2, 3, 2, 2, 3, 5],
      [0, 1, 4, 2, 5, 3],
      [2, 3, 6, 10],
    ],
    spelledOut,
    { opset: 10, why: /from operator set 11/ },
  ),
  regroup(
    'with one channel it is a DepthToSpace in any operator set',
    [
      [2, 9, 3, 5],
      [2, 3, 3, 3, 5],
      [0, 3, 1, 4, 2],
      [2, 1, 9, 15],
    ],
    ['DepthToSpace'],
    { opset: 9 },
  ),
  regroup(
    'blocks before channels are a DepthToSpace in the order DCR',
    [
      [2, 12, 3, 5],
      [2, 2, 2, 3, 3, 5],
      [0, 3, 4, 1, 5, 2],
      [2, 3, 6, 10],
    ],
    ['DepthToSpace'],
  ),
  regroup(
    'groups of channels around blocks are shuffled before',
    [
      [2, 24, 3, 5],
      [2, 2, 2, 2, 3, 3, 5],
      [0, 1, 4, 5, 2, 6, 3],
      [2, 6, 6, 10],
    ],
    ['Gather', 'DepthToSpace'],
  ),
  regroup(
    'columns of blocks before their rows, too',
    [
      [1, 12, 3, 5],
      [1, 3, 2, 2, 3, 5],
      [0, 1, 4, 3, 5, 2],
      [1, 3, 6, 10],
    ],
    ['Gather', 'DepthToSpace'],
  ),
  regroup(
    'blocks that are no squares stay',
    [
      [1, 18, 3, 5],
      [1, 3, 2, 3, 3, 5],
      [0, 1, 4, 2, 5, 3],
      [1, 3, 6, 15],
    ],
    spelledOut,
  ),
  regroup(
    'blocks behind the rows stay',
    [
      [1, 12, 3, 5],
      [1, 3, 2, 2, 3, 5],
      [0, 1, 2, 4, 5, 3],
      [1, 3, 6, 10],
    ],
    spelledOut,
  ),
  regroup(
    'space to blocks before channels is a SpaceToDepth',
    [
      [2, 3, 6, 10],
      [2, 3, 3, 2, 5, 2],
      [0, 3, 5, 1, 2, 4],
      [2, 12, 3, 5],
    ],
    ['SpaceToDepth'],
  ),
  regroup(
    'space to blocks behind channels is shuffled after',
    [
      [2, 3, 6, 10],
      [2, 3, 3, 2, 5, 2],
      [0, 1, 3, 5, 2, 4],
      [2, 12, 3, 5],
    ],
    ['SpaceToDepth', 'Gather'],
  ),
  regroup(
    'space to blocks within groups of channels is shuffled after',
    [
      [1, 6, 4, 6],
      [1, 2, 3, 2, 2, 3, 2],
      [0, 1, 4, 6, 2, 3, 5],
      [1, 24, 2, 3],
    ],
    ['SpaceToDepth', 'Gather'],
  ),
  regroup(
    'windows of an image stay',
    [
      [1, 4, 6, 8],
      [1, 4, 3, 2, 4, 2],
      [0, 2, 4, 1, 3, 5],
      [12, 4, 2, 2],
    ],
    spelledOut,
  ),
  regroup(
    'a Transpose of two axes stays',
    [
      [2, 3, 4, 5],
      [2, 12, 5],
      [0, 2, 1],
      [2, 5, 3, 4],
    ],
    spelledOut,
  ),
  regroup(
    'groups that take in parts of two axes stay',
    [
      [1, 6, 4, 4],
      [1, 4, 6, 4],
      [0, 2, 1, 3],
      [1, 6, 2, 8],
    ],
    spelledOut,
  ),
  regroup(
    'what has another reader stays',
    [
      [2, 12, 4, 5],
      [2, 3, 4, 4, 5],
      [0, 2, 1, 3, 4],
      [2, 12, 4, 5],
    ],
    [...spelledOut, 'Relu'],
    { why: /another reader/ },
    [node('Relu', ['b'], ['z'])],
  ),
];

/** Sizes from a Shape, as exporters write them. */
function symbolicShuffle(): Case['graph'] {
  return {
    node: [
      node('Shape', ['x'], ['shape']),
      node('Gather', ['shape', 'zero'], ['n']),
      node('Gather', ['shape', 'two'], ['h']),
      node('Gather', ['shape', 'three'], ['w']),
      node('Concat', ['n', 'groups', 'h', 'w'], ['split'], { axis: 0 }),
      node('Concat', ['n', 'channels', 'h', 'w'], ['after'], { axis: 0 }),
      node('Reshape', ['x', 'split'], ['a']),
      node('Transpose', ['a'], ['b'], { perm: [0, 2, 1, 3, 4] }),
      node('Reshape', ['b', 'after'], ['y']),
    ],
    initializer: [
      ints('zero', [0]),
      ints('two', [2]),
      ints('three', [3]),
      ints('groups', [3, 4]),
      ints('channels', [-1]),
    ],
    input: [info('x', ['n', 12, 'h', 'w'])],
    output: [info('y', null)],
  };
}

runCases('simplify: regroup', cases);
