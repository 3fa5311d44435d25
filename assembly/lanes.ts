// What kernels over f32 share: the last lanes of an array, halves in f64, NaN of one kind.

/** The first `count` (0..3) floats at `x`; the other lanes are 0. */
export function loadSome(x: usize, count: u32): v128 {
  if (count == 0) return f32x4.splat(0);
  if (count == 1) return v128.load32_zero(x);
  const pair = v128.load64_zero(x);
  return count == 2 ? pair : v128.load_lane<u32>(x + 8, pair, 2);
}

/** Stores the first `count` (0..3) lanes. */
export function storeSome(y: usize, v: v128, count: u32): void {
  if (count >= 2) {
    v128.store_lane<u64>(y, v, 0);
    if (count == 3) v128.store_lane<u32>(y + 8, v, 2);
  } else if (count == 1) {
    v128.store_lane<u32>(y, v, 0);
  }
}

/** Every NaN as 0x7fc00000: engines and processors differ in the sign and payload of those they make. */
// @ts-ignore: decorator
@inline
export function canonical(v: v128): v128 {
  return v128.bitselect(v, i32x4.splat(0x7fc00000), f32x4.eq(v, v));
}

/** The same for one number. */
// @ts-ignore: decorator
@inline
export function canonical1(v: f32): f32 {
  return v == v ? v : reinterpret<f32>(0x7fc00000);
}

// @ts-ignore: decorator
@inline
export function lower(v: v128): v128 {
  return f64x2.promote_low_f32x4(v);
}

// @ts-ignore: decorator
@inline
export function upper(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3));
}

/** Two pairs of f64, each rounded once, as four f32. */
// @ts-ignore: decorator
@inline
export function join(low: v128, high: v128): v128 {
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}

/** f64 sum of two lanes. */
// @ts-ignore: decorator
@inline
export function pairSum(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}
