// Functions of 8-bit levels: dequantize, compute, quantize with f32 factors and one rounding, half to even. Unsigned
// levels are read by flipping the top bit, which subtracts 128; zero points come with 128 subtracted too.

/** Levels (signed bytes in the low half) as four f32 less a zero point. */
// @ts-ignore: decorator
@inline
function low4(v: v128, zero: v128): v128 {
  return i32x4.sub(i32x4.extend_low_i16x8_s(v), zero);
}

// @ts-ignore: decorator
@inline
function high4(v: v128, zero: v128): v128 {
  return i32x4.sub(i32x4.extend_high_i16x8_s(v), zero);
}

/** f32 → i32, half to even, for what the clamp leaves. */
// @ts-ignore: decorator
@inline
function level4(v: v128, zero: v128): v128 {
  const magic = f32x4.splat(12582912); // 1.5 · 2^23: the sum has no fraction bits left
  v = f32x4.pmin(f32x4.pmax(v, f32x4.splat(-1024)), f32x4.splat(1024));
  return i32x4.add(i32x4.sub(f32x4.add(v, magic), magic), zero);
}

// @ts-ignore: decorator
@inline
function bytes8(low: v128, high: v128, flip: v128): v128 {
  const words = i16x8.narrow_i32x4_s(low, high);
  return v128.xor(i8x16.narrow_i16x8_s(words, words), flip);
}

// @ts-ignore: decorator
@inline
function load8(at: usize, whole: bool, flip: v128): v128 {
  return i16x8.extend_low_i8x16_s(v128.xor(whole ? v128.load64_zero(at) : v128.load8_splat(at), flip));
}

// @ts-ignore: decorator
@inline
function rowStep(mode: u32, one: u32, shared: u32, count: u32): usize {
  return mode & shared ? 0 : mode & one ? 1 : count;
}

/** 16 levels of either operand, whose results need no clamp. */
// @ts-ignore: decorator
@inline
function combine16(
  product: bool, a: usize, b: usize, y: usize, za: v128, zb: v128, zy: i32, fa: v128, fb: v128, flip: v128,
): void {
  const x = v128.xor(v128.load(a), flip);
  const z = v128.xor(v128.load(b), flip);
  const a0 = i16x8.sub(i16x8.extend_low_i8x16_s(x), za);
  const a1 = i16x8.sub(i16x8.extend_high_i8x16_s(x), za);
  const b0 = i16x8.sub(i16x8.extend_low_i8x16_s(z), zb);
  const b1 = i16x8.sub(i16x8.extend_high_i8x16_s(z), zb);
  const low = i16x8.narrow_i32x4_s(pairLow(product, a0, b0, zy, fa, fb), pairHigh(product, a0, b0, zy, fa, fb));
  const high = i16x8.narrow_i32x4_s(pairLow(product, a1, b1, zy, fa, fb), pairHigh(product, a1, b1, zy, fa, fb));
  v128.store(y, v128.xor(i8x16.narrow_i16x8_s(low, high), flip));
}

// @ts-ignore: decorator
@inline
function pairLow(product: bool, a: v128, b: v128, zy: i32, fa: v128, fb: v128): v128 {
  if (product) return rounded(f32x4.mul(f32x4.convert_i32x4_s(i32x4.extmul_low_i16x8_s(a, b)), fa), zy);
  const x = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(a)), fa);
  return rounded(f32x4.add(x, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(b)), fb)), zy);
}

// @ts-ignore: decorator
@inline
function pairHigh(product: bool, a: v128, b: v128, zy: i32, fa: v128, fb: v128): v128 {
  if (product) return rounded(f32x4.mul(f32x4.convert_i32x4_s(i32x4.extmul_high_i16x8_s(a, b)), fa), zy);
  const x = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(a)), fa);
  return rounded(f32x4.add(x, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(b)), fb)), zy);
}

/** To the nearest integer, half to even, plus a zero point; of less than 2^22. */
// @ts-ignore: decorator
@inline
function rounded(v: v128, zero: i32): v128 {
  return i32x4.sub(f32x4.add(v, f32x4.splat(12582912)), i32x4.splat(0x4b400000 - zero));
}

// @ts-ignore: decorator
@inline
function combine(
  product: bool, a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32,
  za: i32, zb: i32, zy: i32, fa: f32, fb: f32, unsigned: u32,
): void {
  const flip = i8x16.splat(unsigned ? -128 : 0);
  const zeroA = i32x4.splat(za);
  const zeroB = i32x4.splat(zb);
  const zeroY = i32x4.splat(zy);
  const factorA = f32x4.splat(fa);
  const factorB = f32x4.splat(fb);
  const aStep = rowStep(mode, 1, 4, count);
  const bStep = rowStep(mode, 2, 8, count);
  // What factors of this size make of levels needs no clamp to be rounded: narrowing saturates. 255² · 16 < 2^22.
  const isSmall = abs(fa) < 16 && abs(fb) < 16;
  const wide = isSmall && !(mode & 3) ? count & ~15 : 0;
  for (; outer > 0; outer--) {
    for (let i: u32 = 0; i < wide; i += 16) {
      combine16(product, a + i, b + i, y + i, i16x8.splat(<i16>za), i16x8.splat(<i16>zb), zy, factorA, factorB, flip);
    }
    for (let i: u32 = wide; i < count; ) {
      const whole = i + 8 <= count;
      const va = mode & 1 ? load8(a, false, flip) : load8(a + i, whole, flip);
      const vb = mode & 2 ? load8(b, false, flip) : load8(b + i, whole, flip);
      const a0 = low4(va, zeroA);
      const a1 = high4(va, zeroA);
      const b0 = low4(vb, zeroB);
      const b1 = high4(vb, zeroB);
      let low: v128;
      let high: v128;
      if (product) {
        low = f32x4.mul(f32x4.convert_i32x4_s(i32x4.mul(a0, b0)), factorA);
        high = f32x4.mul(f32x4.convert_i32x4_s(i32x4.mul(a1, b1)), factorA);
      } else {
        low = f32x4.add(
          f32x4.mul(f32x4.convert_i32x4_s(a0), factorA), f32x4.mul(f32x4.convert_i32x4_s(b0), factorB),
        );
        high = f32x4.add(
          f32x4.mul(f32x4.convert_i32x4_s(a1), factorA), f32x4.mul(f32x4.convert_i32x4_s(b1), factorB),
        );
      }
      const r = bytes8(level4(low, zeroY), level4(high, zeroY), flip);
      if (whole) {
        v128.store_lane<u64>(y + i, r, 0);
        i += 8;
      } else {
        v128.store_lane<u8>(y + i, r, 0);
        i += 1;
      }
    }
    a += aStep;
    b += bStep;
    y += count;
  }
}

/** y = (a − za) · fa + (b − zb) · fb + zy on rows, broadcast by `mode` as in binary.ts. */
export function q8_add(
  a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32,
  za: i32, zb: i32, zy: i32, fa: f32, fb: f32, unsigned: u32,
): void {
  combine(false, a, b, y, outer, count, mode, za, zb, zy, fa, fb, unsigned);
}

/** y = (a − za) · (b − zb) · factor + zy: the product is an exact integer. */
export function q8_mul(
  a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32,
  za: i32, zb: i32, zy: i32, factor: f32, unsigned: u32,
): void {
  combine(true, a, b, y, outer, count, mode, za, zb, zy, factor, 0, unsigned);
}

/** y = table[x] for a table of 256 bytes: any function of one level. */
export function x8_lookup(x: usize, y: usize, table: usize, count: u32): void {
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) {
    const four = load<u32>(x + i);
    const a = <u32>load<u8>(table + (four & 255));
    const b = <u32>load<u8>(table + ((four >> 8) & 255));
    const c = <u32>load<u8>(table + ((four >> 16) & 255));
    const d = <u32>load<u8>(table + (four >> 24));
    store<u32>(y + i, a | (b << 8) | (c << 16) | (d << 24));
  }
  for (; i < count; i++) store<u8>(y + i, load<u8>(table + <u32>load<u8>(x + i)));
}

/** Softmax of rows: weights[d] stands for e^(−d · scale), d levels below the greatest. y = weight · factor / Σ weight +
 *  zero: integer sums, one f64 quotient. Σ weight < 2^53. */
export function q8_softmax(
  x: usize, y: usize, weights: usize, outer: u32, length: u32, factor: f32, zero: i32, unsigned: u32,
): void {
  const flip: i32 = unsigned ? 128 : 0;
  for (; outer > 0; outer--) {
    let top: i32 = -128;
    for (let i: u32 = 0; i < length; i++) top = max(top, <i32>load<i8>(x + i) ^ -flip);
    let sum: u64 = 0;
    for (let i: u32 = 0; i < length; i++) {
      sum += <u64>load<u32>(weights + ((top - (<i32>load<i8>(x + i) ^ -flip)) << 2));
    }
    const total = <f64>sum;
    for (let i: u32 = 0; i < length; i++) {
      const weight = <f64>load<u32>(weights + ((top - (<i32>load<i8>(x + i) ^ -flip)) << 2));
      const level = <i32>nearest(weight * <f64>factor / total) + zero;
      store<u8>(y + i, <u8>(min(max(level, -128), 127) ^ flip));
    }
    x += length;
    y += length;
  }
}

/** y = table[256 · a + b] on rows, broadcast by `mode` as in binary.ts: any function of two levels. */
export function x8_lookup2(a: usize, b: usize, y: usize, table: usize, outer: u32, count: u32, mode: u32): void {
  const aStep = rowStep(mode, 1, 4, count);
  const bStep = rowStep(mode, 2, 8, count);
  const aNext: usize = mode & 1 ? 0 : 1;
  const bNext: usize = mode & 2 ? 0 : 1;
  for (; outer > 0; outer--) {
    let p = a;
    let q = b;
    for (const end = y + count; y < end; y++) {
      store<u8>(y, load<u8>(table + (<usize>load<u8>(p) << 8) + <usize>load<u8>(q)));
      p += aNext;
      q += bNext;
    }
    a += aStep;
    b += bStep;
  }
}
