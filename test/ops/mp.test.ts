import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Shape } from '../../src/core/shape.ts';
import { type Attribute, Builder, Model, tensorType, verify } from '../../src/ir/index.ts';
import {
  activationKinds,
  activationOf,
  attributesOfActivation,
  findFault,
  findOp,
  noActivation,
  ops,
} from '../../src/ops/index.ts';
import { profile } from '../../src/passes/profile.ts';
import { inferShapes } from '../../src/passes/shapes.ts';

const mp = suite('operators of domain mp');

interface Outcome {
  shape: Shape | undefined;
  warning: string | undefined;
  macs: number;
}

function infer(
  op: string,
  shapes: readonly (Shape | null)[],
  attributes: Record<string, Attribute> = {},
): Outcome {
  const model = new Model();
  const b = new Builder(model.graph);
  const inputs = shapes.map((shape, i) => b.input(`x${i}`, tensorType('float32', shape)));
  const node = b.node({ op, domain: 'mp', inputs, attributes: Object.entries(attributes) }, ['y']);
  b.output(node.outputs[0]!);
  verify(model);
  assert.is(findFault(findOp(ops, 'mp', op)!, node), null);
  const { warnings } = inferShapes(model, ops);
  const type = node.outputs[0]!.type;
  const { macs } = profile(model, ops, {});
  return {
    shape: type?.kind === 'tensor' ? type.shape : undefined,
    warning: warnings[0]?.message,
    macs,
  };
}

const ints = (...value: number[]): Attribute => ({ type: 'ints', value });
const int = (value: number): Attribute => ({ type: 'int', value });

mp('convolutions have channels last, weights as ONNX has them', () => {
  const conv = infer(
    'Conv',
    [
      [1, 8, 10, 3],
      [16, 3, 3, 3],
    ],
    { strides: ints(2, 1) },
  );
  assert.equal(conv.shape, [1, 3, 8, 16]);
  assert.is(conv.macs, 3 * 8 * 16 * 27);
  const one = infer(
    'Conv',
    [
      ['n', 'l', 4],
      [4, 1, 5],
    ],
    { group: int(4), pads: ints(2, 2) },
  );
  assert.equal(one.shape, ['n', 'l', 4]);
  const transposed = infer(
    'ConvTranspose',
    [
      [1, 4, 4, 8],
      [8, 2, 2, 2],
    ],
    { strides: ints(2, 2) },
  );
  assert.equal(transposed.shape, [1, 8, 8, 2]);
  assert.is(transposed.macs, 4 * 4 * 8 * 2 * 4);
  assert.match(
    infer('Conv', [
      [1, 3, 8, 8],
      [16, 3, 3, 3],
    ]).warning ?? '',
    '8 channels',
  );
});

mp('what is added to a convolution has the shape of its output', () => {
  const shapes: Shape[] = [[1, 8, 8, 3], [4, 3, 1, 1], [4]];
  assert.equal(infer('Conv', [...shapes, [1, 8, 8, 4]]).shape, [1, 8, 8, 4]);
  assert.match(infer('Conv', [...shapes, [1, 8, 8, 1]]).warning ?? '', 'addend');
  assert.match(infer('Conv', [...shapes, [8, 4]]).warning ?? '', 'addend');
});

mp('pools and normalizations have channels last', () => {
  const kernel_shape = ints(3, 2);
  for (const op of ['MaxPool', 'AveragePool', 'LpPool'])
    assert.equal(
      infer(op, [[2, 9, 8, 5]], { kernel_shape, strides: ints(3, 2) }).shape,
      [2, 3, 4, 5],
    );
  for (const op of ['GlobalAveragePool', 'GlobalMaxPool'])
    assert.equal(infer(op, [['n', 9, 8, 5]]).shape, ['n', 1, 1, 5]);
  const channels: Shape[] = [[5], [5]];
  assert.equal(infer('InstanceNormalization', [[2, 9, 8, 5], ...channels]).shape, [2, 9, 8, 5]);
  const norm = infer('BatchNormalization', [[2, 9, 8, 5], ...channels, ...channels]);
  assert.equal(norm.shape, [2, 9, 8, 5]);
  const groups = infer('GroupNormalization', [[2, 9, 8, 4], [4], [4]], { num_groups: int(2) });
  assert.equal(groups.shape, [2, 9, 8, 4]);
  assert.match(infer('InstanceNormalization', [[2, 5, 8, 9], ...channels]).warning ?? '', '5');
});

mp('blocks of positions become channels and back', () => {
  const blocksize = int(2);
  assert.equal(infer('SpaceToDepth', [[1, 4, 6, 3]], { blocksize }).shape, [1, 2, 3, 12]);
  assert.equal(infer('DepthToSpace', [[1, 2, 3, 12]], { blocksize }).shape, [1, 4, 6, 3]);
});

mp('MatMul multiplies what is transposed as said', () => {
  const product = infer(
    'MatMul',
    [
      [2, 5, 3],
      [7, 5],
    ],
    { transA: int(1), transB: int(1) },
  );
  assert.equal(product.shape, [2, 3, 7]);
  assert.is(product.macs, 2 * 3 * 7 * 5);
  assert.equal(infer('MatMul', [['n', 3], [3, 4], [4]]).shape, ['n', 4]);
  assert.match(
    infer('MatMul', [
      [2, 3],
      [3, 4],
      [1, 2, 4],
    ]).warning ?? '',
    'bias',
  );
  assert.match(infer('MatMul', [[2, 3], [3, 4], [3]]).warning ?? '', 'broadcast');
  assert.match(infer('MatMul', [[3], [3, 4]], { transA: int(1) }).warning ?? '', 'vector');
});

mp('an activation is read as it was written', () => {
  const read = (attributes: [string, Attribute][]) => {
    const b = new Builder(new Model().graph);
    const x = b.input('x', null);
    const node = b.node({ op: 'Add', domain: 'mp', inputs: [x, x], attributes }, ['y']);
    assert.is(findFault(findOp(ops, 'mp', 'Add')!, node), null);
    return activationOf(node);
  };
  assert.equal(read([]), noActivation);
  for (const kind of activationKinds) {
    const plain = read(kind === 'none' ? [] : [['activation', { type: 'string', value: kind }]]);
    assert.is(plain.kind, kind);
    assert.equal(read(attributesOfActivation(plain)), plain);
  }
  const clip = { ...noActivation, kind: 'Clip', min: 0, max: 6 } as const;
  assert.equal(read(attributesOfActivation(clip)), clip);
  const sigmoid = { ...noActivation, kind: 'HardSigmoid', alpha: 0.25, beta: 0.75 } as const;
  assert.equal(read(attributesOfActivation(sigmoid)), sigmoid);
});

mp.run();
