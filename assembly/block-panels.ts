// Block-quantized weights in panels of 8 columns. For each block of k: 8 scales, 8 zero points where they are stored
// (both f32), then for each 4 values of k 32 levels [8][4]: bytes, or nibbles with columns 4..7 in the high halves.

// @ts-ignore: decorator
@inline
export function levels0(b: usize, bits: u32): v128 {
  const bytes = v128.load(b);
  return bits === 4 ? v128.and(bytes, i8x16.splat(15)) : bytes;
}

// @ts-ignore: decorator
@inline
export function levels1(b: usize, bits: u32): v128 {
  return bits === 4 ? v128.and(i16x8.shr_u(v128.load(b), 4), i8x16.splat(15)) : v128.load(b, 16);
}

/** sum + (dot − zero·total)·scale, rounded after each step, so that every kernel that does so has the same bits. */
// @ts-ignore: decorator
@inline
export function addBlock(sum: v128, dot: v128, zero: v128, total: v128, scale: v128): v128 {
  return f32x4.add(sum, f32x4.mul(f32x4.sub(dot, f32x4.mul(zero, total)), scale));
}

/** The first `width` of 8 results, + bias. */
// @ts-ignore: decorator
@inline
export function putBiased(c: usize, low: v128, high: v128, bias: usize, width: u32): void {
  low = f32x4.add(low, v128.load(bias));
  high = f32x4.add(high, v128.load(bias, 16));
  if (width === 8) {
    v128.store(c, low);
    v128.store(c, high, 16);
  } else {
    for (let i: u32 = 0; i < width; i++) {
      store<f32>(c + (i << 2), f32x4.extract_lane(low, 0));
      low = v128.shuffle<u32>(low, high, 1, 2, 3, 4);
      high = v128.shuffle<u32>(high, high, 1, 2, 3, 3);
    }
  }
}
