import type { Node, Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import { sameWhole } from '../quantization-of.ts';
import type { Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';

/** Zeros around the input of a convolution are its own padding. */
export const padIntoConv: Rule = {
  name: 'pad-into-conv',
  reason: 'a convolution pads its input itself',
  roots: ['Conv', 'mp.Conv'],
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
    if (!isOnlyRead(input, node, c)) return 'what is padded so has another reader';
    if (!keepsLevels(pad)) return 'it is quantized in another way once it is padded';
    const own = c.attributes(node);
    const rule = own.string('auto_pad');
    if (rule !== 'NOTSET' && rule !== 'VALID') return 'the convolution pads by rule';
    const all = spreadPads(amounts, axes, rank);
    if (all === null || all.some((x) => x < 0)) return 'it takes something away';
    const first = node.domain === 'mp' ? 1 : 2;
    const others = [0, node.domain === 'mp' ? rank - 1 : 1];
    if (others.some((axis) => all[axis] !== 0 || all[axis + rank] !== 0))
      return 'it pads along other axes than a window slides over';
    const before = rule === 'VALID' ? [] : (own.ints('pads') ?? []);
    const [from, to] = [first, first + rank - 2];
    const spatial = [...all.slice(from, to), ...all.slice(rank + from, rank + to)];
    const pads = spatial.map((x, at) => x + (before[at] ?? 0));
    return () => {
      const attributes = new Map<string, Attribute>(node.attributes);
      attributes.delete('auto_pad');
      attributes.set('pads', { type: 'ints', value: pads });
      const { op, domain } = node;
      c.take(node, { op, domain, inputs: [pad.inputs[0]!, ...rest], attributes });
    };
  },
};

/** Whether a value, quantized or not, only goes into one node. */
function isOnlyRead(value: Value, node: Node, c: RuleContext): boolean {
  if (value.quantization === null) return c.isOnlyFor(value, node);
  return [...value.uses].every(({ user }) => user === node) && value.uses.size === 1;
}

/** Whether the zeros around an image are the level that stands for zero in it. */
function keepsLevels(pad: Node): boolean {
  const [before, after] = [pad.inputs[0]!.quantization, pad.outputs[0]!.quantization];
  return (before === null && after === null) || sameWhole(before, after);
}

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
