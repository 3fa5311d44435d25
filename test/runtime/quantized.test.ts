import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { readNpy } from '../../src/formats/npy.ts';
import type { Attribute, Constant } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { makeOnnx, type PlainNode } from '../onnx-model.ts';
import { runModel } from '../ort.ts';
import { sharedData } from '../shared.ts';
import {
  between,
  closeLevels,
  compare,
  floats,
  int,
  integers,
  ints,
  type Levels,
  levels,
} from './quantized-model.ts';

const quantized = suite('quantized operators');

/** Scales without common factors: onnxruntime adds zero points before it rounds, so that exact ties differ. */
const scale = 0.2371;

/** One com.microsoft operator of one or two inputs. */
function microsoft(
  op: string,
  type: Levels,
  inputs: Record<string, readonly number[]>,
  attributes: readonly (readonly [string, Attribute])[] = [],
  output: readonly [number, number] = [0.513, 3],
): Uint8Array {
  const constants: Record<string, Constant> = {
    ys: floats([output[0]]),
    yz: integers(type, [output[1]]),
  };
  const names: string[] = [];
  for (const [i, name] of Object.keys(inputs).entries()) {
    constants[`${name}s`] = floats([scale / (i + 1)]);
    constants[`${name}z`] = integers(type, [type === 'int8' ? i - 4 : 120 + i]);
    names.push(name, `${name}s`, `${name}z`);
  }
  const isConcat = op === 'QLinearConcat';
  const node: PlainNode = {
    op,
    domain: 'com.microsoft',
    inputs: isConcat ? ['ys', 'yz', ...names] : [...names, 'ys', 'yz'],
    outputs: ['y'],
    attributes,
  };
  return makeOnnx({
    opset: 17,
    domains: { 'com.microsoft': 1 },
    nodes: [node],
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, dims]) => [name, [type, dims] as const]),
    ),
    outputs: { y: type },
    constants,
  });
}

for (const type of ['int8', 'uint8'] as const) {
  quantized(`com.microsoft operators on ${type} run on integers`, async () => {
    const source = random(7);
    const dims = [2, 5, 7, 6];
    const a = levels(source, type, dims);
    const b = levels(source, type, [5, 1, 1]);
    const whole = levels(source, type, dims);
    const run = (bytes: Uint8Array, feeds: Record<string, Tensor>, apart?: number) =>
      compare(bytes, feeds, apart);
    const sum = await run(microsoft('QLinearAdd', type, { a: dims, b: [5, 1, 1] }), { a, b });
    assert.match(sum.join(), /Add: q8_add/);
    const product = await run(microsoft('QLinearMul', type, { a: dims, b: dims }, [], [16.13, 3]), {
      a,
      b: whole,
    });
    assert.match(product.join(), /Mul: q8_mul/);
    const unit = type === 'int8' ? ([1 / 256, -128] as const) : ([1 / 256, 0] as const);
    const sigmoid = await run(microsoft('QLinearSigmoid', type, { a: dims }, [], unit), { a });
    assert.match(sigmoid.join(), /x8_lookup/);
    const leaky = await run(
      microsoft('QLinearLeakyRelu', type, { a: dims }, [['alpha', { type: 'float', value: 0.1 }]]),
      { a },
    );
    assert.match(leaky.join(), /x8_lookup/);
    const parts = await run(
      microsoft('QLinearConcat', type, { a: dims, b: dims }, [['axis', int(1)]]),
      { a, b: whole },
    );
    assert.match(parts.join(), /Concat: x8_lookup/);
    const mean = await run(microsoft('QLinearGlobalAveragePool', type, { a: dims }), { a });
    assert.match(mean.join(), /q8_average_pool/);
    const pooled = await run(
      microsoft('QLinearAveragePool', type, { a: dims }, [
        ['kernel_shape', ints(3, 2)],
        ['strides', ints(2, 1)],
        ['pads', ints(1, 0, 1, 1)],
      ]),
      { a },
    );
    assert.match(pooled.join(), /q8_average_pool/);
    const softmax = microsoft(
      'QLinearSoftmax',
      type,
      { a: [6, 10] },
      [
        ['axis', int(-1)],
        ['opset', int(13)],
      ],
      unit,
    );
    // onnxruntime divides without rounding to the nearest level.
    const shares = await run(softmax, { a: levels(source, type, [6, 10]) }, 1);
    assert.match(shares.join(), /q8_softmax/);
  });
}

quantized('operators between Q and DQ run on integers', async () => {
  const source = random(11);
  const dims = [1, 4, 9, 8];
  for (const type of ['int8', 'uint8'] as const) {
    const [a, b] = [levels(source, type, dims), levels(source, type, dims)];
    for (const scale of [0.5, 0.31]) {
      const pool: PlainNode = {
        op: 'MaxPool',
        inputs: ['a_real'],
        outputs: [],
        attributes: [
          ['kernel_shape', ints(2, 3)],
          ['strides', ints(2, 2)],
          ['pads', ints(0, 1, 1, 0)],
        ],
      };
      const kernels = await compare(between(pool, type, { a: [dims, 0.5] }, scale), { a });
      assert.match(kernels.join(), /q8_max_pool/);
    }
    const two = { a: [dims, 0.5], b: [dims, 0.3] } as const;
    const sub: PlainNode = { op: 'Sub', inputs: ['a_real', 'b_real'], outputs: [] };
    const difference = await compare(between(sub, type, two, 0.8137), { a, b });
    assert.match(difference.join(), /q8_add/);
    const concat: PlainNode = {
      op: 'Concat',
      inputs: ['a_real', 'b_real'],
      outputs: [],
      attributes: [['axis', int(3)]],
    };
    const joined = await compare(between(concat, type, two, 0.4973), { a, b });
    assert.match(joined.join(), /Concat: x8_lookup/);
  }
});

quantized('dynamically quantized products run on integers', async () => {
  const source = random(5);
  for (const type of ['int8', 'uint8'] as const) {
    const [k, n] = [37, 19];
    const w = levels(source, type, [k, n]);
    const zeros = levels(source, type, [n]);
    const dynamic = makeOnnx({
      opset: 17,
      nodes: [
        { op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 's', 'z'] },
        { op: 'MatMulInteger', inputs: ['q', 'w', 'z', 'wz'], outputs: ['sums'] },
        { op: 'Cast', inputs: ['sums'], outputs: ['real'], attributes: [['to', int(1)]] },
        { op: 'Mul', inputs: ['real', 's'], outputs: ['y'] },
      ],
      inputs: { x: ['float32', [3, 5, k]] },
      outputs: { y: 'float32' },
      constants: {
        w: integers(type, [...(w.data as Int8Array)], [k, n]),
        wz: integers(type, [...(zeros.data as Int8Array)], [n]),
      },
    });
    for (const shift of [0.5, -3, 2]) {
      const values = Float32Array.from({ length: 15 * k }, () => source.uniform() * 4 - 2 + shift);
      const feeds = { x: new Tensor('float32', values, [3, 5, k]) };
      const running = createSession(await readModel(dynamic));
      const own = running.run(feeds).y!;
      const kernels = running.profile(feeds).map(({ kernel }) => kernel);
      running.dispose();
      const theirs = (await runModel(dynamic, feeds)).y!;
      assert.equal([...(own.data as Float32Array)], [...(theirs.data as Float32Array)]);
      assert.ok(
        kernels.some((kernel) => kernel.startsWith('q8_gemm')),
        kernels.join(),
      );
      assert.not.ok(kernels.includes('generic'), kernels.join());
    }
  }
});

quantized('published QLinearConv and QLinearMatMul cases', async () => {
  const root = sharedData();
  if (root === null) return;
  const folder = `${root}onnx-models/`;
  const files = readdirSync(`${folder}quant-ops`).filter((file) => file.startsWith('qlinear'));
  assert.ok(files.length >= 30);
  for (const file of files) {
    const refs = `${folder}refs/quant-ops__${file.replace('.onnx', '')}/`;
    const read = (name: string): Tensor =>
      readNpy(new Uint8Array(readFileSync(`${refs}${name}.npy`))) as Tensor;
    const model = await readModel(new Uint8Array(readFileSync(`${folder}quant-ops/${file}`)));
    const running = createSession(model);
    const feeds = { [running.inputs[0]!.name]: read('input_0') };
    const own = Object.values(running.run(feeds))[0]!;
    closeLevels(own, read('output_0'), 0.01);
    const kernels = running.profile(feeds).map(({ kernel }) => kernel);
    assert.ok(
      kernels.some((kernel) => kernel.startsWith('q8_')),
      `${file}: ${kernels}`,
    );
    assert.not.ok(kernels.includes('generic'), file);
    running.dispose();
  }
});

quantized.run();
