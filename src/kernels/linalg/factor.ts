import { NumericError } from '../../core/errors.ts';
import { libraryBackend } from '../../wasm/library.ts';
import {
  checkMatrix,
  checkSize,
  copyIn,
  type FloatArray,
  magnitude,
  normalizer,
  viewAt,
  withFloats,
} from './matrix.ts';

/** A = q r. */
export interface Qr {
  /** [m, k], k = min(m, n): orthonormal columns. */
  q: Float64Array<ArrayBuffer>;
  /** [k, n], upper triangular, diagonal ≥ 0. */
  r: Float64Array<ArrayBuffer>;
}

/** Thin QR factorization by Householder reflections, of any rank.
 *  @param a  [m, n], row-major
 *  @throws {TypeError} a is no Float32Array or Float64Array
 *  @throws {RangeError} sizes that overflow or don't fit
 *  @throws {NumericError} NaN or an infinity
 *  Cost O(m·n·min(m, n)); memory 3 times the matrix in float64. Deterministic.
 *  Source: Golub & Van Loan, 5.2; a diagonal ≥ 0 makes the factors of a matrix with full rank unique. */
export function qr(a: FloatArray, m: number, n: number): Qr {
  checkMatrix('a', a, m, n);
  const k = Math.min(m, n);
  const factor = normalizer(magnitude('a', a));
  return withFloats([m * n, m * n, n, n, k * m], (matrix, columns, tau, order, rows) => {
    const { simd } = libraryBackend();
    copyIn(a, matrix, factor);
    simd.f64_transpose(matrix, columns, m, n);
    simd.f64_qr(columns, tau, order, n, m, 0);
    simd.f64_qr_columns(columns, tau, rows, n, m, 0, k);
    const kept = viewAt(columns, n * m);
    const orthonormal = viewAt(rows, k * m);
    const q = new Float64Array(m * k);
    const r = new Float64Array(k * n);
    for (let j = 0; j < k; j++) {
      const sign = kept[j * m + j]! < 0 ? -1 : 1;
      for (let i = 0; i < m; i++) q[i * k + j] = sign * orthonormal[j * m + i]!;
      for (let i = j; i < n; i++) r[j * n + i] = (sign * kept[i * m + j]!) / factor;
    }
    return { q, r };
  });
}

/** The lower triangular L of a symmetric positive definite matrix A = L Lᵀ.
 *  @param a  [n, n], of which the lower triangle is read
 *  @returns  [n, n], zeros above the diagonal
 *  @throws {TypeError} a is no Float32Array or Float64Array
 *  @throws {RangeError} n does not fit
 *  @throws {NumericError} not positive definite, NaN or an infinity
 *  Cost n³/3. Deterministic. */
export function cholesky(a: FloatArray, n: number): Float64Array<ArrayBuffer> {
  checkMatrix('a', a, n, n);
  magnitude('a', a);
  return withFloats([n * n], (matrix) => {
    copyIn(a, matrix);
    const row = libraryBackend().simd.f64_cholesky(matrix, n);
    if (row !== 0) {
      throw new NumericError('the matrix is not positive definite', {
        code: 'E_NOT_POSITIVE_DEFINITE',
        where: `row ${row - 1}`,
        hint: 'add a small multiple of its mean diagonal to the diagonal',
      });
    }
    return viewAt(matrix, n * n).slice();
  });
}

export interface TriangularOptions {
  /** Right-hand sides: b is [n, columns], default 1. */
  columns?: number;
  /** Whether the upper triangle of t counts, default the lower. */
  upper?: boolean;
  /** Solve tᵀ x = b. */
  transposed?: boolean;
}

/** Solves t x = b for a triangular t.
 *  @param t  [n, n], of which one triangle is read
 *  @param b  [n, columns]
 *  @returns  x [n, columns], float64
 *  @throws {TypeError} t or b is no Float32Array or Float64Array
 *  @throws {RangeError} sizes that don't fit
 *  @throws {NumericError} a zero on the diagonal, NaN or an infinity; a solution that overflows
 *  Cost n²·columns. Deterministic. */
export function solveTriangular(
  t: FloatArray,
  b: FloatArray,
  n: number,
  { columns = 1, upper = false, transposed = false }: TriangularOptions = {},
): Float64Array<ArrayBuffer> {
  checkMatrix('t', t, n, n);
  checkSize('columns', columns);
  checkMatrix('b', b, n, columns);
  magnitude('t', t);
  magnitude('b', b);
  for (let i = 0; i < n; i++) {
    if (t[i * (n + 1)] === 0) {
      throw new NumericError('the triangular matrix is singular', {
        code: 'E_SINGULAR',
        where: `t[${i}, ${i}]`,
      });
    }
  }
  return withFloats([n * n, n * columns], (matrix, x) => {
    copyIn(t, matrix);
    copyIn(b, x);
    const { simd } = libraryBackend();
    simd.f64_solve_triangular(matrix, x, n, columns, upper ? 1 : 0, transposed ? 1 : 0);
    const result = viewAt(x, n * columns).slice();
    magnitude('x', result);
    return result;
  });
}
