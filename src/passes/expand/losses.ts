import { volume } from '../../core/shape.ts';
import type { Value } from '../../ir/graph.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** −w[target] · x[target] for each target, or their weighted mean or sum; a one-hot product picks the target's score.
 *  @param scores  log probabilities [N, classes, places] */
function loss(p: Parts, scores: Value): Value {
  const [batch, classes, places] = p.dims(scores) as [number, number, number];
  const labels = p.reshape(p.cast(p.in(1), 'int64'), [batch, 1, places]);
  const ids = Array.from({ length: classes }, (_, i) => i);
  const hot = p.cast(p.test('Equal', labels, p.ints(ids, [classes, 1])), 'float32');
  let weighted = p.has(2) ? p.mul(hot, p.reshape(p.in(2), [classes, 1])) : hot;
  if (p.attributes.has('ignore_index')) {
    const ignored = p.test('Equal', labels, p.attributes.int('ignore_index'));
    const counts = p.cast(p.op('Not', [ignored], p.dims(labels), 'bool'), 'float32');
    weighted = p.mul(weighted, counts);
  }
  // A score of −∞ that is not the target's counts nothing.
  const picked = p.where(p.test('Equal', weighted, 0), 0, p.mul(scores, weighted));
  const losses = p.reduce('ReduceSum', p.unary('Neg', picked), [1], false);
  const reduction = p.attributes.string('reduction', 'mean');
  if (reduction === 'none') return p.reshape(losses, p.dims(p.in(1)));
  const sum = p.reduce('ReduceSum', losses, [0, 1], false);
  if (reduction === 'sum') return sum;
  return p.div(sum, p.reduce('ReduceSum', weighted, [0, 1, 2], false));
}

/** [N, classes, …] with one axis of places. */
function flat(p: Parts, x: Value): Value {
  const [batch, classes, ...rest] = p.dims(x);
  if (batch === undefined || classes === undefined) return p.stop('scores have no classes');
  return p.reshape(x, [batch, classes, volume(rest)]);
}

export const lossExpansions: Readonly<Record<string, Expansion>> = {
  NegativeLogLikelihoodLoss: (p) => p.end(0, loss(p, flat(p, p.in(0)))),
  SoftmaxCrossEntropyLoss: (p) => {
    const scores = p.unary('LogSoftmax', flat(p, p.in(0)), { axis: 1 });
    p.end(0, loss(p, scores));
    p.end(1, p.reshape(scores, p.dims(p.in(0))));
  },
};
