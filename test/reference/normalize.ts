import type { normalizeRows } from '../../src/wasm/table/normalize.ts';
import { eachRun } from './fold.ts';
import { ulp32 } from './functions.ts';
import type { ReferencesFor } from './types.ts';

interface Buffers {
  x: Float32Array;
  y: Float32Array;
}

function softmax(
  { x, y }: Buffers,
  view: { outer: number; length: number; unit: number; log: number },
): Record<string, number[]> {
  const bounds: number[] = [];
  eachRun(x, view, (run, _, index) => {
    const top = Math.max(...run);
    const total = run.reduce((a, b) => a + Math.exp(b - top), 0);
    run.forEach((value, l) => {
      const want = view.log ? value - top - Math.log(total) : Math.exp(value - top) / total;
      y[index(l)] = want;
      // The difference is rounded before the exponent; then exp, sum and quotient.
      const distance = Math.min(Math.abs(value - top), 110);
      bounds[index(l)] = view.log ? ulp32(want) + 2 ** -22 : (distance + 4) * ulp32(want);
    });
  });
  return { y: bounds };
}

export const normalizeReferences: ReferencesFor<(typeof normalizeRows)[number]['name']> = {
  f32_softmax_rows: (buffers, view) => softmax(buffers, { ...view, unit: 1 }),
  f32_softmax_columns: softmax,

  f32_normalize({ x, y, scale, bias }, { outer, channels, inner, groups, epsilon, rms }) {
    const count = channels * inner;
    const bounds: number[] = [];
    for (let r = 0; r < outer; r++) {
      const row = x.subarray(r * count, (r + 1) * count);
      const mean = rms ? 0 : row.reduce((a, b) => a + b, 0) / count;
      let squares = 0;
      for (const v of row) squares += (v - mean) ** 2;
      const factor = 1 / Math.sqrt(squares / count + Math.fround(epsilon));
      row.forEach((v, i) => {
        const c = (r % groups) * channels + Math.floor(i / inner);
        const scaled = (v - mean) * factor * scale[c]!;
        const want = scaled + bias[c]!;
        y[r * count + i] = want;
        bounds[r * count + i] =
          ulp32(want) +
          2 ** -40 * (Math.abs(scaled) + Math.abs(bias[c]!) + Math.abs(factor * mean * scale[c]!));
      });
    }
    return { y: bounds };
  },

  f32_scale_shift({ x, y, scale, bias }, { channels, inner }) {
    x.forEach((v, i) => {
      const c = Math.floor(i / inner) % channels;
      y[i] = Math.fround(v * scale[c]!) + bias[c]!;
    });
  },
};
