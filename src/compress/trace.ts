import { isStatic, volume } from '../core/shape.ts';
import { constantOfValue, smallValues } from '../ir/constant.ts';
import { Node, type Use, type Value } from '../ir/graph.ts';

/** A place where a constant's elements end up, directly or behind operators that only move them. */
export interface Reached {
  use: Use;
  /** For each axis of the value there, the constant's axis that it is, or null where axes were merged or split. */
  axes: readonly (number | null)[];
  /** Whether the elements are in the constant's order. */
  inOrder: boolean;
}

/** Follows a constant through Identity, Transpose, Reshape and the like to the operators that compute with it. */
export function reach(value: Value, shape: readonly number[]): Reached[] {
  const found: Reached[] = [];
  const pending = [{ value, shape, axes: shape.map((_, i): number | null => i), inOrder: true }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const use of next.value.uses) {
      const { user, index } = use;
      const moved = user instanceof Node ? move(user, index, next.shape, next.axes) : null;
      const output = user instanceof Node ? user.outputs[0] : undefined;
      if (moved === null || output === undefined) {
        found.push({ use, axes: next.axes, inOrder: next.inOrder });
      } else {
        pending.push({ value: output, ...moved, inOrder: next.inOrder && moved.inOrder });
      }
    }
  }
  return found;
}

interface Moved {
  shape: readonly number[];
  axes: (number | null)[];
  inOrder: boolean;
}

/** What an operator that only moves elements, or leaves some out, makes of them; null for others, and where
 *  too little is known. A size that is not known is NaN.
 *  @param index  the operand that is followed */
function move(
  node: Node,
  index: number,
  shape: readonly number[],
  axes: readonly (number | null)[],
): Moved | null {
  if (node.domain !== '' || (index !== 0 && node.op !== 'Concat')) return null;
  switch (node.op) {
    case 'Identity':
      return { shape, axes: [...axes], inOrder: true };
    case 'Transpose': {
      const order = intsOf(node, 'perm') ?? shape.map((_, i) => shape.length - 1 - i);
      if (order.length !== shape.length || order.some((axis) => shape[axis] === undefined))
        return null;
      return {
        shape: order.map((axis) => shape[axis] ?? 1),
        axes: order.map((axis) => axes[axis] ?? null),
        inOrder: order.every((axis, i) => axis === i),
      };
    }
    case 'Slice':
    case 'Concat':
      // Indices along an axis stay indices along it, whichever are left out or added.
      return { shape: shape.map(() => Number.NaN), axes: [...axes], inOrder: false };
    case 'Unsqueeze': {
      const inserted = operandInts(node, 1);
      if (inserted === null) return null;
      const rank = shape.length + inserted.length;
      const at = new Set(inserted.map((axis) => (axis < 0 ? axis + rank : axis)));
      if (at.size !== inserted.length || [...at].some((axis) => axis < 0 || axis >= rank))
        return null;
      let next = 0;
      const from = Array.from({ length: rank }, (_, i) => (at.has(i) ? null : next++));
      return {
        shape: from.map((axis) => (axis === null ? 1 : (shape[axis] ?? Number.NaN))),
        axes: from.map((axis) => (axis === null ? null : (axes[axis] ?? null))),
        inOrder: true,
      };
    }
    case 'Reshape':
    case 'Flatten':
    case 'Squeeze': {
      const target = reshaped(node, shape);
      return target === null
        ? null
        : { shape: target, axes: mapAxes(shape, axes, target), inOrder: true };
    }
    default:
      return null;
  }
}

function intsOf(node: Node, name: string): number[] | null {
  const attribute = node.attributes.get(name);
  return attribute?.type === 'ints' ? attribute.value.map(Number) : null;
}

function operandInts(node: Node, index: number): number[] | null {
  const value = node.inputs[index];
  const constant = value == null ? null : constantOfValue(value);
  return constant === null ? null : (smallValues(constant)?.map(Number) ?? null);
}

/** The output's sizes, from its type or from a constant shape. */
function reshaped(node: Node, shape: readonly number[]): readonly number[] | null {
  if (shape.some(Number.isNaN)) return null;
  const type = node.outputs[0]?.type;
  if (type?.kind === 'tensor' && isStatic(type.shape) && volume(type.shape) === volume(shape)) {
    return type.shape;
  }
  const wished = node.op === 'Reshape' ? operandInts(node, 1) : null;
  if (wished === null) return null;
  const sizes = wished.map((size, i) => (size === 0 ? (shape[i] ?? 0) : size));
  const known = sizes.filter((size) => size !== -1).reduce((product, size) => product * size, 1);
  const target = sizes.map((size) => (size === -1 ? volume(shape) / known : size));
  const valid = target.every((size) => Number.isInteger(size) && size >= 0);
  return valid && volume(target) === volume(shape) ? target : null;
}

/** An axis of the target is one of the source if as many elements lie before it and it has as many indices. */
function mapAxes(
  source: readonly number[],
  axes: readonly (number | null)[],
  target: readonly number[],
): (number | null)[] {
  const at = new Map<string, number>();
  let before = 1;
  source.forEach((size, axis) => {
    if (size !== 1) at.set(`${before}/${size}`, axis);
    before *= size;
  });
  before = 1;
  return target.map((size) => {
    const axis = at.get(`${before}/${size}`);
    before *= size;
    return axis === undefined ? null : (axes[axis] ?? null);
  });
}
