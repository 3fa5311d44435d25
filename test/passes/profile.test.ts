import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Dim } from '../../src/core/shape.ts';
import { readModel } from '../../src/formats/index.ts';
import {
  type Attribute,
  Builder,
  constantOf,
  Model,
  print,
  tensorType,
} from '../../src/ir/index.ts';
import { ops } from '../../src/ops/index.ts';
import { profile } from '../../src/passes/profile.ts';
import { sharedFile } from '../shared.ts';

const profiles = suite('profile');

function nodeOn(
  op: string,
  inputs: (readonly Dim[])[],
  attributes: Record<string, Attribute> = {},
): Model {
  const model = new Model();
  const b = new Builder(model.graph);
  const values = inputs.map((dims, index) => b.input(`x${index}`, tensorType('float32', dims)));
  b.output(
    b.node({ op, inputs: values, attributes: Object.entries(attributes) }, ['y']).outputs[0]!,
  );
  return model;
}

const int = (value: number): Attribute => ({ type: 'int', value });

profiles('multiply-accumulates by hand', () => {
  const cases: [string, (readonly Dim[])[], Record<string, Attribute>, number][] = [
    [
      'Conv',
      [
        [1, 4, 8, 8],
        [6, 4, 3, 3],
      ],
      {},
      6 * 36 * 4 * 9,
    ],
    [
      'Conv',
      [
        [1, 4, 8, 8],
        [4, 1, 3, 3],
      ],
      { group: int(4) },
      4 * 36 * 9,
    ],
    [
      'ConvTranspose',
      [
        [1, 4, 8, 8],
        [4, 6, 2, 2],
      ],
      {},
      4 * 64 * 6 * 4,
    ],
    [
      'MatMul',
      [
        [5, 2, 3],
        [3, 4],
      ],
      {},
      5 * 2 * 3 * 4,
    ],
    [
      'Gemm',
      [
        [3, 2],
        [4, 3],
      ],
      { transA: int(1), transB: int(1) },
      2 * 3 * 4,
    ],
    [
      'Einsum',
      [
        [2, 3],
        [3, 5],
      ],
      { equation: { type: 'string', value: 'ij,jk->ik' } },
      30,
    ],
    [
      'LSTM',
      [
        [7, 2, 3],
        [1, 16, 3],
        [1, 16, 4],
      ],
      {},
      7 * 2 * (16 * 3 + 16 * 4),
    ],
    [
      'Attention',
      [
        [1, 2, 5, 8],
        [1, 2, 6, 8],
        [1, 2, 6, 4],
      ],
      {},
      2 * 5 * 6 * (8 + 4),
    ],
    ['Relu', [[2, 3]], {}, 0],
  ];
  for (const [op, inputs, attributes, macs] of cases)
    assert.is(profile(nodeOn(op, inputs, attributes), ops).macs, macs, op);
});

profiles('symbols are bound by the caller, or 1 and listed', () => {
  const model = nodeOn('MatMul', [
    ['n', 3],
    [3, 'm'],
  ]);
  const before = print(model.graph);
  const bound = profile(model, ops, { n: 10, m: 4 });
  assert.is(bound.macs, 120);
  assert.is(bound.outputBytes, 160);
  assert.equal(bound.assumed, []);
  const part = profile(model, ops, { n: 10 });
  assert.is(part.macs, 30);
  assert.equal(part.assumed, ['m']);
  assert.is(print(model.graph), before);
  assert.throws(() => profile(model, ops, { n: -1 }), /bindings.n/);
});

profiles('a constant that two nodes share counts once; indices are no parameters', () => {
  const model = new Model();
  const b = new Builder(model.graph);
  const x = b.input('x', tensorType('float32', [2, 2]));
  const w = b.constant('w', constantOf('float32', [2, 2], new Uint8Array(16)));
  const axes = b.constant('axes', constantOf('int64', [1], new Uint8Array(8)));
  const first = b.node({ op: 'MatMul', inputs: [x, w] }, ['a']).outputs[0]!;
  const second = b.node({ op: 'MatMul', inputs: [first, w] }, ['b']).outputs[0]!;
  b.output(b.node({ op: 'Unsqueeze', inputs: [second, axes] }, ['c']).outputs[0]!);
  const result = profile(model, ops);
  assert.equal(
    result.nodes.map(({ parameters }) => parameters),
    [4, 0, 0],
  );
  assert.equal(
    result.nodes.map(({ weightBytes }) => weightBytes),
    [16, 0, 8],
  );
  assert.is(result.unknown, 0);
});

profiles('an operator that is not known is counted as unknown', () => {
  const result = profile(nodeOn('NoSuchOperator', [[2]]), ops);
  assert.is(result.nodes[0]!.macs, null);
  assert.is(result.unknown, 1);
});

profiles('ResNet-20 for CIFAR-10: the published architecture, layer by layer', async () => {
  const bytes = sharedFile('onnx-models/resnet20_cifar10.onnx');
  if (bytes === null) return;
  const result = profile(await readModel(bytes), ops, { N: 1 });
  const convolution = (input: number, output: number, side: number, count: number): number =>
    input * output * 9 * side * side * count;
  const expected =
    convolution(3, 16, 32, 1) +
    convolution(16, 16, 32, 6) +
    convolution(16, 32, 16, 1) +
    convolution(32, 32, 16, 5) +
    convolution(32, 64, 8, 1) +
    convolution(64, 64, 8, 5) +
    64 * 10;
  assert.is(result.macs, expected);
  assert.is(result.unknown, 0);
  assert.is(profile(await readModel(bytes), ops, { N: 4 }).macs, 4 * expected);
});

profiles.run();
