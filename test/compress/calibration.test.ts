import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { binsOf, Histogram } from '../../src/compress/calibration/histogram.ts';
import {
  type CalibrationMethod,
  calibrate,
  calibrationMethods,
  makeObserver,
  type Range,
  type Target,
} from '../../src/compress/calibration/index.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';

const x = suite('calibration');

const affine: Target = { levels: 256, symmetric: false };

function rangeOf(method: CalibrationMethod, target: Target, data: ArrayLike<number>): Range {
  const observer = makeObserver(method, target);
  observer.observe(Float32Array.from(data));
  return observer.range();
}

x('minimum and maximum, with 0 between, of finite numbers', () => {
  assert.equal(rangeOf('minmax', affine, [1, 3, 2]), { min: 0, max: 3 });
  assert.equal(rangeOf('minmax', affine, [-1, -3]), { min: -3, max: 0 });
  assert.equal(rangeOf('minmax', affine, [-Infinity, 5, Infinity, -2]), { min: -2, max: 5 });
  for (const method of calibrationMethods) {
    assert.equal(rangeOf(method, affine, []), { min: 0, max: 0 }, method);
    assert.equal(rangeOf(method, affine, [0, 0]), { min: 0, max: 0 }, method);
  }
});

x('moving average: the mean of the samples’ extremes', () => {
  const observer = makeObserver('moving-average', affine);
  observer.observe(Float32Array.of(-1, 2, -3, 8), 2);
  observer.observe(Float32Array.of(1, 5));
  assert.equal(observer.range(), { min: -4 / 3, max: 5 });
  assert.throws(() => observer.observe(new Float32Array(5), 2), /equal size/);
});

x('a histogram is what counting at its last width gives', () => {
  const data = Float32Array.from([...noise(5000, 1), ...noise(5000, 2, 40), 0, 0, -0, 1e-20, NaN]);
  const histogram = new Histogram();
  for (let at = 0; at < data.length; at += 37) histogram.add(data.subarray(at, at + 37));
  const largest = data.reduce((most, v) => Math.max(most, Number.isNaN(v) ? 0 : Math.abs(v)), 0);
  assert.ok(largest < 4096 * histogram.width && largest >= 2048 * histogram.width);
  assert.is(Math.log2(histogram.width) % 1, 0);
  const expected = new Float64Array(8192);
  for (const v of data)
    if (v !== 0 && !Number.isNaN(v)) expected[Math.floor(v / histogram.width) + 4096]!++;
  assert.equal(histogram.counts, expected);
  assert.is(histogram.zeros, 3);
});

x('merged histograms are one histogram of all', () => {
  const parts = [noise(1000, 3, 1e-6), noise(1000, 4, 100), Float32Array.of(0, 0), noise(10, 5)];
  const whole = new Histogram();
  const merged = new Histogram();
  for (const part of parts) {
    whole.add(part);
    const one = new Histogram();
    one.add(part);
    merged.merge(one);
  }
  assert.equal({ ...merged }, { ...whole });
  assert.equal(merged.counts, whole.counts);
});

x('fewer bins, zero at an edge, nothing lost', () => {
  const histogram = new Histogram();
  histogram.add(Float32Array.of(-3.5, -0.25, 0.25, 1, 7));
  const { counts, first, width } = binsOf(histogram, false, 8);
  assert.equal([...counts], [1, 1, 2, 0, 0, 1]);
  assert.equal([first, width], [-2, 2]);
});

x('the range does not depend on how samples are cut into batches', () => {
  const next = random(11);
  const size = 96;
  const samples = 120;
  const data = noise(size * samples, 6, 3).map((v, i) => (i % 5 === 0 ? 0 : v * (1 + (i >> 10))));
  for (const method of calibrationMethods) {
    for (const target of [
      affine,
      { levels: 255, symmetric: true },
      { levels: 16, symmetric: false },
    ]) {
      const whole = makeObserver(method, target);
      whole.observe(data, samples);
      for (let trial = 0; trial < 8; trial++) {
        const parts = makeObserver(method, target);
        for (let at = 0; at < samples; ) {
          const count = Math.min(samples - at, 1 + next.below(trial * 5 + 1));
          parts.observe(data.subarray(at * size, (at + count) * size), count);
          at += count;
        }
        assert.equal(parts.range(), whole.range(), `${method}, ${JSON.stringify(target)}`);
      }
    }
  }
});

x('percentile: up to two of 400,000 numbers are cut at each end', () => {
  const data = new Float32Array(400_000).fill(0.5);
  data[7] = 100; // bins of 1/32
  data[70] = -60;
  data[700] = -50;
  assert.equal(rangeOf('percentile', affine, data), { min: 0, max: 0.53125 });
  const symmetric = { levels: 255, symmetric: true };
  assert.equal(rangeOf('percentile', symmetric, data), { min: -0.53125, max: 0.53125 });
  data[7000] = -40.01;
  assert.equal(rangeOf('percentile', affine, data), { min: -40.03125, max: 0.53125 });
});

// Optimal clipping of Laplace(0, 1) and Normal(0, 1) with steps of 2 α / 2^bits: Banner et al. 2019 (ACIQ).
const clipping: { bits: number; laplace: number; normal: number }[] = [
  { bits: 2, laplace: 2.83, normal: 1.71 },
  { bits: 3, laplace: 3.89, normal: 2.15 },
  { bits: 4, laplace: 5.03, normal: 2.55 },
];

x('mse: the published optimal clipping of Laplace and normal numbers', () => {
  const count = 200_000;
  const half = Float32Array.from({ length: count }, (_, i) => -Math.log(1 - (i + 0.5) / count));
  const next = random(5);
  const uniform = (): number => (next.uniform() * 2 ** 24 + 0.5) / 2 ** 24;
  const normal = Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
  for (const { bits, laplace, normal: expected } of clipping) {
    const both = Float32Array.from([...half, ...half.map((v) => -v)]);
    for (const symmetric of [true, false]) {
      const target = { levels: 2 ** bits + 1, symmetric };
      const { min, max } = rangeOf('mse', target, both);
      assert.ok(
        Math.abs(max - laplace) < 0.02 && Math.abs(min + max) < 1e-3,
        `${bits}: ${min}, ${max}`,
      );
      const found = rangeOf('mse', target, normal);
      assert.ok(Math.abs(found.max - expected) < 0.03, `${bits}: ${found.max}`);
    }
  }
});

x('mse: what is not clipped keeps its extreme', () => {
  const even = Float32Array.from({ length: 10_000 }, (_, i) => i / 10_000);
  const { min, max } = rangeOf('mse', affine, even);
  assert.is(min, 0);
  assert.ok(max > 0.98 && max <= even.at(-1)!);
});

x('entropy: all of even numbers, not an outlier of normal ones', () => {
  const even = Float32Array.from({ length: 100_000 }, (_, i) => (i - 50_000) / 50_000);
  const whole = rangeOf('entropy', affine, even);
  assert.ok(whole.min <= -0.98 && whole.max >= 0.98, JSON.stringify(whole));
  const skewed = Float32Array.from([...noise(100_000, 8), 60]);
  const cut = rangeOf('entropy', affine, skewed);
  assert.ok(cut.max < 30 && cut.max > 2, JSON.stringify(cut));
});

x('what is not a method is refused', () => {
  assert.throws(
    () => makeObserver('mean' as CalibrationMethod, affine),
    /minmax \| moving-average/,
  );
  assert.throws(() => makeObserver('mse', { levels: 1, symmetric: false }), /levels/);
});

/** h = relu(x · w), y = h + b, n = shape of x. */
const network = modelBytes({
  input: [info('x', ['n', 2])],
  output: [info('y', ['n', 2])],
  initializer: [floats('w', [2, 2], [1, -1, 2, 0.5]), floats('b', [2], [-10, 10])],
  node: [
    node('MatMul', ['x', 'w'], ['p']),
    node('Relu', ['p'], ['h']),
    node('Add', ['h', 'b'], ['y']),
    node('Shape', ['x'], ['n']),
  ],
});

const rows = [
  [1, 2],
  [-3, 1],
  [0, -4],
  [2, 2],
];

function* batches(size: number): Generator<Record<string, Tensor>> {
  for (let at = 0; at < rows.length; at += size) {
    const some = rows.slice(at, at + size);
    yield { x: new Tensor('float32', some.flat(), [some.length, 2]) };
  }
}

x('ranges of inputs, inner values and outputs, by hand', async () => {
  const model = await readModel(network);
  const edits = model.edits.length;
  const ranges = await calibrate(model, batches(1), ['y', 'x', 'h', 'p', 'n']);
  // p: [5, 0], [−1, 3.5], [−8, −2], [6, −1]
  assert.equal(
    [...ranges],
    [
      ['y', { min: -10, max: 13.5 }],
      ['x', { min: -4, max: 2 }],
      ['h', { min: 0, max: 6 }],
      ['p', { min: -8, max: 6 }],
    ],
  );
  assert.is(model.edits.length, edits);
  assert.is(model.graph.outputs.length, 1);
});

x('the same for any batches and every method, from an async source', async () => {
  const model = await readModel(network);
  const source = async function* (size: number): AsyncGenerator<Record<string, Tensor>> {
    yield* batches(size);
  };
  for (const method of calibrationMethods) {
    const one = await calibrate(model, source(1), ['p', 'h'], { method });
    for (const size of [2, 3, 4])
      assert.equal(await calibrate(model, source(size), ['p', 'h'], { method }), one, method);
  }
  const mean = await calibrate(model, batches(4), ['p'], { method: 'moving-average' });
  assert.equal(mean.get('p'), { min: (0 - 1 - 8 - 1) / 4, max: (5 + 3.5 + 0 + 6) / 4 });
});

x('no sample, no such value, NaN and an abort are said', async () => {
  const model = await readModel(network);
  const fails = async (run: Promise<unknown>, pattern: RegExp): Promise<void> => {
    const error = await run.then(
      () => null,
      (reason: unknown) => reason,
    );
    assert.match(String(error), pattern);
  };
  await fails(calibrate(model, [], ['h']), /at least one sample/);
  await fails(calibrate(model, batches(1), ['w']), /values of the main graph/);
  const bad = [{ x: new Tensor('float32', [Number.NaN, 1], [1, 2]) }];
  await fails(calibrate(model, bad, ['p']), /NaN on a calibration sample/);
  await fails(calibrate(model, batches(1), ['h'], { signal: AbortSignal.abort() }), /abort/i);
});

x.run();
