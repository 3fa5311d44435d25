// Rows of f64 matrices: their norms, their signs, and rows as columns.
import { dot } from './vector64';

/** norms [rows] of x [rows, n]. */
export function f64_row_norms(x: usize, norms: usize, rows: u32, n: u32): void {
  for (let i: u32 = 0; i < rows; i++) {
    store<f64>(norms + (i << 3), sqrt<f64>(dot(x, x, n)));
    x += n << 3;
  }
}

/** Divides row i of x [rows, n] by by_i. */
export function f64_divide_rows(x: usize, by: usize, rows: u32, n: u32): void {
  for (let i: u32 = 0; i < rows; i++) {
    const divisor = load<f64>(by + (i << 3));
    const divisors = f64x2.splat(divisor);
    let k: u32 = 0;
    for (; k + 2 <= n; k += 2) {
      const at = x + (k << 3);
      v128.store(at, f64x2.div(v128.load(at), divisors));
    }
    if (k < n) store<f64>(x + (k << 3), load<f64>(x + (k << 3)) / divisor);
    x += n << 3;
  }
}

/** signs [rows] of x [rows, n]: −1 where the component of largest magnitude, the first of equal ones, is below 0,
 *  else 1. */
export function f64_row_signs(x: usize, signs: usize, rows: u32, n: u32): void {
  for (let i: u32 = 0; i < rows; i++) {
    let most: f64 = 0;
    let sign: f64 = 1;
    for (let k: u32 = 0; k < n; k++) {
      const value = load<f64>(x + (k << 3));
      if (abs(value) > most) {
        most = abs(value);
        sign = value < 0 ? -1 : 1;
      }
    }
    store<f64>(signs + (i << 3), sign);
    x += n << 3;
  }
}

/** Column i of y [n, count] is row order_i of x times factor_i, or 0 where order_i is −1. */
export function f64_columns(
  x: usize, order: usize, factors: usize, y: usize, count: u32, n: u32,
): void {
  for (let i0: u32 = 0; i0 < count; i0 += 8) {
    const end = min(count, i0 + 8);
    for (let k0: u32 = 0; k0 < n; k0 += 8) {
      const last = min(n, k0 + 8);
      for (let i = i0; i < end; i++) {
        const source = load<i32>(order + (i << 2));
        const row = x + ((source * n) << 3);
        const factor = load<f64>(factors + (i << 3));
        for (let k = k0; k < last; k++) {
          const value = source < 0 ? 0 : factor * load<f64>(row + (k << 3));
          store<f64>(y + ((k * count + i) << 3), value);
        }
      }
    }
  }
}

/** y [rows, count]: column i is column index_i of x [rows, n], or 0 where that is −1. */
export function f64_take_columns(
  x: usize, index: usize, y: usize, rows: u32, n: u32, count: u32,
): void {
  for (; rows > 0; rows--) {
    for (let i: u32 = 0; i < count; i++) {
      const column = load<i32>(index + (i << 2));
      store<f64>(y, column < 0 ? 0 : load<f64>(x + (column << 3)));
      y += 8;
    }
    x += n << 3;
  }
}
