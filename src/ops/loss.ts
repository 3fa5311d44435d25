import type { InferContext, Op, OutputInfo } from './op.ts';
import { tensor } from './rules.ts';

const attributes = {
  ignore_index: { kind: 'int' },
  reduction: { kind: 'string', default: 'mean', oneOf: ['none', 'sum', 'mean'] },
} as const;

/** One loss per target, or one for all. */
function lossRule(c: InferContext): OutputInfo {
  const isKept = c.attributes.string('reduction') === 'none';
  return tensor(c.dtype(0), isKept ? c.shape(1) : []);
}

export const lossOps: readonly Op[] = [
  {
    name: 'NegativeLogLikelihoodLoss',
    inputs: [2, 3],
    outputs: [1, 1],
    attributes,
    infer: (c) => [lossRule(c)],
  },
  {
    name: 'SoftmaxCrossEntropyLoss',
    inputs: [2, 3],
    outputs: [1, 2],
    attributes,
    infer: (c) => [lossRule(c), tensor(c.dtype(0), c.shape(0))],
  },
];
