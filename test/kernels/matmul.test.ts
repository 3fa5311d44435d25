import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import {
  batchedMatmul,
  batchedMatmulShape,
  type MatmulOptions,
  matmul,
  PackedMatrix,
  packMatrix,
} from '../../src/kernels/index.ts';
import { backend } from '../../src/wasm/load.ts';
import { type Expected, errorOf, noise } from './products.ts';

const test = suite('matmul');

/** In float64, by definition. */
function naive(
  a: Float32Array,
  b: Float32Array,
  m: number,
  k: number,
  n: number,
  options: MatmulOptions,
): Expected {
  const { transposeA, transposeB, alpha = 1, beta = 1, c, bias } = options;
  const { min = -Infinity, max = Infinity } = options;
  const value = new Float64Array(m * n);
  const scale = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const addend = c === undefined ? 0 : beta * c[i * n + j]!;
      let sum = addend + (bias?.[j] ?? 0);
      let size = Math.abs(addend) + Math.abs(bias?.[j] ?? 0);
      for (let p = 0; p < k; p++) {
        const x = a[transposeA ? p * m + i : i * k + p]!;
        const term = alpha * x * b[transposeB ? j * k + p : p * n + j]!;
        sum += term;
        size += Math.abs(term);
      }
      value[i * n + j] = Math.min(Math.max(sum, min), max);
      scale[i * n + j] = size;
    }
  }
  return { value, scale };
}

function check(m: number, k: number, n: number, options: MatmulOptions, seed: number): void {
  const a = noise(m * k, seed);
  const b = noise(k * n, seed + 1);
  const error = errorOf(matmul(a, b, m, k, n, options), naive(a, b, m, k, n, options), k);
  const { transposeA, transposeB, alpha, beta } = options;
  const what = JSON.stringify({ m, k, n, transposeA, transposeB, alpha, beta });
  assert.ok(error <= 1, `${what}: ${error} of what is allowed`);
}

test('small shapes with every option', () => {
  const draw = random(5);
  for (let round = 0; round < 300; round++) {
    const [m, k, n] = [draw.below(20), draw.below(40), draw.below(40)];
    const maybe = <T>(value: T): T | undefined => (draw.below(2) === 0 ? undefined : value);
    const options = {
      transposeA: draw.below(2) === 1,
      transposeB: draw.below(2) === 1,
      alpha: maybe(1.7),
      beta: maybe(-0.6),
      c: maybe(noise(m * n, round)),
      bias: maybe(noise(n, round + 1)),
      min: maybe(-0.5),
      max: maybe(0.75),
    };
    check(m, k, n, options, round);
  }
});

test('sizes that are cut into chunks and strips', () => {
  check(3, 5000, 300, { c: noise(900, 1), bias: noise(300, 2), max: 3 }, 1);
  check(3, 5000, 300, { transposeA: true, transposeB: true, c: noise(900, 1), min: 0 }, 2);
  check(1, 70000, 17, {}, 3);
  check(70000, 5, 6, { transposeA: true }, 4);
  check(300, 1030, 40, {}, 5);
  check(2, 3, 70001, { transposeB: true, bias: noise(70001, 6) }, 6);
});

test('a row has the same bits alone, among others, and with a packed matrix', () => {
  for (const [m, k, n] of [
    [70, 1100, 45],
    [5, 2, 33],
    [130, 513, 1100],
  ] as const) {
    const a = noise(m * k, 1);
    const b = noise(k * n, 2);
    const whole = matmul(a, b, m, k, n);
    for (const row of [0, 1, m - 1]) {
      const alone = matmul(a.subarray(row * k, (row + 1) * k), b, 1, k, n);
      assert.equal(alone, whole.slice(row * n, (row + 1) * n));
    }
    const packed = packMatrix(b, k, n);
    assert.equal(matmul(a, packed, m, k, n), whole);
    packed.dispose();
  }
});

test('packed matrices: options, and memory given back', () => {
  const before = backend().arena.usage().weights;
  const b = noise(12 * 10, 1);
  const a = noise(3 * 12, 2);
  const packed = packMatrix(b, 12, 10, { transposed: true, alpha: 0.5 });
  assert.instance(packed, PackedMatrix);
  assert.is(packed.bytes, 4 * 12 * 16);
  const want = matmul(a, b, 3, 12, 10, { transposeB: true, alpha: 0.5 });
  assert.equal(matmul(a, packed, 3, 12, 10), want);
  assert.throws(() => matmul(a, packed, 3, 12, 11), RangeError);
  assert.throws(() => matmul(a, packed, 3, 12, 10, { alpha: 2 }), RangeError);
  assert.throws(() => matmul(a, packed, 3, 12, 10, { transposeB: true }), RangeError);
  packed.dispose();
  packed.dispose();
  assert.throws(() => matmul(a, packed, 3, 12, 10), TypeError);
  assert.is(backend().arena.usage().weights, before);
});

test('special numbers', () => {
  const row = Float32Array.of(Number.NaN, 1);
  const relu = { min: 0, max: 6 };
  assert.equal([...matmul(row, Float32Array.of(1, 1), 1, 2, 1, relu)], [Number.NaN]);
  const large = Float32Array.of(3e38, 3e38);
  assert.equal([...matmul(large, Float32Array.of(1, 1), 1, 2, 1)], [Infinity]);
  assert.equal([...matmul(large, Float32Array.of(1, 1), 1, 2, 1, relu)], [6]);
  const none = new Float32Array(0);
  assert.equal([...matmul(none, none, 1, 0, 2, { bias: Float32Array.of(3, 4) })], [3, 4]);
  assert.equal([...matmul(none, none, 2, 0, 1, { c: row })], [Number.NaN, 1]);
  assert.is(matmul(none, noise(6, 1), 0, 2, 3).length, 0);
});

test('known answer, and a result that overwrites c', () => {
  const a = Float32Array.of(1, 2, 3, 4, 5, 6);
  const b = Float32Array.of(7, 8, 9, 10, 11, 12);
  assert.equal([...matmul(a, b, 2, 3, 2)], [58, 64, 139, 154]);
  const c = Float32Array.of(1, 1, 2, 2);
  assert.is(matmul(a, b, 2, 3, 2, { c, beta: 10, output: c }), c);
  assert.equal([...c], [68, 74, 159, 174]);
});

test('misuse', () => {
  const x = noise(4, 1);
  const doubles = new Float64Array(4) as unknown as Float32Array;
  assert.throws(() => matmul(doubles, x, 2, 2, 2), TypeError);
  assert.throws(() => matmul(x, doubles, 2, 2, 2), TypeError);
  assert.throws(() => matmul(x, x, 2, 3, 2), RangeError);
  assert.throws(() => matmul(x, x, 2, 2, 3), RangeError);
  assert.throws(() => matmul(x, x, -2, -2, 2), RangeError);
  assert.throws(() => matmul(x, x, 1.5, 2, 2), RangeError);
  assert.throws(() => matmul(new Float32Array(0), x, 2 ** 31, 0, 2 ** 31), RangeError);
  assert.throws(() => matmul(x, x, 2, 2, 2, { bias: x }), RangeError);
  assert.throws(() => matmul(x, x, 2, 2, 2, { c: noise(3, 1) }), RangeError);
  assert.throws(() => matmul(x, x, 2, 2, 2, { min: 1, max: 0 }), RangeError);
  assert.throws(() => matmul(x, x, 2, 2, 2, { min: Number.NaN }), RangeError);
  assert.throws(() => packMatrix(x, 3, 2), RangeError);
  assert.throws(() => batchedMatmul(x, [2, 2], x, [4, 1]), RangeError);
  assert.throws(() => batchedMatmul(x, [2, 1, 2], x, [3, 2, 1]), RangeError);
  assert.throws(() => batchedMatmul(x, [], x, [4]), RangeError);
});

test('batches: shapes as numpy broadcasts them', () => {
  const cases: [a: number[], b: number[], shape: number[]][] = [
    [
      [2, 3, 4],
      [4, 5],
      [2, 3, 5],
    ],
    [
      [3, 4],
      [2, 4, 5],
      [2, 3, 5],
    ],
    [
      [2, 1, 3, 4],
      [5, 4, 2],
      [2, 5, 3, 2],
    ],
    [
      [2, 5, 3, 4],
      [1, 1, 4, 2],
      [2, 5, 3, 2],
    ],
    [[4], [4], []],
    [[4], [3, 4, 2], [3, 2]],
    [[3, 2, 4], [4], [3, 2]],
    [
      [0, 3, 4],
      [4, 5],
      [0, 3, 5],
    ],
  ];
  for (const [aShape, bShape, shape] of cases) {
    assert.equal(batchedMatmulShape(aShape, bShape), shape);
    const volume = (sizes: number[]): number => sizes.reduce((x, y) => x * y, 1);
    const a = noise(volume(aShape), 1);
    const b = noise(volume(bShape), 2);
    const got = batchedMatmul(a, aShape, b, bShape);
    assert.is(got.length, volume(shape));
    const [m, k] = [aShape.length > 1 ? aShape.at(-2)! : 1, aShape.at(-1)!];
    const n = bShape.length > 1 ? bShape.at(-1)! : 1;
    const batch = shape.slice(0, Math.max(aShape.length, bShape.length, 2) - 2);
    for (let i = 0; i < volume(batch); i++) {
      const left = offset(i, batch, aShape.slice(0, -2)) * m * k;
      const right = offset(i, batch, bShape.slice(0, -2)) * k * n;
      const want = naive(
        a.subarray(left, left + m * k),
        b.subarray(right, right + k * n),
        m,
        k,
        n,
        {},
      );
      assert.ok(errorOf(got.subarray(i * m * n, (i + 1) * m * n), want, k) <= 1, `${aShape}`);
    }
  }
  const x = noise(24, 3);
  const y = noise(24, 4);
  const options = { transposeA: true, transposeB: true, bias: noise(3, 5), min: 0 };
  const got = batchedMatmul(x, [2, 4, 3], y, [2, 3, 4], options);
  assert.equal(got.slice(9), matmul(x.subarray(12), y.subarray(12), 3, 4, 3, options));
});

/** Index into leading axes that repeat where they are 1 or missing. */
function offset(flat: number, batch: number[], own: number[]): number {
  const index: number[] = [];
  for (let axis = batch.length - 1, rest = flat; axis >= 0; axis--) {
    index.unshift(rest % batch[axis]!);
    rest = Math.floor(rest / batch[axis]!);
  }
  const kept = index.slice(batch.length - own.length);
  return own.reduce((at, size, axis) => at * size + (size === 1 ? 0 : kept[axis]!), 0);
}

test.run();
