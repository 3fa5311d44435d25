// Eigenvectors of a diagonal matrix plus one of rank 1, which divide and conquer comes down to.

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
    const dj = load<f64>(d + (j << 3));
    for (let i: u32 = 0; i < n; i++) {
      const at = i << 3;
      const gap = i === j ? 1 : load<f64>(d + at) - dj;
      store<f64>(exact + at, load<f64>(exact + at) * (load<f64>(row + at) / gap));
    }
  }
  for (let i: u32 = 0; i < n; i++) {
    const at = i << 3;
    store<f64>(exact + at, copysign<f64>(sqrt<f64>(abs(load<f64>(exact + at))), load<f64>(z + at)));
  }
  for (let j: u32 = 0; j < n; j++) {
    const row = s + ((j * n) << 3);
    let sum: f64 = 0;
    for (let i: u32 = 0; i < n; i++) {
      const at = i << 3;
      const x = load<f64>(exact + at) / load<f64>(row + at);
      store<f64>(row + at, x);
      sum += x * x;
    }
    const norm = sqrt<f64>(sum);
    for (let i: u32 = 0; i < n; i++) store<f64>(row + (i << 3), load<f64>(row + (i << 3)) / norm);
  }
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
    let psi: f64 = 0;
    let slopeLeft: f64 = 0;
    for (let i: u32 = 0; i <= left; i++) {
      const zi = load<f64>(z + (i << 3));
      const x = zi / (load<f64>(d + (i << 3)) - origin - t);
      psi += zi * x;
      slopeLeft += x * x;
    }
    let phi: f64 = 0;
    let slopeRight: f64 = 0;
    for (let i = left + 1; i < n; i++) {
      const zi = load<f64>(z + (i << 3));
      const x = zi / (load<f64>(d + (i << 3)) - origin - t);
      phi += zi * x;
      slopeRight += x * x;
    }
    const f = 1 + rho * (psi + phi);
    slopeLeft *= rho;
    slopeRight *= rho;
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
