import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CompressOptions,
  type CompressResult,
  compress,
  type QuantizeSettings,
} from '../../src/compress/index.ts';
import { ModelpressError } from '../../src/core/errors.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { NodeProto, TensorProto } from '../../src/formats/onnx/proto.ts';
import { verify } from '../../src/ir/index.ts';
import { allGraphs } from '../../src/ir/walk.ts';
import { createSession } from '../../src/runtime/index.ts';
import type { Feeds } from '../../src/runtime/runner.ts';
import { floats, info, ints, modelBytes, node, noise } from '../build-model.ts';
import { runModel } from '../ort.ts';

/** Samples, weights and ranges that nobody should give: they end in a sound model, or in an error that says why. */

const x = suite('static quantization at its edges');

const dims = [1, 4, 6, 6];
const settings: readonly Partial<QuantizeSettings>[] = [
  {},
  { scheme: 'tflite' },
  { scheme: 'tflite-mlir' },
  { calibrationMethod: 'entropy' },
  { calibrationMethod: 'mse' },
];

const sample = (fill: (i: number) => number): Tensor =>
  new Tensor(
    'float32',
    Float32Array.from({ length: 144 }, (_, i) => fill(i)),
    dims,
  );
const plain = (seed: number): Tensor => new Tensor('float32', noise(144, seed), dims);

/** Two convolutions and what is between them. */
function network(change: { weights?: Float32Array; bias?: readonly number[] } = {}): Uint8Array {
  const nodes: NodeProto[] = [
    node('Conv', ['x', 'w', 'b'], ['c']),
    node('Relu', ['c'], ['r']),
    node('Conv', ['r', 'v'], ['y']),
  ];
  const initializer: TensorProto[] = [
    floats('w', [4, 4, 1, 1], change.weights ?? noise(16, 3, 0.3)),
    floats('b', [4], [...(change.bias ?? [0.1, -0.2, 0.3, 0])]),
    floats('v', [4, 4, 1, 1], noise(16, 4, 0.3)),
  ];
  return modelBytes({
    node: nodes,
    initializer,
    input: [info('x', dims)],
    output: [info('y', dims)],
  });
}

/** Quantizes; checks all parameters; runs what comes out here and in onnxruntime. */
async function sound(
  bytes: Uint8Array,
  quantize: Partial<QuantizeSettings>,
  samples: readonly Tensor[],
  input: Tensor = plain(1),
): Promise<CompressResult & { outputs: Float32Array }> {
  const made = await compress(await readModel(bytes), {
    quantize: { weights: 'int8', mode: 'static', minOutputDb: null, ...quantize },
    force: true,
    calibration: samples.map((tensor): Feeds => ({ x: tensor })),
  });
  verify(made.model);
  for (const graph of allGraphs(made.model.graph))
    for (const { quantization } of graph.constants)
      for (const scale of quantization?.scale ?? [])
        assert.ok(scale > 0 && Number.isFinite(scale), `scale ${scale}`);
  for (const { scale, zeroPoint } of made.plan.activations) {
    assert.ok(scale > 0 && Number.isFinite(scale), `scale ${scale}`);
    assert.ok(zeroPoint >= -128 && zeroPoint <= 127 && Number.isInteger(zeroPoint));
  }
  const written = await writeModel(made.model);
  const session = createSession(await readModel(written));
  const outputs = (session.run({ x: input }).y as Tensor).data as Float32Array;
  session.dispose();
  const theirs = (await runModel(written, { x: input })).y!.data as Float32Array;
  assert.is(theirs.length, outputs.length);
  return { ...made, outputs };
}

const finite = (values: Float32Array): boolean => values.every(Number.isFinite);

async function refused(bytes: Uint8Array, options: CompressOptions): Promise<unknown> {
  return compress(await readModel(bytes), options).then(
    () => null,
    (error: unknown) => error,
  );
}

x('no sample at all', async () => {
  for (const own of settings) {
    const error = await refused(network(), {
      quantize: { weights: 'int8', ...own },
      calibration: [],
    });
    assert.ok(error instanceof RangeError && /at least one sample/.test(error.message), `${error}`);
  }
});

x('NaN in a sample is an error that names the value', async () => {
  for (const own of settings) {
    const error = await refused(network(), {
      quantize: { weights: 'int8', ...own },
      calibration: [{ x: plain(1) }, { x: sample((i) => (i === 7 ? NaN : 1)) }],
    });
    assert.instance(error, ModelpressError);
    assert.is((error as ModelpressError).code, 'E_CALIBRATION_NAN');
  }
});

x('one sample, the same number everywhere, zeros', async () => {
  for (const own of settings)
    for (const samples of [[plain(5)], [sample(() => 3)], [sample(() => 0)], [sample(() => -2)]]) {
      const { outputs, plan } = await sound(network(), own, samples, samples[0]);
      assert.ok(finite(outputs));
      assert.ok(plan.activations.length > 0);
    }
});

x('infinite numbers in samples are passed over, unless what they make is NaN', async () => {
  const bytes = modelBytes({
    node: [node('Conv', ['x', 'v'], ['y'])],
    initializer: [floats('v', [4, 4, 1, 1], noise(16, 4, 0.3))],
    input: [info('x', dims)],
    output: [info('y', dims)],
  });
  const infinite = sample((i) => (i === 3 ? Infinity : 1));
  for (const own of settings) {
    const made = await sound(bytes, own, [plain(1), infinite]);
    assert.ok(finite(made.outputs));
    const { max } = made.plan.activations.find(({ value }) => value === 'x')!;
    assert.ok(max < 10, `${max}`);
    const error = await sound(network(), own, [infinite]).catch((thrown: unknown) => thrown);
    assert.is((error as ModelpressError).code, 'E_CALIBRATION_NAN');
  }
});

x('channels of zeros, with and without a bias', async () => {
  const weights = noise(16, 3, 0.3);
  weights.fill(0, 0, 8);
  for (const own of settings) {
    const { outputs } = await sound(network({ weights, bias: [0.5, 0, 0, 0] }), own, [
      plain(1),
      plain(2),
    ]);
    assert.ok(finite(outputs) && outputs.some((value) => value !== 0));
    const none = await sound(network({ weights: new Float32Array(16), bias: [0, 0, 0, 0] }), own, [
      plain(1),
    ]);
    assert.ok(none.outputs.every((value) => value === 0));
  }
});

x('weights next to nothing, and weights next to infinity', async () => {
  const small = noise(16, 3, 1e-38);
  const mixed = noise(16, 3, 0.3);
  mixed.fill(1e-42, 4, 8);
  for (const own of settings) {
    for (const weights of [small, mixed])
      assert.ok(finite((await sound(network({ weights }), own, [plain(1), plain(2)])).outputs));
    const huge = await sound(network({ weights: noise(16, 3, 1e37) }), own, [plain(1)]);
    assert.ok(huge.report.activations!.real.some(({ reason }) => /too large/.test(reason)));
  }
});

x('weights or biases that are no numbers stay, and the report says so', async () => {
  const weights = noise(16, 3, 0.3);
  weights[2] = Infinity;
  for (const own of settings)
    for (const bytes of [
      network({ weights }),
      network({ bias: [0, Infinity, 0, 0] }),
      network({ bias: [0, 0, -Infinity, 0] }),
    ]) {
      const made = await sound(bytes, own, [sample(() => 0.5)]).catch((error: unknown) => error);
      if (made instanceof ModelpressError) {
        // ∞ − ∞ behind it is NaN, which is no range.
        assert.is(made.code, 'E_CALIBRATION_NAN');
        continue;
      }
      const { real } = (made as CompressResult).report.activations!;
      assert.ok(
        real.some(({ reason }) => /NaN or infinite elements/.test(reason)),
        JSON.stringify(real),
      );
    }
});

x('ranges without width, and ranges that nothing can hold', async () => {
  for (const own of settings.slice(0, 3)) {
    const ranges = { x: { min: 0, max: 0 }, r: { min: 5, max: 5 }, y: { min: -1, max: 1 } };
    const flat = await sound(network(), { ...own, ranges }, [plain(1)]);
    assert.ok(finite(flat.outputs));
    const wide = { x: { min: -3e38, max: 3e38 }, r: { min: 0, max: 1e-40 } };
    const made = await sound(network(), { ...own, ranges: wide }, [plain(1)]);
    assert.ok(finite(made.outputs));
    assert.equal(
      made.plan.activations.filter(({ value }) => value === 'x'),
      [],
    );
  }
});

x('ranges and levels that are none are refused', async () => {
  const cases: [NonNullable<QuantizeSettings['ranges']>, string][] = [
    [{ x: { min: 1, max: -1 } }, 'min ≤ max'],
    [{ x: { min: NaN, max: 1 } }, 'min ≤ max'],
    [{ x: { min: 0, max: Infinity } }, 'min ≤ max'],
    [{ x: { scale: 0, zeroPoint: 0 } }, 'above 0'],
    [{ x: { scale: 1e-60, zeroPoint: 0 } }, 'above 0'],
    [{ x: { scale: 1, zeroPoint: 200 } }, '-128..127'],
    [{ x: { scale: 1, zeroPoint: 0.5 } }, '-128..127'],
    [{ nobody: { min: 0, max: 1 } }, 'values of the main graph'],
  ];
  for (const [ranges, what] of cases) {
    const error = await refused(network(), { quantize: { weights: 'int8', ranges } });
    assert.ok(error instanceof RangeError && error.message.includes(what), `${error}`);
  }
  const error = await refused(network(), { quantize: { weights: 'int8', scheme: 'tflite' } });
  assert.ok(error instanceof RangeError && error.message.includes('calibration'), `${error}`);
});

x('given ranges alone are enough, what has none stays real', async () => {
  const ranges = { x: { min: -1, max: 1 }, r: { scale: 0.01, zeroPoint: -128 } };
  const made = await compress(await readModel(network()), {
    quantize: { weights: 'int8', ranges },
  });
  const levels = made.plan.activations.map(({ value, scale }) => [value, scale]);
  assert.equal(levels, [
    ['x', Math.fround(2 / 255)],
    ['r', Math.fround(0.01)],
  ]);
  assert.is(made.report.activations!.operators, 2);
  assert.is(made.report.activations!.real.length, 1);
});

x('integers in, and sizes, stay as they are', async () => {
  const bytes = modelBytes({
    node: [
      node('Gather', ['table', 'i'], ['e']),
      node('MatMul', ['e', 'w'], ['m']),
      node('Shape', ['m'], ['s']),
      node('Reshape', ['m', 's'], ['y']),
    ],
    initializer: [
      floats('table', [10, 8], noise(80, 1)),
      floats('w', [8, 6], noise(48, 2)),
      ints('one', [1]),
    ],
    input: [info('i', [3], 7)],
    output: [info('y', [3, 6])],
  });
  const feeds = { i: new Tensor('int64', BigInt64Array.of(1n, 5n, 9n), [3]) };
  for (const own of settings) {
    const { model, plan } = await compress(await readModel(bytes), {
      quantize: { weights: 'int8', mode: 'static', minOutputDb: null, ...own },
      force: true,
      calibration: [feeds],
    });
    assert.not(plan.activations.some(({ value }) => value === 'i' || value === 's'));
    const outputs = (await runModel(await writeModel(model), feeds)).y!;
    const expected = (await runModel(bytes, feeds)).y!;
    const apart = Array.from(outputs.data as Float32Array, (value, i) =>
      Math.abs(value - (expected.data as Float32Array)[i]!),
    );
    assert.ok(Math.max(...apart) < 0.2, `${apart}`);
  }
});

x.run();
