import { NumericError } from '../../core/errors.ts';
import { cholesky, solveTriangular } from '../../kernels/linalg/factor.ts';
import { dot, type Metric, squareOf, times } from './metric.ts';
import { deviation, levelOf, type RoundedRow, type Row } from './rows.ts';

/** Sweeps over a row's elements in one descent; it nearly always ends by itself before. */
const mostSweeps = 32;
/** Descents, each with the scales that are best for the levels before. */
const mostRounds = 4;

/** Makes a rounding better until it can't be by changing one element or all scales: elements go to their best levels one
 *  at a time, then scales become those with the least error, which is a linear system. The error never grows.
 *  @param mayScale  whether scales may be changed
 *  Cost K² and K for every change. In the place of AdaRound's relaxation: the same objective, exactly, without a gradient. */
export function descend(
  metric: Metric,
  row: Row,
  start: RoundedRow,
  mayScale: boolean,
): RoundedRow {
  let best = start;
  for (let round = 0; round < mostRounds; round++) {
    const levels = Float64Array.from(best.levels);
    const changes = sweep(metric, row, levels, best.scale);
    const scale = mayScale ? bestScales(metric, row, levels, best.scale) : best.scale;
    const error = squareOf(metric, deviation(row, levels, scale));
    if (!(error < best.error)) break;
    const isSmall = error > best.error * 0.9999;
    best = { levels, scale, error };
    if (isSmall || (changes === 0 && scale === best.scale)) break;
  }
  return best;
}

function sweep(metric: Metric, row: Row, levels: Float64Array, scale: Float64Array): number {
  const { matrix, diagonal, size } = metric;
  const { parts } = row;
  const gradient = times(metric, deviation(row, levels, scale));
  let changes = 0;
  for (let count = 0; count < mostSweeps; count++) {
    const before = changes;
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
      changes++;
      if (matrix === null) gradient[k]! += d * weight;
      else for (let j = 0; j < size; j++) gradient[j]! += d * matrix[from + j]!;
    }
    if (changes === before) break;
  }
  return changes;
}

/** The scales with the least error for some levels, rounded to float32; those that were where these are none. */
function bestScales(
  metric: Metric,
  { parts, target }: Row,
  levels: Float64Array,
  scale: Float64Array,
): Float64Array {
  const count = scale.length;
  const aim = times(metric, target);
  const square = new Float64Array(count * count);
  const right = new Float64Array(count);
  for (let p = 0; p < count; p++) {
    const own = levels.map((level, k) => (parts[k] === p ? level : 0));
    const turned = times(metric, own);
    for (let k = 0; k < levels.length; k++)
      square[p * count + parts[k]!]! += levels[k]! * turned[k]!;
    right[p] = dot(own, aim);
  }
  // A part of nothing but zeros keeps its scale.
  for (let p = 0; p < count; p++)
    if (square[p * count + p] === 0) {
      square[p * count + p] = 1;
      right[p] = scale[p]!;
    }
  try {
    const lower = cholesky(square, count);
    const half = solveTriangular(lower, right, count);
    const found = solveTriangular(lower, half, count, { transposed: true });
    const rounded = Float64Array.from(found, Math.fround);
    return rounded.every((s) => s > 0 && s < Infinity) ? rounded : scale;
  } catch (error) {
    if (error instanceof NumericError) return scale;
    throw error;
  }
}
