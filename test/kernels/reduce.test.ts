import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import {
  absHistogram,
  hasNaN,
  meanVariance,
  minMax,
  minMaxAxis,
  squaredError,
} from '../../src/kernels/index.ts';

const test = suite('reductions');

function noise(length: number, seed: number, scale = 1): Float32Array {
  const draw = random(seed);
  return Float32Array.from({ length }, () => (draw.uniform() - 0.5) * scale);
}

test('minMax: known answers', () => {
  assert.equal(minMax(Float32Array.of(3, -2, 7, 0)), { min: -2, max: 7 });
  assert.equal(minMax(Float32Array.of(Number.NaN, 1, Number.NaN)), { min: 1, max: 1 });
  assert.equal(minMax(Float32Array.of(Number.NaN)), { min: Infinity, max: -Infinity });
  assert.equal(minMax(new Float32Array(0)), { min: Infinity, max: -Infinity });
  assert.equal(minMax(Float32Array.of(-Infinity, Infinity)), { min: -Infinity, max: Infinity });
  const { min, max } = minMax(Float32Array.of(-0, 0, -0));
  assert.ok(Object.is(min, 0) && Object.is(max, 0), 'zeros have no sign');
});

test('minMax: an extreme or a NaN at any place, over several parts', () => {
  for (const length of [1, 5, 16, 31, 1000, 65536, 65537, 200_000]) {
    const x = noise(length, length);
    for (const at of new Set([0, length - 1, length >> 1, Math.min(65535, length - 1)])) {
      const kept = x[at]!;
      x[at] = 9;
      assert.is(minMax(x).max, 9);
      x[at] = -9;
      assert.is(minMax(x).min, -9);
      x[at] = Number.NaN;
      assert.is(hasNaN(x), true);
      x[at] = kept;
      assert.is(hasNaN(x), false);
    }
  }
});

test('minMaxAxis: every axis and block size against a plain loop', () => {
  const shapes = [
    [6],
    [1, 1],
    [4, 5],
    [300, 3],
    [3, 300],
    [2, 3, 4],
    [5, 9, 17],
    [40, 8, 3, 3],
    [2, 70_000],
    [70_000, 2],
    [0, 4],
    [4, 0],
  ];
  for (const shape of shapes) {
    const count = shape.reduce((a, b) => a * b, 1);
    const x = noise(count, count);
    if (count > 4) x[3] = Number.NaN;
    for (let axis = 0; axis < shape.length; axis++) {
      for (const blockSize of [undefined, 1, 2, 7, 64]) {
        const size = shape[axis]!;
        const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
        const blocks = Math.ceil(size / (blockSize ?? 1));
        const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
        const cells = blockSize === undefined ? size : outer * blocks * inner;
        const min = new Float32Array(cells).fill(Infinity);
        const max = new Float32Array(cells).fill(-Infinity);
        x.forEach((value, i) => {
          const along = Math.floor(i / inner) % size;
          const o = Math.floor(i / inner / size);
          const cell =
            blockSize === undefined
              ? along
              : (o * blocks + Math.floor(along / blockSize)) * inner + (i % inner);
          if (value < min[cell]!) min[cell] = value;
          if (value > max[cell]!) max[cell] = value;
        });
        const got = minMaxAxis(x, {
          shape,
          axis,
          ...(blockSize === undefined ? {} : { blockSize }),
        });
        assert.equal(got, { min, max }, JSON.stringify({ shape, axis, blockSize }));
      }
    }
  }
});

test('meanVariance: known answers, and no cancellation far from zero', () => {
  assert.equal(meanVariance(Float32Array.of(2, 4, 4, 4, 5, 5, 7, 9)), { mean: 5, variance: 4 });
  assert.equal(meanVariance(Float32Array.of(3)), { mean: 3, variance: 0 });
  assert.equal(meanVariance(new Float32Array(0)), { mean: Number.NaN, variance: Number.NaN });
  // 1, 2, 3, 4 repeated over parts, on top of 2^20: exact in float32 and in the sums.
  const far = Float32Array.from({ length: 200_000 }, (_, i) => 2 ** 20 + 1 + (i % 4));
  assert.is(meanVariance(far).mean, 2 ** 20 + 2.5);
  assert.ok(Math.abs(meanVariance(far).variance - 1.25) < 1e-12);
});

test('squaredError: known answers and different lengths', () => {
  assert.equal(squaredError(Float32Array.of(3, 4), Float32Array.of(3, 2)), {
    signal: 25,
    noise: 4,
  });
  const ramp = Float32Array.from({ length: 150_000 }, (_, i) => i % 10);
  const shifted = ramp.map((value) => value + 2);
  assert.equal(squaredError(ramp, shifted), { signal: 15_000 * 285, noise: 600_000 });
  assert.throws(() => squaredError(ramp, ramp.subarray(1)), /"b" expected 150000 elements/);
});

test('absHistogram: edges, ends and what is not counted', () => {
  const x = Float32Array.of(0, -0, 0.99, -1, 1.5, 2, -3.99, 4, 100, Number.NaN, -Infinity);
  assert.equal([...absHistogram(x, { bins: 4, max: 4 })], [3, 2, 1, 4]);
  assert.equal([...absHistogram(Float32Array.of(0, 0), { bins: 2 })], [2, 0]);
  assert.equal([...absHistogram(Float32Array.of(-8, 1, 7), { bins: 8 })], [0, 1, 0, 0, 0, 0, 0, 2]);
  const many = noise(300_000, 8, 8);
  const counts = new Uint32Array(2048);
  for (const value of many) {
    const bin = Math.min(2047, Math.trunc(Math.fround(Math.abs(value) * 512)));
    counts[bin] = counts[bin]! + 1;
  }
  assert.equal(absHistogram(many, { bins: 2048, max: 4 }), counts);
});

test('wrong arguments are named', () => {
  const x = new Float32Array(6);
  const wrong = [1, 2] as unknown as Float32Array;
  assert.throws(() => minMax(wrong), /^"x" expected a Float32Array, got Array$/);
  assert.throws(() => squaredError(x, wrong), /"b" expected a Float32Array/);
  assert.throws(
    () => minMaxAxis(x, { shape: [2, 2], axis: 0 }),
    /"shape" expected sizes of 6 elements/,
  );
  assert.throws(() => minMaxAxis(x, { shape: [2, -3], axis: 0 }), /"shape"/);
  assert.throws(() => minMaxAxis(x, { shape: [2, 3], axis: 2 }), /"axis"/);
  assert.throws(() => minMaxAxis(x, { shape: [2, 3], axis: 1, blockSize: 0 }), /"blockSize"/);
  assert.throws(() => absHistogram(x, { bins: 0, max: 1 }), /"bins"/);
  assert.throws(() => absHistogram(x, { bins: 1.5, max: 1 }), /"bins"/);
  for (const max of [0, -1, Number.NaN, Infinity, 1e-44]) {
    assert.throws(() => absHistogram(x, { bins: 4, max }), /"max"/);
  }
});

test.run();
