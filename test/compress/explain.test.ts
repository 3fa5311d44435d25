import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compare } from '../../src/compare.ts';
import { compress, explain } from '../../src/compress/index.ts';
import { readModel } from '../../src/formats/index.ts';
import type { Model } from '../../src/ir/model.ts';
import { type ExplanationReport, explanationText } from '../../src/report/index.ts';
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
    const samples = [0, 1].map((at) => ({ [feed]: from.batch(300 + at, 1) }));
    const report =
      twin === null
        ? await pressed(model, from)
        : await explain(model, await readModel(sharedFile(twin)!), samples);
    const { weights, rounding, clipping, bias } = report.shares;
    const sum = weights + rounding + clipping + bias;
    assert.ok(Math.abs(sum - 1) < 0.1, `${sum}`);
    const byLayer = report.layers.reduce((total, { share }) => total + share, 0);
    assert.ok(Math.abs(byLayer - sum) < 1e-9);
    assert.equal(
      report.causes.filter(({ severity }) => severity === 'fault'),
      [],
    );
    const text = explanationText(report);
    assert.match(text, /accounted for/);
  });
}

/** What `compress` says of its own result, which it rewrites before. */
async function pressed(model: Model, images: Images): Promise<ExplanationReport> {
  const feed = model.graph.inputs[0]!.name;
  const calibration = [0, 8].map((at) => ({ [feed]: images.batch(at, 8) }));
  const { report } = await compress(model, { quantize: 'int8', calibration, explain: true });
  return report.explanation!;
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

if (root !== null) {
  x(
    'compare names why a published file of MLPerf Tiny loses: matrices with one scale',
    async () => {
      const [reference, other] = await Promise.all(
        ['fp32', 'int8'].map(async (kind) =>
          readModel(sharedFile(`${tiny}ad_autoencoder_${kind}.tflite`)!),
        ),
      );
      const { explanation, layers } = await compare(reference!, other!, {
        layers: true,
        samples: 1,
      });
      assert.ok(layers !== null && explanation !== null);
      assert.ok(explanation!.shares.weights > 0.5);
      assert.is(explanation!.causes[0]?.code, 'per-tensor-weights');
      assert.ok(Math.abs(explanation!.explained - 1) < 0.1);
      assert.ok(explanation!.notes.some((note) => note.includes('random')));
    },
  );
}

x.run();
