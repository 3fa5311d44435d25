import { descend } from './descend.ts';
import { gptq } from './gptq.ts';
import { type Metric, squareOf } from './metric.ts';
import { deviation, levelOf, nearestLevels, type RoundedRow, type Row } from './rows.ts';

/** How weights are rounded to the levels of their storage type: each to the nearest one; one after the other, so that what
 *  follows makes up for errors (`gptq`); or so, and then improved until no single change helps (`adaround`). */
export type Rounding = 'nearest' | 'gptq' | 'adaround';

export const roundings: readonly Rounding[] = ['nearest', 'gptq', 'adaround'];

/** Scales that are tried, in those that span a row's range: less clips it, but has finer steps. */
const wholeFactors: readonly number[] = [1.05, 1, 0.94, 0.88, 0.82, 0.76, 0.7, 0.63, 0.56, 0.49];
/** The same for rows with several scales, of which each is chosen by itself before, in those. */
const partFactors: readonly number[] = [1.1, 1.04, 1, 0.96, 0.9];

/** Rounds a row so that the output's error is small.
 *  @param nearest  what every element's nearest level gives: what is returned is no worse
 *  @param mayScale  whether scales may be changed
 *  Cost K² for each scale that is tried. Deterministic. */
export function roundRow(
  metric: Metric,
  row: Row,
  nearest: RoundedRow,
  method: Exclude<Rounding, 'nearest'>,
  mayScale: boolean,
): RoundedRow {
  let best = nearest;
  for (const scale of mayScale ? scalesOf(metric, row) : [row.scale]) {
    const found = gptq(metric, row, scale);
    if (found.error < best.error) best = found;
  }
  return method === 'adaround' ? descend(metric, row, best, mayScale) : best;
}

/** A row with every element at its nearest level. */
export function nearestRow(metric: Metric, row: Row, of: Float64Array): RoundedRow {
  const levels = nearestLevels({ ...row, target: of }, row.scale);
  const d = deviation(row, levels, row.scale);
  return { levels, scale: row.scale, error: squareOf(metric, d) };
}

function scalesOf(metric: Metric, row: Row): Float64Array[] {
  const scaled = (scale: Float64Array, factor: number): Float64Array =>
    scale.map((s) => Math.fround(s * factor));
  if (row.scale.length === 1) return wholeFactors.map((factor) => scaled(row.scale, factor));
  const chosen = eachBest(
    metric,
    row,
    wholeFactors.map((factor) => scaled(row.scale, factor)),
  );
  return [row.scale, ...partFactors.map((factor) => scaled(chosen, factor))];
}

/** For each part the scale with the least error if errors did not add up: by the metric's diagonal. */
function eachBest(
  { diagonal, size }: Metric,
  row: Row,
  scales: readonly Float64Array[],
): Float64Array {
  const { target, parts } = row;
  const count = row.scale.length;
  const best = Float64Array.from(row.scale);
  const least = new Float64Array(count).fill(Infinity);
  for (const scale of scales) {
    const errors = new Float64Array(count);
    for (let k = 0; k < size; k++) {
      const part = parts[k]!;
      const step = scale[part]!;
      const d = levelOf(row, part, target[k]! / step) * step - target[k]!;
      errors[part]! += d * d * diagonal[k]!;
    }
    for (let part = 0; part < count; part++)
      if (errors[part]! < least[part]!) {
        least[part] = errors[part]!;
        best[part] = scale[part]!;
      }
  }
  return best;
}
