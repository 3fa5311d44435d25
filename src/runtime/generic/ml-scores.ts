import { Tensor } from '../../core/tensor.ts';
import { tensorOf } from './elements.ts';
import type { EvaluateContext } from './evaluator.ts';
import { exp, log, sigmoid } from './functions.ts';
import { invalid, stringsIn } from './operands.ts';
import { softmaxOf } from './softmax.ts';

/** Scores of linear models and trees as probabilities, and labels by them. */

/** The inverse of the normal distribution by Winitzki's formula, as other runtimes have it. */
function probit(x: number): number {
  const y = 2 * x - 1;
  const product = (1 - y) * (1 + y);
  if (product === 0) return 0;
  const ln = log(product);
  const v = 2 / (Math.PI * 0.147) + 0.5 * ln;
  const inverse = Math.sqrt(-v + Math.sqrt(v * v - ln / 0.147));
  return Math.SQRT2 * (y < 0 ? -inverse : inverse);
}

/** Softmax among those that are not 0. */
function softmaxZero(row: Float64Array): Float64Array {
  const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = exp(row.map((v) => v - top));
  const scale = exp(-top);
  const changed = row.map((v, i) => (Math.abs(v) > 1e-7 ? powers[i]! : v * scale));
  const total = changed.reduce((a, b) => a + b, 0);
  return total === 0 ? changed.fill(0.5) : changed.map((v) => v / total);
}

/** A row of scores by what `post_transform` says. */
export function transformed(transform: string, row: Float64Array): Float64Array {
  switch (transform) {
    case 'LOGISTIC':
      return sigmoid(row);
    case 'SOFTMAX':
      return softmaxOf(row);
    case 'SOFTMAX_ZERO':
      return softmaxZero(row);
    case 'PROBIT':
      return row.map(probit);
    default:
      return row;
  }
}

/** The labels of a classifier: texts or integers. */
export function labelsOf(c: EvaluateContext, integers: string): readonly (string | number)[] {
  const labels = stringsIn(c, 'classlabels_strings') ?? c.attributes.ints(integers) ?? [];
  if (labels.length < 2) throw invalid(c, 'E_OP_ATTRIBUTE', `${labels.length} labels`);
  return labels;
}

/** @param picks  index of each row's label */
export function labelTensor(
  labels: readonly (string | number)[],
  picks: readonly number[],
): Tensor {
  const found = picks.map((pick) => labels[pick]!);
  return typeof labels[0] === 'string'
    ? new Tensor('string', found as string[], [found.length])
    : tensorOf('int64', found as number[], [found.length]);
}

/** The first of the largest. */
export function largestOf(row: Float64Array): number {
  return row.reduce((best, v, i) => (v > row[best]! ? i : best), 0);
}
