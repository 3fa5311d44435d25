import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compress } from '../../src/compress/index.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { NodeProto, TensorProto } from '../../src/formats/onnx/proto.ts';
import type { CompressReport } from '../../src/report/report.ts';
import { floats, info, ints, modelBytes, node, noise } from '../build-model.ts';
import { input, runModel, sqnr } from '../ort.ts';

const x = suite('weights, wherever they are');

interface Case {
  name: string;
  /** Shape of the input x, and of the weight w. */
  data: number[];
  weight: number[];
  /** Axis of the weight whose indices differ in size: each needs a scale of its own. */
  axis: number;
  nodes: NodeProto[];
  tensors?: TensorProto[];
}

const direct: Case[] = [
  {
    name: 'MatMul, right',
    data: [3, 64],
    weight: [64, 48],
    axis: 1,
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
  },
  {
    name: 'MatMul, left',
    data: [64, 5],
    weight: [48, 64],
    axis: 0,
    nodes: [node('MatMul', ['w', 'x'], ['y'])],
  },
  {
    name: 'MatMul, batched',
    data: [2, 3, 16],
    weight: [2, 16, 40],
    axis: 2,
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
  },
  {
    name: 'Gemm',
    data: [3, 64],
    weight: [64, 48],
    axis: 1,
    nodes: [node('Gemm', ['x', 'w'], ['y'])],
  },
  {
    name: 'Gemm, transB',
    data: [3, 64],
    weight: [48, 64],
    axis: 0,
    nodes: [node('Gemm', ['x', 'w'], ['y'], { transB: 1 })],
  },
  {
    name: 'Gemm, left',
    data: [64, 3],
    weight: [48, 64],
    axis: 0,
    nodes: [node('Gemm', ['w', 'x'], ['y'])],
  },
  {
    name: 'Gemm, left, transA',
    data: [64, 3],
    weight: [64, 48],
    axis: 1,
    nodes: [node('Gemm', ['w', 'x'], ['y'], { transA: 1 })],
  },
  {
    name: 'Conv',
    data: [1, 8, 9, 9],
    weight: [24, 8, 3, 3],
    axis: 0,
    nodes: [node('Conv', ['x', 'w'], ['y'])],
  },
  {
    name: 'Conv, depthwise',
    data: [1, 64, 9, 9],
    weight: [64, 1, 3, 3],
    axis: 0,
    nodes: [node('Conv', ['x', 'w'], ['y'], { group: 64 })],
  },
  {
    name: 'ConvTranspose',
    data: [1, 16, 5, 5],
    weight: [16, 24, 3, 3],
    axis: 1,
    nodes: [node('ConvTranspose', ['x', 'w'], ['y'])],
  },
  {
    name: 'LSTM',
    data: [4, 1, 32],
    weight: [1, 64, 32],
    axis: 1,
    nodes: [node('LSTM', ['x', 'w', 'r'], ['y'], { hidden_size: 16 })],
    tensors: [floats('r', [1, 64, 16], noise(1024, 5, 0.1))],
  },
  {
    name: 'Gather',
    data: [3],
    weight: [64, 48],
    axis: 0,
    nodes: [node('Cast', ['x'], ['i'], { to: 7 }), node('Gather', ['w', 'i'], ['y'])],
  },
];

const behind: Case[] = [
  {
    name: 'Transpose',
    data: [3, 64],
    weight: [48, 64],
    axis: 0,
    nodes: [node('Transpose', ['w'], ['t'], { perm: [1, 0] }), node('MatMul', ['x', 't'], ['y'])],
  },
  {
    name: 'Reshape and Identity',
    data: [1, 8, 9, 9],
    weight: [24, 72],
    axis: 0,
    nodes: [
      node('Identity', ['w'], ['a']),
      node('Reshape', ['a', 's'], ['b']),
      node('Conv', ['x', 'b'], ['y']),
    ],
    tensors: [ints('s', [24, 8, 3, -1])],
  },
  {
    name: 'Slice, Concat and Unsqueeze',
    data: [4, 1, 32],
    weight: [64, 32],
    axis: 0,
    nodes: [
      node('Slice', ['w', 's0', 's32', 'a0'], ['p']),
      node('Slice', ['w', 's32', 's64', 'a0'], ['q']),
      node('Concat', ['q', 'p'], ['c'], { axis: 0 }),
      node('Unsqueeze', ['c', 'a0'], ['u']),
      node('LSTM', ['x', 'u', 'r'], ['y'], { hidden_size: 16 }),
    ],
    tensors: [
      ints('s0', [0]),
      ints('s32', [32]),
      ints('s64', [64]),
      ints('a0', [0]),
      floats('r', [1, 64, 16], noise(1024, 5, 0.1)),
    ],
  },
];

/** Normal numbers, each index along the axis of another size: 1/64, 1/32 … 1. */
function uneven(shape: readonly number[], axis: number): Float32Array {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const values = noise(
    shape.reduce((a, b) => a * b, 1),
    3,
    0.2,
  );
  return values.map((value, i) => value * 2 ** -((Math.floor(i / inner) % shape[axis]!) % 7));
}

async function press(test: Case): Promise<{ report: CompressReport; db: number }> {
  const weight = uneven(test.weight, test.axis);
  const tensors = [floats('w', test.weight, weight), ...(test.tensors ?? [])];
  const bytes = modelBytes({
    node: test.nodes,
    initializer: tensors,
    input: [info('x', test.data)],
    output: [info('y', null)],
  });
  const { model, report } = await compress(await readModel(bytes), {
    quantize: { weights: 'int8', symmetric: true, minElements: 1 },
  });
  const count = test.data.reduce((a, b) => a * b, 1);
  const values = test.name === 'Gather' ? Float32Array.of(1, 7, 33) : noise(count, 4);
  const feeds = { x: input(values, test.data) };
  const expected = (await runModel(bytes, feeds)).y!.data as Float32Array;
  const got = (await runModel(await writeModel(model), feeds)).y!.data as Float32Array;
  return { report, db: sqnr(expected, got) };
}

for (const test of [...direct, ...behind]) {
  x(
    `${behind.includes(test) ? 'behind ' : ''}${test.name}: one scale for each output channel`,
    async () => {
      const { report, db } = await press(test);
      const layer = report.layers.find(({ weight }) => weight === 'w');
      assert.is(layer?.to, 'int8 per channel', JSON.stringify(report.kept));
      // With the scales along another axis the small channels would be lost: about 20 dB less.
      assert.ok(layer!.sqnrDb! > 38 && db > 33, `weight ${layer!.sqnrDb} dB, output ${db} dB`);
    },
  );
}

x('a shared weight is quantized once', async () => {
  const bytes = modelBytes({
    node: [node('MatMul', ['x', 'w'], ['a']), node('MatMul', ['a', 'w'], ['y'])],
    initializer: [floats('w', [64, 64], noise(4096, 1, 0.1))],
    input: [info('x', [2, 64])],
    output: [info('y', [2, 64])],
  });
  const { model, report } = await compress(await readModel(bytes), { quantize: 'int8' });
  assert.equal(
    report.layers.map(({ layers }) => layers.length),
    [2],
  );
  const written = await writeModel(model);
  const again = await readModel(written);
  assert.is(again.graph.nodes.filter(({ op }) => op === 'DequantizeLinear').length, 1);
  assert.ok(written.length < 0.3 * bytes.length, `${written.length} of ${bytes.length}`);
});

x('a Constant node and a weight inside a body are found, a captured one too', async () => {
  const branch = (name: string, weight: string, own: boolean) => ({
    name,
    node: [
      ...(own
        ? [node('Constant', [], [weight], { value: floats('', [32, 32], noise(1024, 2)) })]
        : []),
      node('MatMul', ['x', weight], [`${name}_y`]),
    ],
    output: [info(`${name}_y`, null)],
  });
  const bytes = modelBytes({
    node: [
      node('If', ['c'], ['y'], {
        then_branch: branch('a', 'inner', true),
        else_branch: branch('b', 'outer', false),
      }),
    ],
    initializer: [floats('outer', [32, 32], noise(1024, 7))],
    input: [info('x', [2, 32]), info('c', [], 9)],
    output: [info('y', null)],
  });
  const { model, report } = await compress(await readModel(bytes), { quantize: 'int8' });
  assert.equal(report.layers.map(({ weight }) => weight).sort(), ['inner', 'outer']);
  const written = await writeModel(model);
  const { Tensor } = await import('../../src/core/tensor.ts');
  for (const condition of [true, false]) {
    const feeds = { x: input(noise(64, 9), [2, 32]), c: new Tensor('bool', [condition], []) };
    const [a, b] = [await runModel(bytes, feeds), await runModel(written, feeds)];
    assert.ok(sqnr(a.y!.data as Float32Array, b.y!.data as Float32Array) > 35);
  }
});

x('what is not quantized is listed with the reason', async () => {
  const broken = noise(128 * 8, 1);
  broken[5] = Number.NaN;
  const bytes = modelBytes({
    node: [
      node('Gemm', ['x', 'w', 'bias'], ['a']),
      node('Add', ['a', 'shift'], ['b']),
      node('Mul', ['b', 'two'], ['c']),
      node('MatMul', ['c', 'tiny'], ['d']),
      node('MatMul', ['b', 'broken'], ['y']),
      node('Identity', ['free'], ['z']),
    ],
    initializer: [
      floats('w', [16, 128], noise(2048, 1)),
      floats('bias', [128], noise(128, 2)),
      floats('shift', [128], noise(128, 3)),
      floats('two', [], [2]),
      floats('tiny', [128, 0], []),
      floats('broken', [128, 8], broken),
      floats('free', [64], noise(64, 3)),
    ],
    input: [info('x', [1, 16])],
    output: [info('y', null), info('d', null), info('z', null)],
  });
  const { report } = await compress(await readModel(bytes), { quantize: 'int8' });
  assert.equal(
    report.layers.map(({ weight }) => weight),
    ['w'],
  );
  assert.equal(Object.fromEntries(report.kept.map(({ weight, code }) => [weight, code])), {
    bias: 'bias',
    shift: 'not-a-weight',
    two: 'scalar',
    broken: 'not-finite',
    free: 'output',
  });
  for (const { reason } of report.kept) assert.ok(reason.length > 5);
});

x('a weight that would lose too much stays float', async () => {
  const weight = noise(64 * 64, 1, 1e-4);
  weight[0] = 1e4;
  const bytes = modelBytes({
    node: [node('MatMul', ['x', 'w'], ['y'])],
    initializer: [floats('w', [64, 64], weight)],
    input: [info('x', [1, 64])],
    output: [info('y', null)],
  });
  const settings = { weights: 'int4', granularity: 'tensor', minSqnrDb: 200 } as const;
  const { report } = await compress(await readModel(bytes), { quantize: settings });
  assert.is(report.kept[0]?.code, 'loses');
  assert.match(report.kept[0]!.reason, /of 200 dB/);
});

x.run();
