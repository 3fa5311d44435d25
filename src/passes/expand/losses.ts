import type { Value } from '../../ir/graph.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** −w[target] · x[target] for each target, or their weighted mean or sum; a one-hot product picks the target's score.
 *  @param scores  log probabilities [N, classes, …] */
function loss(p: Parts, scores: Value): Value {
  const dims = p.dims(scores);
  const classes = dims[1] ?? p.stop('scores have no classes');
  const target = p.in(1);
  const labels = p.cast(target, 'int64');
  const ids = p.ints(
    Array.from({ length: classes }, (_, i) => i),
    [classes, ...dims.slice(2).map(() => 1)],
  );
  const [batch, ...rest] = p.dims(target);
  const isLabel = p.test('Equal', p.reshape(labels, [batch ?? 1, 1, ...rest]), ids);
  const hot = p.cast(isLabel, 'float32');
  const weights = p.has(2) ? p.reshape(p.in(2), [classes, ...dims.slice(2).map(() => 1)]) : null;
  let weighted = weights === null ? hot : p.mul(hot, weights);
  if (p.attributes.has('ignore_index')) {
    const ignored = p.test('Equal', labels, p.attributes.int('ignore_index'));
    const counts = p.cast(p.op('Not', [ignored], p.dims(labels), 'bool'), 'float32');
    weighted = p.mul(weighted, p.reshape(counts, [batch ?? 1, 1, ...rest]));
  }
  // A score of −∞ that is not the target's counts nothing.
  const picked = p.where(p.test('Equal', weighted, 0), 0, p.mul(scores, weighted));
  const losses = p.reduce('ReduceSum', p.unary('Neg', picked), [1], false);
  const reduction = p.attributes.string('reduction', 'mean');
  if (reduction === 'none') return losses;
  const all = p.dims(losses).map((_, axis) => axis);
  const sum = p.reduce('ReduceSum', losses, all, false);
  if (reduction === 'sum') return sum;
  return p.div(
    sum,
    p.reduce(
      'ReduceSum',
      weighted,
      dims.map((_, axis) => axis),
      false,
    ),
  );
}

export const lossExpansions: Readonly<Record<string, Expansion>> = {
  NegativeLogLikelihoodLoss: (p) => p.end(0, loss(p, p.in(0))),
  SoftmaxCrossEntropyLoss: (p) => {
    const scores = p.unary('LogSoftmax', p.in(0), { axis: 1 });
    p.end(0, loss(p, scores));
    p.end(1, scores);
  },
};
