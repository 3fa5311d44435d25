import { rangeError } from './errors.ts';

/** A dimension: a size, a symbol or symbolic expression (`batch`, `2*sequence+1`), or null when unknown. */
export type Dim = number | string | null;
/** Dimensions, or null when even the rank is unknown. */
export type Shape = readonly Dim[] | null;

/** Number of elements of a known shape; throws a RangeError past 2^53. */
export function volume(dims: readonly number[]): number {
  let product = 1;
  for (const dim of dims) product *= dim;
  if (!Number.isSafeInteger(product) || product < 0) {
    throw rangeError('dims', 'a product of at most 2^53', `[${dims.join(', ')}]`);
  }
  return product;
}

/** Whether every dimension is a number. */
export function isStatic(shape: Shape | undefined): shape is readonly number[] {
  return shape?.every((dim) => typeof dim === 'number') === true;
}

/** `[1, batch, ?]` */
export function formatShape(shape: Shape | undefined): string {
  return shape == null ? '[…]' : `[${shape.map((dim) => dim ?? '?').join(', ')}]`;
}

/** Axis in 0..rank-1 of an axis that may count from the end; throws a RangeError outside. */
export function normalizeAxis(axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(normal) || normal < 0 || normal >= Math.max(rank, 1)) {
    throw rangeError('axis', `${-rank}..${rank - 1}`, axis);
  }
  return normal;
}
