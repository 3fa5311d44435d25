import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CompressResult, compress, type QuantizeOption } from '../../src/compress/index.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { decodeTflite } from '../../src/formats/tflite/codec.ts';
import { builtinOperators } from '../../src/formats/tflite/schema-table.ts';
import { type Model, verify } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { runModel, sqnr } from '../ort.ts';
import { closeTflite, runTflite } from '../peers/tflite.ts';
import { sharedData, sharedFile } from '../shared.ts';
import { accuracy, cifar, classesOf, type Images, mnist, raw, topOf } from './classifiers.ts';

const x = suite('static quantization');
const root = sharedData();

function pressed(model: Model, images: Images, quantize: QuantizeOption): Promise<CompressResult> {
  const name = model.graph.inputs[0]!.name;
  const feeds = [0, 64, 128, 192].map((from) => ({ [name]: images.batch(from, 64) }));
  return compress(model, { quantize, calibration: feeds });
}

const only = (outputs: Record<string, unknown>): Tensor => Object.values(outputs)[0] as Tensor;

/** Allowed in the test is what a smaller set of test images can tell; all of them are 0.2 points at most. */
const models = [
  { name: 'mnist_conv3_burn', train: () => mnist('train'), test: () => mnist('t10k'), count: 1000 },
  {
    name: 'resnet20_cifar10',
    train: () => cifar('train-lossless'),
    test: () => cifar('test'),
    count: 500,
  },
] as const;

for (const { name, train, test, count } of root === null ? [] : models) {
  for (const activations of ['int8', 'uint8'] as const) {
    if (activations === 'uint8' && name !== 'mnist_conv3_burn') continue;
    x(
      `${name}: ${activations} activations are as right as float, and onnxruntime agrees`,
      async () => {
        const bytes = sharedFile(`onnx-models/${name}.onnx`)!;
        const model = await readModel(bytes);
        const quantize = { weights: 'int8', mode: 'static', activations } as const;
        const { model: small, report, plan } = await pressed(model, train(), quantize);
        verify(small);
        assert.equal(report.activations?.real, []);
        assert.ok(report.layers.every(({ to }) => to === 'int8 per channel'));
        assert.ok(plan.activations.every(({ min, max }) => min <= 0 && max >= 0));
        const written = await writeModel(small);
        assert.ok(written.length <= 0.28 * bytes.length, `${written.length / bytes.length}`);
        const again = await readModel(written);
        const images = test();
        const [before, after] = [model, again].map((it) =>
          accuracy(classesOf(it, images, count), images),
        );
        assert.ok(after! >= before! - 0.004, `${before} → ${after}`);

        const feeds = { [model.graph.inputs[0]!.name]: images.batch(0, 50) };
        const peer = only(await runModel(written, feeds));
        const session = createSession(again);
        const own = only(session.run(feeds));
        session.dispose();
        const ratio = sqnr(peer.data as Float32Array, own.data as Float32Array);
        assert.ok(ratio > 35, `${ratio} dB`);
        assert.equal(topOf(own), topOf(peer));
      },
    );
  }
}

const tiny = 'tflite-models/mlperf-tiny/';

if (root !== null) {
  x(
    "a TFLite model computes with integers alone between its input and output, in TFLite's runtime",
    async () => {
      const bytes = sharedFile(`${tiny}ic_resnet8_fp32.tflite`)!;
      const model = await readModel(bytes);
      const images = raw(cifar('train-lossless'));
      // Nothing is put back: the runtime may have no kernels on real numbers.
      const quantize = { weights: 'int8', minOutputDb: null } as const;
      const { model: small, report } = await pressed(model, images, quantize);
      assert.equal(report.activations?.real, []);
      const written = await writeModel(small);
      assert.ok(written.length < 0.35 * bytes.length, `${written.length / bytes.length}`);
      const record = decodeTflite(written);
      const operators = record.subgraphs![0]!.operators!.map(
        ({ opcodeIndex = 0 }) => builtinOperators[record.operatorCodes![opcodeIndex]!.builtinCode!],
      );
      assert.is(operators.filter((name) => name === 'QUANTIZE').length, 1);
      assert.is(operators.filter((name) => name === 'DEQUANTIZE').length, 1);
      const { operators: all, tensors } = record.subgraphs![0]!;
      const logits = tensors![all![operators.indexOf('SOFTMAX')]!.inputs![0]!]!;
      const step = logits.quantization!.scale![0]!;
      let sure = 0;
      const session = createSession(await readModel(written));
      const float = createSession(model);
      for (let i = 300; i < 305; i++) {
        const feeds = { [session.inputs[0]!.name]: images.batch(i, 1) };
        const peer = (await runTflite(written, [images.batch(i, 1)])).outputs[0]!;
        const own = only(session.run(feeds));
        const difference = Math.max(
          ...(peer.data as Float32Array).map((value, k) => Math.abs(value - Number(own.data[k]))),
        );
        // A level of a logit, where two roundings differ, moves a probability by up to a quarter of its step; a pair that
        // moves apart, by half of it.
        assert.ok(difference <= step / 2 + 1 / 256, `${difference} of ${step}`);
        const real = only(float.run({ [float.inputs[0]!.name]: images.batch(i, 1) }));
        // Where two classes are as likely, either may win.
        const [first = 0, second = 0] = [...(real.data as Float32Array)].sort((a, b) => b - a);
        if (first - second < 0.2) continue;
        sure++;
        assert.equal(topOf(own), topOf(real));
      }
      assert.ok(sure >= 3, `${sure} of 5`);
      session.dispose();
      float.dispose();
    },
  );
}
x.after(closeTflite);

x.run();
