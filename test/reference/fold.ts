import type { foldRows } from '../../src/wasm/table/fold.ts';
import { ulp32 } from './functions.ts';
import type { ReferencesFor } from './types.ts';

interface View {
  outer: number;
  length: number;
  unit: number;
}

/** Calls `use` with every run along `length` and its place among the results. */
export function eachRun<A extends { [i: number]: number }>(
  x: A,
  { outer, length, unit }: View,
  use: (run: number[], at: number, index: (l: number) => number) => void,
): void {
  for (let o = 0; o < outer; o++) {
    for (let u = 0; u < unit; u++) {
      const index = (l: number): number => (o * length + l) * unit + u;
      use(
        Array.from({ length }, (_, l) => x[index(l)]!),
        o * unit + u,
        index,
      );
    }
  }
}

interface Buffers {
  x: Float32Array;
  y: Float32Array;
}

/** Rounded once, and n roundings of 2^-53 in the sum of magnitudes. */
function folded(
  { x, y }: Buffers,
  view: View,
  f: (run: number[]) => number,
  magnitude: (run: number[]) => number,
): Record<string, number[]> {
  const bounds: number[] = [];
  eachRun(x, view, (run, at) => {
    const value = f(run);
    y[at] = value;
    bounds[at] = ulp32(value) + (run.length + 2) * 2 ** -52 * magnitude(run);
  });
  return { y: bounds };
}

const sum = (run: number[]): number => run.reduce((a, b) => a + b, 0);
const absolute = (run: number[]): number => sum(run.map(Math.abs));
const squares = (run: number[]): number => sum(run.map((v) => v * v));
const product = (run: number[]): number => run.reduce((a, b) => a * b, 1);

export const foldReferences: ReferencesFor<(typeof foldRows)[number]['name']> = {
  f32_fold_sum: (buffers, view) =>
    folded(buffers, view, (run) => sum(run) / view.divisor, absolute),
  f32_fold_l1: (buffers, view) => folded(buffers, view, absolute, absolute),
  f32_fold_squares: (buffers, view) =>
    folded(
      buffers,
      view,
      (run) => (view.root ? Math.sqrt(squares(run)) : squares(run)),
      (run) => (view.root ? Math.sqrt(squares(run)) : squares(run)),
    ),
  f32_fold_product: (buffers, view) =>
    folded(buffers, view, product, (run) => Math.abs(product(run)) || 0),

  f32_fold_extreme({ x, y }, view) {
    eachRun(x, view, (run, at) => {
      // Spread would drop what is asked of zeros: they are +0.
      y[at] = (view.least ? Math.min(...run) : Math.max(...run)) + 0;
    });
  },

  f32_arg_extreme({ x, y }, view) {
    eachRun(x, view, (run, at) => {
      const top = view.least ? Math.min(...run) : Math.max(...run);
      const is = (v: number): boolean => v === top || (Number.isNaN(v) && Number.isNaN(top));
      y[at] = view.last ? run.findLastIndex(is) : run.findIndex(is);
    });
  },

  f32_cumulative_sum({ x, y }, view) {
    eachRun(x, view, (run, _, index) => {
      let total = 0;
      for (let i = 0; i < run.length; i++) {
        const l = view.reverse ? run.length - 1 - i : i;
        const next = total + run[l]!;
        y[index(l)] = view.exclusive ? total : next;
        total = next;
      }
    });
  },
};
