import type { NodeProto } from '../../src/formats/onnx/proto.ts';
import { floats, info, ints, node, noise } from '../build-model.ts';
import { type Case, runCases } from './rewrite.ts';

const y = info('y', null);
const source = info('x', [2, 5, 12]);

/** Three heads of four from [batch, length, 12]. */
const heads = (name: string, perm: number[]): NodeProto[] => [
  node('MatMul', ['x', `w${name}`], [`p${name}`]),
  node('Reshape', [`p${name}`, 'split'], [`r${name}`]),
  node('Transpose', [`r${name}`], [name], { perm }),
];
const weights = ['q', 'k', 'v'].map((name, i) =>
  floats(`w${name}`, [12, 12], noise(144, i + 1, 0.5)),
);
const constants = [
  ...weights,
  ints('split', [0, 0, 3, 4]),
  floats('half', [], [0.5]),
  floats('root', [], [Math.SQRT1_2]),
  floats('two', [], [2]),
  floats('mask', [5, 5], noise(25, 9)),
  floats('column', [5, 1], noise(5, 9)),
];
const inputs = [
  ...heads('q', [0, 2, 1, 3]),
  ...heads('k', [0, 2, 3, 1]),
  ...heads('v', [0, 2, 1, 3]),
];
const attention = (scores: NodeProto[], extra: NodeProto[] = []) => ({
  node: [
    ...inputs,
    ...scores,
    node('Softmax', ['s'], ['w'], { axis: -1 }),
    node('MatMul', ['w', 'v'], ['y']),
    ...extra,
  ],
  initializer: constants,
  input: [source],
  output: extra.length > 0 ? [y, info('z', null)] : [y],
});

const projected = ['MatMul', 'Reshape', 'Transpose'];
const before = [...projected, ...projected, ...projected];
/** The keys are transposed anew, just before. */
const lifted = [...projected, 'MatMul', 'Reshape', ...projected, 'Transpose', 'Attention'];

const cases: Case[] = [
  {
    name: 'attention with a factor and a mask is one operator',
    graph: attention([
      node('MatMul', ['q', 'k'], ['a']),
      node('Mul', ['a', 'half'], ['b']),
      node('Add', ['b', 'mask'], ['s']),
    ]),
    left: lifted,
    rule: 'lift-attention',
  },
  {
    name: 'factors of queries and keys are one of the scores',
    graph: attention([
      node('Mul', ['q', 'root'], ['qs']),
      node('Mul', ['k', 'root'], ['ks']),
      node('MatMul', ['qs', 'ks'], ['s']),
    ]),
    left: lifted,
  },
  {
    name: 'scores that others read stay',
    graph: attention([node('MatMul', ['q', 'k'], ['s'])], [node('Neg', ['s'], ['z'])]),
    left: [...before, 'MatMul', 'Softmax', 'MatMul', 'Neg'],
    why: /scores have another reader/,
  },
  {
    name: 'one number a query is no mask',
    graph: attention([node('MatMul', ['q', 'k'], ['a']), node('Add', ['a', 'column'], ['s'])]),
    left: [...before, 'MatMul', 'Add', 'Softmax', 'MatMul'],
    why: /no mask/,
  },
];

for (const item of cases) {
  item.opset = 23;
  item.error = 1e-6;
}

runCases('simplify: attention', cases);
