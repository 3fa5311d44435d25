import { NumericError } from '../../core/errors.ts';
import { cholesky, solveTriangular } from '../../kernels/linalg/factor.ts';
import { dot, type Metric, times } from './metric.ts';
import { deviation, levelOf, type RoundedRow, type Row } from './rows.ts';

/** Sweeps over a row's elements in one descent; it nearly always ends by itself before. */
const mostSweeps = 32;
/** Descents, each with the scales that are best for the levels before. */
const mostRounds = 4;

/** Makes a rounding better until it can't be by changing one element or all scales: elements go to their best levels one
 *  at a time, then scales become those with the least error, which is a linear system. The error never grows.
 *  @param mayScale  whether scales may be changed
 *  Cost K² a round, and K for every change. In the place of AdaRound's relaxation: the same objective, exactly, without a
 *  gradient. */
export function descend(
  metric: Metric,
  row: Row,
  start: RoundedRow,
  mayScale: boolean,
): RoundedRow {
  let best = start;
  const levels = Float64Array.from(start.levels);
  let { scale } = start;
  let d = deviation(row, levels, scale);
  let gradient = times(metric, d);
  for (let round = 0; round < mostRounds; round++) {
    sweep(metric, row, levels, scale, gradient);
    if (mayScale) {
      scale =
        metric.matrix === null
          ? bestApart(metric, row, levels, scale)
          : bestScales(row, levels, scale, partsOf(metric, row, levels, scale.length));
      d = deviation(row, levels, scale);
      gradient = times(metric, d);
    } else d = deviation(row, levels, scale);
    const error = dot(d, gradient);
    if (!(error < best.error)) break;
    const isSmall = error > best.error * 0.999;
    best = { levels: Float64Array.from(levels), scale, error };
    if (isSmall || !mayScale) break;
  }
  return best;
}

function sweep(
  { matrix, diagonal, size }: Metric,
  row: Row,
  levels: Float64Array,
  scale: Float64Array,
  gradient: Float64Array,
): void {
  const { parts } = row;
  for (let count = 0; count < mostSweeps; count++) {
    let hasChanged = false;
    for (let k = 0; k < size; k++) {
      const part = parts[k]!;
      const step = scale[part]!;
      const from = k * size;
      const weight = diagonal[k]!;
      const level = levelOf(row, part, levels[k]! - gradient[k]! / (weight * step));
      if (level === levels[k]) continue;
      const d = (level - levels[k]!) * step;
      if (!(d * (2 * gradient[k]! + d * weight) < 0)) continue;
      levels[k] = level;
      hasChanged = true;
      if (matrix === null) gradient[k]! += d * weight;
      else for (let j = 0; j < size; j++) gradient[j]! += d * matrix[from + j]!;
    }
    if (!hasChanged) return;
  }
}

/** The metric times the levels of each part. */
function partsOf(
  metric: Metric,
  { parts }: Row,
  levels: Float64Array,
  count: number,
): Float64Array[] {
  return Array.from({ length: count }, (_, part) =>
    times(
      metric,
      levels.map((level, k) => (parts[k] === part ? level : 0)),
    ),
  );
}

/** The scales with the least error for some levels, rounded to float32; those that were where these are none. */
function bestScales(
  { parts, target }: Row,
  levels: Float64Array,
  scale: Float64Array,
  turned: readonly Float64Array[],
): Float64Array {
  const count = scale.length;
  const square = new Float64Array(count * count);
  const right = new Float64Array(count);
  turned.forEach((own, p) => {
    for (let k = 0; k < levels.length; k++) square[p * count + parts[k]!]! += levels[k]! * own[k]!;
    right[p] = dot(own, target);
    if (square[p * (count + 1)]! > 0) return;
    // A part of nothing but zeros keeps its scale.
    square[p * (count + 1)] = 1;
    right[p] = scale[p]!;
  });
  const found = solve(square, right);
  return found?.every((s) => s > 0 && s < Infinity) === true ? found : scale;
}

/** The same where elements don't depend on each other, so that scales don't either. */
function bestApart(
  { diagonal }: Metric,
  { parts, target }: Row,
  levels: Float64Array,
  scale: Float64Array,
): Float64Array {
  const squares = new Float64Array(scale.length);
  const products = new Float64Array(scale.length);
  for (let k = 0; k < levels.length; k++) {
    const weighted = levels[k]! * diagonal[k]!;
    squares[parts[k]!]! += weighted * levels[k]!;
    products[parts[k]!]! += weighted * target[k]!;
  }
  return scale.map((old, part) => {
    const found = Math.fround(products[part]! / squares[part]!);
    return found > 0 && found < Infinity ? found : old;
  });
}

/** x with A x = b, rounded to float32; null for an A that is not positive definite. */
function solve(a: Float64Array, b: Float64Array): Float64Array | null {
  const size = b.length;
  if (size === 1) return Float64Array.of(Math.fround(b[0]! / a[0]!));
  try {
    const lower = cholesky(a, size);
    const half = solveTriangular(lower, b, size);
    const found = solveTriangular(lower, half, size, { transposed: true });
    return Float64Array.from(found, Math.fround);
  } catch (error) {
    if (error instanceof NumericError) return null;
    throw error;
  }
}
