// 8, 16 and 32 bit levels → f32: (q − zero) · scale, ONNX DequantizeLinear. Same views as in quantize.ts.
// `unsigned` levels are read by flipping the top bit, which subtracts half the range from both q and zero.

// @ts-ignore: decorator
@inline
function real(q: v128, scale: v128, zero: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(q, zero)), scale);
}

// @ts-ignore: decorator
@inline
function half<T>(): i32 {
  return 1 << (8 * sizeof<T>() - 1);
}

// @ts-ignore: decorator
@inline
function flipMask<T>(unsigned: u32): v128 {
  if (sizeof<T>() == 4) return i32x4.splat(0);
  if (sizeof<T>() == 1) return i8x16.splat(<i8>(unsigned ? 0x80 : 0));
  return i16x8.splat(<i16>(unsigned ? 0x8000 : 0));
}

// 16 levels, with the scale and zero of each quarter.
// @ts-ignore: decorator
@inline
function real16<T>(
  q: usize, y: usize, flip: v128,
  s0: v128, s1: v128, s2: v128, s3: v128, z0: v128, z1: v128, z2: v128, z3: v128,
): void {
  if (sizeof<T>() == 4) {
    v128.store(y, real(v128.load(q), s0, z0));
    v128.store(y, real(v128.load(q, 16), s1, z1), 16);
    v128.store(y, real(v128.load(q, 32), s2, z2), 32);
    v128.store(y, real(v128.load(q, 48), s3, z3), 48);
    return;
  }
  let low: v128;
  let high: v128;
  if (sizeof<T>() == 1) {
    const all = v128.xor(v128.load(q), flip);
    low = i16x8.extend_low_i8x16_s(all);
    high = i16x8.extend_high_i8x16_s(all);
  } else {
    low = v128.xor(v128.load(q), flip);
    high = v128.xor(v128.load(q, 16), flip);
  }
  v128.store(y, real(i32x4.extend_low_i16x8_s(low), s0, z0));
  v128.store(y, real(i32x4.extend_high_i16x8_s(low), s1, z1), 16);
  v128.store(y, real(i32x4.extend_low_i16x8_s(high), s2, z2), 32);
  v128.store(y, real(i32x4.extend_high_i16x8_s(high), s3, z3), 48);
}

// @ts-ignore: decorator
@inline
function run16<T>(q: usize, y: usize, scale: v128, zero: v128, flip: v128): void {
  real16<T>(q, y, flip, scale, scale, scale, scale, zero, zero, zero, zero);
}

// @ts-ignore: decorator
@inline
function one<T>(q: usize, unsigned: u32): i32 {
  return <i32>load<T>(q) ^ (unsigned && sizeof<T>() < 4 ? half<T>() | -half<T>() : 0);
}

// @ts-ignore: decorator
@inline
function runs<T>(
  q: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, shared: u32, unsigned: u32,
): void {
  const flip = flipMask<T>(unsigned);
  const offset = unsigned && sizeof<T>() < 4 ? half<T>() : 0;
  for (; outer > 0; outer--) {
    let s = scales;
    let z = zeros;
    for (let left = length; left > 0; ) {
      const n = min(left, block);
      const scale = v128.load32_splat(s);
      const level = load<i32>(z) - offset;
      const zero = i32x4.splat(level);
      let i: u32 = 0;
      for (; i + 16 <= n; i += 16) run16<T>(q + i * sizeof<T>(), y + (i << 2), scale, zero, flip);
      if (i < n) {
        if (n >= 16) {
          run16<T>(q + (n - 16) * sizeof<T>(), y + ((n - 16) << 2), scale, zero, flip);
        } else {
          for (; i < n; i++) {
            const difference = one<T>(q + i * sizeof<T>(), unsigned) - level;
            store<f32>(y + (i << 2), <f32>difference * f32x4.extract_lane(scale, 0));
          }
        }
      }
      q += n * sizeof<T>();
      y += n << 2;
      s += 4;
      z += 4;
      left -= n;
    }
    if (!shared) {
      scales = s;
      zeros = z;
    }
  }
}

// @ts-ignore: decorator
@inline
function row16<T>(q: usize, y: usize, s: usize, z: usize, flip: v128, offset: v128): void {
  real16<T>(
    q, y, flip, v128.load(s), v128.load(s, 16), v128.load(s, 32), v128.load(s, 48),
    i32x4.sub(v128.load(z), offset), i32x4.sub(v128.load(z, 16), offset),
    i32x4.sub(v128.load(z, 32), offset), i32x4.sub(v128.load(z, 48), offset),
  );
}

// @ts-ignore: decorator
@inline
function rows<T>(
  q: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, unit: u32, unsigned: u32,
): void {
  const flip = flipMask<T>(unsigned);
  const offset = unsigned && sizeof<T>() < 4 ? half<T>() : 0;
  const offsets = i32x4.splat(offset);
  for (; outer > 0; outer--) {
    for (let left = length; left > 0; ) {
      const n = min(left, block);
      for (let r: u32 = 0; r < n; r++) {
        let i: u32 = 0;
        for (; i + 16 <= unit; i += 16) {
          const at = i << 2;
          row16<T>(q + i * sizeof<T>(), y + at, scales + at, zeros + at, flip, offsets);
        }
        if (i < unit) {
          if (unit >= 16) {
            i = unit - 16;
            const at = i << 2;
            row16<T>(q + i * sizeof<T>(), y + at, scales + at, zeros + at, flip, offsets);
          } else {
            for (; i < unit; i++) {
              const at = i << 2;
              const level = load<i32>(zeros + at) - offset;
              const difference = one<T>(q + i * sizeof<T>(), unsigned) - level;
              store<f32>(y + at, <f32>difference * load<f32>(scales + at));
            }
          }
        }
        q += unit * sizeof<T>();
        y += unit << 2;
      }
      scales += unit << 2;
      zeros += unit << 2;
      left -= n;
    }
  }
}

export function q8_f32_runs(
  q: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, shared: u32, unsigned: u32,
): void {
  runs<i8>(q, y, scales, zeros, outer, length, block, shared, unsigned);
}

export function q16_f32_runs(
  q: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, shared: u32, unsigned: u32,
): void {
  runs<i16>(q, y, scales, zeros, outer, length, block, shared, unsigned);
}

export function q32_f32_runs(
  q: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, shared: u32,
): void {
  runs<i32>(q, y, scales, zeros, outer, length, block, shared, 0);
}

export function q8_f32_rows(
  q: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, unit: u32, unsigned: u32,
): void {
  rows<i8>(q, y, scales, zeros, outer, length, block, unit, unsigned);
}

export function q16_f32_rows(
  q: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, unit: u32, unsigned: u32,
): void {
  rows<i16>(q, y, scales, zeros, outer, length, block, unit, unsigned);
}

export function q32_f32_rows(
  q: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, unit: u32,
): void {
  rows<i32>(q, y, scales, zeros, outer, length, block, unit, 0);
}
