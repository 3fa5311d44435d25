import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  compress,
  measureGains,
  measureSensitivity,
  predict,
  weightOptions,
} from '../../src/compress/index.ts';
import { lossless } from '../../src/compress/lossless.ts';
import { prepareForIntegers } from '../../src/compress/prepare/index.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { clone, Edit, Node, type Value } from '../../src/ir/index.ts';
import type { Model } from '../../src/ir/model.ts';
import type { Feeds } from '../../src/runtime/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { input, sqnr } from '../ort.ts';
import { sharedData, sharedFile } from '../shared.ts';
import { cifar, type Images, mnist, raw } from './classifiers.ts';

const x = suite('sensitivity');

/** y = 3 · (x · W): noise at the product comes out with 9 times the power, noise at x with that of W's singular values. */
const tripled = (): Promise<Model> =>
  readModel(
    modelBytes({
      node: [
        node('MatMul', ['x', 'w'], ['p']),
        node('Relu', ['p'], ['r']),
        node('Mul', ['r', 'three'], ['y']),
      ],
      initializer: [floats('w', [16, 16], noise(256, 1, 0.2)), floats('three', [], [3])],
      input: [info('x', ['n', 16])],
      output: [info('y', null)],
    }),
  );

x('a gain is what noise is multiplied with on its way out', async () => {
  const model = await tripled();
  const samples = [{ x: input(noise(64 * 16, 2), [64, 16]) }];
  const { layers, values, outputs } = await measureGains(model, samples, { values: ['r', 'y'] });
  assert.ok(Math.abs(values.get('r')!.outputs[0]! - 9) < 1e-3, `${values.get('r')!.outputs[0]}`);
  assert.ok(Math.abs(values.get('y')!.outputs[0]! - 1) < 1e-3);
  // Half of what is added before Relu is below 0.
  const gain = layers.get('p')!.outputs[0]!;
  assert.ok(gain > 9 * 0.4 && gain < 9 * 0.6, `${gain}`);
  assert.ok(Math.abs(values.get('y')!.power / outputs[0]! - 1) < 1e-6);
  const again = await measureGains(model, samples, { values: ['r', 'y'] });
  assert.equal(again, { layers, values, outputs }, 'the same bits every time');
});

x('what is asked for must be there, and a signal stops it', async () => {
  const model = await tripled();
  const samples = [{ x: input(noise(16, 2), [1, 16]) }];
  const thrown = async (
    given: Parameters<typeof measureGains>[1],
    options: Parameters<typeof measureGains>[2],
  ): Promise<string> => {
    const error = await measureGains(model, given, options).catch((cause: unknown) => cause);
    return (error as Error).name;
  };
  assert.is(await thrown([], {}), 'RangeError');
  assert.is(await thrown(samples, { layers: ['q'] }), 'RangeError');
  assert.is(await thrown(samples, { values: ['q'] }), 'RangeError');
  assert.is(await thrown(samples, { signal: AbortSignal.abort() }), 'AbortError');
});

const root = sharedData();
interface Row {
  name: string;
  path: string;
  images: () => Images;
  /** How far off the sum may be, dB. The background of MNIST is one number, and ResNet8 ends in a few averages: their
   *  rounding is the same everywhere, and another one once what comes before is rounded, too. */
  most: number;
  /** Least rank correlation of what gains alone predict with what places do one by one. */
  order: number;
}
const rows: readonly Row[] = [
  {
    name: 'MNIST',
    path: 'onnx-models/mnist_conv3_burn.onnx',
    images: () => mnist('train'),
    most: 5.5,
    order: 0.6,
  },
  {
    name: 'ResNet-20',
    path: 'onnx-models/resnet20_cifar10.onnx',
    images: () => cifar('train-lossless'),
    most: 2,
    order: 0.85,
  },
  {
    name: 'MLPerf ResNet8',
    path: 'tflite-models/mlperf-tiny/ic_resnet8_fp32.tflite',
    images: () => raw(cifar('train-lossless')),
    most: 3.5,
    order: 0.85,
  },
];

for (const { name, path, images, most, order: least } of root === null ? [] : rows) {
  x(`${name}: predicted noise is what the quantized model has`, async () => {
    const model = await readModel(sharedFile(path)!);
    const from = images();
    const feed = model.graph.inputs[0]!.name;
    const calibration = [0, 32].map((at) => ({ [feed]: from.batch(at, 32) }));
    const { model: small, plan } = await compress(model, {
      quantize: { weights: 'int8', recover: false },
      calibration,
    });
    const prepared = clone(model);
    await lossless(prepared);
    await prepareForIntegers(prepared);
    const ranges = new Map(plan.activations.map(({ value, min, max }) => [value, { min, max }]));
    const samples = [0, 1, 2, 3, 4, 5, 6, 7].map((at) => ({ [feed]: from.batch(at, 1) }));
    const weights = weightOptions.filter((option) => option.name === 'int8 channel');
    const found = await measureSensitivity(prepared, samples, { ranges, weights });
    const choice = new Map([
      ...found.layers.map(({ place }) => [place, 'int8 channel'] as const),
      ...found.values.map(({ place }) => [place, 'int8'] as const),
    ]);
    const [predicted] = predict(found, choice);
    const measured = agreement(model, small, predicted!.name, samples);
    const off = predicted!.sqnrDb! - measured;
    const places = [...found.layers, ...found.values].map(({ options }) => options[0]!);
    const order = spearman(
      places.map((option) => option.predicted[0]!),
      places.map((option) => option.measured![0]!),
    );
    assert.ok(Math.abs(off) < most, `${off} dB of ${measured} dB`);
    assert.ok(order > least, `${order}`);
  });
}

/** Of a value on the way, with the kernels that run the quantized model, dB. */
function agreement(model: Model, small: Model, name: string, samples: readonly Feeds[]): number {
  const [before, after] = [model, small].map((it) => {
    const copy = clone(it);
    const made = copy.graph.nodes.flatMap(({ outputs }) => outputs);
    const real = made.find((other) => other.name === name)!;
    const reader = (of: Value, op: string): Value | undefined =>
      [...of.uses].flatMap(({ user }) =>
        user instanceof Node && user.op === op ? user.outputs : [],
      )[0];
    const levels = reader(real, 'QuantizeLinear');
    const value = (levels && reader(levels, 'DequantizeLinear')) ?? real;
    const edit = new Edit(copy, { pass: 'test', rule: 'look', reason: 'to compare' });
    if (!copy.graph.outputs.includes(value)) edit.addOutput(value);
    edit.commit();
    const session = createSession(copy);
    const numbers = samples.flatMap((feeds) => [
      ...((session.run(feeds)[value.name] as Tensor).data as Float32Array),
    ]);
    session.dispose();
    return numbers;
  });
  return sqnr(before!, after!);
}

function spearman(a: readonly number[], b: readonly number[]): number {
  const ranks = (numbers: readonly number[]): number[] =>
    numbers.map((value) => numbers.filter((other) => other < value).length);
  const [p, q] = [ranks(a), ranks(b)];
  const n = a.length;
  const apart = p.reduce((sum, rank, i) => sum + (rank - q[i]!) ** 2, 0);
  return 1 - (6 * apart) / (n * (n * n - 1));
}

x.run();
