import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { affineParameters } from '../../src/compress/affine.ts';
import { compress, type QuantizeOption } from '../../src/compress/index.ts';
import { quantizedConstant } from '../../src/compress/quantized.ts';
import { channelView, type Scheme } from '../../src/compress/scheme.ts';
import { slabs } from '../../src/compress/slabs.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { constantOf, verify } from '../../src/ir/index.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { input, runModel, sqnr } from '../ort.ts';

const x = suite('schemes');

x('ranges map to integers by hand-computed rules', () => {
  const min = Float32Array.of(-1, 0, 0.5, -2, 0);
  const max = Float32Array.of(2, 0, 1, -1, 1e-44);
  const symmetric = affineParameters(min, max, { storage: 'int8', symmetric: true });
  assert.equal(
    [...symmetric.scale].map(Math.fround),
    [2 / 127, 1, 1 / 127, 2 / 127, 2 ** -126].map(Math.fround),
  );
  assert.is(symmetric.zeroPoint, null);
  const affine = affineParameters(min, max, { storage: 'uint8', symmetric: false });
  assert.equal([...affine.scale], [3 / 255, 1, 1 / 255, 2 / 255, 2 ** -126].map(Math.fround));
  assert.equal([...affine.zeroPoint!], [85, 0, 0, 255, 0]);
  const signed = affineParameters(min, max, { storage: 'int8', symmetric: false });
  assert.equal([...signed.zeroPoint!], [-43, -128, -128, 127, -128]);
  const middle = affineParameters(min, max, { storage: 'uint4', symmetric: true });
  assert.equal([...middle.zeroPoint!], [8, 8, 8, 8, 8]);
});

x('slabs cover every element and every scale once, in order, on whole bytes', () => {
  const shape = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      shape,
      fc.nat(3),
      fc.option(fc.integer({ min: 1, max: 5 })),
      fc.integer({ min: 1, max: 40 }),
      (view, at, blockSize, limit) => {
        const channels = channelView({ view, axis: at % view.length, blockSize });
        let next = 0;
        let scales = 0;
        for (const slab of slabs(channels, limit)) {
          assert.is(slab.start, next);
          assert.is(slab.start % 2, 0);
          assert.is(slab.count, slab.outer * slab.channels * slab.inner);
          next += slab.count;
          // Runs of one channel, and rows of shared channels, use the same scales again.
          if (!channels.shared || (channels.outer === 1 && channels.channels > 1))
            assert.is(slab.firstScale, scales);
          scales = slab.firstScale + slab.scales;
        }
        assert.is(next, channels.outer * channels.channels * channels.inner);
        assert.is(scales, channels.scales);
      },
    ),
    { numRuns: 300 },
  );
});

x('stored integers are the same however they are read', async () => {
  const view = [3, 37, 5];
  const weight = constantOf('float32', view, new Uint8Array(noise(555, 1).buffer));
  for (const storage of ['int8', 'int4'] as const) {
    for (const blockSize of [null, 16]) {
      const scheme: Scheme = {
        storage,
        symmetric: true,
        granularity: 'channel',
        axis: 1,
        blockSize,
        view,
      };
      const { scales } = channelView(scheme);
      const scale = new Float32Array(scales).fill(0.02);
      const constant = quantizedConstant(weight, scheme, { scale, zeroPoint: null });
      const whole = await constant.data.read(0, constant.data.size);
      for (const [offset, length] of [
        [0, 1],
        [17, 100],
        [200, 77],
      ] as const) {
        assert.equal(
          await constant.data.read(offset, length),
          whole.slice(offset, offset + length),
        );
      }
    }
  }
});

const options: [string, QuantizeOption, number, number][] = [
  // weight-only schemes: what they are called, the least output SQNR, the largest share of the bytes
  ['int8 affine per channel', { weights: 'int8', symmetric: false }, 40, 0.28],
  ['int8 per tensor', { weights: 'int8', granularity: 'tensor', symmetric: true }, 30, 0.27],
  ['uint8 affine per channel', 'uint8', 40, 0.28],
  ['int8 blocks of 32', { weights: 'int8', blockSize: 32, symmetric: true }, 42, 0.4],
  ['int8 blocks of 64', { weights: 'int8', blockSize: 64, symmetric: true }, 41, 0.34],
  ['int8 blocks of 128', { weights: 'int8', blockSize: 128, symmetric: true }, 40, 0.31],
  ['int4 blocks of 32', { weights: 'int4', granularity: 'block', symmetric: true }, 16, 0.28],
  ['uint4 affine blocks of 32', { weights: 'uint4', granularity: 'block' }, 18, 0.29],
  ['int4 per channel', { weights: 'int4', granularity: 'channel', symmetric: true }, 12, 0.16],
  ['float16', 'float16', 60, 0.52],
];

for (const [name, quantize, db, share] of options) {
  x(`${name}: onnxruntime computes with it`, async () => {
    const bytes = modelBytes({
      node: [
        node('Conv', ['x', 'k', 'b'], ['a'], { pads: [1, 1, 1, 1] }),
        node('Relu', ['a'], ['r']),
        node('GlobalAveragePool', ['r'], ['g']),
        node('Flatten', ['g'], ['f']),
        node('Gemm', ['f', 'w'], ['y'], { transB: 1 }),
      ],
      initializer: [
        floats('k', [96, 32, 3, 3], noise(96 * 288, 1, 0.1)),
        floats('b', [96], noise(96, 2, 0.1)),
        floats('w', [160, 96], noise(160 * 96, 3, 0.1)),
      ],
      input: [info('x', [1, 32, 8, 8])],
      output: [info('y', [1, 160])],
    });
    const model = await readModel(bytes);
    const { model: small, report } = await compress(model, { quantize });
    verify(small);
    verify(model);
    assert.equal(
      report.layers.map(({ to }) => to.startsWith(name)),
      [true, true],
      JSON.stringify(report.layers),
    );
    const written = await writeModel(small);
    assert.ok(written.length <= share * bytes.length, `${written.length / bytes.length}`);
    const feeds = { x: input(noise(2048, 5), [1, 32, 8, 8]) };
    const expected = (await runModel(bytes, feeds)).y!.data as Float32Array;
    const got = (await runModel(written, feeds)).y!.data as Float32Array;
    assert.ok(sqnr(expected, got) >= db, `${sqnr(expected, got)} dB`);
    assert.is(
      Buffer.compare(await writeModel(await readModel(written)), written),
      0,
      'reads and writes again',
    );
    assert.is(Buffer.compare(await writeModel(small), written), 0, 'the same bytes twice');
    assert.is(Buffer.compare(await writeModel(model), bytes), 0, 'the original is untouched');
  });
}

x('options out of range are named', async () => {
  const model = await readModel(
    modelBytes({
      node: [node('Relu', ['x'], ['y'])],
      input: [info('x', [1])],
      output: [info('y', [1])],
    }),
  );
  const bad: [object, RegExp][] = [
    [{ quantize: 'int9' }, /"quantize" expected int8/],
    [{ quantize: { weights: 'int8', blockSize: 33 } }, /"quantize.blockSize" expected 16/],
    [{ quantize: { weights: 'int8', granularity: 'row' } }, /"quantize.granularity"/],
    [{ quantize: { weights: 'int8', bits: 3 } }, /"quantize" expected .* got bits/],
    [{ quantized: 'int8' }, /"options" expected/],
  ];
  for (const [option, message] of bad) {
    try {
      await compress(model, option);
      assert.unreachable(JSON.stringify(option));
    } catch (error) {
      assert.instance(error, RangeError);
      assert.match((error as Error).message, message);
    }
  }
});

x('an aborted signal stops the work', async () => {
  const model = await readModel(
    modelBytes({
      node: [node('Relu', ['x'], ['y'])],
      input: [info('x', [1])],
      output: [info('y', [1])],
    }),
  );
  try {
    await compress(model, { signal: AbortSignal.abort() });
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).name, 'AbortError');
  }
});

x.run();
