import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { NodeProto } from '../../src/formats/onnx/proto.ts';
import { makeTensor } from '../../src/formats/onnx/tensor.ts';
import { clone } from '../../src/ir/clone.ts';
import { allNodes, type Model, verify } from '../../src/ir/index.ts';
import { ops } from '../../src/ops/index.ts';
import { exportQuantization } from '../../src/passes/export-quantization.ts';
import { importQuantization } from '../../src/passes/import-quantization.ts';
import { inferShapes } from '../../src/passes/shapes.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { runModel } from '../ort.ts';

const x = suite('quantization as nodes and attached');

type Graph = Parameters<typeof modelBytes>[0];

/** The scale and zero point of a name: a scale of 2^-power is exact. */
function parameters(name: string, scale: number, zero: number, type: 'int8' | 'uint8' = 'int8') {
  const bytes = Uint8Array.of(zero & 255);
  return [floats(`${name}_s`, [], [scale]), makeTensor(`${name}_z`, type, [], bytes)];
}

const q = (from: string, to: string, by: string): NodeProto =>
  node('QuantizeLinear', [from, `${by}_s`, `${by}_z`], [to]);
const dq = (from: string, to: string, by: string): NodeProto =>
  node('DequantizeLinear', [from, `${by}_s`, `${by}_z`], [to]);

const bytesOf = (values: readonly number[]): Uint8Array =>
  Uint8Array.from(values, (value) => value & 255);

/** A convolution of integers, one branch through a maximum, one quantized anew to integers. */
const branched: Graph = {
  input: [info('x', [1, 2, 5, 5])],
  output: [info('y', null), info('z', null, 3)],
  initializer: [
    ...parameters('a', 0.03, 3),
    ...parameters('b', 0.05, -128),
    ...parameters('c', 0.07, 5),
    makeTensor('wi', 'int8', [3, 2, 1, 1], bytesOf([90, -30, 20, 127, -127, 64])),
    floats('w_s', [3], [0.011, 0.013, 0.02]),
    makeTensor('w_z', 'int8', [3], bytesOf([0, 0, 0])),
    makeTensor('bi', 'int32', [3], new Uint8Array(Int32Array.of(100, -2000, 7).buffer)),
    floats('b_scale', [3], [0.03 * 0.011, 0.03 * 0.013, 0.03 * 0.02]),
  ],
  node: [
    q('x', 'xq', 'a'),
    dq('xq', 'xd', 'a'),
    node('DequantizeLinear', ['wi', 'w_s', 'w_z'], ['w'], { axis: 0 }),
    node('DequantizeLinear', ['bi', 'b_scale'], ['bias'], { axis: 0 }),
    node('Conv', ['xd', 'w', 'bias'], ['r']),
    node('Relu', ['r'], ['h']),
    q('h', 'hq', 'b'),
    dq('hq', 'hd', 'b'),
    node('MaxPool', ['hd'], ['m'], { kernel_shape: [2, 2] }),
    q('m', 'mq', 'b'),
    dq('mq', 'y', 'b'),
    q('hd', 'z', 'c'),
  ],
};

/** Integers in, moved, summed, and out. */
const integers: Graph = {
  input: [info('x', [2, 6], 2)],
  output: [info('y', null, 2)],
  initializer: [...parameters('a', 0.04, 120, 'uint8'), ...parameters('b', 0.09, 11, 'uint8')],
  node: [
    node('Transpose', ['x'], ['t'], { perm: [1, 0] }),
    dq('t', 'td', 'a'),
    node('Add', ['td', 'td'], ['s']),
    q('s', 'sq', 'b'),
    node('Transpose', ['sq'], ['y'], { perm: [1, 0] }),
  ],
};

const counts = (model: Model): Record<string, number> => {
  const found: Record<string, number> = {};
  for (const { op } of allNodes(model.graph)) found[op] = (found[op] ?? 0) + 1;
  return found;
};

/** All quantizations, by name. */
function attached({ graph }: Model): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const value of [...graph.constants, ...graph.nodes.flatMap(({ outputs }) => outputs)])
    if (value.quantization !== null) found[value.name] = value.quantization;
  return found;
}

async function imported(graph: Graph, purpose: 'run' | 'store'): Promise<[Model, Uint8Array]> {
  const bytes = modelBytes(graph);
  const model = await readModel(bytes);
  inferShapes(model, ops);
  importQuantization(model, { purpose });
  verify(model);
  return [model, bytes];
}

for (const purpose of ['run', 'store'] as const) {
  x(`there and back (${purpose}): the same parameters, the same results`, async () => {
    for (const graph of [branched, integers]) {
      const [model, bytes] = await imported(graph, purpose);
      const copy = clone(model);
      exportQuantization(copy);
      verify(copy);
      assert.equal(attached(copy), pick(attached(model), constantNames(model)));
      importQuantization(copy, { purpose });
      verify(copy);
      assert.equal(attached(copy), attached(model));
      assert.equal(counts(copy), counts(model));
      const isReal = graph === branched;
      const dims = isReal ? [1, 2, 5, 5] : [2, 6];
      const feed = isReal
        ? new Tensor('float32', noise(50, 4, 2), dims)
        : new Tensor(
            'uint8',
            Uint8Array.from({ length: 12 }, (_, i) => i * 23),
            dims,
          );
      const feeds = { x: feed };
      const [before, after] = [
        await runModel(bytes, feeds),
        await runModel(await writeModel(model), feeds),
      ];
      assert.equal(after, before);
    }
  });
}

const constantNames = ({ graph }: Model): Set<string> =>
  new Set([...graph.constants].map(({ name }) => name));

function pick(record: Record<string, unknown>, names: Set<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => names.has(name)));
}

x(
  'to store: nodes only at integer inputs and outputs, Identity where it is quantized anew',
  async () => {
    const [model] = await imported(branched, 'store');
    assert.equal(counts(model), {
      Identity: 3,
      Conv: 1,
      Relu: 1,
      MaxPool: 1,
      QuantizeLinear: 1,
    });
    const names = Object.keys(attached(model)).sort();
    assert.equal(names, ['bias', 'h', 'm', 'w', 'xd', 'z_real']);
    const [moving] = await imported(integers, 'store');
    assert.equal(counts(moving), { DequantizeLinear: 1, Transpose: 2, Add: 1, QuantizeLinear: 1 });
  },
);

x('quantized twice in the same way: one value', async () => {
  const graph: Graph = {
    input: [info('x', [4])],
    output: [info('y', null), info('z', null)],
    initializer: parameters('a', 0.5, 0),
    node: [
      node('Neg', ['x'], ['n']),
      q('n', 'p', 'a'),
      q('n', 'q', 'a'),
      dq('p', 'pd', 'a'),
      dq('q', 'qd', 'a'),
      node('Abs', ['pd'], ['y']),
      node('Neg', ['qd'], ['z']),
    ],
  };
  const [model] = await imported(graph, 'run');
  assert.equal(counts(model), { Neg: 2, Abs: 1 });
});

x.run();
