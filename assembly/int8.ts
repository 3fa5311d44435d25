// What surrounds the integer products: activations in the form that the dot product takes, weights in panels,
// sums to levels.
import { levels, put } from './int8-store';


/** y[i] = x[i] with the top bit flipped: 8-bit levels between signed and unsigned. */
export function q8_flip(x: usize, y: usize, count: u32): void {
  const mask = i8x16.splat(-128);
  let i: u32 = 0;
  for (; i + 16 <= count; i += 16) v128.store(y + i, v128.xor(v128.load(x + i), mask));
  for (; i < count; i++) store<u8>(y + i, load<u8>(x + i) ^ 128);
}

/** y[r, i] = x[r, i] − zeros[r], in 16 bits. */
export function q8_widen_rows(x: usize, y: usize, zeros: usize, rows: u32, count: u32, unsigned: u32): void {
  const mask = i8x16.splat(unsigned ? -128 : 0);
  for (; rows > 0; rows--) {
    const zero = load<i32>(zeros) - (unsigned ? 128 : 0);
    const subtract = i16x8.splat(<i16>zero);
    let i: u32 = 0;
    for (; i + 16 <= count; i += 16) {
      const bytes = v128.xor(v128.load(x + i), mask);
      v128.store(y + (i << 1), i16x8.sub(i16x8.extend_low_i8x16_s(bytes), subtract));
      v128.store(y + (i << 1), i16x8.sub(i16x8.extend_high_i8x16_s(bytes), subtract), 16);
    }
    for (; i < count; i++) {
      const level = <i32>load<i8>(x + i);
      const signed = unsigned ? (level & 255) - 128 : level;
      store<i16>(y + (i << 1), <i16>(signed - zero));
    }
    x += count;
    y += count << 1;
    zeros += 4;
  }
}

// @ts-ignore: decorator
@inline
function rows8(from: usize, flip: v128): v128 {
  return v128.xor(v128.load64_zero(from), flip);
}

/** Weights w[column, tap, k] at source + column·strideN + tap·strideTap + k·strideK → panels
 *  [ceil(n/8)][taps][ceil(k/group)][8][group], 0 beyond the ends, and their sum over taps and k for each column.
 *  With `flip`, unsigned weights are made signed by −128. group is 2 or 4. */
export function q8_pack_panels(
  source: usize, target: usize, sums: usize, n: u32, k: u32, taps: u32,
  strideN: u32, strideK: u32, strideTap: u32, group: u32, flip: u32,
): void {
  const mask: u8 = flip ? 128 : 0;
  const masks = i8x16.splat(<i8>mask);
  for (let j: u32 = 0; j < n; j += 8) {
    const width = min<u32>(n - j, 8);
    const start = target;
    for (let tap: u32 = 0; tap < taps; tap++) {
      const from = source + j * strideN + tap * strideTap;
      for (let p: u32 = 0; p < k; p += group) {
        const at = from + p * strideK;
        const whole = width === 8 && p + group <= k;
        if (whole && strideN === 1) {
          const first = rows8(at, masks);
          const second = rows8(at + strideK, masks);
          const low = v128.shuffle<u8>(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
          if (group === 2) {
            v128.store(target, low);
          } else {
            const third = rows8(at + 2 * strideK, masks);
            const fourth = rows8(at + 3 * strideK, masks);
            const high = v128.shuffle<u8>(third, fourth, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            v128.store(target, v128.shuffle<u16>(low, high, 0, 8, 1, 9, 2, 10, 3, 11));
            v128.store(target, v128.shuffle<u16>(low, high, 4, 12, 5, 13, 6, 14, 7, 15), 16);
          }
        } else {
          for (let column: u32 = 0; column < 8; column++) {
            for (let r: u32 = 0; r < group; r++) {
              const inside = column < width && p + r < k;
              const level = inside ? load<u8>(at + column * strideN + r * strideK) ^ mask : 0;
              store<u8>(target + column * group + r, level);
            }
          }
        }
        target += 8 * group;
      }
    }
    panelSums(start, target, sums, group);
    sums += 32;
  }
}

// @ts-ignore: decorator
@inline
function panelSums(from: usize, end: usize, sums: usize, group: u32): void {
  let low = i32x4.splat(0);
  let high = i32x4.splat(0);
  if (group === 4) {
    for (; from < end; from += 32) {
      const first = i16x8.extadd_pairwise_i8x16_s(v128.load(from));
      const second = i16x8.extadd_pairwise_i8x16_s(v128.load(from, 16));
      low = i32x4.add(low, i32x4.extadd_pairwise_i16x8_s(first));
      high = i32x4.add(high, i32x4.extadd_pairwise_i16x8_s(second));
    }
  } else {
    for (; from < end; from += 16) {
      const pairs = i16x8.extadd_pairwise_i8x16_s(v128.load(from));
      low = i32x4.add(low, i32x4.extend_low_i16x8_s(pairs));
      high = i32x4.add(high, i32x4.extend_high_i16x8_s(pairs));
    }
  }
  v128.store(sums, low);
  v128.store(sums, high, 16);
}

const MAGIC_BITS: i32 = 0x4b400000;

/** y[i, j] = clamp(rint(f32(c[i, j])·scales[j]) + zero, lo, hi): one rounding, half to even, as XNNPACK. */
export function i32_q8_requantize(
  c: usize, y: usize, scales: usize, m: u32, n: u32, zero: i32, lo: i32, hi: i32,
): void {
  const low = f32x4.splat(<f32>(lo - zero));
  const high = f32x4.splat(<f32>(hi - zero));
  const shift = i32x4.splat(MAGIC_BITS - zero);
  // Levels above 127 are unsigned ones.
  const flip = i8x16.splat(hi > 127 ? -128 : 0);
  const down = i16x8.splat(hi > 127 ? 128 : 0);
  for (; m > 0; m--) {
    let j: u32 = 0;
    for (; j + 8 <= n; j += 8) {
      const at = j << 2;
      const first = levels(v128.load(c + at), v128.load(scales + at), low, high, shift);
      const second = levels(v128.load(c + at, 16), v128.load(scales + at, 16), low, high, shift);
      const both = i16x8.sub(i16x8.narrow_i32x4_s(first, second), down);
      v128.store64_lane(y + j, v128.xor(i8x16.narrow_i16x8_s(both, both), flip), 0);
    }
    for (; j < n; j++) {
      const at = j << 2;
      const level = levels(v128.load32_splat(c + at), v128.load32_splat(scales + at), low, high, shift);
      store<u8>(y + j, <u8>i32x4.extract_lane(level, 0));
    }
    c += n << 2;
    y += n;
  }
}

/** y[i, j] = f32(c[i, j])·(rows[i·step]·columns[j]) + bias[j]: sums of products of levels as real numbers, the levels of
 *  each row in steps of its own (step 0: one for all). columns and bias are [n rounded up to 8]. */
export function i32_f32_scaled(
  c: usize, y: usize, rows: usize, columns: usize, bias: usize, m: u32, n: u32, step: u32,
): void {
  for (; m > 0; m--) {
    const row = v128.load32_splat(rows);
    let j: u32 = 0;
    for (; j + 4 <= n; j += 4) {
      const at = j << 2;
      v128.store(y + at, scaled(v128.load(c + at), row, v128.load(columns + at), v128.load(bias + at)));
    }
    for (; j < n; j++) {
      const at = j << 2;
      const sum = v128.load32_splat(c + at);
      const one = scaled(sum, row, v128.load32_splat(columns + at), v128.load32_splat(bias + at));
      store<f32>(y + at, f32x4.extract_lane(one, 0));
    }
    c += n << 2;
    y += n << 2;
    rows += step << 2;
  }
}

// @ts-ignore: decorator
@inline
function scaled(sums: v128, row: v128, columns: v128, bias: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sums), f32x4.mul(row, columns)), bias);
}

/** The contract of TFLite's reference kernels, rounding twice: SaturatingRoundingDoublingHighMul by a Q31
 *  multiplier, then RoundingDivideByPOT. shifts[j] > 0 multiplies before, < 0 divides after. */
export function i32_q8_requantize_double(
  c: usize, y: usize, multipliers: usize, shifts: usize, m: u32, n: u32, zero: i32, lo: i32, hi: i32,
): void {
  for (; m > 0; m--) {
    for (let j: u32 = 0; j < n; j++) {
      const multiplier = load<i32>(multipliers + (j << 2));
      const shift = load<i32>(shifts + (j << 2));
      const value = load<i32>(c + (j << 2)) << max(shift, 0);
      // A truncating division with a nudge of ±2^30 is this floor; multipliers are ≥ 0, so that nothing saturates.
      const high = <i32>((<i64>value * <i64>multiplier + (1 << 30)) >> 31);
      const right = max(-shift, 0);
      const mask = <i32>((<i64>1 << right) - 1);
      const threshold = (mask >> 1) + (high < 0 ? 1 : 0);
      const quotient = (high >> right) + ((high & mask) > threshold ? 1 : 0);
      store<u8>(y + j, <u8>max(lo, min(hi, quotient + zero)));
    }
    c += n << 2;
    y += n;
  }
}

// @ts-ignore: decorator
@inline
function low4(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function high4(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** sum + x·w over a pair of taps. */
// @ts-ignore: decorator
@inline
function tap2(sum: v128, x: v128, w: usize): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(x, v128.load(w)));
}

/** A line of a depthwise convolution: c[i, channel] = init[channel] + Σ x[i·step + offsets[tap] + channel]·w over
 *  pairs of taps, x and w of 16 bits, w in panels [ceil(channels/8)][pairs][8][2]. Reads up to 7 values too many. */
export function q8_depthwise(
  x: usize, offsets: usize, w: usize, init: usize, c: usize, pixels: u32, step: u32, pairs: u32, channels: u32,
): void {
  const row = pairs << 3;
  const panel = pairs << 5;
  for (; pixels > 0; pixels--) {
    let weights = w;
    let sums = init;
    let from = x;
    let left = channels;
    // Two panels at a time share pointers.
    for (; left >= 16; left -= 16) {
      let c0 = v128.load(sums);
      let c1 = v128.load(sums, 16);
      let c2 = v128.load(sums, 32);
      let c3 = v128.load(sums, 48);
      for (let at: u32 = 0; at < row; at += 8) {
        const first = from + (load<u32>(offsets + at) << 1);
        const second = from + (load<u32>(offsets + at, 4) << 1);
        const a0 = v128.load(first);
        const b0 = v128.load(second);
        c0 = tap2(c0, low4(a0, b0), weights);
        c1 = tap2(c1, high4(a0, b0), weights + 16);
        const a1 = v128.load(first, 16);
        const b1 = v128.load(second, 16);
        c2 = tap2(c2, low4(a1, b1), weights + panel);
        c3 = tap2(c3, high4(a1, b1), weights + panel + 16);
        weights += 32;
      }
      v128.store(c, c0);
      v128.store(c, c1, 16);
      v128.store(c, c2, 32);
      v128.store(c, c3, 48);
      weights += panel;
      sums += 64;
      from += 32;
      c += 64;
    }
    while (left > 0) {
      let low = v128.load(sums);
      let high = v128.load(sums, 16);
      for (let at: u32 = 0; at < row; at += 8) {
        const first = v128.load(from + (load<u32>(offsets + at) << 1));
        const second = v128.load(from + (load<u32>(offsets + at, 4) << 1));
        low = tap2(low, low4(first, second), weights);
        high = tap2(high, high4(first, second), weights + 16);
        weights += 32;
      }
      const width = min<u32>(left, 8);
      put(c, low, high, width);
      left -= width;
      sums += 32;
      from += 16;
      c += width << 2;
    }
    x += step << 1;
  }
}
