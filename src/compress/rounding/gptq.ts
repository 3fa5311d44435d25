import type { Metric } from './metric.ts';
import { levelOf, type RoundedRow, type Row } from './rows.ts';

/** Rounds elements one after the other, each to the level that is nearest after what is left to round has made up for the
 *  errors so far: GPTQ, which is Babai's nearest plane in the lattice of the metric. Cost K²/2.
 *  @param most  null is returned where the error would not be less
 *  Sources: Frantar et al. 2023; Babai 1986; Chen et al. 2025 (that they are the same). */
export function gptq(
  metric: Metric,
  row: Row,
  scale: Float64Array,
  most: number = Infinity,
): RoundedRow | null {
  const { size, order, factor, diagonal } = metric;
  const { target, parts } = row;
  const levels = new Float64Array(size);
  // Σ L[j, i] d[j] over the elements j that are rounded.
  const carried = new Float64Array(size);
  let error = 0;
  for (let i = size - 1; i >= 0; i--) {
    const k = order[size - 1 - i]!;
    const part = parts[k]!;
    const step = scale[part]!;
    const pivot = factor === null ? Math.sqrt(diagonal[k]!) : factor[i * size + i]!;
    const aim = target[k]! - carried[i]! / pivot;
    const level = levelOf(row, part, aim / step);
    levels[k] = level;
    const left = pivot * (level * step - aim);
    error += left * left;
    if (!(error < most)) return null;
    const d = level * step - target[k]!;
    if (factor === null) continue;
    const from = i * size;
    for (let j = 0; j < i; j++) carried[j]! += factor[from + j]! * d;
  }
  return { levels, scale, error };
}
