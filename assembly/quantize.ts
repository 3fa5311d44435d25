// f32 → 8 and 16 bit levels: saturate(rint(x / scale) + zero), ONNX QuantizeLinear.
//
// A tensor is [outer, length, unit], and `block` consecutive steps along `length` share parameters:
// `runs` has unit = 1 (one scale for a contiguous run), `rows` has a scale for each of the `unit` elements.
// With `shared`, every outer slab uses the parameters of the first. lo and hi are the type's range, so that
// int8, uint8, int4 and uint4 are one kernel.
//
// Division, not multiplication by 1/scale: the two differ on ties. Clamping first is exact as the bounds are
// integers, and puts the value where adding 1.5·2^23 rounds half to even. NaN becomes lo, as in onnxruntime.

const MAGIC: f32 = 12582912;
const MAGIC_BITS: i32 = 0x4b400000;

// @ts-ignore: decorator
@inline
function levels(x: v128, scale: v128, low: v128, high: v128, shift: v128): v128 {
  const clamped = f32x4.pmin(high, f32x4.pmax(low, f32x4.div(x, scale)));
  return i32x4.sub(f32x4.add(clamped, f32x4.splat(MAGIC)), shift);
}

/** Half the range of an unsigned type: its levels are narrowed as signed ones, then the top bit is flipped. */
// @ts-ignore: decorator
@inline
function half<T>(lo: i32): i32 {
  return lo < 0 ? 0 : 1 << (8 * sizeof<T>() - 1);
}

// @ts-ignore: decorator
@inline
function flipMask<T>(lo: i32): v128 {
  return sizeof<T>() == 1 ? i8x16.splat(<i8>half<T>(lo)) : i16x8.splat(<i16>half<T>(lo));
}

// @ts-ignore: decorator
@inline
function store16<T>(y: usize, a: v128, b: v128, c: v128, d: v128, flip: v128): void {
  const low = i16x8.narrow_i32x4_s(a, b);
  const high = i16x8.narrow_i32x4_s(c, d);
  if (sizeof<T>() == 1) {
    v128.store(y, v128.xor(i8x16.narrow_i16x8_s(low, high), flip));
  } else {
    v128.store(y, v128.xor(low, flip));
    v128.store(y, v128.xor(high, flip), 16);
  }
}

// @ts-ignore: decorator
@inline
function run16<T>(
  x: usize, y: usize, scale: v128, low: v128, high: v128, shift: v128, flip: v128,
): void {
  store16<T>(
    y,
    levels(v128.load(x), scale, low, high, shift),
    levels(v128.load(x, 16), scale, low, high, shift),
    levels(v128.load(x, 32), scale, low, high, shift),
    levels(v128.load(x, 48), scale, low, high, shift),
    flip,
  );
}

// @ts-ignore: decorator
@inline
function runs<T>(
  x: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, shared: u32, lo: i32, hi: i32,
): void {
  const base = MAGIC_BITS + half<T>(lo);
  const flip = flipMask<T>(lo);
  for (; outer > 0; outer--) {
    let s = scales;
    let z = zeros;
    for (let left = length; left > 0; ) {
      const n = min(left, block);
      const zero = load<i32>(z);
      const scale = v128.load32_splat(s);
      const low = f32x4.splat(<f32>(lo - zero));
      const high = f32x4.splat(<f32>(hi - zero));
      const shift = i32x4.splat(base - zero);
      let i: u32 = 0;
      for (; i + 16 <= n; i += 16) {
        run16<T>(x + (i << 2), y + i * sizeof<T>(), scale, low, high, shift, flip);
      }
      if (i < n) {
        if (n >= 16) {
          // The last 16 again, overlapping: same values, no scalar tail.
          run16<T>(x + ((n - 16) << 2), y + (n - 16) * sizeof<T>(), scale, low, high, shift, flip);
        } else {
          for (; i < n; i++) {
            const level = levels(v128.load32_splat(x + (i << 2)), scale, low, high, shift);
            store<T>(y + i * sizeof<T>(), <T>(i32x4.extract_lane(level, 0) ^ half<T>(lo)));
          }
        }
      }
      x += n << 2;
      y += n * sizeof<T>();
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
function levelsAt(x: v128, scale: v128, zero: v128, lo: v128, hi: v128, base: v128): v128 {
  const low = f32x4.convert_i32x4_s(i32x4.sub(lo, zero));
  const high = f32x4.convert_i32x4_s(i32x4.sub(hi, zero));
  return levels(x, scale, low, high, i32x4.sub(base, zero));
}

// @ts-ignore: decorator
@inline
function row16<T>(
  x: usize, y: usize, s: usize, z: usize, lo: v128, hi: v128, base: v128, flip: v128,
): void {
  store16<T>(
    y,
    levelsAt(v128.load(x), v128.load(s), v128.load(z), lo, hi, base),
    levelsAt(v128.load(x, 16), v128.load(s, 16), v128.load(z, 16), lo, hi, base),
    levelsAt(v128.load(x, 32), v128.load(s, 32), v128.load(z, 32), lo, hi, base),
    levelsAt(v128.load(x, 48), v128.load(s, 48), v128.load(z, 48), lo, hi, base),
    flip,
  );
}

// @ts-ignore: decorator
@inline
function rows<T>(
  x: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, unit: u32, lo: i32, hi: i32,
): void {
  const low = i32x4.splat(lo);
  const high = i32x4.splat(hi);
  const base = i32x4.splat(MAGIC_BITS + half<T>(lo));
  const flip = flipMask<T>(lo);
  for (; outer > 0; outer--) {
    for (let left = length; left > 0; ) {
      const n = min(left, block);
      for (let r: u32 = 0; r < n; r++) {
        let i: u32 = 0;
        for (; i + 16 <= unit; i += 16) {
          const at = i << 2;
          row16<T>(x + at, y + i * sizeof<T>(), scales + at, zeros + at, low, high, base, flip);
        }
        if (i < unit) {
          if (unit >= 16) {
            i = unit - 16;
            const at = i << 2;
          row16<T>(x + at, y + i * sizeof<T>(), scales + at, zeros + at, low, high, base, flip);
          } else {
            for (; i < unit; i++) {
              const at = i << 2;
              const scale = v128.load32_splat(scales + at);
              const zero = v128.load32_splat(zeros + at);
              const level = levelsAt(v128.load32_splat(x + at), scale, zero, low, high, base);
              store<T>(y + i * sizeof<T>(), <T>(i32x4.extract_lane(level, 0) ^ half<T>(lo)));
            }
          }
        }
        x += unit << 2;
        y += unit * sizeof<T>();
      }
      scales += unit << 2;
      zeros += unit << 2;
      left -= n;
    }
  }
}

export function f32_q8_runs(
  x: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, shared: u32, lo: i32, hi: i32,
): void {
  runs<u8>(x, y, scales, zeros, outer, length, block, shared, lo, hi);
}

export function f32_q16_runs(
  x: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, shared: u32, lo: i32, hi: i32,
): void {
  runs<u16>(x, y, scales, zeros, outer, length, block, shared, lo, hi);
}

export function f32_q8_rows(
  x: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, unit: u32, lo: i32, hi: i32,
): void {
  rows<u8>(x, y, scales, zeros, outer, length, block, unit, lo, hi);
}

export function f32_q16_rows(
  x: usize, y: usize, scales: usize, zeros: usize,
  outer: u32, length: u32, block: u32, unit: u32, lo: i32, hi: i32,
): void {
  rows<u16>(x, y, scales, zeros, outer, length, block, unit, lo, hi);
}
