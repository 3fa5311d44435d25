import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NumericError } from '../../src/core/errors.ts';
import {
  cholesky,
  evbmf,
  qr,
  rankByEnergy,
  rankByError,
  solveTriangular,
  svd,
} from '../../src/kernels/index.ts';
import { log } from '../../src/kernels/linalg/log.ts';
import { distance, norm, orthogonality, times, transposed, uniform } from './peer-matrices.ts';

const isNumericError = (error: unknown): boolean => error instanceof NumericError;

const test = suite('factorizations and ranks');

test('qr: A = Q R, orthonormal, triangular, diagonal ≥ 0, of any shape and rank', () => {
  let seed = 1;
  for (const [m, n] of [
    [1, 1],
    [5, 3],
    [3, 5],
    [40, 40],
    [200, 33],
    [1, 6],
    [6, 1],
  ]) {
    for (const rank of [1, Math.min(m!, n!)]) {
      const a = times(uniform(m! * rank, seed++), uniform(rank * n!, seed++), m!, rank, n!);
      const { q, r } = qr(a, m!, n!);
      const k = Math.min(m!, n!);
      assert.ok(distance(times(q, r, m!, k, n!), a) < 1e-14 * norm(a) * k, `${m} × ${n}`);
      assert.ok(orthogonality(q, m!, k) < 1e-14 * (k + 1));
      for (let i = 0; i < k; i++) {
        assert.ok(r[i * n! + i]! >= 0);
        for (let j = 0; j < i; j++) assert.is(r[i * n! + j], 0);
      }
    }
  }
  // Golub & Van Loan's kind of example, by hand: columns (3, 4) and (1, 2).
  const { q, r } = qr(Float32Array.of(3, 1, 4, 2), 2, 2);
  assert.ok(distance(r, [5, 2.2, 0, 0.4]) < 1e-15);
  assert.ok(distance(q, [0.6, -0.8, 0.8, 0.6]) < 1e-15);
  assert.equal([...qr(new Float64Array(6), 3, 2).r], [0, 0, 0, 0]);
});

test('cholesky: by hand, random, not positive definite', () => {
  assert.equal([...cholesky(Float32Array.of(4, 99, 2, 10), 2)], [2, 0, 1, 3]);
  const n = 61;
  const b = uniform(n * n, 3);
  const a = times(b, transposed(b, n, n), n, n, n);
  const l = cholesky(a, n);
  assert.ok(distance(times(l, transposed(l, n, n), n, n, n), a) < 1e-14 * norm(a));
  const refused = (error: unknown): boolean =>
    error instanceof NumericError &&
    error.code === 'E_NOT_POSITIVE_DEFINITE' &&
    error.where === 'row 1';
  assert.throws(() => cholesky(Float64Array.of(1, 0, 1, 1), 2), refused);
  assert.throws(() => cholesky(Float64Array.of(1, 0, Number.NaN, 1), 2), isNumericError);
});

test('solveTriangular: both triangles, transposed, several right-hand sides', () => {
  const n = 37;
  const t = uniform(n * n, 5).map((x, at) => (at % (n + 1) === 0 ? 2 + x : x / n));
  for (const upper of [false, true]) {
    for (const flip of [false, true]) {
      const kept = t.map((x, at) => {
        const below = Math.floor(at / n) - (at % n);
        return (upper ? below <= 0 : below >= 0) ? x : 0;
      });
      const op = flip ? transposed(kept, n, n) : kept;
      for (const columns of [1, 2, 5]) {
        const want = uniform(n * columns, columns);
        const b = times(op, want, n, n, columns);
        const x = solveTriangular(t, b, n, { columns, upper, transposed: flip });
        assert.ok(distance(x, want) < 1e-13, `${upper} ${flip} ${columns}`);
      }
    }
  }
  const singular = Float64Array.of(1, 0, 5, 0);
  assert.throws(() => solveTriangular(singular, Float64Array.of(1, 2), 2), isNumericError);
  assert.throws(() => solveTriangular(singular, Float64Array.of(1), 2), RangeError);
});

test('rank by energy and by error', () => {
  const s = Float64Array.of(4, 3, 0);
  assert.equal(
    [0, 0.64, 0.641, 1].map((energy) => rankByEnergy(s, energy)),
    [1, 1, 2, 2],
  );
  assert.equal(
    [1, 0.6, 0.599, 0].map((error) => rankByError(s, error)),
    [1, 1, 2, 2],
  );
  assert.is(rankByEnergy(new Float32Array(3), 0.9), 1);
  assert.throws(() => rankByEnergy(s, 1.1), RangeError);
  assert.throws(() => rankByError(s, -1), RangeError);
  assert.throws(() => rankByError(Float64Array.of(1, 2), 0.5), RangeError);
});

test('evbmf finds the rank of a matrix in noise, and none in noise alone', () => {
  const [m, n, rank] = [120, 200, 7];
  const noise = uniform(m * n, 1);
  const signal = times(uniform(m * rank, 2), uniform(rank * n, 3), m, rank, n);
  const a = noise.map((x, i) => 0.5 * x + signal[i]!);
  for (const [matrix, rows, columns] of [
    [a, m, n],
    [transposed(a, m, n), n, m],
  ] as const) {
    const found = evbmf(svd(matrix, rows, columns).s, rows, columns);
    assert.is(found.rank, rank);
    // The variance of a uniform number in (−½, ½).
    assert.ok(Math.abs(found.noiseVariance * 12 - 1) < 0.05, `${found.noiseVariance * 12}`);
  }
  assert.is(evbmf(svd(noise, m, n).s, m, n).rank, 0);
  assert.equal(evbmf(new Float64Array(3), 3, 4), { rank: 0, noiseVariance: 0 });
  assert.ok(evbmf(Float64Array.of(5), 1, 3).rank <= 1);
  assert.throws(() => evbmf(new Float64Array(3), 4, 4), RangeError);
});

test('the logarithm of evbmf is that of the platform but for the last bit', () => {
  for (let exponent = -1074; exponent < 1024; exponent++) {
    for (const fraction of [1, 1.0000001, 1.25, Math.SQRT2, 1.75, 2 - 2 ** -52]) {
      const x = fraction * 2 ** exponent;
      if (x === 0 || x === Infinity) continue;
      const want = Math.log(x);
      assert.ok(Math.abs(log(x) - want) <= 2 ** -52 * Math.abs(want), `${x}`);
    }
  }
});

test.run();
