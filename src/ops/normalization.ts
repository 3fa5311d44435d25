import type { Dim } from '../core/shape.ts';
import { dtypeOfNumber } from './data-types.ts';
import type { AttributeSchema, InferContext, Op, OutputInfo } from './op.ts';
import { axisOf, checkChannelCounts, sameAsFirst, tensor, withRank } from './rules.ts';

const epsilon = { epsilon: { kind: 'float', default: 1e-5 } } as const;
const axis = (value: number) => ({ axis: { kind: 'int', default: value } }) as const;

type Attributes = Readonly<Record<string, AttributeSchema>>;

function same(
  name: string,
  inputs: readonly [number, number],
  attributes: Attributes,
  infer: (c: InferContext) => OutputInfo[] = sameAsFirst,
): Op {
  return { name, inputs, outputs: [1, 1], attributes, infer };
}

function alongAxis(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  // A scalar counts as one element along axis 0.
  if (shape !== null && shape.length > 0) axisOf(c, c.attributes.int('axis'), shape.length);
  return sameAsFirst(c);
}

/** Scale and bias have one element per channel. */
function perChannel(c: InferContext): OutputInfo[] {
  const x = withRank(c, 0, 2, Infinity);
  checkChannelCounts(c, x?.[1] ?? null, [1, 2]);
  return [tensor(c.dtype(0), x)];
}

function batchRule(c: InferContext): OutputInfo[] {
  const x = c.shape(0);
  const channels: Dim = (x !== null && x.length > 1 ? x[1] : null) ?? c.shape(1)?.[0] ?? null;
  if (x !== null && x.length > 1) checkChannelCounts(c, x[1]!, [1, 2, 3, 4]);
  const running = tensor(c.dtype(3), [channels]);
  return [tensor(c.dtype(0), x), running, running];
}

/** Mean and inverse deviation keep the axes before `axis`. */
function layerRule(c: InferContext): OutputInfo[] {
  const x = c.shape(0);
  const stash = dtypeOfNumber(c.attributes.int('stash_type'));
  if (x === null) return [tensor(c.dtype(0), null), tensor(stash, null), tensor(stash, null)];
  const from = axisOf(c, c.attributes.int('axis'), Math.max(x.length, 1));
  const kept = x.map((dim, at) => (at < from ? dim : 1));
  return [tensor(c.dtype(0), x), tensor(stash, kept), tensor(stash, kept)];
}

function dropoutRule(c: InferContext): OutputInfo[] {
  return [tensor(c.dtype(0), c.shape(0)), tensor('bool', c.shape(0))];
}

export const normalizationOps: readonly Op[] = [
  {
    name: 'BatchNormalization',
    inputs: [5, 5],
    outputs: [1, 3],
    attributes: {
      ...epsilon,
      momentum: { kind: 'float', default: 0.9 },
      training_mode: { kind: 'int', default: 0, min: 0, max: 1 },
    },
    infer: batchRule,
  },
  same('InstanceNormalization', [3, 3], epsilon, perChannel),
  same(
    'GroupNormalization',
    [3, 3],
    {
      ...epsilon,
      num_groups: { kind: 'int', required: true, min: 1 },
      stash_type: { kind: 'int', default: 1 },
    },
    perChannel,
  ),
  {
    name: 'LayerNormalization',
    inputs: [2, 3],
    outputs: [1, 3],
    attributes: { ...axis(-1), ...epsilon, stash_type: { kind: 'int', default: 1 } },
    infer: layerRule,
  },
  same(
    'RMSNormalization',
    [2, 2],
    { ...axis(-1), ...epsilon, stash_type: { kind: 'int', default: 1 } },
    (c) => [tensor(c.dtype(1) ?? c.dtype(0), c.shape(0))],
  ),
  same('LRN', [1, 1], {
    alpha: { kind: 'float', default: 0.0001 },
    beta: { kind: 'float', default: 0.75 },
    bias: { kind: 'float', default: 1 },
    size: { kind: 'int', required: true, min: 1 },
  }),
  same(
    'LpNormalization',
    [1, 1],
    { ...axis(-1), p: { kind: 'int', default: 2, min: 1 } },
    alongAxis,
  ),
  same('MeanVarianceNormalization', [1, 1], { axes: { kind: 'ints', default: [0, 2, 3] } }),
  same('Softmax', [1, 1], axis(-1), alongAxis),
  same('LogSoftmax', [1, 1], axis(-1), alongAxis),
  same('Hardmax', [1, 1], axis(-1), alongAxis),
  {
    name: 'Dropout',
    inputs: [1, 3],
    outputs: [1, 2],
    attributes: { seed: { kind: 'int' } },
    infer: dropoutRule,
  },
];
