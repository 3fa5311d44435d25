// What the tiles of integer products share.

/** sum + p·s + q·z: what zero points that are not in the initial sums add. */
// @ts-ignore: decorator
@inline
export function correct(sum: v128, p: v128, s: v128, q: v128, z: v128): v128 {
  return i32x4.add(sum, i32x4.add(i32x4.mul(p, s), i32x4.mul(q, z)));
}

/** `count` signed bytes, a multiple of 16, to 16 bits. */
// @ts-ignore: decorator
@inline
export function widen(source: usize, target: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 8) v128.store(target + (i << 1), v128.load_ext<i8>(source + i));
}

/** The first `width` of 8 sums. */
// @ts-ignore: decorator
@inline
export function put(c: usize, low: v128, high: v128, width: u32): void {
  if (width === 8) {
    v128.store(c, low);
    v128.store(c, high, 16);
  } else {
    if (width >= 4) {
      v128.store(c, low);
      c += 16;
      low = high;
    }
    if (width & 2) {
      v128.store64_lane(c, low, 0);
      c += 8;
      low = v128.shuffle<u64>(low, low, 1, 1);
    }
    if (width & 1) v128.store32_lane(c, low, 0);
  }
}

const MAGIC: f32 = 12582912;
export const MAGIC_BITS: i32 = 0x4b400000;

/** Sums as levels, before they are narrowed: rint(clamp(f32(sum) · scale)) less `shift`, which takes away the bits of
 *  MAGIC and adds the zero point. */
// @ts-ignore: decorator
@inline
export function levels(sums: v128, scale: v128, low: v128, high: v128, shift: v128): v128 {
  const scaled = f32x4.mul(f32x4.convert_i32x4_s(sums), scale);
  return i32x4.sub(f32x4.add(f32x4.pmin(high, f32x4.pmax(low, scaled)), f32x4.splat(MAGIC)), shift);
}

/** The first `width` of 8 levels. Levels above 127 are unsigned ones: `down` and `flip` carry them through narrowing. */
// @ts-ignore: decorator
@inline
export function put8(y: usize, low: v128, high: v128, down: v128, flip: v128, width: u32): void {
  const both = i16x8.sub(i16x8.narrow_i32x4_s(low, high), down);
  const bytes = v128.xor(i8x16.narrow_i16x8_s(both, both), flip);
  if (width >= 8) {
    v128.store64_lane(y, bytes, 0);
  } else {
    let bits = i64x2.extract_lane(bytes, 0);
    for (; width > 0; width--) {
      store<u8>(y, <u8>bits);
      bits >>= 8;
      y++;
    }
  }
}
