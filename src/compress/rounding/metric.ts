import { cholesky, solveTriangular } from '../../kernels/linalg/factor.ts';
import { product, viewAt, withFloats } from '../../kernels/linalg/matrix.ts';

/** How much rounding errors of a row weigh: the error of the output is dᵀ A d. */
export interface Metric {
  readonly size: number;
  /** A, [K × K], positive definite; null where all is known is its diagonal. */
  readonly matrix: Float64Array | null;
  readonly diagonal: Float64Array;
  /** The order in which elements are rounded: those that weigh most first. */
  readonly order: Int32Array;
  /** L of the matrix in reverse order, A[order′, order′] = L Lᵀ: row K − 1 − i is of element order[i]. */
  readonly factor: Float64Array | null;
}

/** Share of the mean of the diagonal that is added to it. */
const damping = 0.01;

/** The metric of second moments [K × K], damped: directions that no sample had weigh a little.
 *  Cost K³/3. */
export function metricOf(moments: Float64Array, size: number): Metric {
  const matrix = Float64Array.from(moments);
  const known = diagonalMetric(
    Float64Array.from({ length: size }, (_, k) => matrix[k * size + k]!),
  );
  const { diagonal, order } = known;
  for (let k = 0; k < size; k++) matrix[k * size + k] = diagonal[k]!;
  const turned = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const row = order[size - 1 - i]! * size;
    for (let j = 0; j < size; j++) turned[i * size + j] = matrix[row + order[size - 1 - j]!]!;
  }
  return { ...known, matrix, factor: cholesky(turned, size) };
}

/** The metric of the second moments' diagonal alone, damped: errors are taken not to add up. */
export function diagonalMetric(moments: Float64Array): Metric {
  const size = moments.length;
  const trace = moments.reduce((sum, square) => sum + square, 0);
  const more = trace > 0 ? (damping * trace) / size : 1;
  const diagonal = moments.map((square) => square + more);
  const order = Int32Array.from({ length: size }, (_, k) => k).sort(
    (i, j) => diagonal[j]! - diagonal[i]! || i - j,
  );
  return { size, matrix: null, diagonal, order, factor: null };
}

/** A x. Cost K². */
export function times({ size, matrix, diagonal }: Metric, x: Float64Array): Float64Array {
  if (matrix === null) return x.map((value, k) => value * diagonal[k]!);
  const y = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const factor = x[i]!;
    if (factor === 0) continue;
    const row = i * size;
    for (let j = 0; j < size; j++) y[j]! += factor * matrix[row + j]!;
  }
  return y;
}

/** xᵀ A x of rows x [count × K], one for each. Cost count·K². */
export function squaresOf(metric: Metric, x: Float64Array, count: number): Float64Array {
  const { size, matrix, diagonal } = metric;
  const squares = new Float64Array(count);
  if (matrix === null) {
    for (let row = 0; row < count; row++)
      for (let k = 0; k < size; k++) squares[row]! += x[row * size + k]! ** 2 * diagonal[k]!;
    return squares;
  }
  withFloats([count * size, size * size, count * size], (rows, square, results) => {
    viewAt(rows, count * size).set(x);
    viewAt(square, size * size).set(matrix);
    product([rows, square, results], [count, size, size]);
    const turned = viewAt(results, count * size);
    for (let row = 0; row < count; row++)
      for (let k = 0; k < size; k++) squares[row]! += x[row * size + k]! * turned[row * size + k]!;
  });
  return squares;
}

/** x · y */
export function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}

/** X A⁻¹ for rows X [count × K]. Cost count·K². */
export function solveRows(metric: Metric, x: Float64Array, count: number): Float64Array {
  const { size, order, factor, diagonal } = metric;
  if (factor === null) return x.map((value, i) => value / diagonal[i % size]!);
  const columns = new Float64Array(size * count);
  for (let i = 0; i < size; i++) {
    const k = order[size - 1 - i]!;
    for (let row = 0; row < count; row++) columns[i * count + row] = x[row * size + k]!;
  }
  const half = solveTriangular(factor, columns, size, { columns: count });
  const solved = solveTriangular(factor, half, size, { columns: count, transposed: true });
  const result = new Float64Array(count * size);
  for (let i = 0; i < size; i++) {
    const k = order[size - 1 - i]!;
    for (let row = 0; row < count; row++) result[row * size + k] = solved[i * count + row]!;
  }
  return result;
}
