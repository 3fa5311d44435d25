import { NumericError, rangeError } from '../../core/errors.ts';
import { libraryBackend } from '../../wasm/library.ts';
import {
  type Address,
  checkMatrix,
  columnsOf,
  copyIn,
  descending,
  type FloatArray,
  magnitude,
  normalizer,
  signOf,
  viewAt,
  withFloats,
} from './matrix.ts';

/** Eigenvalues and eigenvectors of a symmetric matrix. */
export interface Eigen {
  /** [n], from the smallest to the largest. */
  values: Float64Array<ArrayBuffer>;
  /** [n, n]: column j belongs to values[j]. Its largest component is positive. */
  vectors: Float64Array<ArrayBuffer>;
}

/** Eigenvalues and orthonormal eigenvectors of a symmetric matrix: A = V diag(values) Vᵀ.
 *  @param a  [n, n], of which the lower triangle is read
 *  @param n  rows and columns, from 1 up
 *  @returns  values [n] ascending and vectors [n, n] in columns, float64; equal values keep the order of the algorithm
 *  @throws {TypeError} a is no Float32Array or Float64Array
 *  @throws {RangeError} n does not fit
 *  @throws {NumericError} NaN or an infinity
 *  Cost O(n³), about 9n³ operations; memory 4 matrices in float64. Errors around 1e-15·max|value|. Deterministic.
 *  Source: Householder tridiagonalization and implicit QL (Golub & Van Loan, 8.3). */
export function eigh(a: FloatArray, n: number): Eigen {
  checkMatrix('a', a, n, n);
  const factor = normalizer(magnitude('a', a));
  return withFloats([n * n, n * n], (matrix, rows) => {
    copyIn(a, matrix, factor);
    const order: number[] = [];
    const sorted = symmetricEigen(matrix, rows, n);
    for (let i = n - 1; i >= 0; i--) order.push(i);
    const signs = order.map((row) => signOf(rows + 8 * row * n, n));
    return {
      values: Float64Array.from(order, (row) => sorted[row]! / factor),
      vectors: columnsOf(rows, n, order, signs),
    };
  });
}

/** Eigenvalues from the largest to the smallest of the symmetric matrix at an address, which is used up; the
 *  eigenvectors become the rows [n, n] at another. Entries should be around 1 or less. */
export function symmetricEigen(
  matrix: Address,
  rows: Address,
  n: number,
): Float64Array<ArrayBuffer> {
  const panels = Math.ceil(n / 8);
  return withFloats(
    [n, n, n, 2 * n, 128 * n, 64, panels * n * 8],
    (d, e, tau, scratch, log, sweeps, wide) => {
      const { simd } = libraryBackend();
      simd.f64_tridiagonalize(matrix, d, e, tau, scratch, n);
      const unit = viewAt(rows, n * n).fill(0);
      for (let i = 0; i < n; i++) unit[i * (n + 1)] = 1;
      simd.f64_apply_reflectors(rows, matrix, tau, n, n, 1);
      simd.f64_panels(rows, wide, n, n, 0);
      const stuck = simd.f64_tridiagonal_ql(d, e, wide, log, sweeps, n, panels);
      if (stuck !== 0) {
        throw new NumericError(`eigenvalue ${stuck - 1} of ${n} did not converge`, {
          code: 'E_NO_CONVERGENCE',
        });
      }
      simd.f64_panels(matrix, wide, n, n, 1);
      const values = viewAt(d, n).slice();
      const order = descending(values);
      const from = viewAt(matrix, n * n);
      const to = viewAt(rows, n * n);
      order.forEach((row, i) => {
        to.set(from.subarray(row * n, (row + 1) * n), i * n);
      });
      return values.map((_, i) => values[order[i]!]!);
    },
  );
}

/** @throws {RangeError} not an integer 1..most */
export function checkRank(name: string, rank: number, most: number): void {
  if (!Number.isInteger(rank) || rank < 1 || rank > most)
    throw rangeError(name, `an integer 1..${most}`, rank);
}
