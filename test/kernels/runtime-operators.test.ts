import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import {
  argMax,
  argMin,
  averagePool,
  batchNormalization,
  cumulativeSum,
  groupNormalization,
  instanceNormalization,
  layerNormalization,
  logSoftmax,
  maxPool,
  poolShape,
  type ReduceOperation,
  reduce,
  rmsNormalization,
  softmax,
  transpose,
} from '../../src/kernels/index.ts';
import { oneNode } from '../one-node.ts';

const test = suite('runtime operators against onnxruntime');

const draw = random(23);
const volume = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const noise = (shape: readonly number[], scale = 4): Float32Array =>
  Float32Array.from({ length: volume(shape) }, () => (draw.uniform() - 0.5) * scale);
const floats = (data: Float32Array, dims: readonly number[]): Tensor =>
  new Tensor('float32', data, dims);
const ints = (values: readonly number[]): Tensor =>
  new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length]);

function near(
  got: ArrayLike<number>,
  tensor: Tensor | undefined,
  tolerance: number,
  where: string,
): void {
  const want = tensor!.data as Float32Array;
  assert.is(got.length, want.length, where);
  for (let i = 0; i < got.length; i++) {
    const ok =
      Object.is(got[i], want[i]) ||
      Math.abs(got[i]! - want[i]!) <= tolerance * (1 + Math.abs(want[i]!));
    if (!ok) assert.unreachable(`${where}[${i}]: ${got[i]}, not ${want[i]}`);
  }
}

const shapes = [[7], [3, 5], [2, 3, 4], [2, 3, 4, 5], [1, 3, 1, 6], [3, 70_000]];

test('softmax and its logarithm on every axis', async () => {
  for (const shape of shapes) {
    const x = noise(shape, 20);
    for (let axis = 0; axis < shape.length; axis++) {
      const where = `[${shape}] axis ${axis}`;
      const [y] = await oneNode('Softmax', [floats(x, shape)], { axis });
      near(softmax(x, { shape, axis }), y, 2e-6, where);
      const [z] = await oneNode('LogSoftmax', [floats(x, shape)], { axis });
      near(logSoftmax(x, { shape, axis }), z, 2e-6, where);
    }
  }
  assert.equal([...softmax(Float32Array.of(1000, 1000, -Infinity))], [0.5, 0.5, 0]);
  assert.ok(softmax(Float32Array.of(-Infinity, -Infinity)).every(Number.isNaN));
  assert.is(softmax(new Float32Array(0)).length, 0);
});

test('normalizations', async () => {
  for (const shape of [
    [2, 6],
    [3, 6, 5],
    [2, 6, 4, 5],
  ]) {
    const x = noise(shape).map((v) => v + 3);
    const channel = shape[1]!;
    const scale = noise([channel]);
    const bias = noise([channel]);
    const mean = noise([channel]);
    const variance = noise([channel]).map((v) => v * v + 0.1);
    const where = `[${shape}]`;
    const [b] = await oneNode('BatchNormalization', [
      floats(x, shape),
      ...[scale, bias, mean, variance].map((v) => floats(v, [channel])),
    ]);
    near(batchNormalization(x, { shape, scale, bias, mean, variance }), b, 2e-5, where);
    for (let axis = 1; axis < shape.length; axis++) {
      const inner = shape.slice(axis);
      const s = noise(inner);
      const t = noise(inner);
      const inputs = [floats(x, shape), floats(s, inner), floats(t, inner)];
      const [l] = await oneNode('LayerNormalization', inputs, { axis, epsilon: 1e-3 });
      near(
        layerNormalization(x, { shape, axis, scale: s, bias: t, epsilon: 1e-3 }),
        l,
        2e-4,
        where,
      );
    }
    if (shape.length < 3) continue;
    const inputs = [floats(x, shape), floats(scale, [channel]), floats(bias, [channel])];
    const [i] = await oneNode('InstanceNormalization', inputs);
    near(instanceNormalization(x, { shape, scale, bias }), i, 2e-4, where);
    for (const groups of [1, 2, 3]) {
      const [g] = await oneNode('GroupNormalization', inputs, { num_groups: groups });
      near(groupNormalization(x, { shape, groups, scale, bias }), g, 2e-4, `${where} by ${groups}`);
    }
  }
  const shape = [3, 8];
  const x = noise(shape);
  const scale = noise([8]);
  const [y] = await oneNode(
    'RMSNormalization',
    [floats(x, shape), floats(scale, [8])],
    {},
    ['float32'],
    23,
  );
  near(rmsNormalization(x, { shape, scale }), y, 1e-6, 'RMS');
});

test('layer normalization far from zero keeps its digits', () => {
  // 2^20 + 1 … 2^20 + 4: exact in float32; float32 statistics would have no digit left.
  const x = Float32Array.from({ length: 1000 }, (_, i) => 2 ** 20 + 1 + (i % 4));
  const y = layerNormalization(x, { shape: [1000], epsilon: 0 });
  const expected = [-1.5, -0.5, 0.5, 1.5].map((v) => Math.fround(v / Math.sqrt(1.25)));
  x.forEach((_, i) => void assert.ok(Math.abs(y[i]! - expected[i % 4]!) < 1e-7));
});

const operations: [ReduceOperation, string][] = [
  ['sum', 'ReduceSum'],
  ['mean', 'ReduceMean'],
  ['max', 'ReduceMax'],
  ['min', 'ReduceMin'],
  ['prod', 'ReduceProd'],
  ['sumSquare', 'ReduceSumSquare'],
  ['l1', 'ReduceL1'],
  ['l2', 'ReduceL2'],
  ['logSum', 'ReduceLogSum'],
  ['logSumExp', 'ReduceLogSumExp'],
];

test('reductions over all subsets of axes', async () => {
  for (const shape of [[5], [3, 5], [2, 3, 4], [2, 3, 4, 5], [2, 1, 3, 2]]) {
    for (let subset = 1; subset < 2 ** shape.length; subset++) {
      const axes = shape.map((_, i) => i).filter((i) => subset & (1 << i));
      const [operation, op] = operations[subset % operations.length]!;
      for (const [name, onnx] of subset === 1 ? operations : [[operation, op] as const]) {
        const x = noise(shape).map((v) => (name === 'logSum' ? Math.abs(v) : v));
        const [y] = await oneNode(onnx, [floats(x, shape), ints(axes)], { keepdims: 0 });
        near(reduce(name, x, { shape, axes }), y, 1e-5, `${onnx} [${shape}] over ${axes}`);
      }
    }
  }
  const long = noise([300_000]);
  const exact = long.reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(reduce('sum', long)[0]! - exact) < 1e-4);
  assert.equal([...reduce('sum', new Float32Array(0), { shape: [2, 0], axes: [1] })], [0, 0]);
  assert.throws(() => reduce('most' as 'sum', long), /"operation"/);
});

test('argMax, argMin and running sums', async () => {
  for (const shape of [[5], [3, 5], [2, 3, 4]]) {
    const x = noise(shape).map(Math.round);
    for (let axis = 0; axis < shape.length; axis++) {
      for (const last of [0, 1]) {
        const attributes = { axis, keepdims: 0, select_last_index: last };
        const options = { shape, axis, selectLast: last === 1 };
        const [most] = await oneNode('ArgMax', [floats(x, shape)], attributes, ['int64']);
        assert.equal([...argMax(x, options)], [...(most!.data as BigInt64Array)].map(Number));
        const [least] = await oneNode('ArgMin', [floats(x, shape)], attributes, ['int64']);
        assert.equal([...argMin(x, options)], [...(least!.data as BigInt64Array)].map(Number));
      }
      for (const exclusive of [0, 1]) {
        for (const reverse of [0, 1]) {
          const inputs = [floats(x, shape), new Tensor('int64', [BigInt(axis)], [])];
          const [y] = await oneNode('CumSum', inputs, { exclusive, reverse });
          const options = { shape, axis, exclusive: exclusive === 1, reverse: reverse === 1 };
          near(cumulativeSum(x, options), y, 1e-6, `CumSum ${JSON.stringify(options)}`);
        }
      }
    }
  }
});

interface Pool {
  spatial: number[];
  kernel: number[];
  strides?: number[];
  pads?: number[];
  dilations?: number[];
  ceilMode?: boolean;
}

const pools: Pool[] = [
  { spatial: [9], kernel: [3] },
  { spatial: [10], kernel: [3], strides: [2], pads: [1, 0] },
  { spatial: [8, 9], kernel: [2, 2], strides: [2, 2] },
  { spatial: [8, 9], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  { spatial: [8, 9], kernel: [3, 2], strides: [2, 1], pads: [1, 0, 2, 1], dilations: [2, 1] },
  { spatial: [7, 10], kernel: [3, 3], strides: [2, 2], ceilMode: true },
  { spatial: [7, 10], kernel: [3, 3], strides: [3, 2], pads: [1, 1, 1, 1], ceilMode: true },
  { spatial: [4, 5, 6], kernel: [2, 3, 2], strides: [1, 2, 2], pads: [1, 1, 0, 0, 1, 1] },
];

test('pooling in one, two and three dimensions', async () => {
  for (const { spatial, ceilMode = false, ...given } of pools) {
    for (const channels of [1, 3, 8]) {
      const shape = [2, ...spatial, channels];
      const x = noise(shape);
      const rank = shape.length;
      const first = [0, rank - 1, ...spatial.map((_, i) => i + 1)];
      const nchw = first.map((axis) => shape[axis]!);
      const attributes = {
        kernel_shape: given.kernel,
        ...(given.strides ? { strides: given.strides } : {}),
        ...(given.pads ? { pads: given.pads } : {}),
        ...(given.dilations ? { dilations: given.dilations } : {}),
        ceil_mode: ceilMode ? 1 : 0,
      };
      const options = { shape, ceilMode, ...given };
      const input = floats(transpose(x, shape, first), nchw);
      const back = (tensor: Tensor | undefined): Tensor => {
        const order = [0, ...spatial.map((_, i) => i + 2), 1];
        const dims = order.map((axis) => tensor!.dims[axis]!);
        return floats(transpose(tensor!.data as Float32Array, tensor!.dims, order), dims);
      };
      const where = JSON.stringify(options);
      const [most] = await oneNode('MaxPool', [input], attributes);
      assert.equal(poolShape(options), [...back(most).dims], where);
      near(maxPool(x, options), back(most), 0, where);
      for (const include of [0, 1]) {
        const [mean] = await oneNode('AveragePool', [input], {
          ...attributes,
          count_include_pad: include,
        });
        near(
          averagePool(x, { ...options, countIncludePad: include === 1 }),
          back(mean),
          2e-6,
          `${where} ${include}`,
        );
      }
    }
  }
});

test('wrong arguments are named', () => {
  const x = new Float32Array(12);
  assert.throws(() => softmax([1] as unknown as Float32Array), /"x" expected a Float32Array/);
  assert.throws(() => softmax(x, { shape: [3, 4], axis: 2 }), /"axis"/);
  assert.throws(() => layerNormalization(x, { shape: [3, 4], epsilon: -1 }), /"epsilon"/);
  assert.throws(
    () => layerNormalization(x, { shape: [3, 4], scale: new Float32Array(3) }),
    /"scale"/,
  );
  assert.throws(() => groupNormalization(x, { shape: [3, 4], groups: 3 }), /"groups"/);
  assert.throws(() => reduce('sum', x, { shape: [3, 4], axes: [-3] }), /"axis"/);
  assert.throws(
    () => argMax(new Float32Array(0), { shape: [0, 2] }),
    /"axis" expected an axis with/,
  );
  const pool = { shape: [1, 12, 1], kernel: [3] };
  assert.throws(() => maxPool(x, { ...pool, kernel: [13] }), /"kernel"/);
  assert.throws(() => maxPool(x, { ...pool, pads: [3, 0] }), /"pads"/);
  assert.throws(() => maxPool(x, { ...pool, strides: [0] }), /"strides"/);
  assert.throws(() => maxPool(x, { ...pool, shape: [12, 1] }), /"shape"/);
});

test.run();
