import type { Node } from '../../ir/graph.ts';
import type { Quantization } from '../../ir/types.ts';
import { sameQuantization } from '../../passes/quantization-of.ts';
import { operatorOf } from '../../passes/rule.ts';
import type { Point } from './points.ts';

/** What two models do differently where they make a value, in words; null where nothing is known.
 *  @param note  what the conversion says that it did to the reference's node */
export function explain(a: Point, b: Point, note: string | null): string | null {
  const parts: string[] = [];
  if (note !== null) parts.push(note);
  const [before, after] = [a.quantization, b.quantization];
  if (before !== null && after !== null && !sameQuantization(before, after))
    parts.push(`requantized: ${described(before)} → ${described(after)}`);
  else if (before === null && after !== null) parts.push(`stored as ${described(after)}`);
  else if (before !== null && after === null) parts.push(`no longer stored as ${before.storage}`);
  const [from, to] = [operatorOf(a.node), operatorOf(b.node)];
  if (note === null && baseOf(a.node) !== baseOf(b.node)) parts.push(`${from} as ${to}`);
  const [weights, others] = [weightTypes(a.node), weightTypes(b.node)];
  if (weights !== others && weights !== '' && others !== '')
    parts.push(`weights ${weights} → ${others}`);
  return parts.length === 0 ? null : parts.join('; ');
}

function baseOf({ op }: Node): string {
  return op === 'Gemm' ? 'MatMul' : op;
}

function described({ storage, scale, zeroPoint, axis }: Quantization): string {
  if (axis !== null || scale.length > 1) return `${storage} per channel`;
  return `${storage} × ${Number(scale[0]!.toPrecision(4))} from ${zeroPoint?.[0] ?? 0}`;
}

/** Element types of a node's constants with more than one axis. */
function weightTypes({ inputs }: Node): string {
  const types = new Set<string>();
  for (const value of inputs) {
    const constant = value?.constant;
    if (constant != null && constant.shape.length >= 2)
      types.add(value!.quantization?.storage ?? constant.dtype);
  }
  return [...types].sort().join(', ');
}
