import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import type { NodeProto, TensorProto } from '../../src/formats/onnx/proto.ts';
import type { Model } from '../../src/ir/index.ts';
import type { LayersReport } from '../../src/report/layers.ts';
import { between } from '../../src/runtime/between.ts';
import { Difference } from '../../src/runtime/difference.ts';
import { compareLayers } from '../../src/runtime/layers/compare.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';

const x = suite('layers side by side');

const dims = [1, 3, 5, 5];
const feeds = { x: new Tensor('float32', noise(75, 5), dims) };
const weights = (scale = 1): TensorProto[] => [
  floats('w', [4, 3, 3, 3], noise(108, 1)),
  floats(
    'v',
    [4, 4, 1, 1],
    noise(16, 2).map((value) => value * scale),
  ),
];

const read = (nodes: NodeProto[], constants: TensorProto[], sizes = dims): Promise<Model> =>
  readModel(
    modelBytes({
      node: nodes,
      initializer: constants,
      input: [info('x', sizes)],
      output: [info('y', null)],
    }),
  );

const chain = (third: string): NodeProto[] => [
  node('Conv', ['x', 'w'], ['a']),
  node('Relu', ['a'], ['b']),
  node('Conv', ['b', 'v'], ['c']),
  node(third, ['c'], ['d']),
  node('Neg', ['d'], ['y']),
];

const compare = (a: Model, b: Model): Promise<LayersReport> =>
  compareLayers(a, b, { reference: feeds, other: feeds });

x('the same model has no differences', async () => {
  const report = await compare(
    await read(chain('Tanh'), weights()),
    await read(chain('Tanh'), weights()),
  );
  assert.is(report.firstDifferent, null);
  assert.equal(
    report.layers.map(({ layer, operator, sqnrDb, why }) => [layer, operator, sqnrDb, why]),
    [
      ['a', 'Conv', null, null],
      ['b', 'Relu', null, null],
      ['c', 'Conv', null, null],
      ['d', 'Tanh', null, null],
      ['y', 'Neg', null, null],
    ],
  );
  assert.equal(report.unmatched, []);
});

x('a difference arises in one layer and is handed on', async () => {
  const report = await compare(
    await read(chain('Tanh'), weights()),
    await read(chain('Tanh'), weights(1.01)),
  );
  assert.is(report.firstDifferent, 'c');
  assert.equal(
    report.layers.map(({ differs, arises }) => `${differs} ${arises}`),
    ['false false', 'false false', 'true true', 'true false', 'true false'],
  );
  const [, , third] = report.layers;
  // 20·log10(1 / 0.01) = 40 dB, as computed by hand.
  assert.ok(Math.abs(third!.sqnrDb! - 40) < 0.01, `${third!.sqnrDb}`);
  assert.ok(third!.cosine! > 0.999999);
});

x('another operator is the reason', async () => {
  const report = await compare(
    await read(chain('Tanh'), weights()),
    await read(chain('Sigmoid'), weights()),
  );
  assert.is(report.firstDifferent, 'd');
  assert.is(report.layers.find(({ layer }) => layer === 'd')!.why, 'Tanh as Sigmoid');
});

x('images with their channels elsewhere are turned, whatever their sizes', async () => {
  const first = await read(
    [node('Conv', ['x', 'w'], ['a'], { pads: [1, 1, 1, 1] }), node('Relu', ['a'], ['y'])],
    [floats('w', [3, 3, 3, 3], noise(81, 1))],
    [1, 3, 3, 3],
  );
  const last = await read(
    [
      node('Transpose', ['x'], ['t'], { perm: [0, 3, 1, 2] }),
      node('Conv', ['t', 'w'], ['u'], { pads: [1, 1, 1, 1] }),
      node('Transpose', ['u'], ['a'], { perm: [0, 2, 3, 1] }),
      node('Relu', ['a'], ['y']),
    ],
    [floats('w', [3, 3, 3, 3], noise(81, 1))],
    [1, 3, 3, 3],
  );
  const mapping = between(first, last);
  const image = new Tensor('float32', noise(27, 3), [1, 3, 3, 3]);
  const given = { x: image };
  const others = mapping.feeds(given);
  assert.is(others.x!.data[1], image.data[9], 'the second channel of the first pixel');
  const back = mapping.outputs({ y: others.x! });
  assert.equal([...(back.y!.data as Float32Array)], [...(image.data as Float32Array)]);
  const report = await compareLayers(first, last, { reference: given, other: others });
  assert.is(report.firstDifferent, null);
  assert.equal(
    report.layers.map(({ layer, permuted }) => [layer, permuted]),
    [
      ['a', true],
      ['y', true],
    ],
  );
});

x('quantized values are compared once, in levels', async () => {
  const model = (scale: number): Promise<Model> =>
    read(
      [
        node('Conv', ['x', 'w'], ['a']),
        node('QuantizeLinear', ['a', 's', 'z'], ['q']),
        node('DequantizeLinear', ['q', 's', 'z'], ['d']),
        node('Relu', ['d'], ['y']),
      ],
      [
        ...weights().slice(0, 1),
        floats('s', [], [scale]),
        { ...floats('z', [], [0]), dataType: 3, rawData: new Uint8Array(1) },
      ],
    );
  const report = await compare(await model(0.1), await model(0.25));
  const row = report.layers.find(({ layer }) => layer === 'd')!;
  assert.match(row.why!, /requantized: int8 × 0.1 from 0 → int8 × 0.25 from 0/);
  // Rounding to steps of 0.25 and of 0.1 is at most 0.175 apart: one level of the larger.
  assert.ok(row.levels!.most <= 1 && row.levels!.one > 0, JSON.stringify(row.levels));
  assert.not.ok(row.differs);
  assert.equal(
    report.layers.map(({ layer }) => layer),
    ['d', 'y'],
  );
});

x('levels, cosine and noise of integers are counted', () => {
  const difference = new Difference('y');
  difference.add(
    new Tensor('int8', new Int8Array([10, 20, 30, -40]), [4]),
    new Tensor('int8', new Int8Array([10, 21, 28, -45]), [4]),
  );
  const report = difference.report();
  assert.equal(report.levels, { same: 1, one: 1, two: 1, more: 1, most: 5 });
  // Σxy = 100 + 420 + 840 + 1800, Σx² = 3000, Σy² = 100 + 441 + 784 + 2025
  assert.ok(Math.abs(report.cosine! - 3160 / Math.sqrt(3000 * 3350)) < 1e-12);
  assert.is(report.maxDifference, 5);
});

x.run();
