import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compress, type QuantizeOption } from '../../src/compress/index.ts';
import { Walk } from '../../src/compress/rounding/walk.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { Model } from '../../src/ir/model.ts';
import { compareBytes } from '../../src/runtime/compare.ts';
import { createSession, type Feeds } from '../../src/runtime/index.ts';
import { loadWeights } from '../../src/runtime/prepare.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { runner } from '../ort.ts';
import { sharedFile } from '../shared.ts';
import { mnist } from './classifiers.ts';

const x = suite('rounding');

const side = 10;

async function smallModel(): Promise<Model> {
  const nodes = [
    node('Conv', ['x', 'w0', 'b0'], ['a'], { pads: [1, 1, 1, 1] }),
    node('Relu', ['a'], ['r']),
    node('Conv', ['r', 'w1', 'b1'], ['c'], { group: 12, pads: [1, 1, 1, 1] }),
    node('Relu', ['c'], ['d']),
    node('Conv', ['d', 'w2'], ['e'], { pads: [1, 1, 1, 1], strides: [2, 2] }),
    node('Add', ['e', 'shift'], ['f']),
    node('Relu', ['f'], ['g']),
    node('GlobalAveragePool', ['g'], ['p']),
    node('Flatten', ['p'], ['q']),
    node('Gemm', ['q', 'w3', 'b3'], ['s'], { transB: 1 }),
    node('MatMul', ['s', 'w4'], ['y']),
  ];
  const weights: [string, number[]][] = [
    ['w0', [12, 3, 3, 3]],
    ['b0', [12]],
    ['w1', [12, 1, 3, 3]],
    ['b1', [12]],
    ['w2', [20, 12, 3, 3]],
    ['shift', [1, 20, 1, 1]],
    ['w3', [16, 20]],
    ['b3', [16]],
    ['w4', [16, 10]],
  ];
  const initializer = weights.map(([name, dims], i) =>
    floats(
      name,
      dims,
      noise(
        dims.reduce((a, b) => a * b, 1),
        i + 1,
        0.4,
      ),
    ),
  );
  const graph = { node: nodes, initializer, input: [info('x', ['n', 3, side, side])] };
  return readModel(modelBytes({ ...graph, output: [info('y', ['n', 10])] }, { opset: 17 }));
}

/** Samples whose pixels depend on their neighbors. */
function samples(count: number, seed: number, each = 8): Feeds[] {
  const size = 3 * side * side;
  const data = noise(count * size, seed);
  for (let i = 1; i < data.length; i++) data[i] = 0.8 * data[i - 1]! + 0.6 * data[i]! + 0.05;
  const feeds: Feeds[] = [];
  for (let at = 0; at < count; at += each) {
    const part = data.slice(at * size, Math.min(count, at + each) * size);
    feeds.push({ x: new Tensor('float32', part, [part.length / size, 3, side, side]) });
  }
  return feeds;
}

async function errorOf(model: Model, reference: Model, feeds: readonly Feeds[]): Promise<number> {
  for (const each of [model, reference]) await loadWeights(each);
  const [own, other] = [createSession(model), createSession(reference)];
  let error = 0;
  for (const feed of feeds) {
    const [name] = own.outputs.map((output) => output.name);
    const a = own.run(feed)[name!]!.data as Float32Array;
    const b = other.run(feed)[name!]!.data as Float32Array;
    a.forEach((value, i) => {
      error += (value - b[i]!) ** 2;
    });
  }
  own.dispose();
  other.dispose();
  return error;
}

const weightOnly = {
  weights: 'int4',
  mode: 'weight-only',
  minElements: 1,
  eightBits: 0,
} as const;

x(
  'layer by layer the output’s error shrinks, and the model’s, on samples that it has not seen',
  async () => {
    const model = await smallModel();
    const fresh = samples(64, 99);
    for (const granularity of ['tensor', 'channel', 'block'] as const) {
      const errors: number[] = [];
      for (const rounding of ['nearest', 'gptq', 'adaround'] as const) {
        const quantize: QuantizeOption = { ...weightOnly, granularity, rounding };
        const { model: small, report } = await compress(model, {
          quantize,
          calibration: samples(128, 5),
        });
        errors.push(await errorOf(small, model, fresh));
        for (const layer of report.layers) {
          if (rounding === 'nearest') assert.is(layer.rounding, undefined);
          else {
            assert.is(layer.rounding!.method, rounding);
            assert.ok(layer.rounding!.outputDb! >= layer.rounding!.nearestDb!, layer.weight);
          }
        }
        assert.is(report.layers.length, 5);
      }
      const [nearest, ...others] = errors;
      for (const error of others) assert.ok(error < 0.5 * nearest!, `${granularity}: ${errors}`);
    }
  },
);

x('8 bits, too, and unsigned integers with their zero points', async () => {
  const model = await smallModel();
  const fresh = samples(64, 99);
  for (const weights of ['int8', 'uint8', 'uint4'] as const) {
    const errors: number[] = [];
    for (const rounding of ['nearest', 'adaround'] as const) {
      const quantize: QuantizeOption = { ...weightOnly, eightBits: 0, weights, rounding };
      const result = await compress(model, { quantize, calibration: samples(128, 5) });
      errors.push(await errorOf(result.model, model, fresh));
    }
    assert.ok(errors[1]! < 0.6 * errors[0]!, `${weights}: ${errors}`);
  }
});

x('weights of networks that run on integers, biases in their steps', async () => {
  const model = await smallModel();
  const fresh = samples(64, 99);
  for (const activations of ['int8', 'int16'] as const) {
    const errors: number[] = [];
    for (const rounding of ['nearest', 'adaround'] as const) {
      const { model: small, report } = await compress(model, {
        quantize: {
          weights: 'int4',
          mode: 'static',
          activations,
          rounding,
          minElements: 1,
          eightBits: 0,
        },
        calibration: samples(128, 5),
      });
      assert.is(
        report.layers.filter((layer) => layer.rounding !== undefined).length > 2,
        rounding !== 'nearest',
      );
      errors.push(await errorOf(small, model, fresh));
    }
    assert.ok(errors[1]! < 0.6 * errors[0]!, `${activations}: ${errors}`);
  }
});

x('how samples are cut into batches changes no byte; onnxruntime takes the file', async () => {
  const model = await smallModel();
  const files: Uint8Array[] = [];
  for (const each of [1, 7, 64]) {
    const { model: small } = await compress(model, {
      quantize: weightOnly,
      calibration: samples(64, 5, each),
    });
    files.push(await writeModel(small));
  }
  for (const file of files) assert.equal(file, files[0]);
  const bytes = await writeModel(model);
  const { outputs } = await compareBytes({ model, bytes }, files[0]!, {
    runner,
    inputs: [samples(8, 77)[0]!],
  });
  assert.ok(outputs[0]!.sqnrDb! > 20, `${outputs[0]!.sqnrDb} dB`);
});

x('a walk gives what a run gives, and later nodes read what was put in', async () => {
  const model = await smallModel();
  await loadWeights(model);
  const feeds = samples(12, 3, 5);
  const walk = new Walk(model, feeds);
  for (const each of model.graph.nodes) await walk.before(each, each.inputs[0]!);
  const got = (await walk.finish()).get('y')!;
  const session = createSession(model);
  for (const [i, feed] of feeds.entries()) {
    const expected = session.run(feed).y!;
    const most = (expected.data as Float32Array).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    (got[i]!.data as Float32Array).forEach((value, at) => {
      assert.ok(Math.abs(value - (expected.data as Float32Array)[at]!) <= 1e-5 * most);
    });
  }
  session.dispose();
});

x('refused: another word, no calibration, half floats; aborted', async () => {
  const model = await smallModel();
  const fails = async (pattern: RegExp, options: Parameters<typeof compress>[1]): Promise<void> => {
    try {
      await compress(model, options);
    } catch (error) {
      return assert.match(String(error), pattern);
    }
    assert.unreachable(String(pattern));
  };
  const calibration = samples(8, 1);
  const rounding = 'gptq' as const;
  await fails(/nearest \| gptq/, {
    quantize: { weights: 'int4', rounding: 'up' as 'gptq' },
    calibration,
  });
  await fails(/calibration/, { quantize: { weights: 'int4', rounding } });
  await fails(/float16/, { quantize: { weights: 'float16', rounding }, calibration });
  const abort = new AbortController();
  const next = random(1);
  await fails(/abort/i, {
    quantize: weightOnly,
    calibration,
    signal: abort.signal,
    onProgress: ({ stage }) => {
      if (stage === 'round' && next.uniform() >= 0) abort.abort();
    },
  });
});

const network = sharedFile('onnx-models/mnist_conv3_burn.onnx');

if (network !== null)
  x(
    'MNIST at 4 bits with 64 images: four fifths of nearest rounding’s error are gone',
    async () => {
      const model = await readModel(network);
      const [train, test] = [mnist('train'), mnist('t10k')];
      const errors: number[] = [];
      for (const rounding of ['nearest', 'adaround'] as const) {
        const { model: small, report } = await compress(model, {
          quantize: { weights: 'int4', eightBits: 0, rounding },
          calibration: [{ input: train.batch(0, 64) }],
        });
        for (const { rounding: done } of report.layers)
          assert.ok(done === undefined || done.outputDb! >= done.nearestDb!);
        errors.push(await errorOf(small, model, [{ input: test.batch(0, 500) }]));
      }
      assert.ok(errors[1]! < 0.2 * errors[0]!, `${errors}`);
    },
  );

x.run();
