import type { Point } from './points.ts';

/** Two points that are the same value of two models. */
export interface Match {
  readonly a: Point;
  readonly b: Point;
  readonly by: 'name' | 'order';
}

/** What passes put behind the name of a value that they give another form, and what makes a name free. */
const suffix = /(?:_(?:last|first|real|dequantized|quantized|as_was|output)|\/(?:real|part)|_\d+)$/;
/** As often as names are given a suffix at most. */
const mostSuffixes = 4;

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
  const byName = (points: readonly Point[]): Map<string, Point> =>
    new Map(points.flatMap((point) => point.names.map((name) => [name, point] as const)));
  const [aByName, bByName] = [byName(as), byName(bs)];
  for (const a of as) for (const name of a.names) take(a, bByName.get(name), 'name');
  // What was named after a value of the other model, nearest first.
  for (let count = 1; count <= mostSuffixes; count++) {
    for (const b of bs)
      for (const name of b.names) {
        const a = aByName.get(stripped(name, count));
        if (a !== undefined) take(a, b, 'name');
      }
    for (const a of as)
      for (const name of a.names) take(a, bByName.get(stripped(name, count)), 'name');
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

/** A name without so many suffixes; empty where it has fewer. */
function stripped(name: string, count: number): string {
  let rest = name;
  for (let i = 0; i < count; i++) {
    if (!suffix.test(rest)) return '';
    rest = rest.replace(suffix, '');
  }
  return rest;
}
