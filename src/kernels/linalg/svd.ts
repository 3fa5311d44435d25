import { rangeError } from '../../core/errors.ts';
import { libraryBackend } from '../../wasm/library.ts';
import { checkRank } from './eigen.ts';
import {
  type Address,
  checkMatrix,
  columnsOf,
  copyIn,
  descending,
  type FloatArray,
  magnitude,
  normalizer,
  signsOf,
  withFloats,
} from './matrix.ts';
import { gramThin, jacobiThin, randomizedThin, sketchRows, type Thin } from './thin.ts';

/** How singular values are computed. */
export type SvdMethod = 'auto' | 'gram' | 'jacobi' | 'randomized';

export interface SvdOptions {
  /** Singular values kept, the largest ones: 1..min(m, n), default all. */
  rank?: number;
  /** gram: eigenvectors of AᵀA, made orthogonal; errors around 1e-14·s[0].
   *  jacobi: one-sided Jacobi, also exact in the digits of small values of graded matrices, slow beyond 100.
   *  randomized: approximate, of the leading `rank` only.
   *  auto: jacobi up to min(m, n) = 32; randomized for a rank of min(m, n) / 8 or less; else gram. */
  method?: SvdMethod;
  /** Of the randomized method: equal seeds give equal results. Default 0. */
  seed?: number;
}

/** A ≈ u diag(s) vᵀ. */
export interface Svd {
  /** [m, rank], orthonormal columns; the largest component of each is positive. */
  u: Float64Array<ArrayBuffer>;
  /** [rank], from the largest to the smallest. */
  s: Float64Array<ArrayBuffer>;
  /** [n, rank], orthonormal columns. */
  v: Float64Array<ArrayBuffer>;
}

const methods: readonly SvdMethod[] = ['auto', 'gram', 'jacobi', 'randomized'];

/** Thin singular value decomposition of a matrix, or its leading part: the best approximation of that rank.
 *  @param a  [m, n], row-major
 *  @returns  u [m, rank], s [rank], v [n, rank], float64 whatever the input. Also of a matrix without full rank u and
 *            v are orthonormal. With method randomized, the error is within a few percent of the best
 *  @throws {TypeError} a is no Float32Array or Float64Array
 *  @throws {RangeError} sizes that overflow or don't fit, rank or method out of range
 *  @throws {NumericError} NaN or an infinity
 *  Cost O(m·n·min(m, n)), randomized O(m·n·rank); memory about 5 times the matrix in float64. Deterministic: the same
 *  bits in every runtime.
 *  Source: Golub & Van Loan, 8.6; the sign rule makes factors unique where singular values differ. */
export function svd(a: FloatArray, m: number, n: number, options: SvdOptions = {}): Svd {
  checkMatrix('a', a, m, n);
  const small = Math.min(m, n);
  const large = Math.max(m, n);
  const { rank = small, method = 'auto', seed = 0 } = options;
  checkRank('rank', rank, small);
  if (!methods.includes(method)) throw rangeError('method', methods.join(' | '), method);
  if (!Number.isSafeInteger(seed)) throw rangeError('seed', 'an integer', seed);
  const chosen = method === 'auto' ? choose(small, rank) : method;
  const rows = chosen === 'randomized' ? sketchRows(rank, small) : small;
  const factor = normalizer(magnitude('a', a));
  return withFloats([m * n, rows * large, rows * small], (matrix, ut, vt) => {
    const values = withTall(a, matrix, m, n, factor, (tall) => {
      const thin: Thin = { ut, vt };
      if (chosen === 'jacobi') return jacobiThin(tall, large, small, thin);
      if (chosen === 'gram') return gramThin(tall, large, small, rank, thin);
      return randomizedThin(tall, large, small, rank, seed, thin);
    });
    const order = descending(values).slice(0, rank);
    const [left, right] = m >= n ? [ut, vt] : [vt, ut];
    const all = signsOf(left, values.length, m);
    const signs = order.map((row) => all[row]!);
    return {
      u: columnsOf(left, m, order, signs),
      s: Float64Array.from(order, (row) => values[row]! / factor),
      v: columnsOf(right, n, order, signs),
    };
  });
}

function choose(small: number, rank: number): 'gram' | 'jacobi' | 'randomized' {
  if (small <= 32) return 'jacobi';
  return rank <= small / 8 ? 'randomized' : 'gram';
}

/** The matrix, or its transpose when it is wide, in wasm memory. */
function withTall<T>(
  a: FloatArray,
  matrix: Address,
  m: number,
  n: number,
  factor: number,
  use: (tall: Address) => T,
): T {
  copyIn(a, matrix, factor);
  if (m >= n) return use(matrix);
  return withFloats([m * n], (tall) => {
    libraryBackend().simd.f64_transpose(matrix, tall, m, n);
    return use(tall);
  });
}
