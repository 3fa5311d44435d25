import type { poolRows } from '../../src/wasm/table/pool.ts';
import type { ReferencesFor } from './types.ts';

/** The sizes and scalars of a pooling kernel. */
export type PoolView = Record<
  | 'n'
  | 'd'
  | 'h'
  | 'w'
  | 'c'
  | 'od'
  | 'oh'
  | 'ow'
  | 'kd'
  | 'kh'
  | 'kw'
  | 'sd'
  | 'sh'
  | 'sw'
  | 'gd'
  | 'gh'
  | 'gw'
  | 'pd'
  | 'ph'
  | 'pw',
  number
>;

/** Calls `use` with the indices inside every window, and the start of the window on each axis. */
export function eachWindow(
  v: PoolView,
  use: (at: number, inside: number[], starts: [number, number, number]) => void,
): void {
  let at = 0;
  for (let n = 0; n < v.n; n++)
    for (let a = 0; a < v.od; a++)
      for (let b = 0; b < v.oh; b++)
        for (let e = 0; e < v.ow; e++)
          for (let c = 0; c < v.c; c++) {
            const starts: [number, number, number] = [
              a * v.sd - v.pd,
              b * v.sh - v.ph,
              e * v.sw - v.pw,
            ];
            const inside: number[] = [];
            for (let p = 0; p < v.kd; p++)
              for (let q = 0; q < v.kh; q++)
                for (let r = 0; r < v.kw; r++) {
                  const z = starts[0] + p * v.gd;
                  const y = starts[1] + q * v.gh;
                  const x = starts[2] + r * v.gw;
                  if (z < 0 || y < 0 || x < 0 || z >= v.d || y >= v.h || x >= v.w) continue;
                  inside.push((((n * v.d + z) * v.h + y) * v.w + x) * v.c + c);
                }
            use(at++, inside, starts);
          }
}

/** Taps of an axis before its end. */
export function before(start: number, gap: number, taps: number, end: number): number {
  let count = 0;
  for (let t = 0; t < taps; t++) if (start + t * gap < end) count++;
  return count;
}

export const poolReferences: ReferencesFor<(typeof poolRows)[number]['name']> = {
  f32_max_pool({ x, y }, view) {
    eachWindow(view, (at, inside) => {
      let best = -Infinity;
      for (const i of inside) if (x[i]! > best) best = x[i]!;
      y[at] = best;
    });
  },

  f32_average_pool({ x, y }, view) {
    eachWindow(view, (at, inside, [z, row, column]) => {
      let sum = 0;
      for (const i of inside) sum = Math.fround(sum + x[i]!);
      const all =
        before(z, view.gd, view.kd, view.d + view.ed) *
        before(row, view.gh, view.kh, view.h + view.eh) *
        before(column, view.gw, view.kw, view.w + view.ew);
      y[at] = sum / (view.include ? all : inside.length);
    });
  },
};
