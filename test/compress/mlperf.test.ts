import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compress } from '../../src/compress/index.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { Model } from '../../src/ir/model.ts';
import { between } from '../../src/runtime/between.ts';
import type { Feeds } from '../../src/runtime/runner.ts';
import { createSession } from '../../src/runtime/session.ts';
import { sqnr } from '../ort.ts';
import { sharedFile } from '../shared.ts';
import { cifar } from './classifiers.ts';

/** Models of MLPerf Tiny in int8: ours against the published ones, on what the models were made for. */

const x = suite('int8 models of MLPerf Tiny');

const folder = 'tflite-models/mlperf-tiny';

/** Windows of five frames of a normal machine's sound. */
function sounds(): Tensor[] {
  const frames = new Float32Array(sharedFile(`${folder}/ad_sample_features.bin`)!.slice().buffer);
  const count = frames.length / 128 - 4;
  return Array.from(
    { length: count },
    (_, i) => new Tensor('float32', frames.slice(i * 128, i * 128 + 640), [1, 640]),
  );
}

/** Pixels 0 to 255, channels last. */
function images(part: 'train-lossless' | 'test', count: number): Tensor[] {
  const normal = cifar(part).batch(0, count).data as Float32Array;
  const [mean, deviation] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ];
  return Array.from({ length: count }, (_, image) => {
    const pixels = Float32Array.from({ length: 3072 }, (_, at) => {
      const [i, c] = [Math.floor(at / 3), at % 3];
      const value = normal[(image * 3 + c) * 1024 + i]! * deviation[c]! + mean[c]!;
      return Math.round(value * 255);
    });
    return new Tensor('float32', pixels, [1, 32, 32, 3]);
  });
}

/** What a model computes, as the float model has it. */
function results(float: Model, model: Model, inputs: readonly Tensor[]): Float32Array {
  const session = createSession(model);
  const mapping = between(float, model);
  const { name } = float.graph.inputs[0]!;
  const values = inputs.flatMap((tensor) => {
    const outputs = session.run(mapping.feeds({ [name]: tensor })) as Feeds;
    return Array.from(Object.values(mapping.outputs(outputs))[0]!.data as Float32Array);
  });
  session.dispose();
  return Float32Array.from(values);
}

const cases: readonly {
  name: string;
  rounding?: 'gptq';
  calibration(): Tensor[];
  test(): Tensor[];
  /** Least gain in output signal-to-noise ratio, dB. */
  gainDb: number;
  /** Of the published file's bytes, at most. */
  share: number;
}[] = [
  // Its layers have one scale in the published file, and rows that are tenfold others.
  {
    name: 'ad_autoencoder',
    calibration: () => sounds().filter((_, i) => i % 2 === 0),
    test: () => sounds().filter((_, i) => i % 2 === 1),
    gainDb: 6,
    share: 1.02,
  },
  {
    name: 'ad_autoencoder',
    rounding: 'gptq',
    calibration: () => sounds().filter((_, i) => i % 2 === 0),
    test: () => sounds().filter((_, i) => i % 2 === 1),
    gainDb: 12,
    share: 1.02,
  },
  {
    name: 'ic_resnet8',
    calibration: () => images('train-lossless', 32),
    test: () => images('test', 48),
    gainDb: 1,
    share: 0.9,
  },
];

for (const { name, rounding, calibration, test, gainDb, share } of cases)
  x(
    `${name}${rounding === undefined ? '' : ` with ${rounding}`}: nearer to the float model than the published file, by ${gainDb} dB at least`,
    async () => {
      const float = sharedFile(`${folder}/${name}_fp32.tflite`);
      const published = sharedFile(`${folder}/${name}_int8.tflite`);
      if (float === null || published === null) return;
      const model = await readModel(float);
      const input = model.graph.inputs[0]!.name;
      const made = await compress(model, {
        quantize: {
          weights: 'int8',
          ioTypes: 'int8',
          minOutputDb: null,
          ...(rounding === undefined ? {} : { rounding }),
        },
        names: 'short',
        calibration: calibration().map((tensor) => ({ [input]: tensor })),
      });
      const bytes = await writeModel(made.model);
      const inputs = test();
      const expected = results(model, model, inputs);
      const ours = sqnr(expected, results(model, await readModel(bytes), inputs));
      const theirs = sqnr(expected, results(model, await readModel(published), inputs));
      assert.ok(ours >= theirs + gainDb, `${ours} dB, published ${theirs} dB`);
      assert.ok(bytes.length <= share * published.length, `${bytes.length / published.length}`);
    },
  );

x('weights that are int8 in a hybrid file stay the same integers', async () => {
  const bytes = sharedFile(`${folder}/kws_dscnn_fp32.tflite`);
  if (bytes === null) return;
  const model = await readModel(bytes);
  const input = new Tensor(
    'float32',
    Float32Array.from({ length: 490 }, (_, i) => ((i * 37) % 90) - 60),
    [1, 49, 10, 1],
  );
  const { report } = await compress(model, {
    quantize: { weights: 'int8', ioTypes: 'int8' },
    calibration: [{ [model.graph.inputs[0]!.name]: input }],
  });
  assert.equal(report.activations?.real, []);
  assert.is(report.layers.filter(({ sqnrDb }) => sqnrDb === null).length, 5);
  assert.equal(report.warnings, []);
});

x.run();
