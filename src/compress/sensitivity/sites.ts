import { Node, type Value } from '../../ir/graph.ts';

/** Operators that only move elements, or choose among them. */
const movers: ReadonlySet<string> = new Set([
  'Identity',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Slice',
  'Split',
  'Gather',
  'Expand',
  'Tile',
  'DepthToSpace',
  'SpaceToDepth',
  'Pad',
  'MaxPool',
  'Concat',
  'Relu',
  'Clip',
]);

/** Whether a value's elements are those of other values, which have its levels already: rounding it does nothing more.
 *  @param isSame  whether a value has the same levels */
export function isRounded({ producer }: Value, isSame: (value: Value) => boolean): boolean {
  if (!(producer instanceof Node) || !movers.has(producer.op)) return false;
  const { inputs, op } = producer;
  const from = op === 'Concat' ? inputs : inputs.slice(0, 1);
  return from.every((value) => value !== null && isSame(value));
}
