// Strided copies: transpose, slice, expand and what else only moves elements. y is [d0, d1, d2, d3] without gaps, the
// strides of x are in elements and may be 0 or negative.
import { canonical, canonical1 } from './lanes';

/** Rows of x that a tile of a transposition reads: with a cache line of each, they stay in the first-level cache. */
const TILE: u32 = 64;

// @ts-ignore: decorator
@inline
function copyPlane<T>(x: usize, y: usize, d2: u32, d3: u32, s2: i32, s3: i32): void {
  const size = <i32>sizeof<T>();
  if (s3 == 1) {
    for (let i: u32 = 0; i < d2; i++) {
      memory.copy(y, x + <i32>i * s2 * size, d3 * size);
      y += d3 * size;
    }
    return;
  }
  if (s2 != 1) {
    for (let i: u32 = 0; i < d2; i++) {
      let from = x + <i32>i * s2 * size;
      for (let j: u32 = 0; j < d3; j++) {
        store<T>(y, load<T>(from));
        from += s3 * size;
        y += size;
      }
    }
    return;
  }
  for (let start: u32 = 0; start < d3; start += TILE) {
    const end = min(start + TILE, d3);
    let i: u32 = 0;
    if (sizeof<T>() == 4) {
      for (; i + 4 <= d2; i += 4) {
        let j = start;
        for (; j + 4 <= end; j += 4) transpose4(x + ((<i32>j * s3 + <i32>i) << 2), s3 << 2, y + ((i * d3 + j) << 2), d3 << 2);
        for (; j < end; j++) {
          for (let k: u32 = i; k < i + 4; k++) {
            store<T>(y + ((k * d3 + j) << 2), load<T>(x + ((<i32>j * s3 + <i32>k) << 2)));
          }
        }
      }
    }
    for (; i < d2; i++) {
      for (let j = start; j < end; j++) {
        store<T>(y + (i * d3 + j) * size, load<T>(x + (<i32>j * s3 + <i32>i) * size));
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function transpose4(x: usize, from: i32, y: usize, to: u32): void {
  const a = v128.load(x);
  const b = v128.load(x + from);
  const c = v128.load(x + 2 * from);
  const d = v128.load(x + 3 * from);
  const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(y, v128.shuffle<f64>(ab0, cd0, 0, 2));
  v128.store(y + to, v128.shuffle<f64>(ab0, cd0, 1, 3));
  v128.store(y + 2 * to, v128.shuffle<f64>(ab1, cd1, 0, 2));
  v128.store(y + 3 * to, v128.shuffle<f64>(ab1, cd1, 1, 3));
}

// @ts-ignore: decorator
@inline
function copyAll<T>(
  x: usize, y: usize, d0: u32, d1: u32, d2: u32, d3: u32, s0: i32, s1: i32, s2: i32, s3: i32,
): void {
  const size = <i32>sizeof<T>();
  for (let i: u32 = 0; i < d0; i++) {
    for (let j: u32 = 0; j < d1; j++) {
      copyPlane<T>(x + (<i32>i * s0 + <i32>j * s1) * size, y, d2, d3, s2, s3);
      y += d2 * d3 * size;
    }
  }
}

export function x8_copy(
  x: usize, y: usize, d0: u32, d1: u32, d2: u32, d3: u32, s0: i32, s1: i32, s2: i32, s3: i32,
): void {
  copyAll<u8>(x, y, d0, d1, d2, d3, s0, s1, s2, s3);
}

export function x16_copy(
  x: usize, y: usize, d0: u32, d1: u32, d2: u32, d3: u32, s0: i32, s1: i32, s2: i32, s3: i32,
): void {
  copyAll<u16>(x, y, d0, d1, d2, d3, s0, s1, s2, s3);
}

export function x32_copy(
  x: usize, y: usize, d0: u32, d1: u32, d2: u32, d3: u32, s0: i32, s1: i32, s2: i32, s3: i32,
): void {
  copyAll<u32>(x, y, d0, d1, d2, d3, s0, s1, s2, s3);
}

export function x64_copy(
  x: usize, y: usize, d0: u32, d1: u32, d2: u32, d3: u32, s0: i32, s1: i32, s2: i32, s3: i32,
): void {
  copyAll<u64>(x, y, d0, d1, d2, d3, s0, s1, s2, s3);
}

/** y[o, j, u] = Σ weight[j, t] · x[o, index[j, t], u] in f32, in order, for x [outer, from, unit], y [outer, to, unit]:
 *  one axis of a resize. An index of −1 adds nothing. */
export function f32_resample(
  x: usize, y: usize, index: usize, weight: usize, outer: u32, from: u32, to: u32, unit: u32, taps: u32,
): void {
  const stride = <usize>unit << 2;
  for (; outer > 0; outer--) {
    for (let j: u32 = 0; j < to; j++) {
      const first = <usize>(j * taps) << 2;
      let i: usize = 0;
      for (; i + 16 <= stride; i += 16) {
        let sum = f32x4.splat(0);
        for (let t: usize = 0; t < <usize>taps << 2; t += 4) {
          const row = load<i32>(index + first + t);
          if (row < 0) continue;
          sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(weight + first + t), v128.load(x + <usize>row * stride + i)));
        }
        v128.store(y + i, canonical(sum));
      }
      for (; i < stride; i += 4) {
        let sum: f32 = 0;
        for (let t: usize = 0; t < <usize>taps << 2; t += 4) {
          const row = load<i32>(index + first + t);
          if (row < 0) continue;
          sum += load<f32>(weight + first + t) * load<f32>(x + <usize>row * stride + i);
        }
        store<f32>(y + i, canonical1(sum));
      }
      y += stride;
    }
    x += <usize>from * stride;
  }
}
