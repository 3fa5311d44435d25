// Made by assembly/gen/int8.ts.
import { correct, levels, MAGIC_BITS, put, put8, widen } from '../int8-store';

function tile4_i16(
  pointers: usize, offset: usize, b: usize, init: usize, c: usize, rows: usize, columns: usize,
  m: u32, width: u32, padded: u32, taps: u32, steps: u32, ldc: u32, corrected: u32,
): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  let c10 = v128.load(init);
  let c11 = v128.load(init, 16);
  let c20 = v128.load(init);
  let c21 = v128.load(init, 16);
  let c30 = v128.load(init);
  let c31 = v128.load(init, 16);
  if (corrected) {
    const s0 = v128.load(columns);
    const s1 = v128.load(columns, 16);
    const z0 = v128.load(columns + (padded << 2));
    const z1 = v128.load(columns + (padded << 2), 16);
    const p0 = v128.load32_splat(rows + 0);
    const q0 = v128.load32_splat(rows + (m << 2) + 0);
    c00 = correct(c00, p0, s0, q0, z0);
    c01 = correct(c01, p0, s1, q0, z1);
    const p1 = v128.load32_splat(rows + 4);
    const q1 = v128.load32_splat(rows + (m << 2) + 4);
    c10 = correct(c10, p1, s0, q1, z0);
    c11 = correct(c11, p1, s1, q1, z1);
    const p2 = v128.load32_splat(rows + 8);
    const q2 = v128.load32_splat(rows + (m << 2) + 8);
    c20 = correct(c20, p2, s0, q2, z0);
    c21 = correct(c21, p2, s1, q2, z1);
    const p3 = v128.load32_splat(rows + 12);
    const q3 = v128.load32_splat(rows + (m << 2) + 12);
    c30 = correct(c30, p3, s0, q3, z0);
    c31 = correct(c31, p3, s1, q3, z1);
  }
  const row = taps << 2;
  for (; taps > 0; taps--) {
    let a0 = load<usize>(pointers) + offset;
    let a1 = load<usize>(pointers + row) + offset;
    let a2 = load<usize>(pointers + 2 * row) + offset;
    let a3 = load<usize>(pointers + 3 * row) + offset;
    pointers += 4;
    let step = steps;
    for (; step >= 1; step -= 1) {
      const w00 = v128.load(b, 0);
      const w01 = v128.load(b, 16);
      const x00 = v128.load32_splat(a0, 0);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w00, x00));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w01, x00));
      const x01 = v128.load32_splat(a1, 0);
      c10 = i32x4.add(c10, i32x4.dot_i16x8_s(w00, x01));
      c11 = i32x4.add(c11, i32x4.dot_i16x8_s(w01, x01));
      const x02 = v128.load32_splat(a2, 0);
      c20 = i32x4.add(c20, i32x4.dot_i16x8_s(w00, x02));
      c21 = i32x4.add(c21, i32x4.dot_i16x8_s(w01, x02));
      const x03 = v128.load32_splat(a3, 0);
      c30 = i32x4.add(c30, i32x4.dot_i16x8_s(w00, x03));
      c31 = i32x4.add(c31, i32x4.dot_i16x8_s(w01, x03));
      b += 32;
      a0 += 4;
      a1 += 4;
      a2 += 4;
      a3 += 4;
    }
  }
  put(c, c00, c01, width);
  put(c + ldc, c10, c11, width);
  put(c + 2 * ldc, c20, c21, width);
  put(c + 3 * ldc, c30, c31, width);
}

function tile2_i16(
  pointers: usize, offset: usize, b: usize, init: usize, c: usize, rows: usize, columns: usize,
  m: u32, width: u32, padded: u32, taps: u32, steps: u32, ldc: u32, corrected: u32,
): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  let c10 = v128.load(init);
  let c11 = v128.load(init, 16);
  if (corrected) {
    const s0 = v128.load(columns);
    const s1 = v128.load(columns, 16);
    const z0 = v128.load(columns + (padded << 2));
    const z1 = v128.load(columns + (padded << 2), 16);
    const p0 = v128.load32_splat(rows + 0);
    const q0 = v128.load32_splat(rows + (m << 2) + 0);
    c00 = correct(c00, p0, s0, q0, z0);
    c01 = correct(c01, p0, s1, q0, z1);
    const p1 = v128.load32_splat(rows + 4);
    const q1 = v128.load32_splat(rows + (m << 2) + 4);
    c10 = correct(c10, p1, s0, q1, z0);
    c11 = correct(c11, p1, s1, q1, z1);
  }
  const row = taps << 2;
  for (; taps > 0; taps--) {
    let a0 = load<usize>(pointers) + offset;
    let a1 = load<usize>(pointers + row) + offset;
    pointers += 4;
    let step = steps;
    for (; step >= 1; step -= 1) {
      const w00 = v128.load(b, 0);
      const w01 = v128.load(b, 16);
      const x00 = v128.load32_splat(a0, 0);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w00, x00));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w01, x00));
      const x01 = v128.load32_splat(a1, 0);
      c10 = i32x4.add(c10, i32x4.dot_i16x8_s(w00, x01));
      c11 = i32x4.add(c11, i32x4.dot_i16x8_s(w01, x01));
      b += 32;
      a0 += 4;
      a1 += 4;
    }
  }
  put(c, c00, c01, width);
  put(c + ldc, c10, c11, width);
}

function tile1_i16(
  pointers: usize, offset: usize, b: usize, init: usize, c: usize, rows: usize, columns: usize,
  m: u32, width: u32, padded: u32, taps: u32, steps: u32, ldc: u32, corrected: u32,
): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  if (corrected) {
    const s0 = v128.load(columns);
    const s1 = v128.load(columns, 16);
    const z0 = v128.load(columns + (padded << 2));
    const z1 = v128.load(columns + (padded << 2), 16);
    const p0 = v128.load32_splat(rows + 0);
    const q0 = v128.load32_splat(rows + (m << 2) + 0);
    c00 = correct(c00, p0, s0, q0, z0);
    c01 = correct(c01, p0, s1, q0, z1);
  }
  const row = taps << 2;
  for (; taps > 0; taps--) {
    let a0 = load<usize>(pointers) + offset;
    pointers += 4;
    let step = steps;
    for (; step >= 1; step -= 1) {
      const w00 = v128.load(b, 0);
      const w01 = v128.load(b, 16);
      const x00 = v128.load32_splat(a0, 0);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w00, x00));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w01, x00));
      b += 32;
      a0 += 4;
    }
  }
  put(c, c00, c01, width);
}

function wide_i16(
  pointers: usize, offset: usize, b: usize, init: usize, c: usize, rows: usize, columns: usize,
  m: u32, padded: u32, taps: u32, steps: u32, corrected: u32,
): void {
  const stride = taps * steps * 16;
  let c0 = v128.load(init, 0);
  let c1 = v128.load(init, 16);
  let c2 = v128.load(init, 32);
  let c3 = v128.load(init, 48);
  let c4 = v128.load(init, 64);
  let c5 = v128.load(init, 80);
  let c6 = v128.load(init, 96);
  let c7 = v128.load(init, 112);
  if (corrected) {
    const p = v128.load32_splat(rows);
    const q = v128.load32_splat(rows + (m << 2));
    const zeros = columns + (padded << 2);
    c0 = correct(c0, p, v128.load(columns, 0), q, v128.load(zeros, 0));
    c1 = correct(c1, p, v128.load(columns, 16), q, v128.load(zeros, 16));
    c2 = correct(c2, p, v128.load(columns, 32), q, v128.load(zeros, 32));
    c3 = correct(c3, p, v128.load(columns, 48), q, v128.load(zeros, 48));
    c4 = correct(c4, p, v128.load(columns, 64), q, v128.load(zeros, 64));
    c5 = correct(c5, p, v128.load(columns, 80), q, v128.load(zeros, 80));
    c6 = correct(c6, p, v128.load(columns, 96), q, v128.load(zeros, 96));
    c7 = correct(c7, p, v128.load(columns, 112), q, v128.load(zeros, 112));
  }
  for (; taps > 0; taps--) {
    let a = load<usize>(pointers) + offset;
    pointers += 4;
    for (let step = steps; step > 0; step--) {
      const x = v128.load32_splat(a);
      a += 4;
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.load_ext<i8>(b, 0), x));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v128.load_ext<i8>(b, 8), x));
      c2 = i32x4.add(c2, i32x4.dot_i16x8_s(v128.load_ext<i8>(b + stride, 0), x));
      c3 = i32x4.add(c3, i32x4.dot_i16x8_s(v128.load_ext<i8>(b + stride, 8), x));
      c4 = i32x4.add(c4, i32x4.dot_i16x8_s(v128.load_ext<i8>(b + 2 * stride, 0), x));
      c5 = i32x4.add(c5, i32x4.dot_i16x8_s(v128.load_ext<i8>(b + 2 * stride, 8), x));
      c6 = i32x4.add(c6, i32x4.dot_i16x8_s(v128.load_ext<i8>(b + 3 * stride, 0), x));
      c7 = i32x4.add(c7, i32x4.dot_i16x8_s(v128.load_ext<i8>(b + 3 * stride, 8), x));
      b += 16;
    }
  }
  v128.store(c, c0, 0);
  v128.store(c, c1, 16);
  v128.store(c, c2, 32);
  v128.store(c, c3, 48);
  v128.store(c, c4, 64);
  v128.store(c, c5, 80);
  v128.store(c, c6, 96);
  v128.store(c, c7, 112);
}

/** c[i, j] = init[j] + Σ a·b over the taps, a read through pointers[i, tap] + offset (bytes), b in panels.
 *  With `corrected`, + rows[i]·columns[j] + rows[m + i]·columns[padded n + j]. Activations of 16 bits; the panel is widened into scratch, as widening in every tile costs a tenth.
 *  Reads up to 1 values past the k of a pointer, which meet weights of 0. */
export function q8_igemm_i16(
  pointers: usize, offset: usize, b: usize, init: usize, c: usize, rows: usize, columns: usize,
  m: u32, n: u32, taps: u32, k: u32, ldc: u32, corrected: u32, scratch: usize,
): void {
  const steps = (k + 1) / 2;
  const stride = taps * steps * 16;
  const padded = (n + 7) & ~7;
  let j: u32 = 0;
  if (m === 1) {
    for (; j + 32 <= n; j += 32) {
      wide_i16(pointers, offset, b, init + (j << 2), c + (j << 2), rows, columns + (j << 2), m, padded, taps, steps, corrected);
      b += 4 * stride;
    }
  }
  for (; j < n; j += 8) {
    const width = min<u32>(n - j, 8);
    widen(b, scratch, stride);
    let i: u32 = 0;
    for (; i + 4 <= m; i += 4) tile4_i16(pointers + i * taps * 4, offset, scratch, init + (j << 2), c + ((i * ldc + j) << 2), rows + (i << 2), columns + (j << 2), m, width, padded, taps, steps, ldc << 2, corrected);
    if (i + 2 <= m) {
      tile2_i16(pointers + i * taps * 4, offset, scratch, init + (j << 2), c + ((i * ldc + j) << 2), rows + (i << 2), columns + (j << 2), m, width, padded, taps, steps, ldc << 2, corrected);
      i += 2;
    }
    if (i < m) tile1_i16(pointers + i * taps * 4, offset, scratch, init + (j << 2), c + ((i * ldc + j) << 2), rows + (i << 2), columns + (j << 2), m, width, padded, taps, steps, ldc << 2, corrected);
    b += stride;
  }
}

function levels4_i16(
  pointers: usize, offset: usize, b: usize, init: usize, scales: usize, y: usize,
  width: u32, taps: u32, steps: u32, ldy: u32, low: v128, high: v128, shift: v128, down: v128, flip: v128,
): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  let c10 = v128.load(init);
  let c11 = v128.load(init, 16);
  let c20 = v128.load(init);
  let c21 = v128.load(init, 16);
  let c30 = v128.load(init);
  let c31 = v128.load(init, 16);
  const row = taps << 2;
  for (; taps > 0; taps--) {
    let a0 = load<usize>(pointers) + offset;
    let a1 = load<usize>(pointers + row) + offset;
    let a2 = load<usize>(pointers + 2 * row) + offset;
    let a3 = load<usize>(pointers + 3 * row) + offset;
    pointers += 4;
    let step = steps;
    for (; step >= 2; step -= 2) {
      const w00 = v128.load(b, 0);
      const w01 = v128.load(b, 16);
      const x00 = v128.load32_splat(a0, 0);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w00, x00));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w01, x00));
      const x01 = v128.load32_splat(a1, 0);
      c10 = i32x4.add(c10, i32x4.dot_i16x8_s(w00, x01));
      c11 = i32x4.add(c11, i32x4.dot_i16x8_s(w01, x01));
      const x02 = v128.load32_splat(a2, 0);
      c20 = i32x4.add(c20, i32x4.dot_i16x8_s(w00, x02));
      c21 = i32x4.add(c21, i32x4.dot_i16x8_s(w01, x02));
      const x03 = v128.load32_splat(a3, 0);
      c30 = i32x4.add(c30, i32x4.dot_i16x8_s(w00, x03));
      c31 = i32x4.add(c31, i32x4.dot_i16x8_s(w01, x03));
      const w10 = v128.load(b, 32);
      const w11 = v128.load(b, 48);
      const x10 = v128.load32_splat(a0, 4);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w10, x10));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w11, x10));
      const x11 = v128.load32_splat(a1, 4);
      c10 = i32x4.add(c10, i32x4.dot_i16x8_s(w10, x11));
      c11 = i32x4.add(c11, i32x4.dot_i16x8_s(w11, x11));
      const x12 = v128.load32_splat(a2, 4);
      c20 = i32x4.add(c20, i32x4.dot_i16x8_s(w10, x12));
      c21 = i32x4.add(c21, i32x4.dot_i16x8_s(w11, x12));
      const x13 = v128.load32_splat(a3, 4);
      c30 = i32x4.add(c30, i32x4.dot_i16x8_s(w10, x13));
      c31 = i32x4.add(c31, i32x4.dot_i16x8_s(w11, x13));
      b += 64;
      a0 += 8;
      a1 += 8;
      a2 += 8;
      a3 += 8;
    }
    for (; step >= 1; step -= 1) {
      const w00 = v128.load(b, 0);
      const w01 = v128.load(b, 16);
      const x00 = v128.load32_splat(a0, 0);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w00, x00));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w01, x00));
      const x01 = v128.load32_splat(a1, 0);
      c10 = i32x4.add(c10, i32x4.dot_i16x8_s(w00, x01));
      c11 = i32x4.add(c11, i32x4.dot_i16x8_s(w01, x01));
      const x02 = v128.load32_splat(a2, 0);
      c20 = i32x4.add(c20, i32x4.dot_i16x8_s(w00, x02));
      c21 = i32x4.add(c21, i32x4.dot_i16x8_s(w01, x02));
      const x03 = v128.load32_splat(a3, 0);
      c30 = i32x4.add(c30, i32x4.dot_i16x8_s(w00, x03));
      c31 = i32x4.add(c31, i32x4.dot_i16x8_s(w01, x03));
      b += 32;
      a0 += 4;
      a1 += 4;
      a2 += 4;
      a3 += 4;
    }
  }
  const s0 = v128.load(scales);
  const s1 = v128.load(scales, 16);
  put8(y, levels(c00, s0, low, high, shift), levels(c01, s1, low, high, shift), down, flip, width);
  put8(y + ldy, levels(c10, s0, low, high, shift), levels(c11, s1, low, high, shift), down, flip, width);
  put8(y + 2 * ldy, levels(c20, s0, low, high, shift), levels(c21, s1, low, high, shift), down, flip, width);
  put8(y + 3 * ldy, levels(c30, s0, low, high, shift), levels(c31, s1, low, high, shift), down, flip, width);
}

function levels2_i16(
  pointers: usize, offset: usize, b: usize, init: usize, scales: usize, y: usize,
  width: u32, taps: u32, steps: u32, ldy: u32, low: v128, high: v128, shift: v128, down: v128, flip: v128,
): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  let c10 = v128.load(init);
  let c11 = v128.load(init, 16);
  const row = taps << 2;
  for (; taps > 0; taps--) {
    let a0 = load<usize>(pointers) + offset;
    let a1 = load<usize>(pointers + row) + offset;
    pointers += 4;
    let step = steps;
    for (; step >= 2; step -= 2) {
      const w00 = v128.load(b, 0);
      const w01 = v128.load(b, 16);
      const x00 = v128.load32_splat(a0, 0);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w00, x00));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w01, x00));
      const x01 = v128.load32_splat(a1, 0);
      c10 = i32x4.add(c10, i32x4.dot_i16x8_s(w00, x01));
      c11 = i32x4.add(c11, i32x4.dot_i16x8_s(w01, x01));
      const w10 = v128.load(b, 32);
      const w11 = v128.load(b, 48);
      const x10 = v128.load32_splat(a0, 4);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w10, x10));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w11, x10));
      const x11 = v128.load32_splat(a1, 4);
      c10 = i32x4.add(c10, i32x4.dot_i16x8_s(w10, x11));
      c11 = i32x4.add(c11, i32x4.dot_i16x8_s(w11, x11));
      b += 64;
      a0 += 8;
      a1 += 8;
    }
    for (; step >= 1; step -= 1) {
      const w00 = v128.load(b, 0);
      const w01 = v128.load(b, 16);
      const x00 = v128.load32_splat(a0, 0);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w00, x00));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w01, x00));
      const x01 = v128.load32_splat(a1, 0);
      c10 = i32x4.add(c10, i32x4.dot_i16x8_s(w00, x01));
      c11 = i32x4.add(c11, i32x4.dot_i16x8_s(w01, x01));
      b += 32;
      a0 += 4;
      a1 += 4;
    }
  }
  const s0 = v128.load(scales);
  const s1 = v128.load(scales, 16);
  put8(y, levels(c00, s0, low, high, shift), levels(c01, s1, low, high, shift), down, flip, width);
  put8(y + ldy, levels(c10, s0, low, high, shift), levels(c11, s1, low, high, shift), down, flip, width);
}

function levels1_i16(
  pointers: usize, offset: usize, b: usize, init: usize, scales: usize, y: usize,
  width: u32, taps: u32, steps: u32, ldy: u32, low: v128, high: v128, shift: v128, down: v128, flip: v128,
): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  const row = taps << 2;
  for (; taps > 0; taps--) {
    let a0 = load<usize>(pointers) + offset;
    pointers += 4;
    let step = steps;
    for (; step >= 2; step -= 2) {
      const w00 = v128.load(b, 0);
      const w01 = v128.load(b, 16);
      const x00 = v128.load32_splat(a0, 0);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w00, x00));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w01, x00));
      const w10 = v128.load(b, 32);
      const w11 = v128.load(b, 48);
      const x10 = v128.load32_splat(a0, 4);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w10, x10));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w11, x10));
      b += 64;
      a0 += 8;
    }
    for (; step >= 1; step -= 1) {
      const w00 = v128.load(b, 0);
      const w01 = v128.load(b, 16);
      const x00 = v128.load32_splat(a0, 0);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w00, x00));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w01, x00));
      b += 32;
      a0 += 4;
    }
  }
  const s0 = v128.load(scales);
  const s1 = v128.load(scales, 16);
  put8(y, levels(c00, s0, low, high, shift), levels(c01, s1, low, high, shift), down, flip, width);
}

/** y[i, j] = the level of that sum, without corrections: rint(sum · scales[j]) + zero, within lo and hi. init and scales are
 *  of whole panels. Reads up to 1 values past the k of a pointer, which meet weights of 0. */
export function q8_levels_i16(
  pointers: usize, offset: usize, b: usize, init: usize, scales: usize, y: usize,
  m: u32, n: u32, taps: u32, k: u32, ldy: u32, zero: i32, lo: i32, hi: i32, scratch: usize,
): void {
  const steps = (k + 1) / 2;
  const stride = taps * steps * 16;
  const low = f32x4.splat(<f32>(lo - zero));
  const high = f32x4.splat(<f32>(hi - zero));
  const shift = i32x4.splat(MAGIC_BITS - zero);
  const down = i16x8.splat(hi > 127 ? 128 : 0);
  const flip = i8x16.splat(hi > 127 ? -128 : 0);
  for (let j: u32 = 0; j < n; j += 8) {
    const width = min<u32>(n - j, 8);
    widen(b, scratch, stride);
    let i: u32 = 0;
    for (; i + 4 <= m; i += 4) levels4_i16(pointers + i * taps * 4, offset, scratch, init + (j << 2), scales + (j << 2), y + i * ldy + j, width, taps, steps, ldy, low, high, shift, down, flip);
    if (i + 2 <= m) {
      levels2_i16(pointers + i * taps * 4, offset, scratch, init + (j << 2), scales + (j << 2), y + i * ldy + j, width, taps, steps, ldy, low, high, shift, down, flip);
      i += 2;
    }
    if (i < m) levels1_i16(pointers + i * taps * 4, offset, scratch, init + (j << 2), scales + (j << 2), y + i * ldy + j, width, taps, steps, ldy, low, high, shift, down, flip);
    b += stride;
  }
}
