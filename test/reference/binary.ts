import type { BinaryRow } from '../../src/wasm/table/binary.ts';
import { ulp32 } from './functions.ts';
import type { ReferencesFor } from './types.ts';
import { power } from './unary.ts';

interface Buffers {
  a: Float32Array;
  b: Float32Array;
  y: Float32Array | Uint8Array;
}

const rows =
  (f: (a: number, b: number) => number) =>
  (
    { a, b, y }: Buffers,
    { outer, count, mode }: Record<'outer' | 'count' | 'mode', number>,
  ): void => {
    const at = (o: number, i: number, one: number, shared: number): number =>
      (mode & shared ? 0 : o * (mode & one ? 1 : count)) + (mode & one ? 0 : i);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < count; i++) y[o * count + i] = f(a[at(o, i, 1, 4)]!, b[at(o, i, 2, 8)]!);
    }
  };

export const binaryReferences: ReferencesFor<BinaryRow['name']> = {
  f32_add: rows((a, b) => a + b),
  f32_sub: rows((a, b) => a - b),
  f32_mul: rows((a, b) => a * b),
  f32_div: rows((a, b) => a / b),
  f32_min: rows((a, b) => (Number.isNaN(b) || b < a ? b : a)),
  f32_max: rows((a, b) => (Number.isNaN(b) || a < b ? b : a)),
  f32_prelu: rows((a, b) => (a < 0 ? a * b : a)),
  f32_pow: (buffers, values) => {
    rows(power)(buffers, values);
    return { y: Array.from(buffers.y, (value) => 2 * ulp32(value)) };
  },
  f32_equal: rows((a, b) => Number(a === b)),
  f32_less: rows((a, b) => Number(a < b)),
  f32_less_equal: rows((a, b) => Number(a <= b)),
};
