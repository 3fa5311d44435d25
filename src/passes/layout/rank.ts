import { equalDims } from '../../core/dim.ts';
import type { Dim } from '../../core/shape.ts';
import { tensorType } from '../../ir/types.ts';
import { int } from './agnostic.ts';
import { denseBehind, permuteDense } from './dense.ts';
import { isPresent, movedAxesInput, movedAxis, normalAxis, rankOf } from './operands.ts';
import {
  isInOrder,
  isSame,
  type Layout,
  otherLayout,
  permutationTo,
  permuted,
} from './permutation.ts';
import { type Following, type LayoutRule, type NodeView, respec } from './rule.ts';

/** Operators that change the rank, or give the elements other axes. */

const all = (rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis);

/** What becomes of the other axes when some of a value that changes its layout are dropped (or were added):
 *  they stay in order, they change to the other layout too, or neither. */
function remaining(rank: number, axes: readonly number[], from: Layout): 'same' | 'follows' | null {
  const kept = all(rank).filter((axis) => !axes.includes(axis));
  const order = permutationTo(otherLayout(from), rank).filter((axis) => kept.includes(axis));
  if (isInOrder(order)) return 'same';
  const perm = order.map((axis) => kept.indexOf(axis));
  return perm.length >= 3 && isSame(perm, permutationTo(otherLayout(from), perm.length))
    ? 'follows'
    : null;
}

function dropping(view: NodeView, from: Layout, axes: readonly number[]): Following | null {
  const rest = remaining(rankOf(view), axes, from);
  if (rest === null) return null;
  return { inputs: [0], outputs: rest === 'same' ? [] : view.node.outputs.map((_, i) => i) };
}

/** Axes of a reduction; all where it names none. */
function reducedAxes(view: NodeView): readonly number[] | null {
  const rank = rankOf(view);
  const axes = isPresent(view, 1) ? view.numbers(1) : [];
  if (axes === null || axes.length > 0) return axes?.map((axis) => normalAxis(axis, rank)) ?? null;
  return view.attributes.int('noop_with_empty_axes') === 0 ? all(rank) : [];
}

export const reduction: LayoutRule = {
  following: (view, from) => {
    const axes = reducedAxes(view);
    if (axes === null) return null;
    if (axes.length === 0 || view.attributes.int('keepdims') !== 0)
      return { inputs: [0], outputs: [0] };
    return dropping(view, from, axes);
  },
  rewrite: (c) => {
    const axes = isPresent(c, 1) ? c.numbers(1)! : [];
    if (axes.length === 0) return respec(c.node, { inputs: c.inputs });
    return respec(c.node, { inputs: [c.inputs[0]!, movedAxesInput(c, axes, rankOf(c))] });
  },
};

/** ArgMax, ArgMin. */
export const argument: LayoutRule = {
  following: (view, from) => {
    if (view.attributes.int('keepdims') !== 0) return { inputs: [0], outputs: [0] };
    return dropping(view, from, [normalAxis(view.attributes.int('axis'), rankOf(view))]);
  },
  rewrite: (c) => {
    const axis = movedAxis(c, c.attributes.int('axis'), rankOf(c));
    const attributes = new Map(c.node.attributes).set('axis', int(axis));
    return respec(c.node, { inputs: c.inputs, attributes });
  },
};

/** Gather with a vector of indices or a single one. */
export const gather: LayoutRule = {
  following: (view, from) => {
    const rank = view.shape(1)?.length;
    if (rank === undefined || rank > 1 || view.constant(0) !== null) return null;
    if (rank === 1) return { inputs: [0], outputs: [0] };
    return dropping(view, from, [normalAxis(view.attributes.int('axis'), rankOf(view))]);
  },
  rewrite: argument.rewrite,
};

export const squeeze: LayoutRule = {
  following: (view, from) => {
    const axes = view.numbers(1);
    if (axes === null) return null;
    return dropping(
      view,
      from,
      axes.map((axis) => normalAxis(axis, rankOf(view))),
    );
  },
  rewrite: reduction.rewrite,
};

export const unsqueeze: LayoutRule = {
  following: (view, from) => {
    const rank = view.outputShape(0)?.length ?? 0;
    const axes = view.numbers(1)?.map((axis) => normalAxis(axis, rank));
    if (axes === undefined || rank < 3) return null;
    const rest = remaining(rank, axes, from);
    if (rest === null) return null;
    return { inputs: rest === 'same' ? [] : [0], outputs: [0] };
  },
  rewrite: (c) => {
    const rank = c.outputShape(0)!.length;
    return respec(c.node, { inputs: [c.inputs[0]!, movedAxesInput(c, c.numbers(1)!, rank)] });
  },
};

/** A Transpose that is none between the two layouts: whatever comes in, the same comes out. */
export const transpose: LayoutRule = {
  following: () => ({ inputs: [0], outputs: [] }),
  rewrite: (c) => {
    const rank = rankOf(c);
    const old = c.attributes.ints('perm') ?? all(rank).reverse();
    const value = old.map((axis) => movedAxis(c, axis, rank));
    return respec(c.node, {
      inputs: c.inputs,
      attributes: new Map(c.node.attributes).set('perm', { type: 'ints', value }),
    });
  },
};

/** Sizes in the order that the result is to have. */
export const shape: LayoutRule = {
  following: () => ({ inputs: [0], outputs: [] }),
  rewrite: (c) => {
    const rank = rankOf(c);
    const clamp = (axis: number): number => Math.min(Math.max(normalAxis(axis, rank), 0), rank);
    const start = clamp(c.attributes.int('start'));
    const end = Math.max(start, clamp(c.attributes.int('end', rank)));
    const sizes = c.addNode({ op: 'Shape', inputs: c.inputs }, tensorType('int64', [rank]));
    const indices = all(rank)
      .slice(start, end)
      .map((axis) => movedAxis(c, axis, rank));
    return { op: 'Gather', name: c.node.name, inputs: [sizes, c.addInts(indices)] };
  },
};

export const size: LayoutRule = {
  following: () => ({ inputs: [0], outputs: [] }),
  rewrite: (c) => respec(c.node, { inputs: c.inputs }),
};

/** Whether a value's elements are in the same order in both layouts: it has one channel or no space. */
function isOneRow(dims: readonly Dim[], from: Layout): boolean {
  if (dims.length < 3) return false;
  const channel = from === 'first' ? 1 : dims.length - 1;
  return (
    dims[channel] === 1 || dims.every((dim, axis) => axis === 0 || axis === channel || dim === 1)
  );
}

/** A target for Reshape: the batch is copied where it is not known; one more size may be open. */
function targetOf(dims: readonly Dim[], hasSameBatch: boolean): number[] | null {
  let open = 0;
  const target = dims.map((dim, axis) => {
    if (typeof dim === 'number') return dim;
    if (axis === 0 && hasSameBatch) return 0;
    open++;
    return -1;
  });
  return open > 1 || dims.includes(0) ? null : target;
}

/** Reshape and Flatten: of space alone, of rows, or before a dense layer whose weight can be permuted. */
function reshapeKind(view: NodeView, from: Layout): (Following & { isDense: boolean }) | null {
  const before = view.shape(0);
  const after = view.outputShape(0);
  if (before === null || after === null || after.length === 0 || before.length === 0) return null;
  const hasSameBatch = equalDims(before[0]!, after[0]!);
  if (targetOf(after, hasSameBatch) === null) return null;
  const channel = (dims: readonly Dim[]): Dim => (from === 'first' ? dims[1] : dims.at(-1)) ?? null;
  const keepsChannels =
    hasSameBatch &&
    before.length >= 3 &&
    after.length >= 3 &&
    equalDims(channel(before), channel(after));
  if (keepsChannels) return { inputs: [0], outputs: [0], isDense: false };
  if (isOneRow(before, from)) return { inputs: [0], outputs: [], isDense: false };
  if (isOneRow(after, from)) return { inputs: [], outputs: [0], isDense: false };
  const isFlat = hasSameBatch && after.length === 2 && typeof after[1] === 'number';
  const isKnown = before.slice(1).every((dim) => typeof dim === 'number');
  if (isFlat && isKnown && denseBehind(view.node.outputs[0]!) !== null)
    return { inputs: [0], outputs: [], isDense: true };
  return null;
}

export const reshape: LayoutRule = {
  following: reshapeKind,
  rewrite: (c) => {
    const kind = reshapeKind(c, c.from)!;
    const [before, after] = [c.shape(0)!, c.outputShape(0)!];
    const hasSameBatch = equalDims(before[0]!, after[0]!);
    if (kind.isDense) {
      const dense = denseBehind(c.node.outputs[0]!)!;
      permuteDense(c, dense, c.permutation(before.length), before.slice(1).map(Number));
    }
    const dims = kind.outputs.length > 0 ? permuted(after, c.permutation(after.length)) : after;
    const target = c.addInts(targetOf(dims, hasSameBatch)!);
    return { op: 'Reshape', name: c.node.name, inputs: [c.inputs[0]!, target] };
  },
};
