// Householder QR, Cholesky, triangular solve and one-sided Jacobi in f64.
import { dot, reflected, scale, subtract } from './vector64';

/** A P = Q R for A [m, n] kept as its columns, a [n, m]: R[j, r] is then a[r, j] for r ≥ j, and a[j, j + 1 …] is
 *  v_j after its 1 (H_j = I − tau_j v_j v_jᵀ, Q = H_0 H_1 …, min(m, n) of them). With `pivot` 1 the longest column
 *  comes first, ties the first of them; order[j] is the column of A that became the j-th.
 *  Entries should be around 1. Source: Businger & Golub 1965. */
export function f64_qr(a: usize, tau: usize, order: usize, n: u32, m: u32, pivot: u32): void {
  const stride = m << 3;
  for (let j: u32 = 0; j < n; j++) store<u32>(order + (j << 2), j);
  const steps = min(n, m);
  for (let j: u32 = 0; j < steps; j++) {
    const rest = m - j - 1;
    if (pivot) {
      let best = j;
      let most: f64 = -1;
      for (let r = j; r < n; r++) {
        const x = a + r * stride + (j << 3);
        const squares = dot(x, x, rest + 1);
        if (squares > most) {
          most = squares;
          best = r;
        }
      }
      if (best !== j) swap(a, order, j, best, m);
    }
    const v = a + j * stride + (j << 3);
    const alpha = load<f64>(v);
    const beta = reflected(alpha, dot(v + 8, v + 8, rest));
    if (beta === 0) {
      store<f64>(tau + (j << 3), 0);
      memory.fill(v + 8, 0, rest << 3);
      continue;
    }
    const t = (beta - alpha) / beta;
    store<f64>(tau + (j << 3), t);
    scale(v + 8, 1 / (alpha - beta), rest);
    store<f64>(v, beta);
    for (let r = j + 1; r < n; r++) reflectFrom(a + r * stride + (j << 3), v, t, rest);
  }
}

/** x −= t (x₀ + v·x) (1, v), with v after its 1 at v + 8. */
// @ts-ignore: decorator
@inline
function reflectFrom(x: usize, v: usize, t: f64, rest: u32): void {
  const s = t * (load<f64>(x) + dot(x + 8, v + 8, rest));
  store<f64>(x, load<f64>(x) - s);
  subtract(x + 8, v + 8, s, rest);
}

function swap(a: usize, order: usize, i: u32, j: u32, m: u32): void {
  let x = a + ((i * m) << 3);
  let y = a + ((j * m) << 3);
  for (let k: u32 = 0; k < m; k++) {
    const t = load<f64>(x);
    store<f64>(x, load<f64>(y));
    store<f64>(y, t);
    x += 8;
    y += 8;
  }
  const t = load<u32>(order + (i << 2));
  store<u32>(order + (i << 2), load<u32>(order + (j << 2)));
  store<u32>(order + (j << 2), t);
}

/** Columns first … first + count − 1 of the orthogonal Q [m, m] of f64_qr, as the rows of q [count, m]. The first
 *  min(n, m) span what A's columns do; the others are their complement. Columns beyond m are 0. */
export function f64_qr_columns(
  a: usize, tau: usize, q: usize, n: u32, m: u32, first: u32, count: u32,
): void {
  const stride = m << 3;
  const steps = min(n, m);
  memory.fill(q, 0, count * stride);
  for (let r: u32 = 0; r < count; r++) {
    const column = first + r;
    if (column >= m) return;
    const row = q + r * stride;
    store<f64>(row + (column << 3), 1);
    for (let j = min(column + 1, steps); j-- > 0; ) {
      const at = j << 3;
      const t = load<f64>(tau + at);
      if (t !== 0) reflectFrom(row + at, a + j * stride + at, t, m - j - 1);
    }
  }
}

/** A = L Lᵀ: the lower triangle of a [n, n] becomes L, what is above it 0.
 *  @returns 0, or 1 + the row whose pivot was not > 0, where it stopped */
export function f64_cholesky(a: usize, n: u32): u32 {
  const stride = n << 3;
  for (let i: u32 = 0; i < n; i++) {
    const row = a + i * stride;
    for (let j: u32 = 0; j < i; j++) {
      const other = a + j * stride;
      const x = load<f64>(row + (j << 3)) - dot(row, other, j);
      store<f64>(row + (j << 3), x / load<f64>(other + (j << 3)));
    }
    const pivot = load<f64>(row + (i << 3)) - dot(row, row, i);
    if (!(pivot > 0)) return i + 1;
    store<f64>(row + (i << 3), sqrt<f64>(pivot));
    memory.fill(row + (i << 3) + 8, 0, (n - i - 1) << 3);
  }
  return 0;
}

/** x [n, columns] ← op(T)⁻¹ x for the triangle of t [n, n] that `upper` names; op transposes when `transposed` is
 *  1. A zero on the diagonal gives infinities and NaN. */
export function f64_solve_triangular(
  t: usize, x: usize, n: u32, columns: u32, upper: u32, transposed: u32,
): void {
  const across = transposed ? n : 1;
  const down = transposed ? 1 : n;
  const forward = upper === transposed;
  for (let step: u32 = 0; step < n; step++) {
    const i = forward ? step : n - 1 - step;
    const row = x + ((i * columns) << 3);
    for (let k: u32 = 0; k < step; k++) {
      const j = forward ? k : n - 1 - k;
      subtract(row, x + ((j * columns) << 3), load<f64>(t + ((i * down + j * across) << 3)), columns);
    }
    const pivot = load<f64>(t + ((i * n + i) << 3));
    for (let k: u32 = 0; k < columns; k++) {
      store<f64>(row + (k << 3), load<f64>(row + (k << 3)) / pivot);
    }
  }
}

/** Makes the rows of w [n, m] orthogonal by rotations in pairs, which are applied to v [n, count] too, until a sweep
 *  finds no cosine above tolerance. Singular values of a matrix with short and long rows keep their relative
 *  accuracy. squares [n] becomes the Σ of squares of each row.
 *  @returns sweeps done, at most 60
 *  Source: Hestenes 1958; Demmel & Veselić 1992. */
export function f64_jacobi(
  w: usize, v: usize, squares: usize, n: u32, m: u32, count: u32, tolerance: f64,
): u32 {
  const stride = m << 3;
  const other = count << 3;
  let sweep: u32 = 0;
  for (let again = true; again && sweep < 60; sweep++) {
    again = false;
    for (let i: u32 = 0; i < n; i++) {
      const x = w + i * stride;
      store<f64>(squares + (i << 3), dot(x, x, m));
    }
    for (let i: u32 = 0; i + 1 < n; i++) {
      const x = w + i * stride;
      for (let j = i + 1; j < n; j++) {
        const y = w + j * stride;
        const a = load<f64>(squares + (i << 3));
        const b = load<f64>(squares + (j << 3));
        const g = dot(x, y, m);
        if (!(abs(g) > tolerance * (sqrt<f64>(a) * sqrt<f64>(b)))) continue;
        again = true;
        const z = (b - a) / (2 * g);
        const t = abs(z) > 1e100 ? 0.5 / z : copysign<f64>(1, z) / (abs(z) + sqrt<f64>(1 + z * z));
        const c = 1 / sqrt<f64>(1 + t * t);
        turn(x, y, c, c * t, m);
        turn(v + i * other, v + j * other, c, c * t, count);
        store<f64>(squares + (i << 3), max(a - t * g, 0));
        store<f64>(squares + (j << 3), b + t * g);
      }
    }
  }
  for (let i: u32 = 0; i < n; i++) {
    const x = w + i * stride;
    store<f64>(squares + (i << 3), dot(x, x, m));
  }
  return sweep;
}

/** (x, y) ← (c x − s y, s x + c y). */
function turn(x: usize, y: usize, c: f64, s: f64, count: u32): void {
  const cs = f64x2.splat(c);
  const ss = f64x2.splat(s);
  let i: u32 = 0;
  for (; i + 2 <= count; i += 2) {
    const at = i << 3;
    const p = v128.load(x + at);
    const q = v128.load(y + at);
    v128.store(x + at, f64x2.sub(f64x2.mul(cs, p), f64x2.mul(ss, q)));
    v128.store(y + at, f64x2.add(f64x2.mul(ss, p), f64x2.mul(cs, q)));
  }
  if (i < count) {
    const at = i << 3;
    const p = load<f64>(x + at);
    const q = load<f64>(y + at);
    store<f64>(x + at, c * p - s * q);
    store<f64>(y + at, s * p + c * q);
  }
}
