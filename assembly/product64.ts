// Products of f64 matrices.
import { depth, height, multiply, pack, tiles } from './tile64';

/** c [m, n] = op(a) op(b) when mode is 0; c += with 1; c −= with 2. op(a) is [m, k], kept as [k, m] when
 *  transposeA is 1; op(b) is [k, n], kept as [n, k] when transposeB is 1. Rows of c are ldc elements apart. */
export function f64_matmul(
  a: usize, b: usize, c: usize, left: usize, right: usize, m: u32, n: u32, k: u32, ldc: u32,
  transposeA: u32, transposeB: u32, mode: u32,
): void {
  multiply(
    a, b, c, left, right, m, n, k, transposeA ? m : k, transposeB ? k : n, ldc, transposeA, transposeB, mode,
  );
}

/** The symmetric c [n, n] = op(a) op(a)ᵀ, with op(a) [n, k], kept as [k, n] when transposed is 1. */
export function f64_gram(
  a: usize, c: usize, left: usize, right: usize, n: u32, k: u32, transposed: u32,
): void {
  if (k === 0) memory.fill(c, 0, (n * n) << 3);
  for (let k0: u32 = 0; k0 < k; k0 += depth) {
    const kc = min(k - k0, depth);
    const stride = transposed ? n : k;
    const block = transposed ? a + ((k0 * n) << 3) : a + (k0 << 3);
    pack(block, right, kc, n, stride, transposed ? 0 : 1);
    for (let i0: u32 = 0; i0 < n; i0 += height) {
      const mc = min(n - i0, height);
      pack(transposed ? block + (i0 << 3) : block + ((i0 * k) << 3), left, kc, mc, stride, transposed ? 0 : 1);
      // Tiles above the diagonal are the mirror image of those below.
      tiles(left, right, c + ((i0 * n) << 3), mc, n, kc, n, k0 > 0 ? 1 : 0, i0 + 4);
    }
  }
  for (let i: u32 = 1; i < n; i++) {
    const row = c + ((i * n) << 3);
    let mirror = c + (i << 3);
    for (let j: u32 = 0; j < i; j++) {
      store<f64>(mirror, load<f64>(row + (j << 3)));
      mirror += n << 3;
    }
  }
}

/** y [n, m] = xᵀ for x [m, n]. */
export function f64_transpose(x: usize, y: usize, m: u32, n: u32): void {
  // Strips of 8 columns: their cache lines are used up before they are lost.
  for (let j0: u32 = 0; j0 < n; j0 += 8) {
    const end = min(n, j0 + 8);
    for (let i: u32 = 0; i < m; i++) {
      const row = x + ((i * n) << 3);
      for (let j = j0; j < end; j++) store<f64>(y + ((j * m + i) << 3), load<f64>(row + (j << 3)));
    }
  }
}
