// Products of f32 matrices. B is packed in panels of 8 columns: [ceil(n/8)][k][8], the last filled up with zeros.
// Every element of the result is bias + a₀b₀ + a₁b₁ + … in the order of k, whatever the blocking and the tile:
// the same bits for one row as for many.
import { tile1x32, tile1x8, tile2x8, tile3x8, tile4x8 } from './generated/tiles';
import { loadPart, storePart } from './part';

/** A panel's share of this depth and four rows of A stay in the first-level cache, */
const depthBlock: u32 = 512;
/** and these rows of A at that depth in the second-level cache. */
const rowBlock: u32 = 64;

/** out[m, n] = clamp(a[m, k] · b + bias), or clamp(out + a · b) with `accumulate`. Rows of a and out are `lda` and
 *  `ldo` elements apart, panels of b `ldb`. A NaN stays one; no limits are −Infinity and Infinity. */
export function f32_gemm(
  a: usize, b: usize, bias: usize, out: usize, m: u32, n: u32, k: u32,
  lda: u32, ldb: u32, ldo: u32, accumulate: u32, low: f32, high: f32,
): void {
  const aStride = <usize>lda << 2;
  const bStride = <usize>ldb << 2;
  const outStride = <usize>ldo << 2;
  let depth: u32 = 0;
  do {
    const rest = k - depth;
    const some = m == 1 ? rest : min(rest, depthBlock);
    const last = some == rest;
    const lows = reinterpret<u32>(last ? low : -Infinity);
    const highs = reinterpret<u32>(last ? high : Infinity);
    const go = accumulate != 0 || depth > 0;
    const b0 = b + (<usize>depth << 5);
    for (let row: u32 = 0; row < m; row += rowBlock) {
      const rows = min(m - row, rowBlock);
      const a0 = a + <usize>row * aStride + (<usize>depth << 2);
      const out0 = out + <usize>row * outStride;
      let column: u32 = 0;
      if (m == 1) {
        // One row is bound by reading B: four panels at once, so that no sum waits for itself.
        for (; column + 32 <= n; column += 32) {
          tile1x32(
            a0, b0 + <usize>(column >> 3) * bStride, bias + (<usize>column << 2), out0 + (<usize>column << 2), 32,
            some, aStride, bStride, outStride, go, lows, highs,
          );
        }
      }
      for (; column < n; column += 8) {
        const panel = b0 + <usize>(column >> 3) * bStride;
        const offsets = bias + (<usize>column << 2);
        const columns = n - column;
        let at = a0;
        let to = out0 + (<usize>column << 2);
        let left = rows;
        for (; left >= 4; left -= 4) {
          tile4x8(at, panel, offsets, to, columns, some, aStride, bStride, outStride, go, lows, highs);
          at += aStride << 2;
          to += outStride << 2;
        }
        if (left == 3) tile3x8(at, panel, offsets, to, columns, some, aStride, bStride, outStride, go, lows, highs);
        if (left == 2) tile2x8(at, panel, offsets, to, columns, some, aStride, bStride, outStride, go, lows, highs);
        if (left == 1) tile1x8(at, panel, offsets, to, columns, some, aStride, bStride, outStride, go, lows, highs);
      }
    }
    depth += some;
  } while (depth < k);
}

/** Packs b[k, n], rows `ldb` elements apart, times `factor`, into panels `panel` elements apart. */
export function f32_pack_columns(
  b: usize, packed: usize, k: u32, n: u32, ldb: u32, panel: u32, factor: f32,
): void {
  const factors = f32x4.splat(factor);
  const stride = <usize>ldb << 2;
  for (let column: u32 = 0; column < n; column += 8) {
    let at = b + (<usize>column << 2);
    let to = packed + <usize>(column >> 3) * (<usize>panel << 2);
    const columns = <i32>(n - column);
    for (let row: u32 = 0; row < k; row++) {
      const whole = columns >= 8;
      const y0 = whole ? v128.load(at) : loadPart(at, columns);
      const y1 = whole ? v128.load(at, 16) : loadPart(at + 16, columns - 4);
      v128.store(to, f32x4.mul(y0, factors));
      v128.store(to, f32x4.mul(y1, factors), 16);
      at += stride;
      to += 32;
    }
  }
}

/** The same of b[n, k]: columns of the product are rows of b. */
export function f32_pack_rows(
  b: usize, packed: usize, k: u32, n: u32, ldb: u32, panel: u32, factor: f32,
): void {
  const stride = <usize>ldb << 2;
  for (let column: u32 = 0; column < n; column += 8) {
    const to = packed + <usize>(column >> 3) * (<usize>panel << 2);
    const at = b + <usize>column * stride;
    const columns = min(n - column, 8);
    transposed(at, to, columns, k, stride, 32, factor);
    for (let lane = columns; lane < 8; lane++) {
      for (let row: u32 = 0; row < k; row++) store<f32>(to + (<usize>row << 5) + (<usize>lane << 2), 0);
    }
  }
}

/** out[columns, rows] = x[rows, columns], rows `ldx` and `ldo` elements apart. */
export function f32_transpose_matrix(
  x: usize, out: usize, rows: u32, columns: u32, ldx: u32, ldo: u32,
): void {
  transposed(x, out, rows, columns, <usize>ldx << 2, <usize>ldo << 2, 1);
}

/** Strides in bytes; every element times `factor`. Four by four through shuffles. */
function transposed(
  x: usize, out: usize, rows: u32, columns: u32, from: usize, to: usize, factor: f32,
): void {
  const factors = f32x4.splat(factor);
  let row: u32 = 0;
  for (; row + 4 <= rows; row += 4) {
    let at = x + <usize>row * from;
    let put = out + (<usize>row << 2);
    let column: u32 = 0;
    for (; column + 4 <= columns; column += 4) {
      const v0 = f32x4.mul(v128.load(at), factors);
      const v1 = f32x4.mul(v128.load(at + from), factors);
      const v2 = f32x4.mul(v128.load(at + 2 * from), factors);
      const v3 = f32x4.mul(v128.load(at + 3 * from), factors);
      const low0 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
      const low1 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
      const high0 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
      const high1 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
      v128.store(put, v128.shuffle<f64>(low0, low1, 0, 2));
      v128.store(put + to, v128.shuffle<f64>(low0, low1, 1, 3));
      v128.store(put + 2 * to, v128.shuffle<f64>(high0, high1, 0, 2));
      v128.store(put + 3 * to, v128.shuffle<f64>(high0, high1, 1, 3));
      at += 16;
      put += to << 2;
    }
    for (; column < columns; column++) {
      store<f32>(put, load<f32>(at) * factor);
      store<f32>(put, load<f32>(at + from) * factor, 4);
      store<f32>(put, load<f32>(at + 2 * from) * factor, 8);
      store<f32>(put, load<f32>(at + 3 * from) * factor, 12);
      at += 4;
      put += to;
    }
  }
  for (; row < rows; row++) {
    const at = x + <usize>row * from;
    const put = out + (<usize>row << 2);
    for (let column: u32 = 0; column < columns; column++) {
      store<f32>(put + <usize>column * to, load<f32>(at + (<usize>column << 2)) * factor);
    }
  }
}

/** out[m, n] = clamp(out + factor · c), where c's elements are `rowStep` and `columnStep` elements apart: 0 repeats
 *  a row or a column. */
export function f32_add_scaled(
  out: usize, c: usize, m: u32, n: u32, ldo: u32, rowStep: u32, columnStep: u32, factor: f32, low: f32, high: f32,
): void {
  const factors = f32x4.splat(factor);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  for (let row: u32 = 0; row < m; row++) {
    const to = out + (<usize>row * <usize>ldo << 2);
    const from = c + (<usize>row * <usize>rowStep << 2);
    for (let column: u32 = 0; column < n; column += 4) {
      const left = <i32>(n - column);
      const at = to + (<usize>column << 2);
      const some = columnStep == 0
        ? v128.load32_splat(from)
        : loadPart(from + (<usize>column << 2), left);
      const sum = f32x4.add(loadPart(at, left), f32x4.mul(factors, some));
      storePart(at, f32x4.pmin(f32x4.pmax(sum, lows), highs), left);
    }
  }
}
