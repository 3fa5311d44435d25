import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Clipping } from '../../src/compress/clipping.ts';
import { type CompressResult, compress, type QuantizeSettings } from '../../src/compress/index.ts';
import { measure } from '../../src/compress/quantized.ts';
import { channelView, type Scheme } from '../../src/compress/scheme.ts';
import { slabs } from '../../src/compress/slabs.ts';
import { bytesOf, type Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { decodeTflite } from '../../src/formats/tflite/codec.ts';
import { builtinOperators } from '../../src/formats/tflite/schema-table.ts';
import { constantOf, type Model, sizeOf } from '../../src/ir/index.ts';
import { elementsOf } from '../../src/ir/levels.ts';
import { createSession, type Session } from '../../src/runtime/index.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { input, runModel, sqnr } from '../ort.ts';
import { sharedFile } from '../shared.ts';
import { cifar, type Images, mnist, raw } from './classifiers.ts';

/** Weights of 4 bits: matrices, convolutions, beside real numbers and beside integers. */

const x = suite('weights of 4 bits');

const dims = [2, 6, 9, 9];
const conv = (): Uint8Array =>
  modelBytes({
    node: [
      node('Conv', ['x', 'w', 'b'], ['c'], { pads: [1, 1, 1, 1] }),
      node('Relu', ['c'], ['r']),
      node('Conv', ['r', 'v'], ['y'], { group: 4 }),
    ],
    initializer: [
      floats('w', [8, 6, 3, 3], noise(432, 2, 0.3)),
      floats('b', [8], noise(8, 3)),
      floats('v', [12, 2, 3, 3], noise(216, 4, 0.4)),
    ],
    input: [info('x', dims)],
    output: [info('y', null)],
  });
const feeds = { x: input(noise(972, 5), dims) };

async function small(
  bytes: Uint8Array,
  settings: Partial<QuantizeSettings>,
  calibration?: Iterable<Record<string, Tensor>>,
): Promise<CompressResult & { bytes: Uint8Array; again: Model }> {
  const quantize = { weights: 'int4', ...settings } as const;
  const made = await compress(await readModel(bytes), {
    quantize,
    ...(calibration === undefined ? {} : { calibration }),
  });
  const written = await writeModel(made.model);
  return { ...made, bytes: written, again: await readModel(written) };
}

/** Kernels of an operator. */
const kernels = (session: Session, given: Record<string, Tensor>, op: string): string[] =>
  session.profile(given).flatMap((row) => (row.op === op ? [row.kernel] : []));

const dataOf = (outputs: Record<string, unknown>): Float32Array =>
  (Object.values(outputs)[0] as Tensor).data as Float32Array;

for (const granularity of ['channel', 'block', 'tensor'] as const) {
  x(`convolutions by ${granularity} run in onnxruntime, and in float32 kernels here`, async () => {
    const made = await small(conv(), { granularity });
    assert.is(made.again.opsets.get(''), 21);
    assert.is(made.report.layers.length, 2);
    const stored = [...made.again.graph.constants].filter(
      ({ constant }) => constant?.dtype === 'int4' && sizeOf(constant) > 200,
    );
    assert.is(stored.length, 2);
    for (const { constant } of stored)
      assert.ok(elementsOf(constant!).every((level) => level >= -8 && level <= 7));
    const peer = await runModel(made.bytes, feeds);
    const session = createSession(made.again);
    const own = dataOf(session.run(feeds));
    assert.ok(sqnr(peer.y!.data as Float32Array, own) > 100);
    const ran = kernels(session, feeds, 'mp.Conv');
    assert.is(ran.length, 2);
    assert.ok(
      ran.every((kernel) => kernel.startsWith('f32')),
      ran.join(),
    );
    session.dispose();
    const before = await runModel(conv(), feeds);
    const least = granularity === 'tensor' ? 12 : 15;
    assert.ok(sqnr(before.y!.data as Float32Array, own) > least);
  });
}

x(
  'beside integer activations they are computed with integers, as onnxruntime computes them',
  async () => {
    const made = await small(conv(), { mode: 'static' }, [feeds]);
    assert.ok(made.report.layers.every(({ to }) => to === 'int4 per channel'));
    assert.equal(made.report.activations?.real, []);
    const peer = await runModel(made.bytes, feeds);
    const session = createSession(made.again);
    const own = dataOf(session.run(feeds));
    const ratio = sqnr(peer.y!.data as Float32Array, own);
    assert.ok(ratio > 35, `${ratio} dB`);
    const ran = kernels(session, feeds, 'mp.Conv');
    assert.ok(ran.length === 2 && ran.every((kernel) => kernel.startsWith('q8')), ran.join());
    session.dispose();
  },
);

const samples = Array.from({ length: 24 }, (_, i) => ({ x: input(noise(972, 20 + i), dims) }));
const db = (made: { again: Model }, before: Record<string, Tensor>): number => {
  const session = createSession(made.again);
  const own = dataOf(session.run(feeds));
  session.dispose();
  return sqnr(before.y!.data as Float32Array, own);
};

x('beside integers they are rounded on what layers read, and biases go with it', async () => {
  const before = await runModel(conv(), feeds);
  const settings = { mode: 'static', eightBits: 0, recover: false } as const;
  const nearest = await small(conv(), { ...settings, rounding: 'nearest' }, samples);
  const chosen = await small(conv(), settings, samples);
  assert.ok(nearest.report.layers.every(({ rounding }) => rounding === undefined));
  assert.ok(chosen.report.layers.every(({ rounding }) => rounding?.method === 'adaround'));
  assert.is(chosen.bytes.length, nearest.bytes.length);
  const [a, b] = [db(nearest, before), db(chosen, before)];
  assert.ok(b > a + 1, `${a} → ${b} dB`);
  const peer = await runModel(chosen.bytes, feeds);
  const ratio = sqnr(peer.y!.data as Float32Array, dataOf(await runModel(chosen.bytes, feeds)));
  assert.ok(ratio > 35, `${ratio}`);
  const wide = await small(conv(), { ...settings, activations: 'int16' }, samples);
  assert.ok(db(wide, before) > b - 0.5, `${db(wide, before)} dB`);
});

x('where 4 bits cost most, 8 are kept, as samples show', async () => {
  const deep = modelBytes({
    node: [
      node('Conv', ['x', 'u'], ['a'], { pads: [1, 1, 1, 1] }),
      node('Conv', ['a', 'v'], ['b'], { pads: [1, 1, 1, 1] }),
      node('Conv', ['b', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
      node('Add', ['c', 'a'], ['y']),
    ],
    initializer: [
      floats('u', [6, 6, 3, 3], noise(324, 6, 1)),
      // What the sum hardly feels.
      floats('v', [6, 6, 3, 3], noise(324, 7, 0.01)),
      floats('w', [6, 6, 3, 3], noise(324, 8, 0.1)),
    ],
    input: [info('x', dims)],
    output: [info('y', null)],
  });
  const kindsOf = ({ report }: CompressResult): string[] =>
    report.layers.map(({ to }) => to.split(' ')[0]!);
  const half = await small(deep, { eightBits: 0.4 }, samples);
  assert.equal(kindsOf(half), ['int8', 'int4', 'int4']);
  const [step] = half.report.recovery.filter(({ kind }) => kind === 'mixed-bits');
  assert.equal(step?.layers, ['a']);
  assert.ok(step!.gainDb! > 3, `${step!.gainDb}`);
  assert.equal(kindsOf(await small(deep, { eightBits: 0 }, samples)), ['int4', 'int4', 'int4']);
  assert.equal(kindsOf(await small(deep, {})), ['int4', 'int4', 'int4']);
  assert.equal(kindsOf(await small(deep, { eightBits: 0.7 }, samples)).sort(), [
    'int4',
    'int8',
    'int8',
  ]);
  const static8 = await small(deep, { mode: 'static', eightBits: 0.4 }, samples);
  assert.equal(kindsOf(static8), ['int8', 'int4', 'int4']);
  const fixed = await small(deep, { eightBits: 0.4, layers: { u: 'int4' } }, samples);
  assert.is(kindsOf(fixed)[0], 'int4');
});

x('a share of 8 bits is one, and for weights of 4 bits', async () => {
  const model = await readModel(conv());
  for (const quantize of [
    { weights: 'int4', eightBits: 2 },
    { weights: 'int8', eightBits: 0.1 },
  ] as const) {
    const error = await compress(model, { quantize, calibration: samples }).catch((e) => e);
    assert.ok(error instanceof RangeError && error.message.includes('eightBits'), `${error}`);
  }
});

x('scales have the least squared error of the shares of a range', async () => {
  const reals = new Float32Array(noise(3 * 144, 7));
  reals[10] = 6;
  const scheme: Scheme = {
    storage: 'int4',
    symmetric: true,
    granularity: 'channel',
    axis: 0,
    blockSize: null,
    view: [3, 144],
  };
  const found = await measure(constantOf('float32', [3, 144], bytesOf(reals)), scheme);
  const errorOf = (row: number, scale: number): number => {
    let sum = 0;
    for (const real of reals.subarray(row * 144, (row + 1) * 144)) {
      const level = Math.max(-7, Math.min(7, Math.round(real / scale)));
      sum += (real - level * scale) ** 2;
    }
    return sum;
  };
  let whole = 0;
  let chosen = 0;
  for (let row = 0; row < 3; row++) {
    const most = Math.max(...reals.subarray(row * 144, (row + 1) * 144).map(Math.abs));
    const errors = Array.from({ length: 101 }, (_, i) => errorOf(row, (most / 7) * (1 - i / 180)));
    const own = errorOf(row, found.parameters.scale[row]!);
    whole += errors[0]!;
    chosen += own;
    assert.ok(own <= 1.03 * Math.min(...errors), `row ${row}: ${own} of ${Math.min(...errors)}`);
  }
  assert.ok(chosen < 0.9 * whole, `${chosen} of ${whole}`);
});

x('errors count as much as what is multiplied with them', () => {
  const scheme: Scheme = {
    storage: 'int4',
    symmetric: true,
    granularity: 'tensor',
    axis: null,
    blockSize: null,
    view: [8],
  };
  const reals = Float32Array.of(7, 0.4, 1.4, 2.6, 0.6, 1.6, 2.4, 0.5);
  const [slab] = slabs(channelView(scheme));
  const chosen = (importance?: Float32Array): number => {
    const clipping = new Clipping(scheme, Float32Array.of(0), Float32Array.of(7));
    clipping.add(reals, slab!, importance);
    return clipping.best().scale[0]!;
  };
  // Where the largest counts for all, it is exact; where it counts for nothing, steps are finer.
  assert.is(chosen(Float32Array.of(1e6, 1, 1, 1, 1, 1, 1, 1)), 1);
  assert.ok(chosen(Float32Array.of(0, 1, 1, 1, 1, 1, 1, 1)) < 0.7);
});

const shared: readonly { name: string; images: () => Images }[] = [
  { name: 'mnist_conv3_burn', images: () => mnist('train') },
  { name: 'resnet20_cifar10', images: () => cifar('train-lossless') },
];

for (const { name, images } of shared) {
  x(`${name} with integers of 4 and 8 bits`, async () => {
    const bytes = sharedFile(`onnx-models/${name}.onnx`);
    if (bytes === null) return;
    const given = images();
    const key = (await readModel(bytes)).graph.inputs[0]!.name;
    const batch = { [key]: given.batch(0, 32) };
    // How levels are chosen does not change what a file takes; which layers keep 8 bits does.
    const settings = { mode: 'static', rounding: 'nearest' } as const;
    const made = await small(bytes, settings, [batch]);
    assert.ok(made.bytes.length <= 0.17 * bytes.length, `${made.bytes.length / bytes.length}`);
    const tests = { [key]: given.batch(200, 8) };
    const session = createSession(made.again);
    const ratio = sqnr(dataOf(await runModel(made.bytes, tests)), dataOf(session.run(tests)));
    assert.ok(ratio > 30, `${ratio} dB`);
    assert.ok(kernels(session, tests, 'mp.Conv').every((kernel) => kernel.startsWith('q8')));
    session.dispose();
  });
}

x('TFLite files have int4 operators, which the reference contract computes alike', async () => {
  const bytes = sharedFile('tflite-models/mlperf-tiny/ic_resnet8_fp32.tflite');
  if (bytes === null) return;
  const images = raw(cifar('train-lossless'));
  const key = (await readModel(bytes)).graph.inputs[0]!.name;
  const calibration = Array.from({ length: 8 }, (_, i) => ({ [key]: images.batch(i, 1) }));
  const settings = { mode: 'static', eightBits: 0, rounding: 'nearest' } as const;
  const made = await small(bytes, settings, calibration);
  const { operatorCodes, subgraphs } = decodeTflite(made.bytes);
  const [graph] = subgraphs!;
  let convolutions = 0;
  for (const { opcodeIndex = 0, inputs } of graph!.operators!) {
    const { builtinCode = 0, version } = operatorCodes![opcodeIndex]!;
    const name = builtinOperators[builtinCode]!;
    assert.ok(name !== 'DEQUANTIZE' || graph!.tensors![inputs![0]!]!.type === 9, name);
    if (name !== 'CONV_2D') continue;
    convolutions++;
    assert.is(version, 7);
    // INT4
    assert.is(graph!.tensors![inputs![1]!]!.type, 17);
  }
  assert.ok(convolutions >= 9);
  for (const { constant } of made.again.graph.constants)
    if (constant?.dtype === 'int4')
      assert.ok(elementsOf(constant).every((level) => level >= -7 && level <= 7));
  const given = { [made.again.graph.inputs[0]!.name]: images.batch(200, 1) };
  const single = createSession(made.again);
  const reference = createSession(made.again, { contract: 'reference' });
  const [a, b] = [dataOf(single.run(given)), dataOf(reference.run(given))];
  const apart = Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
  // Roundings at every layer that differ by a step: of shares of ten classes.
  assert.ok(apart <= 32 / 256, `${apart}`);
  assert.is(b.indexOf(Math.max(...b)), a.indexOf(Math.max(...a)));
  assert.ok(kernels(single, given, 'mp.Conv').every((kernel) => kernel.startsWith('q8')));
  single.dispose();
  reference.dispose();
});

x.run();
