/** What shape rules are written with. */

import { differentDims, equalDims, productOfDims } from '../core/dim.ts';
import type { DType } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { type Dim, formatShape, type Shape } from '../core/shape.ts';
import { describe } from '../ir/edit.ts';
import { tensorType, type ValueType } from '../ir/types.ts';
import type { CostContext, InferContext, OutputInfo } from './op.ts';

/** Elements that are followed through shape arithmetic. */
export const maxValues = 4096;

/** A tensor output, with its elements where they are known. */
export function tensor(
  dtype: DType | null,
  shape: Shape,
  values: readonly Dim[] | null = null,
): OutputInfo {
  return { type: tensorType(dtype, shape), values };
}

export const unknown: OutputInfo = { type: null };

/** An operand that can't be right. */
export function invalid(c: InferContext, code: string, message: string): ShapeError {
  return new ShapeError(`${describe(c.node)}: ${message}`, { code, where: describe(c.node) });
}

/** The first input's type and shape. */
export function sameAsFirst(c: InferContext): OutputInfo[] {
  return [tensor(c.dtype(0), c.shape(0))];
}

/** null when even the rank is unknown. */
export function rankOf(shape: Shape): number | null {
  return shape === null ? null : shape.length;
}

/** A shape of which only the rank is known. */
export function unknownDims(rank: number | null): Shape {
  return rank === null ? null : new Array<Dim>(rank).fill(null);
}

/** 0..rank-1 of an axis that may count from the end. */
export function axisOf(c: InferContext, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(normal) || normal < 0 || normal >= rank)
    throw invalid(c, 'E_SHAPE_AXIS', `axis ${axis} is not within rank ${rank}`);
  return normal;
}

/** Different axes within a rank. */
export function axesOf(c: InferContext, axes: readonly number[], rank: number): number[] {
  const normal = axes.map((axis) => axisOf(c, axis, rank));
  if (new Set(normal).size !== normal.length)
    throw invalid(c, 'E_SHAPE_AXIS', `axes [${axes.join(', ')}] name one twice`);
  return normal;
}

/** Elements of an input when all of them are known numbers. */
export function numbersOf(c: InferContext, input: number): readonly number[] | null {
  const values = c.values(input);
  return values?.every((value) => typeof value === 'number') === true
    ? (values as readonly number[])
    : null;
}

/** The only element of an input, if known. */
export function scalarOf(c: InferContext, input: number): Dim {
  const values = c.values(input);
  return values?.length === 1 ? values[0]! : null;
}

/** Whether an optional input is given. */
export function has(c: InferContext, input: number): boolean {
  return c.node.inputs[input] != null;
}

/** A shape checked to have a rank, or null if it is unknown. */
export function withRank(
  c: InferContext,
  input: number,
  least: number,
  most: number = least,
): readonly Dim[] | null {
  const shape = c.shape(input);
  if (shape !== null && (shape.length < least || shape.length > most)) {
    const range =
      least === most ? `${least}` : most === Infinity ? `≥ ${least}` : `${least}..${most}`;
    throw invalid(
      c,
      'E_SHAPE_RANK',
      `input ${input} has rank ${shape.length} ${formatShape(shape)}, expected ${range}`,
    );
  }
  return shape;
}

/** One dimension that two operands share: the better known of both. */
export function sharedDim(c: InferContext, a: Dim, b: Dim, what: string): Dim {
  if (differentDims(a, b)) throw invalid(c, 'E_SHAPE_MISMATCH', `${what}: ${a} and ${b} differ`);
  if (typeof a === 'number') return a;
  return typeof b === 'number' ? b : (a ?? b);
}

/** numpy's rule. Where one size is a number above 1 and the other a symbol, it is the number. */
export function broadcast(c: InferContext, shapes: readonly Shape[]): Shape {
  let rank = 0;
  for (const shape of shapes) {
    if (shape === null) return null;
    rank = Math.max(rank, shape.length);
  }
  const result: Dim[] = [];
  for (let index = 0; index < rank; index++) {
    let dim: Dim = 1;
    for (const shape of shapes) {
      const at = index - rank + shape!.length;
      if (at >= 0) dim = broadcastDim(c, dim, shape![at]!, shapes);
    }
    result.push(dim);
  }
  return result;
}

function broadcastDim(c: InferContext, a: Dim, b: Dim, shapes: readonly Shape[]): Dim {
  if (a === 1 || equalDims(a, b)) return b;
  if (b === 1) return a;
  if (typeof a === 'number' && typeof b === 'number') {
    const text = shapes.map(formatShape).join(' and ');
    throw invalid(c, 'E_SHAPE_BROADCAST', `${text} do not broadcast: ${a} and ${b} differ`);
  }
  if (typeof a === 'number') return a;
  return typeof b === 'number' ? b : null;
}

/** Sizes as a cost rule multiplies them; null where one is not a number. */
export function countOf(shape: Shape): number | null {
  if (shape === null) return null;
  const count = productOfDims(shape);
  return typeof count === 'number' ? count : null;
}

/** The product; null if a factor is. */
export function times(...factors: (number | null)[]): number | null {
  let product = 1;
  for (const factor of factors) {
    if (factor === null) return null;
    product *= factor;
  }
  return product;
}

/** The dimension at an index, from the end if negative; null if it is symbolic or unknown. */
export function numberAt(shape: Shape, index: number): number | null {
  const dim = shape?.at(index);
  return typeof dim === 'number' ? dim : null;
}

/** Elements of output 0. */
export function outputCount(c: CostContext): number | null {
  return countOf(c.outputShape(0));
}

/** A copy with another dimension at an axis. */
export function replaceDim(shape: readonly Dim[], axis: number, dim: Dim): Dim[] {
  const result = [...shape];
  result[axis] = dim;
  return result;
}

/** Number of elements; null when unknown. */
export function volumeOf(shape: Shape): Dim {
  return shape === null ? null : productOfDims(shape);
}

/** What both types have in common: for branches, and for values that a loop carries. */
export function joinTypes(a: ValueType | null, b: ValueType | null): ValueType | null {
  if (a === null || b === null || a.kind !== b.kind) return null;
  if ((a.kind === 'tensor' || a.kind === 'sparse') && b.kind === a.kind) {
    const dtype = a.dtype === b.dtype ? a.dtype : null;
    return { kind: a.kind, dtype, shape: joinShapes(a.shape, b.shape) };
  }
  if ((a.kind === 'sequence' || a.kind === 'optional') && b.kind === a.kind)
    return { kind: a.kind, element: joinTypes(a.element, b.element) };
  return a;
}

function joinShapes(a: Shape, b: Shape): Shape {
  if (a === null || b === null || a.length !== b.length) return null;
  return a.map((dim, axis) => joinDims(dim, b[axis]!));
}

function joinDims(a: Dim, b: Dim): Dim {
  return equalDims(a, b) ? a : null;
}

/** Whether two types say the same. */
export function sameType(a: ValueType | null, b: ValueType | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.kind === 'tensor' || a.kind === 'sparse') {
    if (b.kind !== a.kind || a.dtype !== b.dtype) return false;
    if (a.shape === null || b.shape === null) return a.shape === b.shape;
    const other = b.shape;
    return a.shape.length === other.length && a.shape.every((dim, axis) => dim === other[axis]);
  }
  if (a.kind === 'sequence' || a.kind === 'optional')
    return b.kind === a.kind && sameType(a.element, b.element);
  return a.kind === b.kind;
}

/** Checks that per-channel operands have as many elements as there are channels. */
export function checkChannelCounts(
  c: InferContext,
  channels: Dim,
  inputs: readonly number[],
): void {
  for (const input of inputs) {
    const count = c.shape(input);
    if (count?.length === 1 && differentDims(count[0]!, channels))
      throw invalid(
        c,
        'E_SHAPE_CHANNELS',
        `input ${input} has ${count[0]} elements for ${channels} channels`,
      );
  }
}
