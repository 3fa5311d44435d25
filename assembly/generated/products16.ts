// Made by assembly/gen/products16.ts.

// @ts-ignore: decorator
@inline
function tile4(a: usize, b: usize, c: usize, pairs: u32, row: usize, ldc: usize): void {
  let a0 = a;
  let c00 = i32x4.splat(0);
  let c01 = i32x4.splat(0);
  let a1 = a + 1 * row;
  let c10 = i32x4.splat(0);
  let c11 = i32x4.splat(0);
  let a2 = a + 2 * row;
  let c20 = i32x4.splat(0);
  let c21 = i32x4.splat(0);
  let a3 = a + 3 * row;
  let c30 = i32x4.splat(0);
  let c31 = i32x4.splat(0);
  for (; pairs >= 2; pairs -= 2) {
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
  if (pairs) {
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
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += ldc;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += ldc;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += ldc;
  v128.store(c, c30);
  v128.store(c, c31, 16);
}

// @ts-ignore: decorator
@inline
function tile2(a: usize, b: usize, c: usize, pairs: u32, row: usize, ldc: usize): void {
  let a0 = a;
  let c00 = i32x4.splat(0);
  let c01 = i32x4.splat(0);
  let a1 = a + 1 * row;
  let c10 = i32x4.splat(0);
  let c11 = i32x4.splat(0);
  for (; pairs >= 2; pairs -= 2) {
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
  if (pairs) {
    const w00 = v128.load(b, 0);
    const w01 = v128.load(b, 16);
    const x00 = v128.load32_splat(a0, 0);
    c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w00, x00));
    c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w01, x00));
    const x01 = v128.load32_splat(a1, 0);
    c10 = i32x4.add(c10, i32x4.dot_i16x8_s(w00, x01));
    c11 = i32x4.add(c11, i32x4.dot_i16x8_s(w01, x01));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += ldc;
  v128.store(c, c10);
  v128.store(c, c11, 16);
}

// @ts-ignore: decorator
@inline
function tile1(a: usize, b: usize, c: usize, pairs: u32, row: usize, ldc: usize): void {
  let a0 = a;
  let c00 = i32x4.splat(0);
  let c01 = i32x4.splat(0);
  for (; pairs >= 2; pairs -= 2) {
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
  if (pairs) {
    const w00 = v128.load(b, 0);
    const w01 = v128.load(b, 16);
    const x00 = v128.load32_splat(a0, 0);
    c00 = i32x4.add(c00, i32x4.dot_i16x8_s(w00, x00));
    c01 = i32x4.add(c01, i32x4.dot_i16x8_s(w01, x00));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
}

/** c[count][m, ceil(n/8)·8] = a[count][m, k] · b, b[count] in panels [ceil(n/8)][ceil(k/2)][8][2]; what belongs to one of
 *  the `count` products is lda, ldb or ldc elements from the next. Sums are modulo 2³². Reads one number too many where
 *  k is odd, which meets a weight of 0. */
export function i16_gemms(
  a: usize, b: usize, c: usize, count: u32, m: u32, n: u32, k: u32, lda: u32, ldb: u32, ldc: u32,
): void {
  const pairs = (k + 1) >> 1;
  const row = <usize>k << 1;
  const panels = (n + 7) >> 3;
  const line = <usize>panels << 5;
  const panel = <usize>pairs << 5;
  for (; count > 0; count--) {
    for (let j: u32 = 0; j < panels; j++) {
      const weights = b + <usize>j * panel;
      let from = a;
      let to = c + (<usize>j << 5);
      let left = m;
      for (; left >= 4; left -= 4) {
        tile4(from, weights, to, pairs, row, line);
        from += 4 * row;
        to += 4 * line;
      }
      if (left & 2) {
        tile2(from, weights, to, pairs, row, line);
        from += 2 * row;
        to += 2 * line;
      }
      if (left & 1) tile1(from, weights, to, pairs, row, line);
    }
    a += <usize>lda << 1;
    b += <usize>ldb << 1;
    c += <usize>ldc << 2;
  }
}
