import type { moveRows } from '../../src/wasm/table/move.ts';
import type { ReferencesFor } from './types.ts';

type Sizes = Record<'d0' | 'd1' | 'd2' | 'd3' | 's0' | 's1' | 's2' | 's3', number>;

interface Numbers {
  [index: number]: number;
}

function copy({ x, y }: { x: Numbers; y: Numbers }, v: Sizes): void {
  let at = 0;
  for (let i = 0; i < v.d0; i++)
    for (let j = 0; j < v.d1; j++)
      for (let k = 0; k < v.d2; k++)
        for (let l = 0; l < v.d3; l++) y[at++] = x[i * v.s0 + j * v.s1 + k * v.s2 + l * v.s3]!;
}

export const moveReferences: ReferencesFor<(typeof moveRows)[number]['name']> = {
  x8_copy: copy,
  x16_copy: copy,
  x32_copy: copy,
  x64_copy: copy,

  f32_resample({ x, y, index, weight }, { outer, from, to, unit, taps }) {
    const { fround } = Math;
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < to; j++) {
        for (let u = 0; u < unit; u++) {
          let sum = 0;
          for (let t = 0; t < taps; t++) {
            const row = index[j * taps + t]!;
            if (row >= 0)
              sum = fround(sum + fround(weight[j * taps + t]! * x[(o * from + row) * unit + u]!));
          }
          y[(o * to + j) * unit + u] = sum;
        }
      }
    }
  },
};
