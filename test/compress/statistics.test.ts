import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { collectMoments, linearLayers } from '../../src/compress/statistics/index.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import type { NodeProto } from '../../src/formats/onnx/proto.ts';
import { clone } from '../../src/ir/clone.ts';
import type { Model } from '../../src/ir/model.ts';
import { assignLayout, channelsLast } from '../../src/passes/layout.ts';
import { createSession, type Feeds } from '../../src/runtime/index.ts';
import { type AttributeValue, floats, info, modelBytes, node, noise } from '../build-model.ts';

const x = suite('statistics');

function model(
  nodes: NodeProto[],
  weights: Record<string, readonly number[]>,
  input: (number | string)[],
): Promise<Model> {
  const initializer = Object.entries(weights).map(([name, dims], i) =>
    floats(
      name,
      dims,
      noise(
        dims.reduce((a, b) => a * b, 1),
        i + 10,
      ),
    ),
  );
  const bytes = modelBytes({
    node: nodes,
    initializer,
    input: [info('x', input)],
    output: [info('y', null)],
  });
  return readModel(bytes);
}

const all = { gram: true, rowsPerSample: 2 ** 20 };

x('a product’s vectors are the rows of its operand', async () => {
  const m = await model([node('MatMul', ['x', 'w'], ['y'])], { w: [2, 3] }, ['n', 2]);
  const feeds = { x: new Tensor('float32', Float32Array.of(1, 2, 3, -4, 5, 0), [3, 2]) };
  const moments = (await collectMoments(m, [feeds], ['y'], all)).get('y')!;
  assert.equal([moments.rows, moments.groups, moments.size], [3, 1, 2]);
  assert.equal([...moments.mean], [9 / 3, -2 / 3]);
  assert.equal([...moments.gram!], [35 / 3, -10 / 3, -10 / 3, 20 / 3]);
});

x('a convolution’s vectors are its patches, [channels, kernel]', async () => {
  const m = await model(
    [node('Conv', ['x', 'w'], ['y'], { pads: [0, 1, 0, 0] })],
    { w: [1, 2, 1, 2] },
    [1, 2, 1, 2],
  );
  // Channel 0 is [1, 2], channel 1 [3, 4]; a column of zeros before: patches [0, 1, 0, 3] and [1, 2, 3, 4].
  const feeds = { x: new Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 2, 1, 2]) };
  const moments = (await collectMoments(m, [feeds], ['y'], all)).get('y')!;
  assert.is(moments.rows, 2);
  assert.equal([...moments.mean], [0.5, 1.5, 1.5, 3.5]);
  const rows = [
    [0, 1, 0, 3],
    [1, 2, 3, 4],
  ];
  const expected = [0, 1, 2, 3].flatMap((i) =>
    [0, 1, 2, 3].map((j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0) / 2),
  );
  assert.equal([...moments.gram!], expected);
});

interface Case {
  op: 'Conv' | 'ConvTranspose' | 'Gemm' | 'MatMul';
  input: number[];
  weight: number[];
  attributes?: Record<string, AttributeValue>;
}

const cases: Case[] = [
  { op: 'Conv', input: [3, 4, 6, 5], weight: [5, 4, 3, 3], attributes: { pads: [1, 0, 2, 1] } },
  {
    op: 'Conv',
    input: [2, 4, 7, 9],
    weight: [6, 2, 3, 2],
    attributes: { group: 2, strides: [2, 3] },
  },
  {
    op: 'Conv',
    input: [2, 3, 9, 9],
    weight: [6, 1, 3, 3],
    attributes: { group: 3, dilations: [2, 1] },
  },
  {
    op: 'Conv',
    input: [2, 3, 8, 7],
    weight: [2, 3, 3, 3],
    attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] },
  },
  {
    op: 'Conv',
    input: [2, 3, 8, 7],
    weight: [2, 3, 2, 2],
    attributes: { auto_pad: 'SAME_LOWER' },
  },
  { op: 'Conv', input: [2, 3, 11], weight: [4, 3, 4], attributes: { auto_pad: 'VALID' } },
  { op: 'Conv', input: [1, 2, 4, 5, 3], weight: [3, 2, 2, 3, 2] },
  {
    op: 'ConvTranspose',
    input: [2, 4, 3, 4],
    weight: [4, 3, 3, 3],
    attributes: { strides: [2, 1], pads: [1, 0, 0, 1], output_padding: [1, 0] },
  },
  {
    op: 'ConvTranspose',
    input: [2, 4, 3, 4],
    weight: [4, 2, 2, 3],
    attributes: { group: 2, dilations: [2, 1] },
  },
  { op: 'Gemm', input: [7, 5], weight: [5, 3] },
  { op: 'Gemm', input: [5, 7], weight: [3, 5], attributes: { transA: 1, transB: 1 } },
  { op: 'MatMul', input: [2, 3, 4, 5], weight: [5, 6] },
];

/** Rows of an output in the order of its places, [places][channels]. */
function placesOf({ data, dims }: Tensor, isImage: boolean): number[][] {
  const channels = isImage ? dims[1]! : dims.at(-1)!;
  const pixels = isImage ? dims.slice(2).reduce((a, b) => a * b, 1) : 1;
  const images = data.length / channels / pixels;
  return Array.from({ length: images * pixels }, (_, place) =>
    Array.from({ length: channels }, (_, c) => {
      const image = Math.floor(place / pixels);
      return (data as Float32Array)[(image * channels + c) * pixels + (place % pixels)]!;
    }),
  );
}

for (const { op, input, weight, attributes = {} } of cases) {
  x(
    `the moments of ${op} ${input} ${weight} are those of its output: E[y yᵀ] = W E[a aᵀ] Wᵀ`,
    async () => {
      const m = await model([node(op, ['x', 'w'], ['y'], attributes)], { w: weight }, input);
      const count = input.reduce((a, b) => a * b, 1);
      const feeds = { x: new Tensor('float32', noise(count, 1), input) };
      const w = noise(
        weight.reduce((a, b) => a * b, 1),
        10,
      );
      const y = createSession(m).run(feeds).y!;
      const rows = placesOf(y, op.startsWith('Conv'));
      const { groups, size, mean, gram, ...moments } = (
        await collectMoments(m, [feeds], linearLayers(m), all)
      ).get('y')!;
      assert.is(moments.rows, rows.length);
      const channels = rows[0]!.length;
      const each = channels / groups;
      // Weights of an output channel in the order of a vector.
      const taps = weight.slice(2).reduce((a, b) => a * b, 1);
      const weightsOf = (channel: number): number[] => {
        if (op === 'Conv') return [...w.subarray(channel * size, (channel + 1) * size)];
        const own = channel % each;
        const group = Math.floor(channel / each);
        if (op === 'ConvTranspose')
          return Array.from({ length: size }, (_, i) => {
            const c = group * (size / taps) + Math.floor(i / taps);
            return w[(c * each + own) * taps + (i % taps)]!;
          });
        const isTurned = attributes.transB === 1;
        return Array.from(
          { length: size },
          (_, i) => w[isTurned ? channel * size + i : i * channels + channel]!,
        );
      };
      for (let p = 0; p < channels; p++) {
        const group = Math.floor(p / each);
        const a = weightsOf(p);
        const expected = rows.reduce((sum, row) => sum + row[p]!, 0) / rows.length;
        const got = a.reduce((sum, v, i) => sum + v * mean[group * size + i]!, 0);
        assert.ok(Math.abs(expected - got) < 1e-5, `mean ${p}: ${got} of ${expected}`);
        for (let q = group * each; q < (group + 1) * each; q++) {
          const b = weightsOf(q);
          const product = rows.reduce((sum, row) => sum + row[p]! * row[q]!, 0) / rows.length;
          let form = 0;
          for (let i = 0; i < size; i++)
            for (let j = 0; j < size; j++)
              form += a[i]! * gram![(group * size + i) * size + j]! * b[j]!;
          assert.ok(Math.abs(product - form) < 1e-4, `${p}, ${q}: ${form} of ${product}`);
        }
      }
    },
  );
}

x('images with their channels last have the same vectors', async () => {
  const nodes = [
    node('Conv', ['x', 'w'], ['a'], { pads: [1, 1, 1, 1] }),
    node('Relu', ['a'], ['r']),
    node('Conv', ['r', 'v'], ['y'], { group: 2, strides: [2, 1], pads: [0, 1, 1, 0] }),
  ];
  const m = await model(nodes, { w: [4, 3, 3, 3], v: [6, 2, 2, 3] }, [2, 3, 6, 7]);
  const turned = clone(m);
  assignLayout(turned, channelsLast);
  const layers = linearLayers(turned);
  const domains = turned.graph.nodes.filter(({ op }) => op === 'Conv').map(({ domain }) => domain);
  assert.equal(domains, ['mp', 'mp']);
  const feeds = { x: new Tensor('float32', noise(2 * 3 * 42, 1), [2, 3, 6, 7]) };
  const expected = await collectMoments(m, [feeds], ['a', 'y'], { gram: true, rowsPerSample: 9 });
  const got = await collectMoments(turned, [feeds], layers, { gram: true, rowsPerSample: 9 });
  assert.equal([...got.values()], [...expected.values()]);
});

x('no split into batches changes a bit, whichever vectors are chosen', async () => {
  const m = await model(
    [
      node('Conv', ['x', 'w'], ['a'], { pads: [1, 1, 1, 1] }),
      node('Relu', ['a'], ['r']),
      node('Conv', ['r', 'v'], ['b'], { group: 4 }),
      node('GlobalAveragePool', ['b'], ['p']),
      node('Flatten', ['p'], ['f']),
      node('Gemm', ['f', 'u'], ['y']),
    ],
    { w: [8, 3, 3, 3], v: [8, 2, 1, 1], u: [8, 4] },
    ['n', 3, 9, 9],
  );
  const samples = 150;
  const each = 3 * 81;
  const data = noise(samples * each, 3);
  const cut = (sizes: () => number): Feeds[] => {
    const feeds: Feeds[] = [];
    for (let at = 0; at < samples; ) {
      const count = Math.min(samples - at, sizes());
      const part = data.slice(at * each, (at + count) * each);
      feeds.push({ x: new Tensor('float32', part, [count, 3, 9, 9]) });
      at += count;
    }
    return feeds;
  };
  const layers = linearLayers(m);
  assert.equal(layers, ['a', 'b', 'y']);
  const options = { gram: true, rowsPerSample: 7, seed: 5 };
  const whole = await collectMoments(
    m,
    cut(() => samples),
    layers,
    options,
  );
  assert.is(whole.get('a')!.rows, 7 * samples);
  assert.is(whole.get('y')!.rows, samples);
  const next = random(2);
  for (let trial = 1; trial < 5; trial++) {
    const parts = await collectMoments(
      m,
      cut(() => 1 + next.below(trial * trial)),
      layers,
      options,
    );
    for (const layer of layers) assert.equal(parts.get(layer), whole.get(layer), layer);
  }
  const other = await collectMoments(
    m,
    cut(() => 50),
    layers,
    { ...options, seed: 6 },
  );
  assert.not.equal(other.get('a')!.mean, whole.get('a')!.mean);
});

x('layers that read the same vectors share them; others are left out', async () => {
  const m = await model(
    [
      node('MatMul', ['x', 'w'], ['q']),
      node('MatMul', ['x', 'v'], ['k']),
      node('MatMul', ['q', 'k'], ['s']),
      node('MatMul', ['s', 'u'], ['y']),
    ],
    { w: [4, 4], v: [4, 4], u: [2, 4, 3] },
    [4, 4],
  );
  const feeds = { x: new Tensor('float32', noise(16, 3), [4, 4]) };
  assert.equal(linearLayers(m), ['q', 'k']);
  const moments = await collectMoments(m, [feeds], ['q', 'k', 'y'], { gram: false });
  assert.equal([...moments.keys()], ['q', 'k']);
  assert.is(moments.get('q'), moments.get('k'));
  assert.is(moments.get('q')!.gram, null);
});

x('refused: no sample, no such layer, NaN, an aborted signal', async () => {
  const m = await model([node('MatMul', ['x', 'w'], ['y'])], { w: [2, 3] }, ['n', 2]);
  const feeds = (a: number): Feeds => ({ x: new Tensor('float32', Float32Array.of(1, a), [1, 2]) });
  const fails = async (
    pattern: RegExp,
    samples: Feeds[],
    layers = ['y'],
    options = {},
  ): Promise<void> => {
    try {
      await collectMoments(m, samples, layers, { gram: true, ...options });
    } catch (error) {
      return assert.match(String(error), pattern);
    }
    assert.unreachable(String(pattern));
  };
  await fails(/sample/, []);
  await fails(/layers/, [feeds(1)], ['x']);
  await fails(/NaN/, [feeds(NaN)]);
  await fails(/rowsPerSample/, [feeds(1)], ['y'], { rowsPerSample: 0 });
  await fails(/abort/i, [feeds(1)], ['y'], { signal: AbortSignal.abort() });
});

x.run();
