import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CompressResult, compress, type QuantizeSettings } from '../../src/compress/index.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { NodeProto, TensorProto } from '../../src/formats/onnx/proto.ts';
import { verify } from '../../src/ir/index.ts';
import { floats, info, ints, modelBytes, node, noise } from '../build-model.ts';
import { input, runModel, sqnr } from '../ort.ts';

/** What becomes integers, on graphs small enough to know the answer. */

const x = suite('static quantization of small graphs');

const dims = [1, 4, 6, 6];
const sample = (seed: number): Tensor => input(noise(144, seed), dims);
const weight = (name: string, seed: number, size = 0.3): TensorProto =>
  floats(name, [4, 4, 1, 1], noise(16, seed, size));

interface Outcome extends CompressResult {
  before: Tensor;
  after: Tensor;
  ops: string[];
}

async function pressed(
  nodes: NodeProto[],
  initializer: TensorProto[],
  settings: Partial<QuantizeSettings> = {},
  values: readonly Tensor[] = [sample(1), sample(2)],
): Promise<Outcome> {
  const bytes = modelBytes({
    node: nodes,
    initializer,
    input: [info('x', dims)],
    output: [info('y', null)],
  });
  const result = await compress(await readModel(bytes), {
    quantize: { weights: 'int8', mode: 'static', ...settings },
    calibration: values.map((tensor) => ({ x: tensor })),
  });
  verify(result.model);
  const written = await writeModel(result.model);
  const again = await readModel(written);
  const feeds = { x: values[0]! };
  const [before, after] = [await runModel(bytes, feeds), await runModel(written, feeds)];
  const ops = again.graph.nodes.map(({ op }) => op);
  return { ...result, before: before.y!, after: after.y!, ops };
}

const agreement = ({ before, after }: Outcome): number =>
  sqnr(before.data as Float32Array, after.data as Float32Array);

const levelsOf = ({ plan }: Outcome, name: string): string | null => {
  const found = plan.activations.find(({ value }) => value === name);
  return found === undefined ? null : `${found.scale} ${found.zeroPoint}`;
};

x('levels are those behind a clamp that alone reads a product, and start at 0 there', async () => {
  const made = await pressed(
    [node('Conv', ['x', 'w'], ['c']), node('Relu', ['c'], ['y'])],
    [weight('w', 3)],
  );
  assert.is(levelsOf(made, 'c'), null);
  const y = made.plan.activations.find(({ value }) => value === 'y')!;
  assert.is(y.min, 0);
  assert.is(y.zeroPoint, -128);
  assert.is(y.scale, Math.fround(y.max / 255));
  assert.ok(agreement(made) > 30, `${agreement(made)}`);
});

x('a product that others read too has levels of its own', async () => {
  const made = await pressed(
    [node('Conv', ['x', 'w'], ['c']), node('Relu', ['c'], ['r']), node('Add', ['c', 'r'], ['y'])],
    [weight('w', 3)],
  );
  for (const name of ['x', 'c', 'r', 'y']) assert.ok(levelsOf(made, name) !== null, name);
  assert.ok(agreement(made) > 30, `${agreement(made)}`);
});

x('what is only moved or joined shares its levels', async () => {
  const made = await pressed(
    [
      node('Conv', ['x', 'w'], ['a']),
      node('Conv', ['x', 'v'], ['b']),
      node('MaxPool', ['b'], ['p'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
      node('Concat', ['a', 'p'], ['y'], { axis: 1 }),
    ],
    [weight('w', 3), weight('v', 4, 0.9)],
  );
  const shared = levelsOf(made, 'a');
  for (const name of ['b', 'p', 'y']) assert.is(levelsOf(made, name), shared);
  assert.ok(agreement(made) > 30, `${agreement(made)}`);
});

x(
  'constants beside values become integers, and other readers of them keep the numbers',
  async () => {
    const made = await pressed(
      [
        node('Conv', ['x', 'w'], ['a']),
        node('Relu', ['a'], ['r']),
        node('Mul', ['r', 'k'], ['m']),
        node('Sub', ['k', 'm'], ['y']),
      ],
      [weight('w', 3), floats('k', [1, 4, 1, 1], [0.5, 1, -0.25, 2])],
    );
    assert.ok(levelsOf(made, 'm') !== null);
    assert.is(levelsOf(made, 'y'), null);
    assert.ok(agreement(made) > 28, `${agreement(made)}`);
  },
);

x('a dead channel keeps its bias: steps of its weights make room for it', async () => {
  const weights = noise(16, 3, 0.3);
  weights.fill(1e-25, 4, 8);
  const made = await pressed(
    [node('Conv', ['x', 'w', 'b'], ['y'])],
    [floats('w', [4, 4, 1, 1], weights), floats('b', [4], [0.1, 0.7, -0.2, 0.3])],
  );
  const channel = (made.after.data as Float32Array).subarray(36, 72);
  for (const value of channel) assert.ok(Math.abs(value - 0.7) < 0.02, `${value}`);
  assert.ok(agreement(made) > 30, `${agreement(made)}`);
});

x('indices, and what nothing quantized comes to, stay', async () => {
  const made = await pressed(
    [
      node('Add', ['x', 'x'], ['s']),
      node('Reshape', ['s', 'shape'], ['r']),
      node('Exp', ['r'], ['y']),
    ],
    [ints('shape', [1, 144])],
  );
  assert.equal(made.plan.activations, []);
  assert.not(made.ops.includes('QuantizeLinear'));
  assert.ok(made.report.warnings.some((text) => text.includes('no operator runs on integers')));
});

x('a product that can not be integers stays real, and the report says why', async () => {
  const made = await pressed(
    [node('Conv', ['x', 'w'], ['c']), node('Conv', ['c', 'v'], ['y'])],
    [weight('w', 3), floats('v', [4, 4, 1, 1], noise(16, 5).fill(NaN, 0, 1))],
  );
  assert.is(levelsOf(made, 'y'), null);
  assert.equal(made.report.activations?.real, [
    { layer: 'Conv "Conv_y"', reason: 'its weights have NaN or infinite elements' },
  ]);
});

x('a matrix product by columns, its bias of another shape', async () => {
  const made = await pressed(
    [node('Reshape', ['x', 'shape'], ['r']), node('Gemm', ['r', 'w', 'b'], ['y'])],
    [
      ints('shape', [4, 36]),
      floats('w', [36, 5], noise(180, 3, 0.3)),
      floats('b', [1, 5], [1, 2, -1, 0, 0.5]),
    ],
  );
  assert.is(made.report.layers[0]?.to, 'int8 per channel');
  assert.ok(agreement(made) > 30, `${agreement(made)}`);
});

x('a product of two values that are computed: both are integers', async () => {
  const made = await pressed(
    [
      node('Conv', ['x', 'w'], ['a']),
      node('Transpose', ['a'], ['t'], { perm: [0, 1, 3, 2] }),
      node('MatMul', ['a', 't'], ['p']),
      node('Softmax', ['p'], ['s']),
      node('MatMul', ['s', 'a'], ['y']),
    ],
    [weight('w', 3)],
  );
  for (const name of ['a', 't', 'p', 's', 'y']) assert.ok(levelsOf(made, name) !== null, name);
  assert.is(levelsOf(made, 's'), `${1 / 256} -128`);
  assert.ok(agreement(made) > 28, `${agreement(made)}`);
});

x('the shares that a model answers with stay real numbers', async () => {
  const made = await pressed(
    [node('Conv', ['x', 'w'], ['a']), node('Softmax', ['a'], ['y'])],
    [weight('w', 3)],
  );
  assert.is(levelsOf(made, 'y'), null);
  assert.ok(agreement(made) > 30, `${agreement(made)}`);
});

x('h-swish between two products: levels on both sides', async () => {
  const made = await pressed(
    [
      node('Conv', ['x', 'w'], ['a']),
      node('Add', ['a', 'three'], ['b']),
      node('Clip', ['b', 'zero', 'six'], ['c']),
      node('Mul', ['a', 'c'], ['d']),
      node('Div', ['d', 'six'], ['e']),
      node('Conv', ['e', 'v'], ['y']),
    ],
    [
      weight('w', 3),
      weight('v', 4),
      floats('three', [], [3]),
      floats('zero', [], [0]),
      floats('six', [], [6]),
    ],
  );
  assert.is(made.report.activations?.operators, 3);
  assert.is(made.ops.filter((op) => op === 'HardSwish').length, 1);
  assert.ok(agreement(made) > 30, `${agreement(made)}`);
});

x('options that exclude each other are refused', async () => {
  const model = await readModel(
    modelBytes({
      node: [node('Conv', ['x', 'w'], ['y'])],
      initializer: [weight('w', 3)],
      input: [info('x', dims)],
      output: [info('y', null)],
    }),
  );
  const calibration = [{ x: sample(1) }];
  const refused = async (options: Parameters<typeof compress>[1], what: string): Promise<void> => {
    const error = await compress(model, options).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof RangeError && error.message.includes(what), `${error}`);
  };
  await refused({ quantize: { weights: 'int8', mode: 'static' } }, 'calibration');
  await refused({ quantize: { weights: 'uint4', mode: 'static' }, calibration }, 'weights');
  await refused({ quantize: { weights: 'int8', activations: 'int8' } }, 'activations');
  await refused({ quantize: 'int8', calibration: [] }, 'calibration');
});

x.run();
