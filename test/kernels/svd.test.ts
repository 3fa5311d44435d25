import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NumericError } from '../../src/core/errors.ts';
import { eigh, type Svd, svd } from '../../src/kernels/index.ts';
import {
  distance,
  norm,
  orthogonality,
  peerArray,
  peerExpected,
  signsByRule,
  times,
  transposed,
  uniform,
} from './peer-matrices.ts';

const test = suite('svd and eigh');

function rebuilt({ u, s, v }: Svd, m: number, n: number): Float64Array {
  const r = s.length;
  const scaled = u.map((value, at) => value * s[at % r]!);
  return times(scaled, transposed(v, n, r), m, r, n);
}

function checkThin(what: string, a: Float64Array, m: number, n: number, result: Svd): void {
  const r = result.s.length;
  const residual = distance(rebuilt(result, m, n), a);
  assert.ok(residual <= 1e-13 * norm(a), `${what}: residual ${residual / norm(a)}`);
  const left = orthogonality(result.u, m, r);
  const right = orthogonality(result.v, n, r);
  assert.ok(left <= 1e-12 && right <= 1e-12, `${what}: orthogonality ${left}, ${right}`);
  assert.ok(signsByRule(result.u, m, r), `${what}: signs`);
  for (let i = 1; i < r; i++) assert.ok(result.s[i]! <= result.s[i - 1]!, `${what}: order`);
}

test('singular values of 60 digits, with every method', () => {
  const cases = peerExpected<{ name: string; singular_values: string[] }>('svd') ?? [];
  for (const { name, singular_values } of cases) {
    const { data, dims } = peerArray(`svd/${name}`);
    const [m, n] = dims as [number, number];
    for (const method of ['auto', 'gram', 'jacobi', 'randomized'] as const) {
      const result = svd(data, m, n, { method });
      checkThin(`${name}, ${method}`, data, m, n, result);
      result.s.forEach((value, i) => {
        const error = Math.abs(value - Number(singular_values[i]));
        assert.ok(
          error <= 1e-12 * result.s[0]!,
          `${name}, ${method}: value ${i} is off by ${error}`,
        );
      });
    }
  }
});

// Integers times 2^(−20·column); values by mpmath with 80 digits.
const integers = [
  [-2, 9, 8, -5, 2, 6],
  [9, -7, -9, 6, -1, 8],
  [-2, -3, 6, 8, 8, 6],
  [3, -5, -2, -5, 7, 3],
  [-9, -7, -4, 9, -8, 0],
  [-9, -1, 6, 3, 4, 3],
];
const gradedValues = [
  '16.124515496597134449',
  '1.3910373677899918225e-5',
  '7.9866518171409029275e-12',
  '8.702981156967136589e-18',
  '1.0257810936181771634e-24',
  '6.7588394428111570245e-30',
].map(Number);

test('Jacobi keeps the digits of small values of graded matrices', () => {
  const graded = Float64Array.from(
    integers.flatMap((row) => row.map((x, j) => x * 2 ** (-20 * j))),
  );
  for (const [a, name] of [
    [graded, 'columns'],
    [transposed(graded, 6, 6), 'rows'],
  ] as const) {
    const result = svd(a, 6, 6);
    checkThin(name, a, 6, 6, result);
    result.s.forEach((value, i) => {
      const error = Math.abs(value / gradedValues[i]! - 1);
      assert.ok(error < 1e-14, `${name}: value ${i} is off by ${error} of itself`);
    });
  }
});

test('all shapes, and matrices without full rank', () => {
  let seed = 1;
  const shapes = [
    [1, 1],
    [1, 9],
    [9, 1],
    [2, 2],
    [7, 5],
    [33, 33],
    [40, 70],
    [70, 40],
    [130, 129],
  ];
  for (const [m, n] of shapes as [number, number][]) {
    const a = uniform(m * n, seed++);
    for (const method of ['auto', 'gram', 'jacobi'] as const) {
      if (method === 'jacobi' && m > 100) continue;
      checkThin(`${m} × ${n}, ${method}`, a, m, n, svd(a, m, n, { method }));
      const r = Math.ceil(Math.min(m, n) / 3);
      const low = times(uniform(m * r, seed++), uniform(r * n, seed++), m, r, n);
      const result = svd(low, m, n, { method });
      checkThin(`${m} × ${n} of rank ${r}, ${method}`, low, m, n, result);
      assert.ok((result.s[r] ?? 0) <= 1e-13 * result.s[0]!, 'beyond the rank');
    }
  }
  for (const a of [new Float64Array(1600), new Float64Array(1600).fill(-3)]) {
    for (const method of ['gram', 'jacobi', 'randomized'] as const)
      checkThin(`constant, ${method}`, a, 40, 40, svd(a, 40, 40, { method }));
  }
});

test('a spectrum over 16 decades, and scales from 1e-300 to 1e300', () => {
  const n = 60;
  const q = svd(uniform(n * n, 5), n, n);
  const want = Float64Array.from({ length: n }, (_, i) => Number(`1e-${Math.round((16 * i) / n)}`));
  const a = rebuilt({ ...q, s: want }, n, n);
  const result = svd(a, n, n, { method: 'gram' });
  checkThin('16 decades', a, n, n, result);
  for (let i = 0; i < n; i++) assert.ok(Math.abs(result.s[i]! - want[i]!) < 1e-14);
  const small = svd(
    a.map((x) => x * 2 ** -1000),
    n,
    n,
    { method: 'gram' },
  );
  const large = svd(
    a.map((x) => x * 2 ** 1000),
    n,
    n,
    { method: 'gram' },
  );
  assert.equal(large.u, result.u);
  assert.equal(small.v, result.v);
  assert.equal(
    large.s,
    result.s.map((x) => x * 2 ** 1000),
  );
});

test('leading part: that of the whole, or near the best when randomized', () => {
  const [m, n, rank] = [150, 130, 16];
  const a = Float64Array.from(uniform(m * n, 8), (x, at) => x / (1 + (at % n)));
  const whole = svd(a, m, n);
  const tail = norm(whole.s.subarray(rank));
  const leading = svd(a, m, n, { rank, method: 'gram' });
  assert.ok(distance(leading.s, whole.s.subarray(0, rank)) < 1e-13);
  for (const options of [{ rank, method: 'gram' as const }, { rank }, { rank, seed: 9 }]) {
    const part = svd(a, m, n, options);
    assert.is(part.u.length, m * rank);
    assert.is(part.v.length, n * rank);
    const error = distance(rebuilt(part, m, n), a);
    assert.ok(error <= 1.02 * tail, `${JSON.stringify(options)}: ${error / tail} of the best`);
    assert.ok(orthogonality(part.u, m, rank) < 1e-12 && orthogonality(part.v, n, rank) < 1e-12);
  }
  assert.equal(svd(a, m, n, { rank, seed: 9 }), svd(a, m, n, { rank, seed: 9 }));
});

interface LayerCase {
  name: string;
  fro: number;
  singular_values?: number[];
  rank_k_rel_error?: Record<string, number>;
}

test('weights of real layers: values and errors of every rank', () => {
  for (const item of peerExpected<LayerCase>('real-weights') ?? []) {
    if (item.rank_k_rel_error === undefined) continue;
    const { data, dims } = peerArray(`real-weights/${item.name}`);
    const [m, n] = dims as [number, number];
    for (const method of ['auto', 'gram'] as const) {
      const result = svd(Float32Array.from(data), m, n, { method });
      checkThin(item.name, data, m, n, result);
      for (const [k, want] of Object.entries(item.rank_k_rel_error)) {
        const error = norm(result.s.subarray(Number(k))) / norm(data);
        assert.ok(Math.abs(error - want) < 1e-9, `${item.name}, rank ${k}: ${error}, not ${want}`);
      }
    }
  }
});

test('eigh: A V = V Λ, ascending, by the lower triangle', () => {
  for (const n of [1, 2, 3, 17, 64, 101]) {
    const b = uniform(n * n, n);
    const a = Float64Array.from(b, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return b[Math.max(i, j) * n + Math.min(i, j)]!;
    });
    const { values, vectors } = eigh(b, n);
    const right = vectors.map((x, at) => x * values[at % n]!);
    assert.ok(distance(times(a, vectors, n, n, n), right) < 1e-13 * n, `${n}`);
    assert.ok(orthogonality(vectors, n, n) < 1e-13 * n, `${n}`);
    assert.ok(signsByRule(vectors, n, n));
    for (let i = 1; i < n; i++) assert.ok(values[i]! >= values[i - 1]!);
  }
});

/** The lower triangle of a symmetric tridiagonal matrix. */
function tridiagonal(n: number, d: (i: number) => number, e: (i: number) => number): Float32Array {
  const a = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    a[i * (n + 1)] = d(i);
    if (i > 0) a[i * n + i - 1] = e(i);
  }
  return a;
}

test('eigh: second differences have 2 − 2 cos(kπ / (n + 1))', () => {
  for (const n of [33, 50, 257]) {
    const a = tridiagonal(
      n,
      () => 2,
      () => -1,
    );
    eigh(a, n).values.forEach((value, i) => {
      const want = 2 - 2 * Math.cos(((i + 1) * Math.PI) / (n + 1));
      assert.ok(Math.abs(value - want) < 1e-14, `${n}: ${value}, not ${want}`);
    });
  }
});

test('eigh: eigenvalues that are equal, nearly equal, or apart by many decades', () => {
  const n = 100;
  const matrices: Record<string, Float32Array> = {
    identity: tridiagonal(
      n,
      () => 1,
      () => 0,
    ),
    'pairs (Wilkinson)': tridiagonal(
      n,
      (i) => Math.abs(i - 49.5),
      () => 1,
    ),
    'blocks of 2': tridiagonal(
      n,
      () => 3,
      (i) => (i % 2) * -2,
    ),
    'glued by a little': tridiagonal(
      n,
      (i) => i % 20,
      (i) => (i % 20 === 0 ? 1e-9 : 1),
    ),
    graded: tridiagonal(
      n,
      (i) => 2 ** -i,
      (i) => 2 ** -i / 3,
    ),
    'one row': Float32Array.from({ length: n * n }, (_, at) => (at < n * (n - 1) ? 0 : 1)),
  };
  for (const [name, lower] of Object.entries(matrices)) {
    const a = Float64Array.from(lower, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return lower[Math.max(i, j) * n + Math.min(i, j)]!;
    });
    const { values, vectors } = eigh(lower, n);
    const right = vectors.map((x, at) => x * values[at % n]!);
    assert.ok(distance(times(a, vectors, n, n, n), right) < 1e-14 * norm(a), name);
    assert.ok(orthogonality(vectors, n, n) < 1e-13, `${name}: ${orthogonality(vectors, n, n)}`);
    for (let i = 1; i < n; i++) assert.ok(values[i]! >= values[i - 1]!, name);
  }
  eigh(matrices['blocks of 2']!, n).values.forEach((value, i) => {
    assert.ok(Math.abs(value - (i < n / 2 ? 1 : 5)) < 1e-14);
  });
});

test('misuse is refused', () => {
  const a = new Float64Array(6);
  assert.throws(() => svd([1] as unknown as Float64Array, 1, 1), TypeError);
  assert.throws(() => svd(a, 2, 2), RangeError);
  assert.throws(() => svd(a, 0, 6), RangeError);
  assert.throws(() => svd(a, 2 ** 31, 2 ** 31), RangeError);
  assert.throws(() => svd(a, 2, 3, { rank: 3 }), RangeError);
  assert.throws(() => svd(a, 2, 3, { rank: 0 }), RangeError);
  assert.throws(() => svd(a, 2, 3, { method: 'qr' as 'gram' }), RangeError);
  assert.throws(() => eigh(a, 3), RangeError);
  for (const bad of [Number.NaN, Infinity]) {
    const is = (error: unknown): boolean =>
      error instanceof NumericError && error.where === 'a[4]' && error.code === 'E_NOT_FINITE';
    assert.throws(() => svd(Float32Array.of(1, 2, 3, 4, bad, 6), 2, 3), is);
    assert.throws(() => eigh(Float64Array.of(1, 2, 3, 4, bad, 6, 7, 8, 9), 3), is);
  }
});

test.run();
