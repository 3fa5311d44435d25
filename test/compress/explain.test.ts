import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compress, explain } from '../../src/compress/index.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import type { Model } from '../../src/ir/model.ts';
import { explanationText } from '../../src/report/index.ts';
import { createSession, type Feeds } from '../../src/runtime/index.ts';
import { sqnr } from '../ort.ts';
import { sharedData, sharedFile } from '../shared.ts';
import { cifar, type Images, mnist, raw } from './classifiers.ts';

const x = suite('explanation');
const root = sharedData();
const tiny = 'tflite-models/mlperf-tiny/';

interface Row {
  name: string;
  path: string;
  images: () => Images;
  /** A quantized file that another tool made; null: ours. */
  twin: string | null;
}
const rows: readonly Row[] = [
  {
    name: 'MNIST',
    path: 'onnx-models/mnist_conv3_burn.onnx',
    images: () => mnist('train'),
    twin: null,
  },
  {
    name: 'ResNet-20',
    path: 'onnx-models/resnet20_cifar10.onnx',
    images: () => cifar('train-lossless'),
    twin: null,
  },
  {
    name: 'MLPerf ResNet8, as its authors quantized it',
    path: `${tiny}ic_resnet8_fp32.tflite`,
    images: () => raw(cifar('train-lossless')),
    twin: `${tiny}ic_resnet8_int8.tflite`,
  },
];

for (const { name, path, images, twin } of root === null ? [] : rows) {
  x(`${name}: shares sum up to the measured error, and no fault is seen`, async () => {
    const model = await readModel(sharedFile(path)!);
    const from = images();
    const feed = model.graph.inputs[0]!.name;
    const quantized =
      twin === null ? await pressed(model, from) : await readModel(sharedFile(twin)!);
    const samples = [0, 1].map((at) => ({ [feed]: from.batch(300 + at, 1) }));
    const report = await explain(model, quantized, samples);
    const { weights, rounding, clipping, bias } = report.shares;
    const sum = weights + rounding + clipping + bias;
    assert.ok(Math.abs(sum - 1) < 0.1, `${sum}`);
    const byLayer = report.layers.reduce((total, { share }) => total + share, 0);
    assert.ok(Math.abs(byLayer - sum) < 1e-9);
    assert.equal(
      report.causes.filter(({ severity }) => severity === 'fault'),
      [],
    );
    // Of an output that is a Softmax, what it reads is looked at; others are measured here, too.
    if (twin === null) {
      const [before, after] = [model, quantized].map((it) => outputsOf(it, samples));
      assert.ok(Math.abs(sqnr(before!, after!) - report.sqnrDb!) < 0.05);
    }
    const text = explanationText(report);
    assert.match(text, /accounted for/);
  });
}

function outputsOf(model: Model, samples: readonly Feeds[]): number[] {
  const session = createSession(model);
  const numbers = samples.flatMap((feeds) => {
    const result = Object.values(session.run(feeds))[0] as Tensor;
    return [...(result.data as Float32Array)];
  });
  session.dispose();
  return numbers;
}

async function pressed(model: Model, images: Images): Promise<Model> {
  const feed = model.graph.inputs[0]!.name;
  const calibration = [0, 64].map((at) => ({ [feed]: images.batch(at, 64) }));
  return (await compress(model, { quantize: 'int8', calibration })).model;
}

if (root !== null) {
  x('weights alone: all of the error is theirs', async () => {
    const model = await readModel(sharedFile('onnx-models/mnist_conv3_burn.onnx')!);
    const { model: small } = await compress(model, { quantize: 'int4' });
    const images = mnist('train');
    const report = await explain(model, small, [{ input: images.batch(0, 4) }]);
    assert.ok(Math.abs(report.shares.weights - 1) < 0.02, `${report.shares.weights}`);
    assert.is(report.shares.rounding, 0);
  });

  x('a model against itself has no error', async () => {
    const model = await readModel(sharedFile('onnx-models/mnist_conv3_burn.onnx')!);
    const report = await explain(model, model, [{ input: mnist('train').batch(0, 1) }]);
    assert.is(report.sqnrDb, null);
    assert.is(report.explained, 0);
    assert.equal(report.notes, []);
  });
}

x.run();
