import type { Dim } from '../../core/shape.ts';
import type { Value } from '../../ir/graph.ts';
import { tensorType } from '../../ir/types.ts';
import {
  canPermute,
  isPermutable,
  padded,
  permuted,
  permutedConstant,
  pickedConstant,
} from './permutation.ts';
import { type NodeView, numberOf, type RewriteContext } from './rule.ts';

/** Axes from 0 of attributes or constants that may count from the end. */
export function normalAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Where an axis of the old layout is in the new one. */
export function movedAxis(c: RewriteContext, axis: number, rank: number): number {
  return c.permutation(rank).indexOf(normalAxis(axis, rank));
}

/** Rank of an input; 0 where it is not known. */
export function rankOf(view: NodeView, input = 0): number {
  return view.shape(input)?.length ?? 0;
}

/** Whether an optional input is there. */
export function isPresent(view: NodeView, input: number): boolean {
  return view.node.inputs[input] != null;
}

/** Whether a value has one element whatever its rank: it broadcasts the same in any layout. */
function isSingle(view: NodeView, input: number): boolean {
  return view.shape(input)?.every((dim) => dim === 1) === true;
}

/** How operands that broadcast to a rank get along with another layout: those of that rank follow, constants
 *  are permuted, computed vectors are laid along their axis, single elements stay. Null where an operand of lower
 *  rank is computed and no vector. */
export function broadcastFollowing(
  view: NodeView,
  inputs: readonly number[],
  rank: number,
): number[] | null {
  const following: number[] = [];
  for (const input of inputs) {
    const shape = view.shape(input);
    if (shape === null || shape.length > rank) return null;
    const constant = view.constant(input);
    if (constant !== null) {
      const isFixed = !isPermutable(constant) || !canPermute(view.node.inputs[input]!.quantization);
      if (isFixed && !isSingle(view, input)) return null;
    } else if (shape.length === rank) following.push(input);
    else if (shape.filter((dim) => dim !== 1).length > 1) return null;
  }
  return following;
}

/** A computed operand of lower rank with one axis that is not of size 1. */
function laidAlong(c: RewriteContext, input: number, rank: number): Value {
  const old = c.inputs[input]!;
  const dims = c.shape(input)!;
  const whole: Dim[] = [...new Array<Dim>(rank - dims.length).fill(1), ...dims];
  const moved = permuted(whole, c.permutation(rank));
  const target = c.addInts(moved.map((dim) => (dim === 1 ? 1 : -1)));
  const dtype = old.type?.kind === 'tensor' ? old.type.dtype : null;
  return c.addNode({ op: 'Reshape', inputs: [old, target] }, tensorType(dtype, moved));
}

/** The constants among operands that broadcast to a rank, permuted; other operands as they are. */
export function broadcastOperands(
  c: RewriteContext,
  inputs: readonly number[],
  rank: number,
): (Value | null)[] {
  const operands = [...c.inputs];
  for (const input of inputs) {
    const constant = c.constant(input);
    if (isSingle(c, input)) continue;
    if (constant === null) {
      if (rankOf(c, input) < rank) operands[input] = laidAlong(c, input, rank);
      continue;
    }
    const shape = padded(constant.shape, rank);
    const perm = c.permutation(rank);
    const old = c.inputs[input]!;
    const moved = c.addConstant(permutedConstant(constant, perm, shape));
    if (old.quantization !== null) {
      const { axis } = old.quantization;
      const at = axis === null ? null : perm.indexOf(axis + rank - constant.shape.length);
      moved.quantization = { ...old.quantization, axis: at };
      moved.type =
        old.type?.kind === 'tensor' ? { ...old.type, shape: moved.constant!.shape } : null;
    }
    operands[input] = moved;
  }
  return operands;
}

/** Elements of a vector with one for each axis, in the order of the new layout: a constant, or picked at run time.
 *  @param groups  how many such lists there are one after the other */
export function movedVector(c: RewriteContext, input: number, rank: number, groups = 1): Value {
  const perm = c.permutation(rank);
  const order = Array.from({ length: groups }, (_, group) =>
    perm.map((a) => a + group * rank),
  ).flat();
  const constant = c.constant(input);
  const old = c.inputs[input]!;
  if (constant !== null && isPermutable(constant))
    return c.addConstant(pickedConstant(constant, order));
  const indices = c.addInts(order);
  return c.addNode({ op: 'Gather', inputs: [old, indices] }, old.type);
}

/** Axes of an input that names them, as they are in the new layout. */
export function movedAxesInput(c: RewriteContext, axes: readonly number[], rank: number): Value {
  return c.addInts(axes.map((axis) => movedAxis(c, axis, rank)));
}

/** Number of elements of a vector; null where it is not known, or the input is none. */
export function vectorLength(view: NodeView, input: number): number | null {
  const shape = view.shape(input);
  return shape?.length === 1 ? numberOf(shape[0]) : null;
}
