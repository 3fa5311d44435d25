// Products of f64 matrices by 4×4 tiles in f64x2: both operands are packed into panels of 4 columns, [panel][k][4].
// The sum over k runs in blocks of 256, one accumulator per element within a block.

// @ts-ignore: decorator
@inline
export const depth: u32 = 256;
// @ts-ignore: decorator
@inline
export const height: u32 = 64;

/** c [m, n] = op(a) op(b) when mode is 0; c += with 1; c −= with 2. op(a) is [m, k], kept as [k, m] when
 *  transposeA is 1; op(b) is [k, n], kept as [n, k] when transposeB is 1. Rows are lda, ldb and ldc elements apart.
 *  Scratch: left 64·256 elements, right 256 (or k, if less) for each column up to a multiple of 4. */
export function multiply(
  a: usize, b: usize, c: usize, left: usize, right: usize, m: u32, n: u32, k: u32, lda: u32, ldb: u32,
  ldc: u32, transposeA: u32, transposeB: u32, mode: u32,
): void {
  if (k === 0 && mode === 0) {
    for (let i: u32 = 0; i < m; i++) memory.fill(c + ((i * ldc) << 3), 0, n << 3);
  }
  for (let k0: u32 = 0; k0 < k; k0 += depth) {
    const kc = min(k - k0, depth);
    pack(b + ((transposeB ? k0 : k0 * ldb) << 3), right, kc, n, ldb, transposeB);
    for (let i0: u32 = 0; i0 < m; i0 += height) {
      const mc = min(m - i0, height);
      pack(a + ((transposeA ? k0 * lda + i0 : i0 * lda + k0) << 3), left, kc, mc, lda, transposeA ^ 1);
      tiles(left, right, c + ((i0 * ldc) << 3), mc, n, kc, ldc, mode, n);
    }
    if (mode === 0) mode = 1;
  }
}

/** Tiles of c [m, n] by packed operands: of row i those that start before column `bound` + i. Columns go by 16, whose
 *  panels stay in the first cache. */
export function tiles(
  left: usize, right: usize, c: usize, m: u32, n: u32, k: u32, ldc: u32, mode: u32, bound: u32,
): void {
  for (let j0: u32 = 0; j0 < n; j0 += 16) {
    const end = min(n, j0 + 16);
    for (let i: u32 = 0; i < m; i += 4) {
      for (let j = j0; j < min(end, bound + i); j += 4) {
        const to = c + ((i * ldc + j) << 3);
        tile(left + ((i * k) << 3), right + ((j * k) << 3), to, ldc << 3, k, m - i, n - j, mode);
      }
    }
  }
}

/** Panels of 4 columns of x [k, n], or of its transpose when x is kept as [n, k]; the last is filled up with
 *  zeros. */
export function pack(x: usize, panels: usize, k: u32, n: u32, stride: u32, transposed: u32): void {
  const zero = f64x2.splat(0);
  const step = stride << 3;
  for (let j: u32 = 0; j < n; j += 4) {
    const whole = j + 4 <= n;
    if (transposed) {
      const x0 = x + j * step;
      const x1 = x + min(j + 1, n - 1) * step;
      const x2 = x + min(j + 2, n - 1) * step;
      const x3 = x + min(j + 3, n - 1) * step;
      let i: u32 = 0;
      for (; whole && i + 2 <= k; i += 2) {
        const at = i << 3;
        const r0 = v128.load(x0 + at);
        const r1 = v128.load(x1 + at);
        const r2 = v128.load(x2 + at);
        const r3 = v128.load(x3 + at);
        v128.store(panels, v128.shuffle<f64>(r0, r1, 0, 2));
        v128.store(panels, v128.shuffle<f64>(r2, r3, 0, 2), 16);
        v128.store(panels, v128.shuffle<f64>(r0, r1, 1, 3), 32);
        v128.store(panels, v128.shuffle<f64>(r2, r3, 1, 3), 48);
        panels += 64;
      }
      for (; i < k; i++) {
        const at = i << 3;
        store<f64>(panels, load<f64>(x0 + at));
        store<f64>(panels, whole || j + 1 < n ? load<f64>(x1 + at) : 0, 8);
        store<f64>(panels, whole || j + 2 < n ? load<f64>(x2 + at) : 0, 16);
        store<f64>(panels, whole ? load<f64>(x3 + at) : 0, 24);
        panels += 32;
      }
    } else {
      let row = x + (j << 3);
      for (let i: u32 = 0; i < k; i++) {
        if (whole) {
          v128.store(panels, v128.load(row));
          v128.store(panels, v128.load(row, 16), 16);
        } else {
          v128.store(panels, zero);
          v128.store(panels, zero, 16);
          for (let l: u32 = 0; l < n - j; l++) store<f64>(panels + (l << 3), load<f64>(row + (l << 3)));
        }
        row += step;
        panels += 32;
      }
    }
  }
}

/** 4×4 of c, or the `rows` and `columns` of it that there are, by panels a and b. */
function tile(
  a: usize, b: usize, c: usize, stride: usize, k: u32, rows: u32, columns: u32, mode: u32,
): void {
  let c00 = f64x2.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  for (const end = a + (<usize>k << 5); a != end; ) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load64_splat(a);
    c00 = f64x2.add(c00, f64x2.mul(a0, b0));
    c01 = f64x2.add(c01, f64x2.mul(a0, b1));
    const a1 = v128.load64_splat(a, 8);
    c10 = f64x2.add(c10, f64x2.mul(a1, b0));
    c11 = f64x2.add(c11, f64x2.mul(a1, b1));
    const a2 = v128.load64_splat(a, 16);
    c20 = f64x2.add(c20, f64x2.mul(a2, b0));
    c21 = f64x2.add(c21, f64x2.mul(a2, b1));
    const a3 = v128.load64_splat(a, 24);
    c30 = f64x2.add(c30, f64x2.mul(a3, b0));
    c31 = f64x2.add(c31, f64x2.mul(a3, b1));
    a += 32;
    b += 32;
  }
  if (rows >= 4 && columns >= 4) {
    putWhole(c, c00, c01, mode);
    putWhole(c + stride, c10, c11, mode);
    putWhole(c + 2 * stride, c20, c21, mode);
    putWhole(c + 3 * stride, c30, c31, mode);
    return;
  }
  put(c, c00, c01, columns, mode);
  if (rows > 1) put(c + stride, c10, c11, columns, mode);
  if (rows > 2) put(c + 2 * stride, c20, c21, columns, mode);
  if (rows > 3) put(c + 3 * stride, c30, c31, columns, mode);
}

/** Four columns of one row of a tile into c: over it, onto it or off it. */
// @ts-ignore: decorator
@inline
function putWhole(c: usize, x: v128, y: v128, mode: u32): void {
  if (mode === 1) {
    x = f64x2.add(v128.load(c), x);
    y = f64x2.add(v128.load(c, 16), y);
  } else if (mode === 2) {
    x = f64x2.sub(v128.load(c), x);
    y = f64x2.sub(v128.load(c, 16), y);
  }
  v128.store(c, x);
  v128.store(c, y, 16);
}

/** The same of as many columns as there are. */
function put(c: usize, x: v128, y: v128, columns: u32, mode: u32): void {
  if (columns >= 4) {
    putWhole(c, x, y, mode);
    return;
  }
  if (mode === 2) {
    x = f64x2.neg(x);
    y = f64x2.neg(y);
  }
  store<f64>(c, (mode ? load<f64>(c) : 0) + f64x2.extract_lane(x, 0));
  if (columns > 1) store<f64>(c, (mode ? load<f64>(c, 8) : 0) + f64x2.extract_lane(x, 1), 8);
  if (columns > 2) store<f64>(c, (mode ? load<f64>(c, 16) : 0) + f64x2.extract_lane(y, 0), 16);
}
