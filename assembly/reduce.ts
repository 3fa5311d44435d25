// Reductions over f32. Accumulators have a fixed order, so results are the same bits in every engine.

// @ts-ignore: decorator
@inline
function promoteHigh(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3));
}

// @ts-ignore: decorator
@inline
function lanes(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

// @ts-ignore: decorator
@inline
function lower(v: v128): f32 {
  const pair = f32x4.pmin(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmin(pair, v128.shuffle<f32>(pair, pair, 1, 0, 3, 2)), 0);
}

// @ts-ignore: decorator
@inline
function upper(v: v128): f32 {
  const pair = f32x4.pmax(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(pair, v128.shuffle<f32>(pair, pair, 1, 0, 3, 2)), 0);
}

/** Lowers least[] and raises greatest[], one for each block of [outer, length] (of the first slab when
 *  `shared`). NaN is passed over and returns 1; a zero is always +0.
 *  pmin(kept, x) ignores a NaN in x and is one instruction; f32x4.min is eight times slower on x64. */
export function f32_min_max_runs(
  x: usize, least: usize, greatest: usize, outer: u32, length: u32, block: u32, shared: u32,
): u32 {
  let nan = i32x4.splat(0);
  for (; outer > 0; outer--) {
    let a = least;
    let b = greatest;
    for (let left = length; left > 0; ) {
      const n = min(left, block);
      let low = v128.load32_splat(a);
      let high = v128.load32_splat(b);
      let i: u32 = 0;
      if (n >= 16) {
        let low1 = low;
        let low2 = low;
        let low3 = low;
        let high1 = high;
        let high2 = high;
        let high3 = high;
        for (; i + 16 <= n; i += 16) {
          const at = x + (i << 2);
          const v0 = v128.load(at);
          const v1 = v128.load(at, 16);
          const v2 = v128.load(at, 32);
          const v3 = v128.load(at, 48);
          low = f32x4.pmin(low, v0);
          high = f32x4.pmax(high, v0);
          low1 = f32x4.pmin(low1, v1);
          high1 = f32x4.pmax(high1, v1);
          low2 = f32x4.pmin(low2, v2);
          high2 = f32x4.pmax(high2, v2);
          low3 = f32x4.pmin(low3, v3);
          high3 = f32x4.pmax(high3, v3);
          nan = v128.or(nan, v128.or(f32x4.ne(v0, v0), f32x4.ne(v1, v1)));
          nan = v128.or(nan, v128.or(f32x4.ne(v2, v2), f32x4.ne(v3, v3)));
        }
        low = f32x4.pmin(f32x4.pmin(low, low1), f32x4.pmin(low2, low3));
        high = f32x4.pmax(f32x4.pmax(high, high1), f32x4.pmax(high2, high3));
      }
      for (; i < n; ) {
        // Four at a time; the last four overlap what was seen.
        const v = n >= 4 ? v128.load(x + (min(i, n - 4) << 2)) : v128.load32_splat(x + (i << 2));
        low = f32x4.pmin(low, v);
        high = f32x4.pmax(high, v);
        nan = v128.or(nan, f32x4.ne(v, v));
        i += n >= 4 ? 4 : 1;
      }
      store<f32>(a, lower(low) + 0);
      store<f32>(b, upper(high) + 0);
      x += n << 2;
      a += 4;
      b += 4;
      left -= n;
    }
    if (!shared) {
      least = a;
      greatest = b;
    }
  }
  return v128.any_true(nan) ? 1 : 0;
}

/** The same for [outer, length, unit] with one result for each of the `unit` columns of a block. Four rows in a
 *  pass; at the end the last row counts again, which changes nothing. */
export function f32_min_max_rows(
  x: usize, least: usize, greatest: usize, outer: u32, length: u32, block: u32, unit: u32,
): u32 {
  const zero = f32x4.splat(0);
  const stride = unit << 2;
  let nan = i32x4.splat(0);
  for (; outer > 0; outer--) {
    for (let left = length; left > 0; ) {
      const n = min(left, block);
      for (let r: u32 = 0; r < n; r += 4) {
        const x0 = x + r * stride;
        const x1 = x + min(r + 1, n - 1) * stride;
        const x2 = x + min(r + 2, n - 1) * stride;
        const x3 = x + min(r + 3, n - 1) * stride;
        for (let i: u32 = 0; i < unit; ) {
          const whole = unit >= 4;
          // The last four columns overlap those before.
          const at = (whole ? min(i, unit - 4) : i) << 2;
          const v0 = whole ? v128.load(x0 + at) : v128.load32_splat(x0 + at);
          const v1 = whole ? v128.load(x1 + at) : v128.load32_splat(x1 + at);
          const v2 = whole ? v128.load(x2 + at) : v128.load32_splat(x2 + at);
          const v3 = whole ? v128.load(x3 + at) : v128.load32_splat(x3 + at);
          let low = whole ? v128.load(least + at) : v128.load32_splat(least + at);
          let high = whole ? v128.load(greatest + at) : v128.load32_splat(greatest + at);
          low = f32x4.pmin(f32x4.pmin(f32x4.pmin(f32x4.pmin(low, v0), v1), v2), v3);
          high = f32x4.pmax(f32x4.pmax(f32x4.pmax(f32x4.pmax(high, v0), v1), v2), v3);
          nan = v128.or(nan, v128.or(f32x4.ne(v0, v0), f32x4.ne(v1, v1)));
          nan = v128.or(nan, v128.or(f32x4.ne(v2, v2), f32x4.ne(v3, v3)));
          low = f32x4.add(low, zero);
          high = f32x4.add(high, zero);
          if (whole) {
            v128.store(least + at, low);
            v128.store(greatest + at, high);
            i += 4;
          } else {
            store<f32>(least + at, f32x4.extract_lane(low, 0));
            store<f32>(greatest + at, f32x4.extract_lane(high, 0));
            i += 1;
          }
        }
      }
      x += n * stride;
      least += stride;
      greatest += stride;
      left -= n;
    }
  }
  return v128.any_true(nan) ? 1 : 0;
}

/** moments[2] = mean and Σ(x − mean)², in f64, in two passes. count ≥ 1. */
export function f32_moments(x: usize, moments: usize, count: u32): void {
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let sum2 = f64x2.splat(0);
  let sum3 = f64x2.splat(0);
  let i: u32 = 0;
  for (; i + 8 <= count; i += 8) {
    const a = v128.load(x + (i << 2));
    const b = v128.load(x + (i << 2), 16);
    sum0 = f64x2.add(sum0, f64x2.promote_low_f32x4(a));
    sum1 = f64x2.add(sum1, promoteHigh(a));
    sum2 = f64x2.add(sum2, f64x2.promote_low_f32x4(b));
    sum3 = f64x2.add(sum3, promoteHigh(b));
  }
  let sum = lanes(f64x2.add(f64x2.add(sum0, sum1), f64x2.add(sum2, sum3)));
  for (; i < count; i++) sum += <f64>load<f32>(x + (i << 2));
  const mean = sum / <f64>count;
  const means = f64x2.splat(mean);

  sum0 = f64x2.splat(0);
  sum1 = f64x2.splat(0);
  sum2 = f64x2.splat(0);
  sum3 = f64x2.splat(0);
  for (i = 0; i + 8 <= count; i += 8) {
    const a = v128.load(x + (i << 2));
    const b = v128.load(x + (i << 2), 16);
    const d0 = f64x2.sub(f64x2.promote_low_f32x4(a), means);
    const d1 = f64x2.sub(promoteHigh(a), means);
    const d2 = f64x2.sub(f64x2.promote_low_f32x4(b), means);
    const d3 = f64x2.sub(promoteHigh(b), means);
    sum0 = f64x2.add(sum0, f64x2.mul(d0, d0));
    sum1 = f64x2.add(sum1, f64x2.mul(d1, d1));
    sum2 = f64x2.add(sum2, f64x2.mul(d2, d2));
    sum3 = f64x2.add(sum3, f64x2.mul(d3, d3));
  }
  let squares = lanes(f64x2.add(f64x2.add(sum0, sum1), f64x2.add(sum2, sum3)));
  for (; i < count; i++) {
    const d = <f64>load<f32>(x + (i << 2)) - mean;
    squares += d * d;
  }
  store<f64>(moments, mean);
  store<f64>(moments, squares, 8);
}

/** sums[2] = Σa² and Σ(a − b)², in f64. */
export function f32_squared_error(a: usize, b: usize, sums: usize, count: u32): void {
  let signal0 = f64x2.splat(0);
  let signal1 = f64x2.splat(0);
  let noise0 = f64x2.splat(0);
  let noise1 = f64x2.splat(0);
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) {
    const va = v128.load(a + (i << 2));
    const vb = v128.load(b + (i << 2));
    const a0 = f64x2.promote_low_f32x4(va);
    const a1 = promoteHigh(va);
    const d0 = f64x2.sub(a0, f64x2.promote_low_f32x4(vb));
    const d1 = f64x2.sub(a1, promoteHigh(vb));
    signal0 = f64x2.add(signal0, f64x2.mul(a0, a0));
    signal1 = f64x2.add(signal1, f64x2.mul(a1, a1));
    noise0 = f64x2.add(noise0, f64x2.mul(d0, d0));
    noise1 = f64x2.add(noise1, f64x2.mul(d1, d1));
  }
  let signal = lanes(f64x2.add(signal0, signal1));
  let noise = lanes(f64x2.add(noise0, noise1));
  for (; i < count; i++) {
    const va = <f64>load<f32>(a + (i << 2));
    const d = va - <f64>load<f32>(b + (i << 2));
    signal += va * va;
    noise += d * d;
  }
  store<f64>(sums, signal);
  store<f64>(sums, noise, 8);
}

/** counts[min(trunc(|x| · factor), bins − 1)] += 1, in f32; NaN is not counted. `scratch` holds 4·(bins + 1)
 *  words: four private histograms, as one would wait for its own last store, and a place for NaN. */
export function f32_abs_histogram(
  x: usize, counts: usize, scratch: usize, count: u32, bins: u32, factor: f32,
): void {
  const size = (bins + 1) << 2;
  memory.fill(scratch, 0, size << 2);
  const factors = f32x4.splat(factor);
  const last = f32x4.splat(<f32>(bins - 1));
  const nowhere = i32x4.splat(bins);
  const h1 = scratch + size;
  const h2 = h1 + size;
  const h3 = h2 + size;
  let i: u32 = 0;
  for (; i < count; ) {
    const whole = i + 4 <= count;
    const v = whole ? v128.load(x + (i << 2)) : v128.load32_splat(x + (i << 2));
    const scaled = f32x4.pmin(last, f32x4.mul(f32x4.abs(v), factors));
    const bin = v128.bitselect(nowhere, i32x4.trunc_sat_f32x4_s(scaled), f32x4.ne(v, v));
    increment(scratch + (i32x4.extract_lane(bin, 0) << 2));
    if (whole) {
      increment(h1 + (i32x4.extract_lane(bin, 1) << 2));
      increment(h2 + (i32x4.extract_lane(bin, 2) << 2));
      increment(h3 + (i32x4.extract_lane(bin, 3) << 2));
      i += 4;
    } else {
      i += 1;
    }
  }
  for (i = 0; i < bins; i++) {
    const at = i << 2;
    const total = load<u32>(scratch + at) + load<u32>(h1 + at) + load<u32>(h2 + at) + load<u32>(h3 + at);
    store<u32>(counts + at, load<u32>(counts + at) + total);
  }
}

// @ts-ignore: decorator
@inline
function increment(at: usize): void {
  store<u32>(at, load<u32>(at) + 1);
}
