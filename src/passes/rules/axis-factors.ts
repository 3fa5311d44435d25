import { equalDims, floorDivideDims, multiplyDims } from '../../core/dim.ts';
import type { Dim, Shape } from '../../core/shape.ts';

/** A part of an axis: what Reshapes and a Transpose between them move as a whole. */
export interface Factor {
  size: Dim;
  /** The axis that it is a part of before and after. */
  from: number;
  to: number;
}

export interface Regrouping {
  /** Parts, of no size 1, as they follow each other before and after. */
  before: readonly Factor[];
  after: readonly Factor[];
}

interface Piece {
  size: Dim;
  /** Places in both lists. */
  a: number;
  b: number;
}

/** a / b where it has no rest for any sizes of symbols, else null. */
function quotient(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a % b === 0 ? a / b : null;
  const result = floorDivideDims(a, b);
  return result !== null && equalDims(multiplyDims(result, b), a) ? result : null;
}

/** Cuts two lists of sizes with the same product so that each piece is within one size of both; null where the cuts of
 *  one go through the other's, or that isn't known. */
function refine(a: readonly Dim[], b: readonly Dim[]): Piece[] | null {
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  let x: Dim = a[0] ?? 1;
  let y: Dim = b[0] ?? 1;
  for (;;) {
    while (x === 1 && i < a.length) x = a[++i] ?? 1;
    while (y === 1 && j < b.length) y = b[++j] ?? 1;
    if (i >= a.length || j >= b.length) return i >= a.length && j >= b.length ? pieces : null;
    const place = { a: i, b: j };
    const over: Dim = quotient(x, y);
    const under: Dim = quotient(y, x);
    if (over !== null) {
      pieces.push({ size: y, ...place });
      [x, y] = [over, 1];
    } else if (under !== null) {
      pieces.push({ size: x, ...place });
      [x, y] = [1, under];
    } else return null;
  }
}

/** What Reshape to `split`, Transpose by `perm` and Reshape to `after` do to the axes of `before`. Null where axes can't be
 *  told apart: a group takes in a part of one axis and a part of the next. */
export function regrouping(
  before: Shape,
  split: Shape,
  perm: readonly number[],
  after: Shape,
): Regrouping | null {
  if (before === null || split === null || after === null || perm.length !== split.length)
    return null;
  if ([before, split, after].some((dims) => dims.includes(0) || dims.includes(null))) return null;
  const cut = refine(before, split);
  if (cut === null) return null;
  const turned = perm.flatMap((axis) => cut.filter(({ b }) => b === axis));
  const ends = refine(
    turned.map(({ size }) => size),
    after,
  );
  if (ends === null) return null;
  const moved = ends.map(({ size, a, b }) => ({ size, piece: turned[a]!, to: b }));
  const factors = moved.map(({ size, piece, to }) => ({ size, from: piece.a, to }));
  const inOrder = cut.flatMap((piece) =>
    factors.filter((_, index) => moved[index]!.piece === piece),
  );
  return joined({ before: inOrder, after: factors });
}

/** Parts that stay side by side in one axis are one. */
function joined({ before, after }: Regrouping): Regrouping {
  const place = new Map(before.map((factor, index) => [factor, index]));
  const kept: Factor[] = [];
  const gone = new Set<Factor>();
  let last: Factor | undefined;
  for (const factor of after) {
    const head = kept.at(-1);
    const follows =
      last !== undefined &&
      last.from === factor.from &&
      last.to === factor.to &&
      place.get(factor) === place.get(last)! + 1;
    if (follows && head !== undefined) {
      head.size = multiplyDims(head.size, factor.size);
      gone.add(factor);
    } else kept.push(factor);
    last = factor;
  }
  return { before: before.filter((factor) => !gone.has(factor)), after: kept };
}
