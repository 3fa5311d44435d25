import type { AttributeReader } from '../../ops/op.ts';
import type { Meaning } from './stored.ts';

/** Least and greatest level of a result. */
export interface Limits {
  readonly min: number;
  readonly max: number;
}

/** To the nearest integer, ties away from zero. */
export function roundAway(x: number): number {
  return x < 0 ? -Math.floor(-x + 0.5) : Math.floor(x + 0.5);
}

/** The limits of a fused activation as TFLite quantizes them; null for another activation. */
export function activationLimits(attributes: AttributeReader, y: Meaning): Limits | null {
  const level = (real: number): number => y.zero + roundAway(Math.fround(real / y.scale));
  switch (attributes.string('activation', 'none')) {
    case 'none':
      return { min: y.min, max: y.max };
    case 'Relu':
      return { min: Math.max(y.min, y.zero), max: y.max };
    case 'Clip': {
      const low = attributes.float('activation_min', -Infinity);
      const high = attributes.float('activation_max', Infinity);
      return {
        min: low === -Infinity ? y.min : Math.max(y.min, level(low)),
        max: high === Infinity ? y.max : Math.min(y.max, level(high)),
      };
    }
    default:
      return null;
  }
}

/** A level held within limits. */
export function within(level: number, { min, max }: Limits): number {
  return Math.min(Math.max(level, min), max);
}
