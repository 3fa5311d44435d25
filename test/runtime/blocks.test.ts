import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compress, type QuantizeSettings } from '../../src/compress/index.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { type Constant, constantOfTensor } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/session.ts';
import { floats as floatTensor, info, modelBytes, node, noise } from '../build-model.ts';
import { inMode, modes } from '../kernels/int8/modes.ts';
import { makeOnnx } from '../onnx-model.ts';
import { runModel, sqnr } from '../ort.ts';
import { closeTflite, runTflite } from '../peers/tflite.ts';
import { int } from './one-operator.ts';

const blocks = suite('products with weights in blocks');

const source = random(17);

interface Case {
  m: number;
  k: number;
  n: number;
  bits: 4 | 8;
  size: number;
  zeros?: 'packed' | 'float';
  bias?: boolean;
  level?: number;
  kernel: RegExp;
}

const cases: Case[] = [
  { m: 1, k: 64, n: 24, bits: 4, size: 32, kernel: /^f32_gemm/ },
  { m: 5, k: 72, n: 13, bits: 4, size: 16, zeros: 'packed', bias: true, kernel: /^f32_gemm/ },
  { m: 3, k: 130, n: 9, bits: 8, size: 32, zeros: 'packed', kernel: /^f32_gemm/ },
  { m: 2, k: 96, n: 40, bits: 4, size: 32, zeros: 'float', kernel: /^f32_gemm/ },
  { m: 9, k: 64, n: 24, bits: 4, size: 32, level: 4, bias: true, kernel: /^q8_block_gemm/ },
  { m: 4, k: 128, n: 17, bits: 8, size: 64, level: 4, kernel: /^q8_block_gemm/ },
  { m: 1, k: 4096, n: 4096, bits: 4, size: 128, kernel: /^f32_block_gemm/ },
  { m: 4, k: 4096, n: 4099, bits: 4, size: 128, zeros: 'packed', kernel: /^f32_block_gemm/ },
];

const bytesOf = (count: number): Uint8Array =>
  Uint8Array.from({ length: count }, () => source.below(256));

function nbits({ m, k, n, bits, size, zeros, bias, level }: Case): {
  bytes: Uint8Array;
  x: Tensor;
} {
  const count = Math.ceil(k / size);
  const constants: Record<string, Constant> = {
    w: constantOfTensor(
      new Tensor('uint8', bytesOf((n * count * size * bits) / 8), [n, count, (size * bits) / 8]),
    ),
    s: constantOfTensor(
      new Tensor(
        'float32',
        Float32Array.from({ length: n * count }, () => 0.01 + source.uniform() / 50),
        [n * count],
      ),
    ),
  };
  if (zeros === 'packed') {
    const packed = n * Math.ceil((count * bits) / 8);
    constants.z = constantOfTensor(new Tensor('uint8', bytesOf(packed), [packed]));
  } else if (zeros === 'float') {
    const reals = Float32Array.from({ length: n * count }, () => source.uniform() * 15);
    constants.z = constantOfTensor(new Tensor('float32', reals, [n, count]));
  }
  if (bias === true) constants.b = constantOfTensor(new Tensor('float32', noise(n, 5), [n]));
  const inputs = ['x', 'w', 's', zeros === undefined ? '' : 'z', '', bias === true ? 'b' : ''];
  while (inputs.at(-1) === '') inputs.pop();
  const numbers = { K: k, N: n, bits, block_size: size, accuracy_level: level ?? 0 };
  const bytes = makeOnnx({
    opset: 17,
    domains: { 'com.microsoft': 1 },
    nodes: [
      {
        op: 'MatMulNBits',
        domain: 'com.microsoft',
        inputs,
        outputs: ['y'],
        attributes: Object.entries(numbers).map(([name, value]) => [name, int(value)] as const),
      },
    ],
    inputs: { x: ['float32', [m, k]] },
    outputs: { y: 'float32' },
    constants,
  });
  return { bytes, x: new Tensor('float32', noise(m * k, m + k), [m, k]) };
}

for (const item of cases) {
  const { m, k, n, bits, size } = item;
  const more = `${item.zeros ?? 'no'} zero points, level ${item.level ?? 0}`;
  blocks(`MatMulNBits [${m}, ${k}] by ${n}: ${bits} bits by ${size}, ${more}`, async () => {
    const { bytes, x } = nbits(item);
    const model = await readModel(bytes);
    const theirs = (await runModel(bytes, { x })).y!.data as Float32Array;
    for (const mode of item.level === 4 ? modes : (['i16'] as const)) {
      inMode(mode, () => {
        const session = createSession(model);
        const own = session.run({ x }).y!.data as Float32Array;
        assert.match(session.profile({ x })[0]!.kernel, item.kernel);
        session.dispose();
        assert.ok(sqnr(theirs, own) > 105, `${sqnr(theirs, own)} dB`);
      });
    }
  });
}

/** A product with a matrix, and Gemm with one that is transposed and a bias. */
function network(k: number, n: number): Uint8Array {
  return modelBytes(
    {
      node: [
        node('MatMul', ['x', 'a'], ['p']),
        node('Relu', ['p'], ['r']),
        node('Gemm', ['r', 'b', 'c'], ['y'], { transB: 1 }),
      ],
      initializer: [
        floatTensor('a', [k, n], noise(k * n, 1, 0.2)),
        floatTensor('b', [24, n], noise(24 * n, 2, 0.2)),
        floatTensor('c', [24], noise(24, 3)),
      ],
      input: [info('x', ['N', k])],
      output: [info('y', ['N', 24])],
    },
    { opset: 21 },
  );
}

const settings: [QuantizeSettings, RegExp][] = [
  [{ weights: 'int4' }, /^f32_gemm/],
  [{ weights: 'uint4', form: 'nbits' }, /^f32_gemm/],
  [{ weights: 'int4', form: 'nbits', blockSize: 16, symmetric: true }, /^f32_gemm/],
  [{ weights: 'int8', granularity: 'block', form: 'nbits' }, /^f32_gemm/],
  [{ weights: 'int4', mode: 'dynamic' }, /^q8_block_gemm/],
  [{ weights: 'uint8', mode: 'dynamic', granularity: 'block', blockSize: 64 }, /^q8_block_gemm/],
];

for (const [quantize, kernel] of settings) {
  blocks(`${JSON.stringify(quantize)}: both here and in onnxruntime`, async () => {
    const model = await readModel(network(72, 50));
    const result = await compress(model, { quantize });
    const bytes = await writeModel(result.model, { format: 'onnx' });
    const x = new Tensor('float32', noise(7 * 72, 9), [7, 72]);
    const session = createSession(await readModel(bytes));
    const kernels = session.profile({ x }).map((entry) => entry.kernel);
    assert.is(kernels.filter((name) => kernel.test(name)).length, 2, kernels.join());
    const own = (session.run({ x }).y!.data as Float32Array).slice();
    const one = session.run({
      x: new Tensor('float32', x.data.slice(0, 72) as Float32Array, [1, 72]),
    });
    session.dispose();
    if (quantize.mode === 'dynamic') assert.equal(one.y!.data, own.slice(0, 24));
    const theirs = (await runModel(bytes, { x })).y!.data as Float32Array;
    // DequantizeLinear in front of MatMul is fused there, with activations of 8 bits.
    const least = quantize.form === 'nbits' ? 110 : quantize.mode === 'dynamic' ? 60 : 35;
    assert.ok(sqnr(theirs, own) > least, `${sqnr(theirs, own)} dB`);
    const whole = createSession(model);
    const reals = whole.run({ x }).y!.data as Float32Array;
    whole.dispose();
    const bits = quantize.weights.endsWith('4') ? 12 : 35;
    assert.ok(sqnr(reals, own) > bits, `${sqnr(reals, own)} dB`);
  });
}

blocks('as TFLite files: matrices are what they stand for', async () => {
  const items: (QuantizeSettings | Case)[] = [
    { m: 5, k: 72, n: 13, bits: 4, size: 16, zeros: 'packed', bias: true, kernel: /./ },
    { m: 3, k: 130, n: 9, bits: 8, size: 32, kernel: /./ },
    { weights: 'int8', mode: 'dynamic', target: 'modelpress' },
    { weights: 'int8', mode: 'dynamic' },
  ];
  for (const item of items) {
    let bytes: Uint8Array;
    let x = new Tensor('float32', noise(7 * 72, 9), [7, 72]);
    if ('m' in item) ({ bytes, x } = nbits(item));
    else {
      const model = await readModel(network(72, 50));
      const { model: small } = await compress(model, { quantize: item });
      bytes = await writeModel(small, { format: 'onnx' });
    }
    const model = await readModel(bytes);
    model.graph.inputs[0]!.type = { kind: 'tensor', dtype: 'float32', shape: x.dims };
    const lite = await writeModel(model, { format: 'tflite' });
    const theirs = (await runTflite(lite, [x])).outputs[0]!.data as Float32Array;
    const session = createSession(model);
    const own = session.run({ x }).y!.data as Float32Array;
    session.dispose();
    assert.ok(sqnr(own, theirs) > ('m' in item ? 105 : 35), `${sqnr(own, theirs)} dB`);
  }
  closeTflite();
});

blocks.run();
