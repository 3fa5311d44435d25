import type { Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import type { Rule } from '../rule.ts';

/** Zeros around the input of a convolution are its own padding. */
export const padIntoConv: Rule = {
  name: 'pad-into-conv',
  reason: 'a convolution pads its input itself',
  roots: ['Conv'],
  find: (node, c) => {
    const [input, ...rest] = node.inputs as [Value, ...(Value | null)[]];
    const pad = c.producer(input, 'Pad');
    const rank = c.rank(input);
    if (pad === null || rank === null) return null;
    const amounts = c.known(pad.inputs[1]);
    const axes = pad.inputs[3] == null ? null : c.known(pad.inputs[3]);
    const mode = c.attributes(pad).string('mode');
    if (amounts === null || (pad.inputs[3] != null && axes === null)) return 'padding is computed';
    if (mode !== 'constant') return `the padding is of mode ${mode}`;
    if (pad.inputs[2] != null && c.scalar(pad.inputs[2]) !== 0) return 'the padding is not zeros';
    if (!c.isOnlyFor(input, node)) return 'what is padded so has another reader';
    const own = c.attributes(node);
    if (own.string('auto_pad') !== 'NOTSET') return 'the convolution pads by rule';
    const all = spreadPads(amounts, axes, rank);
    if (all === null || all.some((x) => x < 0)) return 'it takes something away';
    if ([0, 1, rank, rank + 1].some((at) => all[at] !== 0))
      return 'it pads along other axes than a window slides over';
    const before = own.ints('pads') ?? [];
    const spatial = [...all.slice(2, rank), ...all.slice(rank + 2)];
    const pads = spatial.map((x, at) => x + (before[at] ?? 0));
    return () => {
      const attributes = new Map<string, Attribute>(node.attributes);
      attributes.set('pads', { type: 'ints', value: pads });
      c.take(node, { op: 'Conv', inputs: [pad.inputs[0]!, ...rest], attributes });
    };
  },
};

/** Beginnings and ends of all axes. */
function spreadPads(
  amounts: readonly number[],
  axes: readonly number[] | null,
  rank: number,
): number[] | null {
  const named = axes ?? Array.from({ length: rank }, (_, axis) => axis);
  if (amounts.length !== 2 * named.length) return null;
  const all = new Array<number>(2 * rank).fill(0);
  named.forEach((axis, i) => {
    const at = axis < 0 ? axis + rank : axis;
    all[at] = amounts[i]!;
    all[at + rank] = amounts[i + named.length]!;
  });
  return all;
}
