// Columns that don't fill a vector, and rows that an index names.

/** The first `count` lanes of four (any count ≤ 0 is none, ≥ 4 all); the others are 0. */
export function loadPart(at: usize, count: i32): v128 {
  if (count >= 4) return v128.load(at);
  let v = f32x4.splat(0);
  if (count >= 2) v = v128.load64_zero(at);
  if (count == 3) v = v128.load32_lane(at, v, 2, 8);
  if (count == 1) v = v128.load32_zero(at);
  return v;
}

export function storePart(at: usize, v: v128, count: i32): void {
  if (count >= 4) {
    v128.store(at, v);
    return;
  }
  if (count >= 2) v128.store64_lane(at, v, 0);
  if (count == 3) v128.store32_lane(at, v, 2, 8);
  if (count == 1) v128.store32_lane(at, v, 0);
}

// @ts-ignore: decorator
@inline
export function rowOf(x: usize, zero: usize, index: usize, stride: usize): usize {
  const row = load<i32>(index);
  return row < 0 ? zero : x + <usize>row * stride;
}
