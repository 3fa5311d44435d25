// Sums and updates of f64 vectors, of which the decompositions are made.

/** Σ x·y in four accumulators. */
export function dot(x: usize, y: usize, count: u32): f64 {
  let sum0 = f64x2.splat(0);
  let sum1 = sum0;
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) {
    const at = i << 3;
    sum0 = f64x2.add(sum0, f64x2.mul(v128.load(x + at), v128.load(y + at)));
    sum1 = f64x2.add(sum1, f64x2.mul(v128.load(x + at, 16), v128.load(y + at, 16)));
  }
  sum0 = f64x2.add(sum0, sum1);
  let sum = f64x2.extract_lane(sum0, 0) + f64x2.extract_lane(sum0, 1);
  for (; i < count; i++) sum += load<f64>(x + (i << 3)) * load<f64>(y + (i << 3));
  return sum;
}

/** y −= factor · x. */
export function subtract(y: usize, x: usize, factor: f64, count: u32): void {
  const factors = f64x2.splat(factor);
  let i: u32 = 0;
  for (; i + 2 <= count; i += 2) {
    const at = i << 3;
    v128.store(y + at, f64x2.sub(v128.load(y + at), f64x2.mul(factors, v128.load(x + at))));
  }
  if (i < count) store<f64>(y + (i << 3), load<f64>(y + (i << 3)) - factor * load<f64>(x + (i << 3)));
}

/** x *= factor. */
export function scale(x: usize, factor: f64, count: u32): void {
  for (let i: u32 = 0; i < count; i++) store<f64>(x + (i << 3), load<f64>(x + (i << 3)) * factor);
}

/** Of a vector with the pivot `alpha` and Σ of the other squares: what the pivot becomes. Zero for a vector too
 *  small to square, which no reflection is for. */
export function reflected(alpha: f64, squares: f64): f64 {
  const norm = alpha * alpha + squares;
  if (squares === 0 || norm < 1e-280) return 0;
  return -copysign<f64>(sqrt<f64>(norm), alpha);
}
