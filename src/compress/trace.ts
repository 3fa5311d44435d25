import { isStatic, volume } from '../core/shape.ts';
import { smallValues } from '../ir/constant.ts';
import { Node, type Use, type Value } from '../ir/graph.ts';
import { constantOfValue } from './constants.ts';

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
      const moved = user instanceof Node && index === 0 ? move(user, next.shape, next.axes) : null;
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

/** What an operator that only moves elements makes of them; null for others, and where sizes are not known. */
function move(
  node: Node,
  shape: readonly number[],
  axes: readonly (number | null)[],
): Moved | null {
  if (node.domain !== '') return null;
  switch (node.op) {
    case 'Identity':
      return { shape, axes: [...axes], inOrder: true };
    case 'Transpose': {
      const perm = node.attributes.get('perm');
      const order =
        perm?.type === 'ints' ? perm.value.map(Number) : shape.map((_, i) => shape.length - 1 - i);
      if (order.length !== shape.length || order.some((axis) => shape[axis] === undefined))
        return null;
      return {
        shape: order.map((axis) => shape[axis] ?? 1),
        axes: order.map((axis) => axes[axis] ?? null),
        inOrder: order.every((axis, i) => axis === i),
      };
    }
    case 'Reshape':
    case 'Flatten':
    case 'Squeeze':
    case 'Unsqueeze': {
      const target = reshaped(node, shape);
      return target === null
        ? null
        : { shape: target, axes: mapAxes(shape, axes, target), inOrder: true };
    }
    default:
      return null;
  }
}

/** The output's sizes, from its type or from a constant shape. */
function reshaped(node: Node, shape: readonly number[]): readonly number[] | null {
  const type = node.outputs[0]?.type;
  if (type?.kind === 'tensor' && isStatic(type.shape) && volume(type.shape) === volume(shape))
    return type.shape;
  if (node.op !== 'Reshape') return null;
  const wished = node.inputs[1] == null ? null : constantOfValue(node.inputs[1]);
  const values = wished === null ? null : smallValues(wished);
  if (values === null) return null;
  const sizes = values.map((size, i) => (Number(size) === 0 ? (shape[i] ?? 0) : Number(size)));
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
