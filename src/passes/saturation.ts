import { integerRange } from '../core/dtype.ts';
import { roundHalfEven } from '../core/round.ts';
import type { Quantization } from '../ir/types.ts';

/** Whether quantizing clamps as much as a clamp before it: its bounds are at the ends of the levels, or beyond. */
export function isSaturation(min: number, max: number, quantization: Quantization): boolean {
  if (quantization.axis !== null) return false;
  const range = integerRange(quantization.storage);
  const level = (real: number): number => {
    const steps = roundHalfEven(Math.fround(real / quantization.scale[0]!));
    return steps + (quantization.zeroPoint?.[0] ?? 0);
  };
  return level(min) <= range.min && level(max) >= range.max;
}
