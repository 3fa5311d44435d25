import type { levelRows } from '../../src/wasm/table/levels.ts';
import { nearest } from './functions.ts';
import { before, eachWindow } from './pool.ts';
import type { ReferencesFor } from './types.ts';

const { fround } = Math;

/** A level as a signed byte: unsigned ones less 128. */
const signed = (byte: number, unsigned: number): number =>
  unsigned ? byte - 128 : (byte << 24) >> 24;

/** The byte of a level, saturated. */
const byteOf = (level: number, unsigned: number): number =>
  (Math.min(127, Math.max(-128, level)) + (unsigned ? 128 : 0)) & 255;

interface Pair {
  a: Uint8Array;
  b: Uint8Array;
  y: Uint8Array;
}

function rows(
  { a, b, y }: Pair,
  {
    outer,
    count,
    mode,
    zy,
    unsigned,
  }: Record<'outer' | 'count' | 'mode' | 'zy' | 'unsigned', number>,
  f: (a: number, b: number) => number,
): void {
  const at = (o: number, i: number, one: number, shared: number): number =>
    (mode & shared ? 0 : o * (mode & one ? 1 : count)) + (mode & one ? 0 : i);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      const value = f(signed(a[at(o, i, 1, 4)]!, unsigned), signed(b[at(o, i, 2, 8)]!, unsigned));
      y[o * count + i] = byteOf(nearest(value) + zy, unsigned);
    }
  }
}

export const levelReferences: ReferencesFor<(typeof levelRows)[number]['name']> = {
  q8_add(buffers, v) {
    rows(buffers, v, (a, b) =>
      fround(fround((a - v.za) * fround(v.fa)) + fround((b - v.zb) * fround(v.fb))),
    );
  },
  q8_mul(buffers, v) {
    rows(buffers, v, (a, b) => fround((a - v.za) * (b - v.zb) * fround(v.factor)));
  },
  x8_lookup2({ a, b, y, table }, { outer, count, mode }) {
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < count; i++) {
        const p = a[(mode & 4 ? 0 : o * (mode & 1 ? 1 : count)) + (mode & 1 ? 0 : i)]!;
        const q = b[(mode & 8 ? 0 : o * (mode & 2 ? 1 : count)) + (mode & 2 ? 0 : i)]!;
        y[o * count + i] = table[256 * p + q]!;
      }
  },
  x8_lookup({ x, y, table }) {
    x.forEach((byte, i) => {
      y[i] = table[byte]!;
    });
  },
  q8_softmax({ x, y, weights }, { outer, length, factor, zero, unsigned }) {
    for (let o = 0; o < outer; o++) {
      const run = Array.from({ length }, (_, i) => signed(x[o * length + i]!, unsigned));
      const top = Math.max(...run);
      const total = run.reduce((sum, level) => sum + weights[top - level]!, 0);
      run.forEach((level, i) => {
        const share = (weights[top - level]! * fround(factor)) / total;
        y[o * length + i] = byteOf((Number.isNaN(share) ? 0 : nearest(share)) + zero, unsigned);
      });
    }
  },
  q8_max_pool({ x, y }, view) {
    eachWindow(view, (at, inside) => {
      y[at] = byteOf(
        Math.max(-128, ...inside.map((i) => signed(x[i]!, view.unsigned))),
        view.unsigned,
      );
    });
  },
  q8_average_pool({ x, y }, view) {
    eachWindow(view, (at, inside, [z, row, column]) => {
      let sum = 0;
      for (const i of inside) sum += signed(x[i]!, view.unsigned) - view.zx;
      const all =
        before(z, view.gd, view.kd, view.d + view.ed) *
        before(row, view.gh, view.kh, view.h + view.eh) *
        before(column, view.gw, view.kw, view.w + view.ew);
      const taps = Math.max(view.include ? all : inside.length, 1);
      const mean = fround(fround(sum * fround(view.factor)) / taps);
      y[at] = byteOf(nearest(mean) + view.zy, view.unsigned);
    });
  },
};
