import { descend } from './descend.ts';
import { gptq } from './gptq.ts';
import type { Metric } from './metric.ts';
import { levelOf, type RoundedRow, type Row } from './rows.ts';

/** How weights are rounded to the levels of their storage type: each to the nearest one; one after the other, so that what
 *  follows makes up for errors (`gptq`); or so, and then improved until no single change helps (`adaround`). */
export type Rounding = 'nearest' | 'gptq' | 'adaround';

export const roundings: readonly Rounding[] = ['nearest', 'gptq', 'adaround'];

/** Scales that are tried, in those of nearest rounding, which may span a row's range or less: a smaller one clips more, but
 *  has finer steps. */
const wholeFactors: readonly number[] = [
  1.4, 1.25, 1.12, 1.05, 1, 0.94, 0.88, 0.81, 0.73, 0.65, 0.56,
];
/** The same for rows with several scales, of which each is chosen by itself before, in those. */
const partFactors: readonly number[] = [1.1, 1.04, 1, 0.96, 0.9];

/** Multiplications up to which all of them are tried on a row; beyond, every second one. */
const mostWork = 2 ** 27;

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
    best = gptq(metric, row, scale, best.error) ?? best;
  }
  return method === 'adaround' ? descend(metric, row, best, mayScale) : best;
}

function scalesOf(metric: Metric, row: Row): Float64Array[] {
  const isLong = metric.size ** 2 * wholeFactors.length > mostWork;
  const few = (factors: readonly number[]): readonly number[] =>
    isLong ? factors.filter((_, i) => i % 2 === 0) : factors;
  const scaled = (scale: Float64Array, factor: number): Float64Array =>
    scale.map((s) => Math.fround(s * factor));
  if (row.scale.length === 1) return few(wholeFactors).map((factor) => scaled(row.scale, factor));
  const chosen = eachBest(
    metric,
    row,
    wholeFactors.map((factor) => scaled(row.scale, factor)),
  );
  return [row.scale, ...few(partFactors).map((factor) => scaled(chosen, factor))];
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
