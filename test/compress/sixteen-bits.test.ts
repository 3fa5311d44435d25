import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compress, type QuantizeSettings } from '../../src/compress/index.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { decodeTflite } from '../../src/formats/tflite/codec.ts';
import { builtinOperators } from '../../src/formats/tflite/schema-table.ts';
import { type Model, verify } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { input, runModel, sqnr } from '../ort.ts';
import { closeTflite, runTflite } from '../peers/tflite.ts';
import { sharedFile } from '../shared.ts';
import { cifar, raw } from './classifiers.ts';

/** Activations of 16 bits beside weights of 8, and weights of 16 bits beside real numbers. */

const x = suite('16 bits');

const dataOf = (outputs: Record<string, unknown>): Float32Array =>
  (Object.values(outputs)[0] as Tensor).data as Float32Array;

function run(model: Model, feed: Tensor): Float32Array {
  const session = createSession(model);
  const data = dataOf(session.run({ [session.inputs[0]!.name]: feed }));
  session.dispose();
  return data;
}

type Settings = Partial<QuantizeSettings>;

async function made(model: Model, settings: Settings, calibration?: Record<string, Tensor>[]) {
  const quantize = { weights: 'int8', ...settings } as const;
  const result = await compress(model, {
    quantize,
    ...(calibration === undefined ? {} : { calibration }),
  });
  verify(result.model);
  const bytes = await writeModel(result.model);
  return { ...result, bytes, again: await readModel(bytes) };
}

/** The noise of activations is what a model differs by from one with the same weights and real activations. */
const leastGainDb = 20;

x('resnet20: activations of 16 bits are 20 dB nearer, and onnxruntime agrees', async () => {
  const bytes = sharedFile('onnx-models/resnet20_cifar10.onnx');
  if (bytes === null) return;
  const images = cifar('train-lossless');
  const model = await readModel(bytes);
  const calibration = [{ [model.graph.inputs[0]!.name]: images.batch(0, 32) }];
  // Of the samples: values that none of them had would be clipped, whatever the steps are.
  const feed = images.batch(0, 2);
  const weights = { mode: 'weight-only', symmetric: true } as const;
  const exact = run((await made(model, weights, calibration)).again, feed);
  const ratios: number[] = [];
  for (const activations of ['int8', 'int16', 'uint16'] as const) {
    const settings = { mode: 'static', activations, minOutputDb: null } as const;
    const small = await made(model, settings, calibration);
    assert.equal(small.report.activations?.real, []);
    assert.ok(small.bytes.length <= 0.28 * bytes.length);
    const own = run(small.again, feed);
    ratios.push(sqnr(exact, own));
    if (activations === 'int8') continue;
    assert.is(small.again.opsets.get(''), 21);
    const types = new Set(small.plan.activations.map(({ storage }) => storage));
    assert.equal([...types], [activations]);
    const peer = dataOf(await runModel(small.bytes, { [model.graph.inputs[0]!.name]: feed }));
    assert.ok(sqnr(peer, own) > 60, `${sqnr(peer, own)} dB`);
  }
  const [eight, signed, unsigned] = ratios as [number, number, number];
  assert.ok(signed > eight + leastGainDb, `${eight} → ${signed} dB`);
  assert.ok(unsigned > eight + leastGainDb, `${eight} → ${unsigned} dB`);
});

x("ResNet-8 of MLPerf Tiny: TFLite's 16 × 8 operators, in its own runtime", async () => {
  const bytes = sharedFile('tflite-models/mlperf-tiny/ic_resnet8_fp32.tflite');
  if (bytes === null) return;
  const images = raw(cifar('train-lossless'));
  const model = await readModel(bytes);
  const name = model.graph.inputs[0]!.name;
  const calibration = Array.from({ length: 16 }, (_, i) => ({ [name]: images.batch(i, 1) }));
  const settings = { mode: 'static', granularity: 'channel', minOutputDb: null } as const;
  const small = await made(model, { ...settings, activations: 'int16' }, calibration);
  const { operatorCodes, subgraphs } = decodeTflite(small.bytes);
  const { tensors = [], operators = [] } = subgraphs![0]!;
  for (const { opcodeIndex = 0, inputs = [], builtinOptions } of operators) {
    const op = builtinOperators[operatorCodes![opcodeIndex]!.builtinCode!]!;
    const types = [...inputs].map((at) => tensors[at]!.type ?? 0);
    // INT16, INT8, INT64
    if (op === 'CONV_2D' || op === 'FULLY_CONNECTED') assert.equal(types, [7, 9, 4]);
    if (op === 'ADD') {
      assert.equal(types, [7, 7]);
      assert.is((builtinOptions!.value as { potScaleInt16?: boolean }).potScaleInt16, false);
    }
  }
  for (const { type, quantization } of tensors)
    if (type === 7) assert.ok([...(quantization!.zeroPoint ?? [])].every((zero) => zero === 0n));
  const narrow = await made(model, settings, calibration);
  const weights = { mode: 'weight-only', granularity: 'channel', symmetric: true } as const;
  const { model: weighted } = await made(model, weights, calibration);
  const [noises, peers] = [[0, 0, 0], [] as number[]];
  for (let i = 300; i < 304; i++) {
    const feed = images.batch(i, 1);
    const exact = run(weighted, feed);
    const own = run(small.again, feed);
    const peer = (await runTflite(small.bytes, [feed])).outputs[0]!.data as Float32Array;
    peers.push(Math.max(...own.map((value, at) => Math.abs(value - peer[at]!))));
    const add = (at: number, data: Float32Array): void => {
      data.forEach((value, k) => {
        noises[at]! += (value - exact[k]!) ** 2;
      });
    };
    add(0, run(narrow.again, feed));
    add(1, own);
    add(2, peer);
  }
  assert.ok(Math.max(...peers) < 0.003, `${peers}`);
  const least = noises[0]! / 10 ** (leastGainDb / 10);
  assert.ok(noises[1]! < least && noises[2]! < least, `${noises}`);
});

x('results within known bounds have the levels that 16-bit kernels have', async () => {
  const dims = [1, 12];
  const model = await readModel(
    modelBytes({
      node: [node('Gemm', ['x', 'w'], ['c']), node('Sigmoid', ['c'], ['y'])],
      initializer: [floats('w', [12, 8], noise(96, 2))],
      input: [info('x', dims)],
      output: [info('y', null)],
    }),
  );
  const feed = input(noise(12, 3), dims);
  for (const [activations, scale, zeroPoint] of [
    ['int16', 1 / 32768, 0],
    ['uint16', 1 / 65536, 0],
  ] as const) {
    const small = await made(model, { mode: 'static', activations }, [{ x: feed }]);
    const y = small.plan.activations.find(({ value }) => value === 'y')!;
    assert.equal([y.scale, y.zeroPoint], [scale, zeroPoint]);
    const peer = dataOf(await runModel(small.bytes, { x: feed }));
    assert.ok(sqnr(peer, run(small.again, feed)) > 70);
  }
});

x('weights of float16 load in both runtimes', async () => {
  const onnx = sharedFile('onnx-models/mnist_conv3_burn.onnx');
  const tflite = sharedFile('tflite-models/mlperf-tiny/ic_resnet8_fp32.tflite');
  if (onnx === null || tflite === null) return;
  for (const [bytes, isTflite] of [
    [onnx, false],
    [tflite, true],
  ] as const) {
    const model = await readModel(bytes);
    const small = await made(model, { weights: 'float16' });
    assert.ok(small.bytes.length < 0.55 * bytes.length, `${small.bytes.length / bytes.length}`);
    const { name, type } = model.graph.inputs[0]!;
    const sizes = (type?.kind === 'tensor' ? type.shape : null) ?? [];
    const dims = sizes.map((size) => (typeof size === 'number' ? size : 1));
    const feed = input(
      noise(
        dims.reduce((a, b) => a * b, 1),
        5,
      ),
      dims,
    );
    const peer = isTflite
      ? ((await runTflite(small.bytes, [feed])).outputs[0]!.data as Float32Array)
      : dataOf(await runModel(small.bytes, { [name]: feed }));
    const own = run(small.again, feed);
    assert.ok(sqnr(peer, own) > 80, `${sqnr(peer, own)} dB`);
    const before = run(model, feed);
    assert.ok(sqnr(before, own) > 45, `${sqnr(before, own)} dB`);
  }
});

x.after(closeTflite);
x.run();
