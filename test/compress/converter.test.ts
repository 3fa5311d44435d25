import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  activationSteps,
  levelOf,
  operandSteps,
  weightSteps,
} from '../../src/compress/activations/converter.ts';
import { type CompressResult, compress, rangesLike } from '../../src/compress/index.ts';
import { convert } from '../../src/convert.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { decodeTflite } from '../../src/formats/tflite/codec.ts';
import type { ModelRecord, TensorRecord } from '../../src/formats/tflite/records.ts';
import { builtinOperators, tensorTypes } from '../../src/formats/tflite/schema-table.ts';
import { verify } from '../../src/ir/index.ts';
import { shapeOf } from '../../src/ir/types.ts';
import { createSession } from '../../src/runtime/index.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { closeTflite, runTflite } from '../peers/tflite.ts';
import { sharedFile } from '../shared.ts';

/** What TFLite's converter made of the models of MLPerf Tiny is made again, number by number. */

const x = suite('parameters as of the TFLite converter');

const folder = 'tflite-models/mlperf-tiny';

interface Linear {
  input: TensorRecord;
  weights: TensorRecord;
  bias: TensorRecord;
  output: TensorRecord;
}

const linear = ['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED'];

function namesOf({ operatorCodes, subgraphs }: ModelRecord): string[] {
  return (subgraphs?.[0]?.operators ?? []).map(({ opcodeIndex = 0 }) => {
    const { builtinCode = 0, deprecatedBuiltinCode = 0 } = operatorCodes![opcodeIndex]!;
    return builtinOperators[Math.max(builtinCode, deprecatedBuiltinCode)]!;
  });
}

/** Products with weights, in their order. */
function productsOf(file: ModelRecord): Linear[] {
  const { tensors, operators } = file.subgraphs![0]!;
  const names = namesOf(file);
  return operators!.flatMap(({ inputs, outputs }, i) => {
    if (!linear.includes(names[i]!)) return [];
    const [input, weights, bias] = Array.from(inputs!, (index) => tensors![index]!);
    return [{ input: input!, weights: weights!, bias: bias!, output: tensors![outputs![0]!]! }];
  });
}

interface Agreement {
  same: number;
  of: number;
}

function agreement(a: ArrayLike<number>, b: ArrayLike<number>): Agreement {
  assert.is(a.length, b.length);
  const flags = Array.from(a, (value, i): number => (value === b[i] ? 1 : 0));
  return { same: flags.reduce((sum, flag) => sum + flag, 0), of: flags.length };
}

const bytesOf = (file: ModelRecord, tensor: TensorRecord): Uint8Array =>
  file.buffers![tensor.buffer!]!.data!.slice();

/** How much of a published file is the same in ours. */
function compareFiles(ours: ModelRecord, published: ModelRecord): Record<string, Agreement> {
  const found: Record<string, Agreement> = {};
  const add = (what: string, { same, of }: Agreement): void => {
    const sum = found[what] ?? { same: 0, of: 0 };
    found[what] = { same: sum.same + same, of: sum.of + of };
  };
  const others = productsOf(published);
  const own = productsOf(ours);
  assert.is(own.length, others.length);
  own.forEach((a, i) => {
    const b = others[i]!;
    const integers = (file: ModelRecord, { weights, bias }: Linear): [Int8Array, Int32Array] => [
      new Int8Array(bytesOf(file, weights).buffer),
      new Int32Array(bytesOf(file, bias).buffer),
    ];
    const [weights, bias] = integers(ours, a);
    const [publishedWeights, publishedBias] = integers(published, b);
    add('weights', agreement(weights, publishedWeights));
    add('biases', agreement(bias, publishedBias));
    add('scales', agreement(a.weights.quantization!.scale!, b.weights.quantization!.scale!));
    add('bias scales', agreement(a.bias.quantization!.scale!, b.bias.quantization!.scale!));
    for (const end of ['input', 'output'] as const) {
      const [p, q] = [a[end].quantization!, b[end].quantization!];
      add('activations', agreement([p.scale![0]!], [q.scale![0]!]));
      add('activations', agreement([Number(p.zeroPoint![0])], [Number(q.zeroPoint![0])]));
    }
  });
  return found;
}

async function remade(
  float: Uint8Array,
  twin: Uint8Array,
): Promise<CompressResult & { file: ModelRecord; bytes: Uint8Array }> {
  const model = await readModel(float);
  const ranges = await rangesLike(await readModel(twin), model);
  const quantize = { weights: 'int8', scheme: 'tflite', ranges, ioTypes: 'int8' } as const;
  const result = await compress(model, { quantize });
  const bytes = await writeModel(result.model);
  return { ...result, bytes, file: decodeTflite(bytes) };
}

for (const name of ['ad_autoencoder', 'ic_resnet8', 'vww_mobilenet']) {
  x(`${name}: every scale, weight and bias of the published file`, async () => {
    const [float, twin] = ['fp32', 'int8'].map((kind) =>
      sharedFile(`${folder}/${name}_${kind}.tflite`),
    );
    if (float == null || twin == null) return;
    const { file, bytes, report } = await remade(float, twin);
    const published = decodeTflite(twin);
    const found = compareFiles(file, published);
    for (const [what, { same, of }] of Object.entries(found)) assert.is(same, of, what);
    assert.equal(namesOf(file), namesOf(published));
    const typeOf = ({ subgraphs }: ModelRecord, end: 'inputs' | 'outputs'): string => {
      const { tensors, ...graph } = subgraphs![0]!;
      return tensorTypes[tensors![graph[end]![0]!]!.type ?? 0]!;
    };
    assert.is(typeOf(file, 'inputs'), 'INT8');
    assert.is(typeOf(file, 'outputs'), 'INT8');
    assert.equal(report.activations?.real, []);
    assert.equal(report.warnings, []);
    assert.ok(bytes.length <= twin.length, `${bytes.length} of ${twin.length} bytes`);
  });
}

/** Scale 2, 0.5 and zero points, as by hand. */
x('activations: the range with 0 in it, halves away from zero, never without width', () => {
  assert.equal(activationSteps(-1, 1.55), {
    scale: Math.fround(Math.fround(2.55) / 255),
    zeroPoint: -28,
  });
  assert.equal(activationSteps(3, 510), { scale: 2, zeroPoint: -128 });
  assert.equal(activationSteps(-127.5, 0), { scale: 0.5, zeroPoint: 127 });
  // −128 + 63.5 is rounded to −65.
  assert.equal(activationSteps(-63.5, 191.5), { scale: 1, zeroPoint: -65 });
  const { scale, zeroPoint } = activationSteps(0, 0);
  assert.is(scale, Math.fround(Math.fround(1e-6) / 255));
  assert.ok(zeroPoint === 0 || zeroPoint === -1);
  assert.ok(Number.isFinite(activationSteps(-3.4e38, 3.4e38).scale));
});

x('weights: dead channels make room for their bias, each generation in its way', () => {
  const largest = Float32Array.of(127, 1e-20, 0, 1e-42);
  const bias = Float32Array.of(5, 3, 0, 0);
  const old = weightSteps('tflite', largest, [{ bias, step: 0.5 }]);
  assert.is(old.scale[0], 1);
  assert.ok(Math.abs(3 / (old.scale[1]! * 0.5) / 2 ** 30 - 1) < 1e-6);
  assert.is(old.scale[2], 1);
  const made = weightSteps('tflite-mlir', largest, [{ bias, step: 0.5 }]);
  assert.ok(Math.abs(3 / (made.scale[1]! * 0.5) / 2 ** 30 - 1) < 1e-6);
  assert.is(made.scale[2], Math.fround(Math.fround(5e-7) / 127));
  for (const { scale, inverse } of [old, made]) {
    assert.ok(scale.every((step) => step >= 2 ** -126 && Number.isFinite(step)));
    assert.ok(inverse.every(Number.isFinite));
  }
  assert.is(levelOf(2.5, 1, 127), 3);
  assert.is(levelOf(-2.5, 1, 127), -3);
  assert.is(levelOf(-1e9, 1, 127), -127);
});

x('constants beside values: around zero once, over their range since', () => {
  const slab = { start: 0, count: 3, outer: 1, channels: 1, inner: 3, firstScale: 0, scales: 1 };
  const reals = Float32Array.of(-63.5, 0, 127);
  const old = operandSteps('tflite', -63.5, 127);
  assert.equal([...old.parameters.scale], [1]);
  assert.is(old.parameters.zeroPoint, null);
  // −63.5 steps are 64 below.
  assert.equal([...new Int8Array(old.store(reals, slab).buffer)], [-64, 0, 127]);
  const made = operandSteps('tflite-mlir', -63.5, 191.5);
  assert.equal([...made.parameters.scale], [1]);
  assert.equal([...made.parameters.zeroPoint!], [-65]);
  assert.equal([...new Int8Array(made.store(reals, slab).buffer)], [-128, -65, 62]);
});

x('an ONNX model: quantized by the rule, then written as TFLite', async () => {
  const bytes = sharedFile('onnx-models/mnist-cnn.onnx');
  if (bytes === null) return;
  const model = await readModel(bytes);
  const [input] = model.graph.inputs;
  const dims = shapeOf(input!.type)!.map((size) => (typeof size === 'number' ? size : 1));
  const count = dims.reduce((a, b) => a * b, 1);
  const sample = (seed: number): Tensor =>
    new Tensor(
      'float32',
      Float32Array.from({ length: count }, (_, i) => ((i * seed) % 97) / 96),
      dims,
    );
  const { model: small, report } = await compress(model, {
    quantize: { weights: 'int8', scheme: 'tflite' },
    calibration: [sample(31), sample(57)].map((tensor) => ({ [input!.name]: tensor })),
  });
  const schemes = new Map(report.layers.map(({ layers, to }) => [layers[0]!.split(' ')[0], to]));
  assert.is(schemes.get('Conv'), 'int8 per channel');
  const file = decodeTflite(await writeModel(small, { format: 'tflite' }));
  const products = productsOf(file);
  assert.ok(products.length > 1);
  for (const { input: from, weights, bias } of products) {
    const [step, scales] = [from.quantization!.scale![0]!, weights.quantization!.scale!];
    assert.equal(
      bias.quantization!.scale,
      scales.map((scale) => scale * step),
    );
    assert.ok(!new Int8Array(bytesOf(file, weights).buffer).includes(-128));
  }
});

/** Levels by value, of a graph of two convolutions whose results are joined. */
async function joined(outputs: readonly string[]): Promise<Map<string, string>> {
  const dims = [1, 4, 6, 6];
  const bytes = modelBytes({
    node: [
      node('Conv', ['x', 'w'], ['a']),
      node('Conv', ['x', 'v'], ['b']),
      node('MaxPool', ['b'], ['p'], { kernel_shape: [2, 2], strides: [1, 1], pads: [0, 0, 1, 1] }),
      node('Sigmoid', ['a'], ['s']),
      node('Concat', ['a', 'p', 's'], ['y'], { axis: 1 }),
      node('Transpose', ['y'], ['t'], { perm: [0, 2, 3, 1] }),
    ],
    initializer: [
      floats('w', [4, 4, 1, 1], noise(16, 3, 0.3)),
      floats('v', [4, 4, 1, 1], noise(16, 4, 0.3)),
    ],
    input: [info('x', dims)],
    output: outputs.map((name) => info(name, null)),
  });
  const ranges = {
    x: { min: -1, max: 1 },
    a: { min: -1, max: 2 },
    b: { min: -2, max: 2 },
    y: { min: -3, max: 4 },
  };
  const { plan, model } = await compress(await readModel(bytes), {
    quantize: { weights: 'int8', scheme: 'tflite', ranges },
    force: true,
  });
  verify(model);
  await readModel(await writeModel(model, { format: 'tflite' }));
  return new Map(
    plan.activations.map(({ value, scale, zeroPoint }) => [value, `${scale} ${zeroPoint}`]),
  );
}

x('levels go with what moves, and back from what joins, as far as nobody else reads', async () => {
  const alone = await joined(['t']);
  const { scale, zeroPoint } = activationSteps(-3, 4);
  // b is only pooled, and that only joined.
  for (const name of ['b', 'p', 'y', 't'])
    assert.is(alone.get(name), `${scale} ${zeroPoint}`, name);
  // a is read twice, and Sigmoid has levels of its own: both are quantized anew for the join.
  const own = activationSteps(-1, 2);
  assert.is(alone.get('a'), `${own.scale} ${own.zeroPoint}`);
  assert.is(alone.get('s'), `${1 / 256} -128`);
  const shown = await joined(['t', 'b']);
  const apart = activationSteps(-2, 2);
  for (const name of ['b', 'p']) assert.is(shown.get(name), `${apart.scale} ${apart.zeroPoint}`);
});

x('levels of a twin that stores uint8 in ONNX', async () => {
  const bytes = sharedFile('tflite-models/mlperf-tiny/ic_resnet8_int8.tflite');
  const float = sharedFile('tflite-models/mlperf-tiny/ic_resnet8_fp32.tflite');
  if (bytes === null || float === null) return;
  const model = await readModel(float);
  const direct = await rangesLike(await readModel(bytes), model);
  const { bytes: onnx } = await convert(bytes, { to: 'onnx' });
  assert.equal(await rangesLike(await readModel(onnx), model), direct);
  const shifted = await rangesLike(await readModel(bytes), model, 'uint8');
  for (const [name, given] of Object.entries(direct)) {
    if (!('scale' in given)) continue;
    assert.equal(shifted[name], { ...given, zeroPoint: given.zeroPoint + 128 });
  }
  const error = await rangesLike(model, model).catch((thrown: unknown) => thrown);
  assert.instance(error, RangeError);
});

x(
  'short names: a smaller file that computes the same, with inputs and outputs as they were',
  async () => {
    const float = sharedFile('tflite-models/mlperf-tiny/vww_mobilenet_fp32.tflite');
    const twin = sharedFile('tflite-models/mlperf-tiny/vww_mobilenet_int8.tflite');
    if (float === null || twin === null) return;
    const model = await readModel(float);
    const ranges = await rangesLike(await readModel(twin), model);
    const quantize = { weights: 'int8', scheme: 'tflite', ranges, ioTypes: 'int8' } as const;
    const files: Uint8Array[] = [];
    const results: unknown[] = [];
    for (const names of ['keep', 'short'] as const) {
      const made = await compress(model, { quantize, names });
      files.push(await writeModel(made.model));
      const session = createSession(await readModel(files.at(-1)!));
      const [input, output] = [session.inputs[0]!, session.outputs[0]!];
      assert.is(input.name, 'input_1');
      const data = Int8Array.from({ length: 96 * 96 * 3 }, (_, i) => ((i * 7919) % 255) - 128);
      const given = new Tensor('int8', data, [1, 96, 96, 3]);
      results.push((session.run({ [input.name]: given })[output.name] as Tensor).data);
      session.dispose();
    }
    assert.equal(results[1], results[0]);
    assert.ok(files[1]!.length < 0.78 * twin.length, `${files[1]!.length} of ${twin.length}`);
    const theirs = await runTflite(files[1]!, [
      new Tensor(
        'int8',
        Int8Array.from({ length: 96 * 96 * 3 }, (_, i) => ((i * 7919) % 255) - 128),
        [1, 96, 96, 3],
      ),
    ]);
    const apart = Array.from(results[1] as Int8Array, (level, i) =>
      Math.abs(level - Number(theirs.outputs[0]!.data[i])),
    );
    assert.ok(Math.max(...apart) <= 1, apart.join());
  },
);

x.after(closeTflite);
x.run();
