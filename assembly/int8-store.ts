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
