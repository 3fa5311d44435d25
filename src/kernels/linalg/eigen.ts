import { rangeError } from '../../core/errors.ts';
import { libraryBackend } from '../../wasm/library.ts';
import { tridiagonalEigen } from './divide.ts';
import {
  type Address,
  checkMatrix,
  columnsOf,
  copyIn,
  type FloatArray,
  magnitude,
  normalizer,
  signsOf,
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
 *  Cost O(n³), about 6n³ operations; memory 6 matrices in float64. Errors around 1e-15·max|value|. Deterministic.
 *  Source: Householder tridiagonalization, divide and conquer (Golub & Van Loan, 8.3 and 8.4). */
export function eigh(a: FloatArray, n: number): Eigen {
  checkMatrix('a', a, n, n);
  const factor = normalizer(magnitude('a', a));
  return withFloats([n * n, n * n], (matrix, rows) => {
    copyIn(a, matrix, factor);
    const order: number[] = [];
    const sorted = symmetricEigen(matrix, rows, n);
    for (let i = n - 1; i >= 0; i--) order.push(i);
    const all = signsOf(rows, n, n);
    const signs = order.map((row) => all[row]!);
    return {
      values: Float64Array.from(order, (row) => sorted[row]! / factor),
      vectors: columnsOf(rows, n, order, signs),
    };
  });
}

/** Eigenvalues from the largest to the smallest of the symmetric matrix at an address, which is used up; as many
 *  eigenvectors as `wanted` says become the first rows [n, n] at another. Entries should be around 1 or less. */
export function symmetricEigen(
  matrix: Address,
  rows: Address,
  n: number,
  wanted: (values: Float64Array) => number = () => n,
): Float64Array {
  return withFloats([n, n, n, 2 * n], (d, e, tau, scratch) => {
    const { simd } = libraryBackend();
    simd.f64_tridiagonalize(matrix, d, e, tau, scratch, n);
    const values = tridiagonalEigen(viewAt(d, n).slice(), viewAt(e, n).slice(), n, rows);
    const count = wanted(values);
    withFloats([32 * count + 64 * n + 26624 + 128 * Math.ceil(n / 4)], (blocks) => {
      simd.f64_apply_reflectors(rows, matrix, tau, blocks, count, n);
    });
    return values;
  });
}

/** @throws {RangeError} not an integer 1..most */
export function checkRank(name: string, rank: number, most: number): void {
  if (!Number.isInteger(rank) || rank < 1 || rank > most)
    throw rangeError(name, `an integer 1..${most}`, rank);
}
