// IEEE binary16 and bfloat16 ↔ f32. To the narrow type: round to nearest, ties to even, subnormals kept.
// Every NaN becomes the one positive quiet NaN, as payloads are not the same in every engine.

// @ts-ignore: decorator
@inline
function fromHalf(h: v128): v128 {
  const magnitude = v128.and(h, i32x4.splat(0x7fff));
  const sign = i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16);
  // Rebiased exponent; again for infinities; subnormals by conversion, which stays clear of f32 subnormals.
  const shifted = i32x4.add(i32x4.shl(magnitude, 13), i32x4.splat(112 << 23));
  const infinite = i32x4.gt_s(magnitude, i32x4.splat(0x7bff));
  const normal = i32x4.add(shifted, v128.and(infinite, i32x4.splat(112 << 23)));
  const tiny = f32x4.mul(f32x4.convert_i32x4_s(magnitude), f32x4.splat(5.960464477539063e-8));
  const small = i32x4.lt_s(magnitude, i32x4.splat(0x0400));
  const value = v128.or(v128.bitselect(tiny, normal, small), sign);
  return v128.bitselect(i32x4.splat(0x7fc00000), value, i32x4.gt_s(magnitude, i32x4.splat(0x7c00)));
}

// @ts-ignore: decorator
@inline
function toHalf(x: v128): v128 {
  const magnitude = v128.and(x, i32x4.splat(0x7fffffff));
  const sign = i32x4.shr_u(v128.xor(x, magnitude), 16);
  // Adding 0.5 leaves a subnormal half in the low bits, rounded by the addition.
  const tiny = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const rebiased = i32x4.add(magnitude, i32x4.splat(0xfff - (112 << 23)));
  const normal = i32x4.shr_u(i32x4.add(rebiased, odd), 13);
  const small = i32x4.lt_s(magnitude, i32x4.splat(0x38800000));
  const finite = v128.bitselect(tiny, normal, small);
  const large = i32x4.gt_s(magnitude, i32x4.splat(0x477fffff));
  const value = v128.or(v128.bitselect(i32x4.splat(0x7c00), finite, large), sign);
  return v128.bitselect(i32x4.splat(0x7e00), value, i32x4.gt_s(magnitude, i32x4.splat(0x7f800000)));
}

// @ts-ignore: decorator
@inline
function fromBrain(h: v128): v128 {
  const value = i32x4.shl(h, 16);
  const magnitude = v128.and(value, i32x4.splat(0x7fffffff));
  return v128.bitselect(i32x4.splat(0x7fc00000), value, i32x4.gt_s(magnitude, i32x4.splat(0x7f800000)));
}

// @ts-ignore: decorator
@inline
function toBrain(x: v128): v128 {
  const odd = v128.and(i32x4.shr_u(x, 16), i32x4.splat(1));
  const rounded = i32x4.shr_u(i32x4.add(i32x4.add(x, i32x4.splat(0x7fff)), odd), 16);
  const magnitude = v128.and(x, i32x4.splat(0x7fffffff));
  return v128.bitselect(i32x4.splat(0x7fc0), rounded, i32x4.gt_s(magnitude, i32x4.splat(0x7f800000)));
}

export function f16_f32(source: usize, target: usize, count: u32): void {
  let i: u32 = 0;
  for (; i + 8 <= count; i += 8) {
    const halves = v128.load(source + (i << 1));
    v128.store(target + (i << 2), fromHalf(i32x4.extend_low_i16x8_u(halves)));
    v128.store(target + (i << 2), fromHalf(i32x4.extend_high_i16x8_u(halves)), 16);
  }
  for (; i < count; i++) {
    const value = fromHalf(i32x4.splat(load<u16>(source + (i << 1))));
    store<i32>(target + (i << 2), i32x4.extract_lane(value, 0));
  }
}

export function f32_f16(source: usize, target: usize, count: u32): void {
  let i: u32 = 0;
  for (; i + 8 <= count; i += 8) {
    const low = toHalf(v128.load(source + (i << 2)));
    const high = toHalf(v128.load(source + (i << 2), 16));
    v128.store(target + (i << 1), i16x8.narrow_i32x4_u(low, high));
  }
  for (; i < count; i++) {
    const half = toHalf(v128.load32_splat(source + (i << 2)));
    store<u16>(target + (i << 1), <u16>i32x4.extract_lane(half, 0));
  }
}

export function bf16_f32(source: usize, target: usize, count: u32): void {
  let i: u32 = 0;
  for (; i + 8 <= count; i += 8) {
    const halves = v128.load(source + (i << 1));
    v128.store(target + (i << 2), fromBrain(i32x4.extend_low_i16x8_u(halves)));
    v128.store(target + (i << 2), fromBrain(i32x4.extend_high_i16x8_u(halves)), 16);
  }
  for (; i < count; i++) {
    const value = fromBrain(i32x4.splat(load<u16>(source + (i << 1))));
    store<i32>(target + (i << 2), i32x4.extract_lane(value, 0));
  }
}

export function f32_bf16(source: usize, target: usize, count: u32): void {
  let i: u32 = 0;
  for (; i + 8 <= count; i += 8) {
    const low = toBrain(v128.load(source + (i << 2)));
    const high = toBrain(v128.load(source + (i << 2), 16));
    v128.store(target + (i << 1), i16x8.narrow_i32x4_u(low, high));
  }
  for (; i < count; i++) {
    const half = toBrain(v128.load32_splat(source + (i << 2)));
    store<u16>(target + (i << 1), <u16>i32x4.extract_lane(half, 0));
  }
}
