import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { invalid, tensorAt } from './operands.ts';
import { eachRow, logSoftmaxOf } from './softmax.ts';

/** −w[target] · x[target] for each target, or their weighted mean or sum.
 *  @param scores  log probabilities [N, classes, …] */
function lossOf(c: EvaluateContext, scores: Float64Array, x: Tensor): Tensor {
  const target = tensorAt(c, 1);
  const targets = numbersOf(target);
  const weights = c.inputs[2] == null ? null : numbersOf(tensorAt(c, 2));
  const ignored = c.attributes.has('ignore_index') ? c.attributes.int('ignore_index') : null;
  const classes = x.dims[1]!;
  const inner = x.dims.slice(2).reduce((product, size) => product * size, 1);
  const losses = new Float64Array(targets.length);
  let total = 0;
  for (let i = 0; i < targets.length; i++) {
    const label = targets[i]!;
    if (label === ignored) continue;
    if (!(label >= 0 && label < classes))
      throw invalid(c, 'E_INDEX', `target ${label} is not one of ${classes} classes`);
    const weight = weights?.[label] ?? 1;
    const [n, d] = [Math.floor(i / inner), i % inner];
    losses[i] = -weight * scores[(n * classes + label) * inner + d]!;
    total += weight;
  }
  const reduction = c.attributes.string('reduction', 'mean');
  if (reduction === 'none') return tensorOf(x.type, losses, target.dims);
  const sum = losses.reduce((a, b) => a + b, 0);
  return tensorOf(x.type, [reduction === 'mean' ? sum / total : sum], []);
}

function withRank2(c: EvaluateContext): Tensor {
  const x = tensorAt(c, 0);
  if (x.dims.length < 2) throw invalid(c, 'E_SHAPE_RANK', 'scores have no classes');
  return x;
}

export const lossEvaluators: readonly Evaluator[] = [
  {
    op: 'NegativeLogLikelihoodLoss',
    evaluate: (c) => {
      const x = withRank2(c);
      return [lossOf(c, numbersOf(x), x)];
    },
  },
  {
    op: 'SoftmaxCrossEntropyLoss',
    evaluate: (c) => {
      const x = withRank2(c);
      const scores = eachRow(x, [1], logSoftmaxOf);
      return [lossOf(c, scores, x), tensorOf(x.type, scores, x.dims)];
    },
  },
];
