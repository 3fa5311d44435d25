import type { AttributeReader } from '../../../ops/op.ts';
import { levelOf, type Meaning } from './levels.ts';

/** Least and greatest level under a fused activation; null for one that limits can't express. */
export function levelLimits(
  attributes: AttributeReader,
  y: Meaning,
): { min: number; max: number } | null {
  switch (attributes.string('activation', 'none')) {
    case 'none':
      return { min: y.min, max: y.max };
    case 'Relu':
      return { min: Math.max(y.min, Math.min(y.zero, y.max)), max: y.max };
    case 'Clip':
      return {
        min: levelOf(attributes.float('activation_min', -Infinity), y),
        max: levelOf(attributes.float('activation_max', Infinity), y),
      };
    default:
      return null;
  }
}
