import { roundEven } from './levels.ts';

/** What DynamicQuantizeLinear finds for a range: 256 levels over it and 0.
 *  Source: ONNX DynamicQuantizeLinear-11; all steps in float32. */
export function dynamicParameters(low: number, high: number): { scale: number; zero: number } {
  const least = Math.min(0, low);
  const range = Math.fround(Math.max(0, high) - least);
  const scale = Math.fround((range === 0 ? 1 : range) / 255);
  const zero = Math.min(Math.max(roundEven(Math.fround(-least / scale)), 0), 255);
  return { scale, zero };
}
