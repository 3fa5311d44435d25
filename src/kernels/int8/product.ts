import type { Engine } from './engine.ts';
import { type Panels, padded } from './panels.ts';

/** Zero points of activations as the product reads them; the 16-bit form has them subtracted already. */
export function activationZeros(
  { unsigned }: Engine,
  zeros: Int32Array,
  isUnsigned: boolean,
): Int32Array {
  if (unsigned === null) return Int32Array.of(0);
  if (unsigned === isUnsigned) return zeros;
  return zeros.map((zero) => zero + (unsigned ? 128 : -128));
}

/** Bytes of a level past the last one that a product may read. */
export const slackBytes = 16;

/** Makes levels at `raw`, in rows of `k`, what the engine reads.
 *  @param zeros  one, or one for each row
 *  @returns      their address: `raw`, or `wide` where they are 16-bit */
export function prepareActivations(
  { backend, unsigned }: Engine,
  raw: number,
  wide: number,
  rows: number,
  k: number,
  zeros: Int32Array,
  isUnsigned: boolean,
): number {
  if (unsigned !== null) {
    if (unsigned !== isUnsigned) backend.simd.q8_flip(raw, raw, rows * k);
    return raw;
  }
  const { arena, simd } = backend;
  arena.withScratch([4 * zeros.length], (z) => {
    arena.views().i32.set(zeros, z >>> 2);
    const flag = isUnsigned ? 1 : 0;
    if (zeros.length === 1) simd.q8_widen_rows(raw, wide, z, 1, rows * k, flag);
    else simd.q8_widen_rows(raw, wide, z, rows, k, flag);
  });
  return wide;
}

/** What a product adds to its sums, in wasm memory for as long as the caller's scratch. */
export interface Product {
  /** c [m, ldc] from column 0 = the product of what pointers lead to. */
  run(pointers: number, offset: number, c: number, m: number, ldc: number, zeros: Int32Array): void;
}

/** Readies products with the same weights.
 *  @param zero     zero point of all activations, as the product reads them, or null where rows have their own
 *  @param maxRows  greatest m of a run
 *  @param bias     added to each column, from `first` on
 *  Takes scratch that the caller's mark gives back. */
export function product(
  panels: Panels,
  zero: number | null,
  maxRows: number,
  bias: Int32Array | null,
  first: number,
): Product {
  const { engine, n, taps, k, sums, zeros: columnZeros } = panels;
  const { arena } = engine.backend;
  const wide = padded(n);
  const corrected = columnZeros !== null || zero === null;
  const [init, rows, columns, none, widened] = arena.scratch(
    4 * wide,
    8 * maxRows,
    corrected ? 8 * wide : 4,
    32,
    engine.group === 2 ? 32 * taps * Math.ceil(k / 2) : 0,
  ) as [number, number, number, number, number];
  const { i32 } = arena.views();
  i32.fill(0, init >>> 2, (init >>> 2) + wide);
  i32.fill(0, none >>> 2, (none >>> 2) + 8);
  for (let j = 0; j < n; j++) {
    i32[(init >>> 2) + j] = (bias?.[first + j] ?? 0) - Math.imul(zero ?? 0, sums[j]!);
  }
  if (corrected) {
    const at = columns >>> 2;
    i32.fill(0, at, at + 2 * wide);
    i32.set(sums, at);
    if (columnZeros !== null) for (let j = 0; j < n; j++) i32[at + wide + j] = -columnZeros[j]!;
  }
  const weights = taps * k;
  return {
    run(pointers, offset, c, m, ldc, zeros) {
      if (corrected) {
        const p = rows >>> 2;
        const q = p + m;
        if (columnZeros !== null) {
          engine.igemm(
            pointers,
            offset,
            panels.ones,
            none,
            rows + 4 * m,
            rows,
            rows,
            m,
            1,
            taps,
            k,
            1,
            0,
            widened,
          );
        } else arena.views().i32.fill(0, q, q + m);
        const sum = arena.views().i32;
        for (let i = 0; i < m; i++) {
          const own = zero ?? zeros[zeros.length === 1 ? 0 : i]!;
          // A zero point for all is in the initial sums.
          sum[p + i] = zero === null ? -own : 0;
          if (columnZeros !== null) sum[q + i] = sum[q + i]! - Math.imul(own, weights);
        }
      }
      engine.igemm(
        pointers,
        offset,
        panels.address,
        init,
        c,
        rows,
        columns,
        m,
        n,
        taps,
        k,
        ldc,
        corrected ? 1 : 0,
        widened,
      );
    },
  };
}
