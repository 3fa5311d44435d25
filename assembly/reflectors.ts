// Householder reflectors in blocks, so that applying them is products of matrices.
import { multiply } from './tile64';

// @ts-ignore: decorator
@inline
const block: u32 = 32;

/** z [rows, n] ← z H_1 … H_{n−1} with the reflectors of f64_tridiagonalize: rows of Sᵀ become rows of (Q S)ᵀ.
 *  A block of reflectors is I − Vᵀ T V with the v_i in the rows of V and T upper triangular.
 *  Source: Schreiber & Van Loan 1989 (compact WY). */
export function f64_apply_reflectors(
  z: usize, v: usize, tau: usize, scratch: usize, rows: u32, n: u32,
): void {
  const vectors = scratch;
  const turned = vectors + ((block * n) << 3);
  const t = turned + ((block * n) << 3);
  const cross = t + ((block * block) << 3);
  const left = cross + ((block * block) << 3);
  const right = left + ((64 * 256) << 3);
  const w = right + ((block * 256 + ((n + 3) & ~3) * block) << 3);
  for (let first: u32 = 1; first < n; first += block) {
    const count = min(n - first, block);
    const length = first + count - 1;
    for (let i: u32 = 0; i < count; i++) {
      const size = first + i;
      const row = vectors + ((i * length) << 3);
      memory.copy(row, v + ((size * n) << 3), size << 3);
      memory.fill(row + (size << 3), 0, (length - size) << 3);
    }
    multiply(vectors, vectors, cross, left, right, count, count, length, length, length, count, 0, 1, 0);
    triangle(t, cross, tau + (first << 3), count);
    multiply(t, vectors, turned, left, right, count, length, count, count, length, length, 0, 0, 0);
    multiply(z, vectors, w, left, right, rows, count, length, n, length, count, 0, 1, 0);
    multiply(w, turned, z, left, right, rows, length, count, count, length, n, 0, 0, 2);
  }
}

/** T [n, n] of I − Vᵀ T V = H_0 … H_{n−1}, from cross = V Vᵀ. */
function triangle(t: usize, cross: usize, tau: usize, n: u32): void {
  memory.fill(t, 0, (n * n) << 3);
  for (let j: u32 = 0; j < n; j++) {
    const factor = load<f64>(tau + (j << 3));
    for (let i: u32 = 0; i < j; i++) {
      let sum: f64 = 0;
      for (let l = i; l < j; l++) {
        sum += load<f64>(t + ((i * n + l) << 3)) * load<f64>(cross + ((l * n + j) << 3));
      }
      store<f64>(t + ((i * n + j) << 3), -factor * sum);
    }
    store<f64>(t + ((j * n + j) << 3), factor);
  }
}
