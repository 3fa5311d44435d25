import type { Point } from './points.ts';

/** Two points that are the same value of two models. */
export interface Match {
  readonly a: Point;
  readonly b: Point;
  readonly by: 'name' | 'order';
}

/** What passes put behind the name of a value that they give another form. */
const suffixes = /(?:_(?:last|first|real|dequantized|quantized|as_was|output|copy)|_\d+)+$/;

/** Operators that are one kind of layer. */
const kinds: Readonly<Record<string, string>> = { Gemm: 'MatMul' };

/** Finds points of two models that belong together: by their names, by names without what passes put behind them, and of
 *  what is left by the order in which operators of a kind follow each other, where there are as many.
 *  @param canBe  whether two can be the same: they have as many elements. Linear. */
export function matchPoints(
  as: readonly Point[],
  bs: readonly Point[],
  canBe: (a: Point, b: Point) => boolean,
): Match[] {
  const found = new Map<Point, Match>();
  const taken = new Set<Point>();
  const take = (a: Point, b: Point | undefined, by: Match['by']): void => {
    if (b === undefined || found.has(a) || taken.has(b) || !canBe(a, b)) return;
    found.set(a, { a, b, by });
    taken.add(b);
  };
  for (const nameOf of [(name: string) => name, (name: string) => name.replace(suffixes, '')]) {
    const byName = new Map<string, Point>();
    for (const b of bs) {
      if (taken.has(b)) continue;
      for (const name of b.names) byName.set(nameOf(name), b);
    }
    for (const a of as) for (const name of a.names) take(a, byName.get(nameOf(name)), 'name');
  }
  const left = (points: readonly Point[], has: (point: Point) => boolean): Map<string, Point[]> => {
    const groups = new Map<string, Point[]>();
    for (const point of points) {
      if (has(point)) continue;
      const { op } = point.node;
      const kind = kinds[op] ?? op;
      const group = groups.get(kind);
      if (group === undefined) groups.set(kind, [point]);
      else group.push(point);
    }
    return groups;
  };
  const others = left(bs, (b) => taken.has(b));
  for (const [kind, group] of left(as, (a) => found.has(a))) {
    const candidates = others.get(kind) ?? [];
    if (candidates.length !== group.length) continue;
    group.forEach((a, index) => {
      take(a, candidates[index], 'order');
    });
  }
  return as.flatMap((a) => found.get(a) ?? []);
}
