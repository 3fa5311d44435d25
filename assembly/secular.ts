// Eigenvectors of a diagonal matrix plus one of rank 1, which divide and conquer comes down to.
import { dot, scale } from './vector64';

/** D + rho z zᵀ = Sᵀ diag(lambda) S for d strictly ascending, rho > 0 and no z of 0: rows of s [n, n] are the
 *  eigenvectors, lambda [n] their values, ascending. Roots of the secular equation by Li's middle way within
 *  brackets; vectors from the z for which those roots are exact, so that they are orthogonal.
 *  Source: Li 1993 (LAPACK Working Note 89); Gu & Eisenstat 1994. */
export function f64_secular(
  d: usize, z: usize, lambda: usize, s: usize, exact: usize, n: u32, rho: f64,
): void {
  for (let j: u32 = 0; j < n; j++) root(d, z, lambda, s + ((j * n) << 3), n, j, rho);
  // exact_i² = Π_j (d_i − λ_j) / Π_{j ≠ i} (d_i − d_j), of which only ratios matter.
  for (let i: u32 = 0; i < n; i++) store<f64>(exact + (i << 3), 1);
  for (let j: u32 = 0; j < n; j++) {
    const row = s + ((j * n) << 3);
    const at = j << 3;
    const own = load<f64>(exact + at) * load<f64>(row + at);
    // Nothing comes of what is done to exact_j.
    scaleByGaps(exact, row, d, load<f64>(d + at), n);
    store<f64>(exact + at, own);
  }
  for (let i: u32 = 0; i < n; i++) {
    const at = i << 3;
    store<f64>(exact + at, copysign<f64>(sqrt<f64>(abs(load<f64>(exact + at))), load<f64>(z + at)));
  }
  for (let j: u32 = 0; j < n; j++) {
    const row = s + ((j * n) << 3);
    let i: u32 = 0;
    for (; i + 2 <= n; i += 2) {
      const at = row + (i << 3);
      v128.store(at, f64x2.div(v128.load(exact + (i << 3)), v128.load(at)));
    }
    if (i < n) store<f64>(row + (i << 3), load<f64>(exact + (i << 3)) / load<f64>(row + (i << 3)));
    scale(row, 1 / sqrt<f64>(dot(row, row, n)), n);
  }
}

/** exact_i *= row_i / (d_i − from). */
function scaleByGaps(exact: usize, row: usize, d: usize, from: f64, n: u32): void {
  const origin = f64x2.splat(from);
  let i: u32 = 0;
  for (; i + 2 <= n; i += 2) {
    const at = i << 3;
    const share = f64x2.div(v128.load(row + at), f64x2.sub(v128.load(d + at), origin));
    v128.store(exact + at, f64x2.mul(v128.load(exact + at), share));
  }
  if (i === n) return;
  const at = i << 3;
  store<f64>(exact + at, load<f64>(exact + at) * (load<f64>(row + at) / (load<f64>(d + at) - from)));
}

/** Of the poles from … to − 1 at t from the origin: Σ z² / (d − λ) and Σ z² / (d − λ)², a lane each. */
function poles(d: usize, z: usize, origin: f64, t: f64, from: u32, to: u32): v128 {
  const origins = f64x2.splat(origin);
  const ts = f64x2.splat(t);
  let sums = f64x2.splat(0);
  let slopes = sums;
  let i = from;
  for (; i + 2 <= to; i += 2) {
    const zi = v128.load(z + (i << 3));
    const x = f64x2.div(zi, f64x2.sub(f64x2.sub(v128.load(d + (i << 3)), origins), ts));
    sums = f64x2.add(sums, f64x2.mul(zi, x));
    slopes = f64x2.add(slopes, f64x2.mul(x, x));
  }
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  let slope = f64x2.extract_lane(slopes, 0) + f64x2.extract_lane(slopes, 1);
  if (i < to) {
    const zi = load<f64>(z + (i << 3));
    const x = zi / (load<f64>(d + (i << 3)) - origin - t);
    sum += zi * x;
    slope += x * x;
  }
  return f64x2.replace_lane(f64x2.splat(sum), 1, slope);
}

/** lambda_j, and d_i − lambda_j in `row`, to full relative accuracy: both are kept from the nearer pole. */
function root(d: usize, z: usize, lambda: usize, row: usize, n: u32, j: u32, rho: f64): void {
  const last = j === n - 1;
  const dj = load<f64>(d + (j << 3));
  let width: f64;
  if (last) {
    width = 0;
    for (let i: u32 = 0; i < n; i++) width += load<f64>(z + (i << 3)) * load<f64>(z + (i << 3));
    width *= rho;
    if (n === 1) {
      store<f64>(lambda, dj + width);
      store<f64>(row, -width);
      return;
    }
  } else {
    width = load<f64>(d + (j << 3), 8) - dj;
  }
  // The poles beside the root; the last root has two on its left.
  const left = last ? j - 1 : j;
  const right = last ? j : j + 1;
  let origin = dj;
  let t = 0.5 * width;
  let low: f64 = 0;
  // Rounding must not leave the last root outside.
  let high = last ? 1.000001 * width : width;
  for (let step: u32 = 0; step < 100; step++) {
    const before = poles(d, z, origin, t, 0, left + 1);
    const after = poles(d, z, origin, t, left + 1, n);
    const psi = f64x2.extract_lane(before, 0);
    const phi = f64x2.extract_lane(after, 0);
    const f = 1 + rho * (psi + phi);
    const slopeLeft = rho * f64x2.extract_lane(before, 1);
    const slopeRight = rho * f64x2.extract_lane(after, 1);
    if (step === 0 && !last && f < 0) {
      // In the right half: from the right pole.
      origin = load<f64>(d + (j << 3), 8);
      t = -0.5 * width;
      low = t;
      high = 0;
    } else if (f < 0) low = t;
    else high = t;
    if (abs(f) <= 8.881784197001252e-16 * (1 + rho * (abs(psi) + abs(phi)))) break;
    const p = load<f64>(d + (left << 3)) - origin - t;
    const q = load<f64>(d + (right << 3)) - origin - t;
    const slope = slopeLeft + slopeRight;
    const a = (p + q) * f - p * q * slope;
    const b = p * q * f;
    let c = f - p * slopeLeft - q * slopeRight;
    if (last) c = abs(c);
    const under = sqrt<f64>(max(a * a - 4 * b * c, 0));
    let change: f64;
    if (last) change = a >= 0 ? (a + under) / (2 * c) : (2 * b) / (a - under);
    else change = a <= 0 ? (a - under) / (2 * c) : (2 * b) / (a + under);
    if (!(f * change < 0)) change = -f / slope;
    let next = t + change;
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (next === t || next === low || next === high) break;
    t = next;
  }
  store<f64>(lambda + (j << 3), origin + t);
  for (let i: u32 = 0; i < n; i++) store<f64>(row + (i << 3), load<f64>(d + (i << 3)) - origin - t);
}
