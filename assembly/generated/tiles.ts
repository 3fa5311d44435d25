// Made by assembly/gen/tiles.ts: `npm run generate`.
import { loadPart, rowOf, storePart } from '../part';

export function tile4x8(
  a: usize, b: usize, bias: usize, out: usize, columns: u32, k: u32,
  lda: usize, ldb: usize, ldo: usize, accumulate: bool, low: u32, high: u32,
): void {
  let c00 = v128.load(bias);
  let c01 = v128.load(bias, 16);
  let c10 = c00;
  let c11 = c01;
  let c20 = c00;
  let c21 = c01;
  let c30 = c00;
  let c31 = c01;
  if (accumulate) {
    if (columns >= 8) {
      c00 = v128.load(out);
      c01 = v128.load(out, 16);
      c10 = v128.load(out + ldo);
      c11 = v128.load(out + ldo, 16);
      c20 = v128.load(out + 2 * ldo);
      c21 = v128.load(out + 2 * ldo, 16);
      c30 = v128.load(out + 3 * ldo);
      c31 = v128.load(out + 3 * ldo, 16);
    } else {
      c00 = loadPart(out, <i32>columns);
      c01 = loadPart(out + 16, <i32>columns - 4);
      c10 = loadPart(out + ldo, <i32>columns);
      c11 = loadPart(out + ldo + 16, <i32>columns - 4);
      c20 = loadPart(out + 2 * ldo, <i32>columns);
      c21 = loadPart(out + 2 * ldo + 16, <i32>columns - 4);
      c30 = loadPart(out + 3 * ldo, <i32>columns);
      c31 = loadPart(out + 3 * ldo + 16, <i32>columns - 4);
    }
  }
  let a0 = a;
  let a1 = a + lda;
  let a2 = a + 2 * lda;
  let a3 = a + 3 * lda;
  for (const end = b + (<usize>k << 5); b != end; ) {
    const y0 = v128.load(b);
    const y1 = v128.load(b, 16);
    const x0 = v128.load32_splat(a0);
    c00 = f32x4.add(c00, f32x4.mul(x0, y0));
    c01 = f32x4.add(c01, f32x4.mul(x0, y1));
    a0 += 4;
    const x1 = v128.load32_splat(a1);
    c10 = f32x4.add(c10, f32x4.mul(x1, y0));
    c11 = f32x4.add(c11, f32x4.mul(x1, y1));
    a1 += 4;
    const x2 = v128.load32_splat(a2);
    c20 = f32x4.add(c20, f32x4.mul(x2, y0));
    c21 = f32x4.add(c21, f32x4.mul(x2, y1));
    a2 += 4;
    const x3 = v128.load32_splat(a3);
    c30 = f32x4.add(c30, f32x4.mul(x3, y0));
    c31 = f32x4.add(c31, f32x4.mul(x3, y1));
    a3 += 4;
    b += 32;
  }
  const lows = i32x4.splat(low);
  const highs = i32x4.splat(high);
  c00 = f32x4.pmin(f32x4.pmax(c00, lows), highs);
  c01 = f32x4.pmin(f32x4.pmax(c01, lows), highs);
  c10 = f32x4.pmin(f32x4.pmax(c10, lows), highs);
  c11 = f32x4.pmin(f32x4.pmax(c11, lows), highs);
  c20 = f32x4.pmin(f32x4.pmax(c20, lows), highs);
  c21 = f32x4.pmin(f32x4.pmax(c21, lows), highs);
  c30 = f32x4.pmin(f32x4.pmax(c30, lows), highs);
  c31 = f32x4.pmin(f32x4.pmax(c31, lows), highs);
  if (columns >= 8) {
    v128.store(out, c00);
    v128.store(out, c01, 16);
  } else {
    storePart(out, c00, <i32>columns);
    storePart(out + 16, c01, <i32>columns - 4);
  }
  if (columns >= 8) {
    v128.store(out + ldo, c10);
    v128.store(out + ldo, c11, 16);
  } else {
    storePart(out + ldo, c10, <i32>columns);
    storePart(out + ldo + 16, c11, <i32>columns - 4);
  }
  if (columns >= 8) {
    v128.store(out + 2 * ldo, c20);
    v128.store(out + 2 * ldo, c21, 16);
  } else {
    storePart(out + 2 * ldo, c20, <i32>columns);
    storePart(out + 2 * ldo + 16, c21, <i32>columns - 4);
  }
  if (columns >= 8) {
    v128.store(out + 3 * ldo, c30);
    v128.store(out + 3 * ldo, c31, 16);
  } else {
    storePart(out + 3 * ldo, c30, <i32>columns);
    storePart(out + 3 * ldo + 16, c31, <i32>columns - 4);
  }
}

export function tile3x8(
  a: usize, b: usize, bias: usize, out: usize, columns: u32, k: u32,
  lda: usize, ldb: usize, ldo: usize, accumulate: bool, low: u32, high: u32,
): void {
  let c00 = v128.load(bias);
  let c01 = v128.load(bias, 16);
  let c10 = c00;
  let c11 = c01;
  let c20 = c00;
  let c21 = c01;
  if (accumulate) {
    if (columns >= 8) {
      c00 = v128.load(out);
      c01 = v128.load(out, 16);
      c10 = v128.load(out + ldo);
      c11 = v128.load(out + ldo, 16);
      c20 = v128.load(out + 2 * ldo);
      c21 = v128.load(out + 2 * ldo, 16);
    } else {
      c00 = loadPart(out, <i32>columns);
      c01 = loadPart(out + 16, <i32>columns - 4);
      c10 = loadPart(out + ldo, <i32>columns);
      c11 = loadPart(out + ldo + 16, <i32>columns - 4);
      c20 = loadPart(out + 2 * ldo, <i32>columns);
      c21 = loadPart(out + 2 * ldo + 16, <i32>columns - 4);
    }
  }
  let a0 = a;
  let a1 = a + lda;
  let a2 = a + 2 * lda;
  for (const end = b + (<usize>k << 5); b != end; ) {
    const y0 = v128.load(b);
    const y1 = v128.load(b, 16);
    const x0 = v128.load32_splat(a0);
    c00 = f32x4.add(c00, f32x4.mul(x0, y0));
    c01 = f32x4.add(c01, f32x4.mul(x0, y1));
    a0 += 4;
    const x1 = v128.load32_splat(a1);
    c10 = f32x4.add(c10, f32x4.mul(x1, y0));
    c11 = f32x4.add(c11, f32x4.mul(x1, y1));
    a1 += 4;
    const x2 = v128.load32_splat(a2);
    c20 = f32x4.add(c20, f32x4.mul(x2, y0));
    c21 = f32x4.add(c21, f32x4.mul(x2, y1));
    a2 += 4;
    b += 32;
  }
  const lows = i32x4.splat(low);
  const highs = i32x4.splat(high);
  c00 = f32x4.pmin(f32x4.pmax(c00, lows), highs);
  c01 = f32x4.pmin(f32x4.pmax(c01, lows), highs);
  c10 = f32x4.pmin(f32x4.pmax(c10, lows), highs);
  c11 = f32x4.pmin(f32x4.pmax(c11, lows), highs);
  c20 = f32x4.pmin(f32x4.pmax(c20, lows), highs);
  c21 = f32x4.pmin(f32x4.pmax(c21, lows), highs);
  if (columns >= 8) {
    v128.store(out, c00);
    v128.store(out, c01, 16);
  } else {
    storePart(out, c00, <i32>columns);
    storePart(out + 16, c01, <i32>columns - 4);
  }
  if (columns >= 8) {
    v128.store(out + ldo, c10);
    v128.store(out + ldo, c11, 16);
  } else {
    storePart(out + ldo, c10, <i32>columns);
    storePart(out + ldo + 16, c11, <i32>columns - 4);
  }
  if (columns >= 8) {
    v128.store(out + 2 * ldo, c20);
    v128.store(out + 2 * ldo, c21, 16);
  } else {
    storePart(out + 2 * ldo, c20, <i32>columns);
    storePart(out + 2 * ldo + 16, c21, <i32>columns - 4);
  }
}

export function tile2x8(
  a: usize, b: usize, bias: usize, out: usize, columns: u32, k: u32,
  lda: usize, ldb: usize, ldo: usize, accumulate: bool, low: u32, high: u32,
): void {
  let c00 = v128.load(bias);
  let c01 = v128.load(bias, 16);
  let c10 = c00;
  let c11 = c01;
  if (accumulate) {
    if (columns >= 8) {
      c00 = v128.load(out);
      c01 = v128.load(out, 16);
      c10 = v128.load(out + ldo);
      c11 = v128.load(out + ldo, 16);
    } else {
      c00 = loadPart(out, <i32>columns);
      c01 = loadPart(out + 16, <i32>columns - 4);
      c10 = loadPart(out + ldo, <i32>columns);
      c11 = loadPart(out + ldo + 16, <i32>columns - 4);
    }
  }
  let a0 = a;
  let a1 = a + lda;
  for (const end = b + (<usize>k << 5); b != end; ) {
    const y0 = v128.load(b);
    const y1 = v128.load(b, 16);
    const x0 = v128.load32_splat(a0);
    c00 = f32x4.add(c00, f32x4.mul(x0, y0));
    c01 = f32x4.add(c01, f32x4.mul(x0, y1));
    a0 += 4;
    const x1 = v128.load32_splat(a1);
    c10 = f32x4.add(c10, f32x4.mul(x1, y0));
    c11 = f32x4.add(c11, f32x4.mul(x1, y1));
    a1 += 4;
    b += 32;
  }
  const lows = i32x4.splat(low);
  const highs = i32x4.splat(high);
  c00 = f32x4.pmin(f32x4.pmax(c00, lows), highs);
  c01 = f32x4.pmin(f32x4.pmax(c01, lows), highs);
  c10 = f32x4.pmin(f32x4.pmax(c10, lows), highs);
  c11 = f32x4.pmin(f32x4.pmax(c11, lows), highs);
  if (columns >= 8) {
    v128.store(out, c00);
    v128.store(out, c01, 16);
  } else {
    storePart(out, c00, <i32>columns);
    storePart(out + 16, c01, <i32>columns - 4);
  }
  if (columns >= 8) {
    v128.store(out + ldo, c10);
    v128.store(out + ldo, c11, 16);
  } else {
    storePart(out + ldo, c10, <i32>columns);
    storePart(out + ldo + 16, c11, <i32>columns - 4);
  }
}

export function tile1x8(
  a: usize, b: usize, bias: usize, out: usize, columns: u32, k: u32,
  lda: usize, ldb: usize, ldo: usize, accumulate: bool, low: u32, high: u32,
): void {
  let c00 = v128.load(bias);
  let c01 = v128.load(bias, 16);
  if (accumulate) {
    if (columns >= 8) {
      c00 = v128.load(out);
      c01 = v128.load(out, 16);
    } else {
      c00 = loadPart(out, <i32>columns);
      c01 = loadPart(out + 16, <i32>columns - 4);
    }
  }
  let a0 = a;
  for (const end = b + (<usize>k << 5); b != end; ) {
    const y0 = v128.load(b);
    const y1 = v128.load(b, 16);
    const x0 = v128.load32_splat(a0);
    c00 = f32x4.add(c00, f32x4.mul(x0, y0));
    c01 = f32x4.add(c01, f32x4.mul(x0, y1));
    a0 += 4;
    b += 32;
  }
  const lows = i32x4.splat(low);
  const highs = i32x4.splat(high);
  c00 = f32x4.pmin(f32x4.pmax(c00, lows), highs);
  c01 = f32x4.pmin(f32x4.pmax(c01, lows), highs);
  if (columns >= 8) {
    v128.store(out, c00);
    v128.store(out, c01, 16);
  } else {
    storePart(out, c00, <i32>columns);
    storePart(out + 16, c01, <i32>columns - 4);
  }
}

export function tile1x32(
  a: usize, b: usize, bias: usize, out: usize, columns: u32, k: u32,
  lda: usize, ldb: usize, ldo: usize, accumulate: bool, low: u32, high: u32,
): void {
  let c00 = v128.load(bias);
  let c01 = v128.load(bias, 16);
  let c02 = v128.load(bias, 32);
  let c03 = v128.load(bias, 48);
  let c04 = v128.load(bias, 64);
  let c05 = v128.load(bias, 80);
  let c06 = v128.load(bias, 96);
  let c07 = v128.load(bias, 112);
  if (accumulate) {
    if (columns >= 32) {
      c00 = v128.load(out);
      c01 = v128.load(out, 16);
      c02 = v128.load(out, 32);
      c03 = v128.load(out, 48);
      c04 = v128.load(out, 64);
      c05 = v128.load(out, 80);
      c06 = v128.load(out, 96);
      c07 = v128.load(out, 112);
    } else {
      c00 = loadPart(out, <i32>columns);
      c01 = loadPart(out + 16, <i32>columns - 4);
      c02 = loadPart(out + 32, <i32>columns - 8);
      c03 = loadPart(out + 48, <i32>columns - 12);
      c04 = loadPart(out + 64, <i32>columns - 16);
      c05 = loadPart(out + 80, <i32>columns - 20);
      c06 = loadPart(out + 96, <i32>columns - 24);
      c07 = loadPart(out + 112, <i32>columns - 28);
    }
  }
  let a0 = a;
  let b0 = b;
  let b1 = b + ldb;
  let b2 = b + 2 * ldb;
  let b3 = b + 3 * ldb;
  for (const end = b0 + (<usize>k << 5); b0 != end; ) {
    const x0 = v128.load32_splat(a0);
    c00 = f32x4.add(c00, f32x4.mul(x0, v128.load(b0)));
    c01 = f32x4.add(c01, f32x4.mul(x0, v128.load(b0, 16)));
    c02 = f32x4.add(c02, f32x4.mul(x0, v128.load(b1)));
    c03 = f32x4.add(c03, f32x4.mul(x0, v128.load(b1, 16)));
    c04 = f32x4.add(c04, f32x4.mul(x0, v128.load(b2)));
    c05 = f32x4.add(c05, f32x4.mul(x0, v128.load(b2, 16)));
    c06 = f32x4.add(c06, f32x4.mul(x0, v128.load(b3)));
    c07 = f32x4.add(c07, f32x4.mul(x0, v128.load(b3, 16)));
    a0 += 4;
    b0 += 32;
    b1 += 32;
    b2 += 32;
    b3 += 32;
  }
  const lows = i32x4.splat(low);
  const highs = i32x4.splat(high);
  c00 = f32x4.pmin(f32x4.pmax(c00, lows), highs);
  c01 = f32x4.pmin(f32x4.pmax(c01, lows), highs);
  c02 = f32x4.pmin(f32x4.pmax(c02, lows), highs);
  c03 = f32x4.pmin(f32x4.pmax(c03, lows), highs);
  c04 = f32x4.pmin(f32x4.pmax(c04, lows), highs);
  c05 = f32x4.pmin(f32x4.pmax(c05, lows), highs);
  c06 = f32x4.pmin(f32x4.pmax(c06, lows), highs);
  c07 = f32x4.pmin(f32x4.pmax(c07, lows), highs);
  if (columns >= 32) {
    v128.store(out, c00);
    v128.store(out, c01, 16);
    v128.store(out, c02, 32);
    v128.store(out, c03, 48);
    v128.store(out, c04, 64);
    v128.store(out, c05, 80);
    v128.store(out, c06, 96);
    v128.store(out, c07, 112);
  } else {
    storePart(out, c00, <i32>columns);
    storePart(out + 16, c01, <i32>columns - 4);
    storePart(out + 32, c02, <i32>columns - 8);
    storePart(out + 48, c03, <i32>columns - 12);
    storePart(out + 64, c04, <i32>columns - 16);
    storePart(out + 80, c05, <i32>columns - 20);
    storePart(out + 96, c06, <i32>columns - 24);
    storePart(out + 112, c07, <i32>columns - 28);
  }
}

export function tile4x8Indirect(
  x: usize, zero: usize, indirection: usize, b: usize, bias: usize, out: usize, rows: u32, columns: u32,
  taps: u32, channels: u32, stride: usize, ldo: usize, low: u32, high: u32,
): void {
  let c00 = v128.load(bias);
  let c01 = v128.load(bias, 16);
  let c10 = c00;
  let c11 = c01;
  let c20 = c00;
  let c21 = c01;
  let c30 = c00;
  let c31 = c01;
  for (; taps > 0; taps--) {
    let a0 = rowOf(x, zero, indirection + 0, stride);
    let a1 = rowOf(x, zero, indirection + 4, stride);
    let a2 = rowOf(x, zero, indirection + 8, stride);
    let a3 = rowOf(x, zero, indirection + 12, stride);
    indirection += 16;
    for (const end = b + (<usize>channels << 5); b != end; ) {
      const y0 = v128.load(b);
      const y1 = v128.load(b, 16);
      const x0 = v128.load32_splat(a0);
      c00 = f32x4.add(c00, f32x4.mul(x0, y0));
      c01 = f32x4.add(c01, f32x4.mul(x0, y1));
      a0 += 4;
      const x1 = v128.load32_splat(a1);
      c10 = f32x4.add(c10, f32x4.mul(x1, y0));
      c11 = f32x4.add(c11, f32x4.mul(x1, y1));
      a1 += 4;
      const x2 = v128.load32_splat(a2);
      c20 = f32x4.add(c20, f32x4.mul(x2, y0));
      c21 = f32x4.add(c21, f32x4.mul(x2, y1));
      a2 += 4;
      const x3 = v128.load32_splat(a3);
      c30 = f32x4.add(c30, f32x4.mul(x3, y0));
      c31 = f32x4.add(c31, f32x4.mul(x3, y1));
      a3 += 4;
      b += 32;
    }
  }
  const lows = i32x4.splat(low);
  const highs = i32x4.splat(high);
  c00 = f32x4.pmin(f32x4.pmax(c00, lows), highs);
  c01 = f32x4.pmin(f32x4.pmax(c01, lows), highs);
  c10 = f32x4.pmin(f32x4.pmax(c10, lows), highs);
  c11 = f32x4.pmin(f32x4.pmax(c11, lows), highs);
  c20 = f32x4.pmin(f32x4.pmax(c20, lows), highs);
  c21 = f32x4.pmin(f32x4.pmax(c21, lows), highs);
  c30 = f32x4.pmin(f32x4.pmax(c30, lows), highs);
  c31 = f32x4.pmin(f32x4.pmax(c31, lows), highs);
  if (columns >= 8) {
    v128.store(out, c00);
    v128.store(out, c01, 16);
  } else {
    storePart(out, c00, <i32>columns);
    storePart(out + 16, c01, <i32>columns - 4);
  }
  if (rows > 1) {
    if (columns >= 8) {
      v128.store(out + ldo, c10);
      v128.store(out + ldo, c11, 16);
    } else {
      storePart(out + ldo, c10, <i32>columns);
      storePart(out + ldo + 16, c11, <i32>columns - 4);
    }
  }
  if (rows > 2) {
    if (columns >= 8) {
      v128.store(out + 2 * ldo, c20);
      v128.store(out + 2 * ldo, c21, 16);
    } else {
      storePart(out + 2 * ldo, c20, <i32>columns);
      storePart(out + 2 * ldo + 16, c21, <i32>columns - 4);
    }
  }
  if (rows > 3) {
    if (columns >= 8) {
      v128.store(out + 3 * ldo, c30);
      v128.store(out + 3 * ldo, c31, 16);
    } else {
      storePart(out + 3 * ldo, c30, <i32>columns);
      storePart(out + 3 * ldo + 16, c31, <i32>columns - 4);
    }
  }
}
