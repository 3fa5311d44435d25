import { ops } from '../../ops/index.ts';
import type { Op } from '../../ops/op.ts';
import * as agnostic from './agnostic.ts';
import type { Layout } from './permutation.ts';
import * as rank from './rank.ts';
import type { LayoutRule, LayoutTarget } from './rule.ts';
import { channelsFirstOnly, settled, turning, twoForms } from './spatial.ts';

/** Operators of ai.onnx that are the same in both layouts, besides those that work on each element. */
const agnosticRules: Readonly<Record<string, LayoutRule>> = {
  Cast: agnostic.elementwise,
  CastLike: agnostic.elementwise,
  BitCast: agnostic.elementwise,
  Identity: agnostic.elementwise,
  Clip: agnostic.withScalars,
  Dropout: agnostic.withScalars,
  PRelu: agnostic.slope,
  QuantizeLinear: agnostic.quantizing,
  DequantizeLinear: agnostic.quantizing,
  DynamicQuantizeLinear: {
    ...agnostic.elementwise,
    following: () => ({ inputs: [0], outputs: [0] }),
  },
  Concat: agnostic.concat,
  Split: agnostic.axisAttribute,
  Slice: agnostic.slice,
  Pad: agnostic.pad,
  CenterCropPad: agnostic.namedOrAllAxes,
  Softmax: agnostic.axisAttribute,
  LogSoftmax: agnostic.axisAttribute,
  Hardmax: agnostic.axisAttribute,
  LpNormalization: agnostic.axisAttribute,
  MeanVarianceNormalization: agnostic.namedAxes,
  LayerNormalization: agnostic.trailingAxes,
  RMSNormalization: agnostic.trailingAxes,
  CumSum: agnostic.axisInput,
  CumProd: agnostic.axisInput,
  TopK: agnostic.axisAttribute,
  Compress: agnostic.optionalAxis,
  Tile: agnostic.perAxis,
  Expand: agnostic.expand,
  ConstantOfShape: agnostic.filled,
  GatherElements: agnostic.elementIndices,
  ScatterElements: agnostic.elementIndices,
  ...Object.fromEntries(
    ops.filter(({ name }) => /^Reduce[A-Z]/.test(name)).map(({ name }) => [name, rank.reduction]),
  ),
  ArgMax: rank.argument,
  ArgMin: rank.argument,
  Gather: rank.gather,
  Squeeze: rank.squeeze,
  Unsqueeze: rank.unsqueeze,
  Transpose: rank.transpose,
  Reshape: rank.reshape,
  Flatten: rank.reshape,
  Shape: rank.shape,
  Size: rank.size,
};

function elementwiseRule({ domain = '', inputs, traits }: Op): LayoutRule | null {
  if (traits?.elementwise !== true || (domain !== '' && domain !== 'mp')) return null;
  return inputs[1] === 1 ? agnostic.elementwise : agnostic.broadcasting;
}

/** A table of rules for the operators that modelpress knows.
 *  @param layout  what spatial operators are to have: `first` as in ONNX, `last` as domain `mp` has them
 *  @param changes  rules by `domain:op` that differ */
export function layoutTarget(
  layout: Layout,
  changes: Iterable<readonly [string, LayoutRule]> = [],
): LayoutTarget {
  const rules = new Map<string, LayoutRule>();
  for (const op of ops) {
    const rule = elementwiseRule(op);
    if (rule !== null) rules.set(`${op.domain ?? ''}:${op.name}`, rule);
  }
  for (const [name, rule] of Object.entries(agnosticRules)) rules.set(`:${name}`, rule);
  for (const name of channelsFirstOnly) rules.set(`:${name}`, settled('first'));
  for (const name of twoForms) {
    rules.set(`:${name}`, layout === 'last' ? turning('mp', 'first') : settled('first'));
    rules.set(`mp:${name}`, layout === 'last' ? settled('last') : turning('', 'last'));
  }
  for (const [name, rule] of changes) rules.set(name, rule);
  return { layout, rules };
}

/** Spatial operators are those of domain `mp`. */
export const channelsLast: LayoutTarget = layoutTarget('last');
/** Spatial operators are those of ai.onnx. */
export const channelsFirst: LayoutTarget = layoutTarget('first');
