import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CompressResult, compress, type QuantizeSettings } from '../../src/compress/index.ts';
import { proposeFactors, scaleChannels, shapesFor } from '../../src/compress/recovery/factors.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { NodeProto, TensorProto } from '../../src/formats/onnx/proto.ts';
import { verify } from '../../src/ir/index.ts';
import { floats, info, ints, modelBytes, node, noise } from '../build-model.ts';
import { input, runModel, sqnr } from '../ort.ts';

/** Faults are planted, and what is done about them is measured in onnxruntime. */

const x = suite('recovery');

type Dims = (number | string)[];

function graph(nodes: NodeProto[], initializer: TensorProto[], dims: Dims): Uint8Array {
  return modelBytes({
    node: nodes,
    initializer,
    input: [info('x', dims)],
    output: [info('y', null)],
  });
}

/** Ratio of the outputs of a static int8 model to those of the float one, dB, and how it was made. */
async function quantized(
  bytes: Uint8Array,
  samples: readonly Tensor[],
  recover: QuantizeSettings['recover'],
): Promise<{ db: number; report: CompressResult['report'] }> {
  const { model, report } = await compress(await readModel(bytes), {
    quantize: { weights: 'int8', mode: 'static', recover, minOutputDb: null },
    calibration: samples.map((tensor) => ({ x: tensor })),
    force: true,
  });
  verify(model);
  const written = await writeModel(model);
  let reference: number[] = [];
  let other: number[] = [];
  for (const tensor of samples) {
    const [before, after] = [
      await runModel(bytes, { x: tensor }),
      await runModel(written, { x: tensor }),
    ];
    reference = [...reference, ...(before.y!.data as Float32Array)];
    other = [...other, ...(after.y!.data as Float32Array)];
  }
  return { db: sqnr(reference, other), report };
}

/** Size of the difference to the float model after all factors that are proposed, of its outputs' size; and how many
 *  channels they are. */
async function changeByFactors(bytes: Uint8Array, sample: Tensor): Promise<[number, number]> {
  const model = await readModel(bytes);
  const shapes = shapesFor(model, { x: sample });
  const levels = { activations: 255, weights: 127, byOutput: true };
  const proposals = await proposeFactors(model, shapes, [{ x: sample }], levels);
  scaleChannels(model, shapes, proposals);
  verify(model);
  const [before, after] = [
    (await runModel(bytes, { x: sample })).y!.data as Float32Array,
    (await runModel(await writeModel(model), { x: sample })).y!.data as Float32Array,
  ];
  const channels = proposals.reduce((sum, { factors }) => sum + factors.size, 0);
  const size = before.reduce((sum, value) => sum + value * value, 0);
  const difference = before.reduce((sum, value, i) => sum + (value - after[i]!) ** 2, 0);
  return [Math.sqrt(difference / size), channels];
}

const dims = [1, 8, 12, 12];
const images = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => input(noise(1152, seed), dims));

/** Two convolutions; the channel that the first makes, and the second reads, is larger by a factor. */
function pair(factor: number, between: NodeProto[], from: string): Uint8Array {
  const first = noise(8 * 8 * 9, 11, 0.2);
  const second = noise(8 * 8 * 9, 12, 0.2);
  const bias = noise(8, 13, 0.2);
  for (let i = 0; i < 72; i++) first[3 * 72 + i]! *= factor;
  for (let o = 0; o < 8; o++) for (let k = 0; k < 9; k++) second[(o * 8 + 3) * 9 + k]! /= factor;
  bias[3]! *= factor;
  return graph(
    [
      node('Conv', ['x', 'w', 'b'], ['c'], { pads: [1, 1, 1, 1] }),
      ...between,
      node('Conv', [from, 'v'], ['y'], { pads: [1, 1, 1, 1] }),
    ],
    [floats('w', [8, 8, 3, 3], first), floats('b', [8], bias), floats('v', [8, 8, 3, 3], second)],
    dims,
  );
}

for (const [name, between, from] of [
  ['Relu', [node('Relu', ['c'], ['r'])], 'r'],
  ['nothing', [], 'c'],
  [
    'LeakyRelu and a pool',
    [
      node('LeakyRelu', ['c'], ['l']),
      node('MaxPool', ['l'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }),
    ],
    'p',
  ],
] as const)
  x(`a channel scaled by 100 with ${name} between: what it lost comes back`, async () => {
    const whole = await quantized(pair(1, [...between], from), images, false);
    const planted = await quantized(pair(100, [...between], from), images, false);
    const mended = await quantized(pair(100, [...between], from), images, true);
    const share = (mended.db - planted.db) / (whole.db - planted.db);
    assert.ok(whole.db - planted.db > 10, `${whole.db} → ${planted.db} dB`);
    assert.ok(share >= 0.95, `${whole.db} → ${planted.db} → ${mended.db} dB`);
    const [step] = mended.report.recovery;
    assert.is(step?.kind, 'equalize');
    assert.equal(step?.layers, ['y']);
    assert.ok(step!.gainDb! > 10);
    const [change] = await changeByFactors(pair(100, [...between], from), images[0]!);
    assert.ok(change < 1e-6, `${change}`);
  });

x('where nothing is wrong nothing that costs is kept', async () => {
  const plain = await quantized(pair(1, [node('Relu', ['c'], ['r'])], 'r'), images, false);
  const tried = await quantized(pair(1, [node('Relu', ['c'], ['r'])], 'r'), images, true);
  assert.ok(tried.db >= plain.db - 0.3, `${plain.db} → ${tried.db} dB`);
});

/** Attention and a perceptron over tokens, each behind a LayerNormalization, two channels of which are outliers. */
function block(factor: number): Uint8Array {
  const [tokens, width, heads] = [16, 32, 4];
  const matrix = (name: string, rows: number, columns: number, seed: number): TensorProto =>
    floats(name, [rows, columns], noise(rows * columns, seed, 0.25));
  const outliers = (name: string, seed: number): TensorProto[] => {
    const scale = noise(width, seed, 0.1).map((value) => 1 + value);
    scale[5]! *= factor;
    scale[20]! *= factor;
    return [floats(`${name}_g`, [width], scale), floats(`${name}_b`, [width], noise(width, seed))];
  };
  // What reads an outlier does not weigh it more.
  const calm = (name: string, columns: number, seed: number): TensorProto => {
    const numbers = noise(width * columns, seed, 0.25);
    for (const row of [5, 20])
      for (let i = 0; i < columns; i++) numbers[row * columns + i]! /= factor;
    return floats(name, [width, columns], numbers);
  };
  const split = (from: string, to: string): NodeProto[] => [
    node('Reshape', [from, 'apart'], [`${to}_4`]),
    node('Transpose', [`${to}_4`], [to], { perm: to === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3] }),
  ];
  return modelBytes(
    {
      node: [
        node('LayerNormalization', ['x', 'n_g', 'n_b'], ['n']),
        ...['q', 'k', 'v'].flatMap((name) => [
          node('MatMul', ['n', `w${name}`], [`${name}_3`]),
          ...split(`${name}_3`, name),
        ]),
        node('MatMul', ['q', 'k'], ['scores']),
        node('Softmax', ['scores'], ['shares']),
        node('MatMul', ['shares', 'v'], ['mixed']),
        node('Transpose', ['mixed'], ['turned'], { perm: [0, 2, 1, 3] }),
        node('Reshape', ['turned', 'together'], ['joined']),
        node('MatMul', ['joined', 'wo'], ['o']),
        node('Add', ['x', 'o'], ['r']),
        node('LayerNormalization', ['r', 'm_g', 'm_b'], ['m']),
        node('MatMul', ['m', 'w1'], ['h']),
        node('Relu', ['h'], ['a']),
        node('MatMul', ['a', 'w2'], ['p']),
        node('Add', ['r', 'p'], ['y']),
      ],
      initializer: [
        ...outliers('n', 1),
        ...outliers('m', 2),
        ...['q', 'k', 'v'].map((name, i) => calm(`w${name}`, width, 3 + i)),
        matrix('wo', width, width, 6),
        calm('w1', 64, 7),
        matrix('w2', 64, width, 8),
        ints('apart', [0, 0, heads, width / heads]),
        ints('together', [0, 0, width]),
      ],
      input: [info('x', ['n', tokens, width])],
      output: [info('y', null)],
    },
    { opset: 17, irVersion: 8 },
  );
}

const sequences = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => input(noise(512, seed), [1, 16, 32]));

x('outliers behind a LayerNormalization: smoothing gains 10 dB', async () => {
  const bytes = block(60);
  const planted = await quantized(bytes, sequences, false);
  const mended = await quantized(bytes, sequences, true);
  assert.ok(mended.db - planted.db >= 10, `${planted.db} → ${mended.db} dB`);
  const step = mended.report.recovery.find(({ kind }) => kind === 'smooth');
  assert.ok(step !== undefined && step.gainDb! > 5);
  const [change] = await changeByFactors(bytes, sequences[0]!);
  assert.ok(change < 1e-6, `${change}`);
});

x(
  'channels may be scaled exactly through residuals, concatenations, transposes and flattening',
  async () => {
    const weights = (name: string, shape: number[], seed: number): TensorProto =>
      floats(
        name,
        shape,
        noise(
          shape.reduce((a, b) => a * b, 1),
          seed,
          0.3,
        ).map((value, i) => value * (1 + (i % 3))),
      );
    const bytes = graph(
      [
        node('Conv', ['x', 'w1'], ['a']),
        node('PRelu', ['a', 'slope'], ['b']),
        node('Conv', ['b', 'depth'], ['c'], { group: 8, pads: [1, 1, 1, 1] }),
        node('Conv', ['c', 'w2'], ['d']),
        node('Add', ['d', 'b'], ['e']),
        node('Relu', ['e'], ['f']),
        node('Conv', ['f', 'w3'], ['g'], { group: 2 }),
        node('Concat', ['f', 'g'], ['h'], { axis: 1 }),
        node('Resize', ['h', '', 'scales'], ['i'], { mode: 'nearest' }),
        node('ConvTranspose', ['i', 'w4'], ['j'], { group: 2, strides: [2, 2] }),
        node('AveragePool', ['j'], ['k'], { kernel_shape: [4, 4], strides: [4, 4] }),
        node('Split', ['k'], ['l', 'm'], { axis: 1 }),
        node('Add', ['l', 'm'], ['n']),
        node('Transpose', ['n'], ['o'], { perm: [0, 2, 3, 1] }),
        node('Add', ['o', 'shift'], ['p']),
        node('Transpose', ['p'], ['q'], { perm: [0, 3, 1, 2] }),
        node('Flatten', ['q'], ['r']),
        node('Gemm', ['r', 'w5', 'bias'], ['s'], { transB: 1 }),
        node('Relu', ['s'], ['t']),
        node('MatMul', ['t', 'w6'], ['y']),
      ],
      [
        weights('w1', [8, 8, 1, 1], 1),
        floats('slope', [8, 1, 1], noise(8, 2, 0.1)),
        weights('depth', [8, 1, 3, 3], 3),
        weights('w2', [8, 8, 1, 1], 4),
        weights('w3', [8, 4, 1, 1], 5),
        floats('scales', [4], [1, 1, 2, 2]),
        weights('w4', [16, 4, 2, 2], 6),
        floats('shift', [4], noise(4, 7)),
        weights('w5', [10, 576], 8),
        floats('bias', [10], noise(10, 9)),
        weights('w6', [10, 5], 10),
      ],
      dims,
    );
    const [change, channels] = await changeByFactors(bytes, images[0]!);
    assert.ok(channels >= 30, `${channels}`);
    assert.ok(change < 1e-6, `${change}`);
  },
);

/** Inputs far from 0, but for one channel, and a weight on that one so large that all others have few levels. */
function coarse(withBias: boolean): Uint8Array {
  const numbers = noise(8 * 8 * 9, 21, 0.2);
  numbers[3 * 9 + 4] = 9;
  const bias = withBias ? [floats('b', [8], noise(8, 22))] : [];
  return graph(
    [node('Conv', ['x', 'w', ...(withBias ? ['b'] : [])], ['y'])],
    [floats('w', [8, 8, 3, 3], numbers), ...bias],
    dims,
  );
}

const shifted = images.map(({ data }) =>
  input(
    Float32Array.from(data as Float32Array, (value, i) =>
      Math.floor(i / 144) === 3 ? value / 100 : value + 3,
    ),
    dims,
  ),
);

for (const withBias of [true, false])
  x(
    `means that rounding shifts come back ${withBias ? 'in the bias' : 'in a new bias'}`,
    async () => {
      const bytes = coarse(withBias);
      const shift = async (recover: QuantizeSettings['recover']): Promise<number> => {
        const { model, report } = await compress(await readModel(bytes), {
          quantize: { weights: 'int8', granularity: 'tensor', recover, minOutputDb: null },
          calibration: shifted.map((tensor) => ({ x: tensor })),
          force: true,
        });
        assert.is(report.recovery.length, recover === false ? 0 : 1);
        const written = await writeModel(model);
        const sums = new Float64Array(8);
        for (const tensor of shifted) {
          const [before, after] = [
            (await runModel(bytes, { x: tensor })).y!.data as Float32Array,
            (await runModel(written, { x: tensor })).y!.data as Float32Array,
          ];
          before.forEach((value, i) => {
            sums[Math.floor(i / 100)]! += after[i]! - value;
          });
        }
        return Math.sqrt(sums.reduce((sum, value) => sum + value * value, 0));
      };
      const before = await shift(false);
      const after = await shift({ equalize: false, smooth: false });
      assert.ok(after <= 0.05 * before, `${before} → ${after}`);
    },
  );

x('samples of bytes are taken as numbers, and said to be', async () => {
  const bytes = pair(1, [], 'c');
  const numbers = Uint8Array.from({ length: 1152 }, (_, i) => (i * 37) % 251);
  const quantize = { weights: 'int8', recover: false } as const;
  const [real, whole] = await Promise.all(
    [
      input(Float32Array.from(numbers), dims),
      new (images[0]!.constructor as typeof Tensor)('uint8', numbers, dims),
    ].map(async (tensor) =>
      compress(await readModel(bytes), { quantize, calibration: [{ x: tensor }] }),
    ),
  );
  assert.equal(whole!.plan.activations, real!.plan.activations);
  assert.ok(whole!.report.warnings.some((text) => text.includes('without any normalization')));
});

x('settings are checked', async () => {
  const model = await readModel(pair(1, [], 'c'));
  const calibration = [{ x: images[0]! }];
  for (const [recover, what] of [
    ['all', 'recover'],
    [{ smoothing: true }, 'smoothing'],
    [{ smooth: 1 }, 'recover.smooth'],
  ] as const) {
    const quantize = { weights: 'int8', recover } as unknown as QuantizeSettings;
    const error = await compress(model, { quantize, calibration }).catch((e: unknown) => e);
    const isRefused = error instanceof RangeError || error instanceof TypeError;
    assert.ok(isRefused && `${error}`.includes(what), `${error}`);
  }
});

x.run();
