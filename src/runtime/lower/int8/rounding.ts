import { type Requantization, resolveRequantization } from '../../../kernels/int8/requantize.ts';
import type { LowerContext } from '../lowering.ts';
import type { Meaning } from './levels.ts';
import { levelLimits } from './limits.ts';
import { integerBias, requantizationScales, type WeightMeaning } from './weights.ts';

/** What a product's sums begin with, and how they become levels. */
export interface ProductRule {
  readonly rule: Requantization;
  readonly bias: Int32Array | null;
}

/** Makes the rule of a product of input 0 and weights with bias input 2; null for operands that it can't have.
 *  @param limited  whether the node has an activation */
export type Rounding = (
  c: LowerContext,
  from: Meaning,
  weights: WeightMeaning,
  to: Meaning,
  limited: boolean,
) => ProductRule | null;

/** Exact sums, rounded once. */
export const once: Rounding = (c, from, weights, to, limited) => {
  const limits = limited ? levelLimits(c.attributes, to) : to;
  const bias = integerBias(c, 2, from, weights);
  if (limits === null || bias === undefined) return null;
  const scale = requantizationScales(from, weights, to);
  return { rule: ruleOf(scale, to, limits, 'single'), bias };
};

/** The parameters of requantizing. */
export function ruleOf(
  scale: Float32Array | Float64Array,
  to: Meaning,
  { min, max }: { min: number; max: number },
  rounding: 'single' | 'double',
): Requantization {
  const type = to.unsigned ? 'uint8' : 'int8';
  return resolveRequantization(
    { scale, zeroPoint: to.zero, type, min, max, rounding },
    scale.length,
  );
}
