// Symmetric eigenvalues in f64: Householder tridiagonalization and implicit QL.
import { dot, reflected, scale, subtract } from './vector64';

/** A = Q T Qᵀ with T tridiagonal: a [n, n], of which the lower triangle is read, becomes the reflectors: row i holds
 *  v_i [i] with v_i[i − 1] = 1, H_i = I − tau_i v_i v_iᵀ, Q = H_{n−1} … H_1. d is T's diagonal, e what is below it
 *  (e[n − 1] = 0). Entries should be around 1: those below 1e-140 count as 0.
 *  The rank-2 update of a row and its product with the next reflector are one pass over the matrix.
 *  Source: Martin, Reinsch & Wilkinson 1968 (tred2). */
export function f64_tridiagonalize(
  a: usize, d: usize, e: usize, tau: usize, scratch: usize, n: u32,
): void {
  if (n === 0) return;
  const w = scratch;
  const p = scratch + (n << 3);
  memory.fill(w, 0, n << 3);
  store<f64>(e + ((n - 1) << 3), 0);
  store<f64>(tau, 0);
  let before = w;
  for (let i = n - 1; i > 0; i--) {
    const row = a + ((i * n) << 3);
    subtract(row, w, load<f64>(before + (i << 3)), i + 1);
    subtract(row, before, load<f64>(w + (i << 3)), i + 1);
    store<f64>(d + (i << 3), load<f64>(row + (i << 3)));
    const last = (i - 1) << 3;
    const alpha = load<f64>(row + last);
    const beta = reflected(alpha, dot(row, row, i - 1));
    let t: f64 = 0;
    if (beta !== 0) {
      t = (beta - alpha) / beta;
      scale(row, 1 / (alpha - beta), i - 1);
    }
    store<f64>(row + last, 1);
    store<f64>(tau + (i << 3), t);
    store<f64>(e + last, beta !== 0 ? beta : alpha);
    updateAndMultiply(a, before, w, row, p, i, n << 3);
    // w = p − (pᵀv / 2) v for p = tau A v: A − v wᵀ − w vᵀ = H A H.
    scale(p, t, i);
    const half = 0.5 * t * dot(p, row, i);
    subtract(p, row, half, i);
    memory.copy(w, p, i << 3);
    before = row;
  }
  store<f64>(d, load<f64>(a));
}

/** Rows 0 … size − 1 of the lower triangle: a −= v wᵀ + w vᵀ, then p = a u. Rows go in pairs. */
function updateAndMultiply(
  a: usize, v: usize, w: usize, u: usize, p: usize, size: u32, stride: usize,
): void {
  let row0 = a;
  for (let r: u32 = 0; r < size; r += 2) {
    const both = r + 1 < size;
    // Without a second row the first is done twice in its place, and nothing of it is kept.
    const row1 = both ? row0 + stride : row0;
    const at = r << 3;
    const next = both ? at + 8 : at;
    const v0 = load<f64>(v + at);
    const w0 = load<f64>(w + at);
    const u0 = load<f64>(u + at);
    const v1 = load<f64>(v + next);
    const w1 = load<f64>(w + next);
    const u1 = load<f64>(u + next);
    let sum0: f64;
    let sum1: f64 = 0;
    if (both) {
      const vs0 = f64x2.splat(v0);
      const ws0 = f64x2.splat(w0);
      const us0 = f64x2.splat(u0);
      const vs1 = f64x2.splat(v1);
      const ws1 = f64x2.splat(w1);
      const us1 = f64x2.splat(u1);
      let s0 = f64x2.splat(0);
      let s1 = s0;
      for (let j: usize = 0; j < at; j += 16) {
        // All loads come first: of rows 4 KiB apart, one would wait for the other's store.
        const vj = v128.load(v + j);
        const wj = v128.load(w + j);
        const a0 = v128.load(row0 + j);
        const a1 = v128.load(row1 + j);
        const x0 = f64x2.sub(f64x2.sub(a0, f64x2.mul(vs0, wj)), f64x2.mul(ws0, vj));
        const x1 = f64x2.sub(f64x2.sub(a1, f64x2.mul(vs1, wj)), f64x2.mul(ws1, vj));
        const uj = v128.load(u + j);
        const pj = f64x2.add(f64x2.add(v128.load(p + j), f64x2.mul(x0, us0)), f64x2.mul(x1, us1));
        s0 = f64x2.add(s0, f64x2.mul(x0, uj));
        s1 = f64x2.add(s1, f64x2.mul(x1, uj));
        v128.store(row0 + j, x0);
        v128.store(row1 + j, x1);
        v128.store(p + j, pj);
      }
      sum0 = f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1);
      sum1 = f64x2.extract_lane(s1, 0) + f64x2.extract_lane(s1, 1);
    } else {
      sum0 = 0;
      for (let j: usize = 0; j < at; j += 8) {
        const x = load<f64>(row0 + j) - v0 * load<f64>(w + j) - w0 * load<f64>(v + j);
        store<f64>(row0 + j, x);
        sum0 += x * load<f64>(u + j);
        store<f64>(p + j, load<f64>(p + j) + x * u0);
      }
    }
    const x00 = load<f64>(row0 + at) - v0 * w0 - w0 * v0;
    store<f64>(row0 + at, x00);
    sum0 += x00 * u0;
    if (both) {
      const x10 = load<f64>(row1 + at) - v1 * w0 - w1 * v0;
      const x11 = load<f64>(row1 + next) - v1 * w1 - w1 * v1;
      store<f64>(row1 + at, x10);
      store<f64>(row1 + next, x11);
      sum0 += x10 * u1;
      sum1 += x10 * u0 + x11 * u1;
      store<f64>(p + next, sum1);
    }
    store<f64>(p + at, sum0);
    row0 += stride << 1;
  }
}

// @ts-ignore: decorator
@inline
const mostSweeps: u32 = 64;

/** T = S D Sᵀ for the tridiagonal T of diagonal d and off-diagonal e[0 … n − 2]: d becomes the eigenvalues, in no
 *  order, e is used up, and z becomes Sᵀ z, one eigenvector in a row, in panels of 8 columns [panels][n][8].
 *  Rotations are logged and applied to a panel while it is in the first cache; `log` holds 64 sweeps.
 *  @returns 0, or 1 + the place that did not converge in 60 sweeps
 *  Source: Dubrulle, Martin & Wilkinson 1968 (implicit QL). */
export function f64_tridiagonal_ql(
  d: usize, e: usize, z: usize, log: usize, sweeps: usize, n: u32, panels: u32,
): u32 {
  let logged: u32 = 0;
  let at = log;
  for (let l: u32 = 0; l < n; l++) {
    for (let round: u32 = 0; ; round++) {
      let m = l;
      for (; m + 1 < n; m++) {
        const scale = abs(load<f64>(d + (m << 3))) + abs(load<f64>(d + (m << 3), 8));
        if (abs(load<f64>(e + (m << 3))) <= 1.1102230246251565e-16 * scale + 1e-150) break;
      }
      if (m === l) break;
      if (round === 60) return l + 1;
      const dl = load<f64>(d + (l << 3));
      const el = load<f64>(e + (l << 3));
      const shift = (load<f64>(d + (l << 3), 8) - dl) / (2 * el);
      const root = abs(shift) > 1e100 ? abs(shift) : sqrt<f64>(shift * shift + 1);
      let g = load<f64>(d + (m << 3)) - dl + el / (shift + copysign<f64>(root, shift));
      let s: f64 = 1;
      let c: f64 = 1;
      let p: f64 = 0;
      let i = m;
      let count: u32 = 0;
      while (i > l) {
        i--;
        const ei = load<f64>(e + (i << 3));
        const f = s * ei;
        const b = c * ei;
        const r = length(f, g);
        store<f64>(e + (i << 3), r, 8);
        if (r === 0) {
          store<f64>(d + (i << 3), load<f64>(d + (i << 3), 8) - p, 8);
          break;
        }
        s = f / r;
        c = g / r;
        g = load<f64>(d + (i << 3), 8) - p;
        const x = (load<f64>(d + (i << 3)) - g) * s + 2 * c * b;
        p = s * x;
        store<f64>(d + (i << 3), g + p, 8);
        g = c * x - b;
        store<f64>(at, c);
        store<f64>(at, s, 8);
        at += 16;
        count++;
      }
      if (count === m - l) {
        store<f64>(d + (l << 3), load<f64>(d + (l << 3)) - p);
        store<f64>(e + (l << 3), g);
      }
      store<f64>(e + (m << 3), 0);
      store<u32>(sweeps + (logged << 3), m);
      store<u32>(sweeps + (logged << 3), count, 4);
      logged++;
      if (logged === mostSweeps) {
        rotate(z, log, sweeps, logged, n, panels);
        logged = 0;
        at = log;
      }
    }
  }
  rotate(z, log, sweeps, logged, n, panels);
  return 0;
}

// √(x² + y²) also where squares underflow.
// @ts-ignore: decorator
@inline
function length(x: f64, y: f64): f64 {
  const most = max(abs(x), abs(y));
  if (most > 1e-130) return sqrt<f64>(x * x + y * y);
  if (most === 0) return 0;
  const a = x / most;
  const b = y / most;
  return most * sqrt<f64>(a * a + b * b);
}

/** Applies logged sweeps of rotations of rows (i, i + 1), from the bottom up; the row between stays in registers. */
function rotate(z: usize, log: usize, sweeps: usize, count: u32, n: u32, panels: u32): void {
  for (; panels > 0; panels--) {
    let at = log;
    for (let k: u32 = 0; k < count; k++) {
      let row = z + (load<u32>(sweeps + (k << 3)) << 6);
      let x0 = v128.load(row);
      let x1 = v128.load(row, 16);
      let x2 = v128.load(row, 32);
      let x3 = v128.load(row, 48);
      for (let left = load<u32>(sweeps + (k << 3), 4); left > 0; left--) {
        const c = v128.load64_splat(at);
        const s = v128.load64_splat(at, 8);
        at += 16;
        const above = row - 64;
        const y0 = v128.load(above);
        v128.store(row, f64x2.add(f64x2.mul(s, y0), f64x2.mul(c, x0)));
        x0 = f64x2.sub(f64x2.mul(c, y0), f64x2.mul(s, x0));
        const y1 = v128.load(above, 16);
        v128.store(row, f64x2.add(f64x2.mul(s, y1), f64x2.mul(c, x1)), 16);
        x1 = f64x2.sub(f64x2.mul(c, y1), f64x2.mul(s, x1));
        const y2 = v128.load(above, 32);
        v128.store(row, f64x2.add(f64x2.mul(s, y2), f64x2.mul(c, x2)), 32);
        x2 = f64x2.sub(f64x2.mul(c, y2), f64x2.mul(s, x2));
        const y3 = v128.load(above, 48);
        v128.store(row, f64x2.add(f64x2.mul(s, y3), f64x2.mul(c, x3)), 48);
        x3 = f64x2.sub(f64x2.mul(c, y3), f64x2.mul(s, x3));
        row = above;
      }
      v128.store(row, x0);
      v128.store(row, x1, 16);
      v128.store(row, x2, 32);
      v128.store(row, x3, 48);
    }
    z += n << 6;
  }
}

/** Panels of 8 columns [ceil(n / 8)][rows][8] of x [rows, n], or back when `back` is 1. Columns beyond n are 0. */
export function f64_panels(x: usize, panels: usize, rows: u32, n: u32, back: u32): void {
  const stride = n << 3;
  for (let j: u32 = 0; j < n; j += 8) {
    let row = x + (j << 3);
    const bytes = min(n - j, 8) << 3;
    for (let r: u32 = 0; r < rows; r++) {
      if (back) memory.copy(row, panels, bytes);
      else {
        if (bytes < 64) memory.fill(panels, 0, 64);
        memory.copy(panels, row, bytes);
      }
      row += stride;
      panels += 64;
    }
  }
}
