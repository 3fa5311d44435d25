import { Node, type Value } from '../../../ir/graph.ts';
import type { Quantization } from '../../../ir/types.ts';
import { saidQuantization, sameQuantization } from '../../../passes/quantization-of.ts';

/** How the integers of a value stand for real numbers, if all its readers say so: a graph's quantized input. */
export function dequantizedLevels(value: Value): Quantization | null {
  let levels: Quantization | null = null;
  for (const { user } of value.uses) {
    if (!(user instanceof Node) || user.op !== 'DequantizeLinear' || user.domain !== '')
      return null;
    const said = saidQuantization(user);
    if (said === null || said.axis !== null) return null;
    if (levels !== null && !sameQuantization(levels, said)) return null;
    levels = said;
  }
  return levels;
}
