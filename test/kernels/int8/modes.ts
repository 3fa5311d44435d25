// Integer products in every mode: the machine's own where it has it, else a plain model of the engine's dot product.
import {
  type BlockGemm,
  forceInt8Mode,
  type Igemm,
  type LevelGemm,
} from '../../../src/kernels/int8/engine.ts';
import { libraryBackend } from '../../../src/wasm/library.ts';
import { backend } from '../../../src/wasm/load.ts';
import type { Int8Mode } from '../../../src/wasm/probe.ts';
import { integerBlocks, panelBytes } from '../../reference/block.ts';

/** The tiled product as an engine with that dot product computes it. */
const igemm =
  (mode: Int8Mode): Igemm =>
  (pointers, offset, b, init, c, rows, columns, m, n, taps, k, ldc, corrected) => {
    const { i8, u8, u32, i32 } = backend().arena.views();
    const read = mode === 'usdot' ? u8 : i8;
    const steps = Math.ceil(k / 4);
    const padded = Math.ceil(n / 8) * 8;
    const at = (address: number): number => i32[address >>> 2]!;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = at(init + 4 * j);
        if (corrected === 1) {
          sum += Math.imul(at(rows + 4 * i), at(columns + 4 * j));
          sum += Math.imul(at(rows + 4 * (m + i)), at(columns + 4 * (padded + j)));
        }
        for (let tap = 0; tap < taps; tap++) {
          const a = u32[(pointers >>> 2) + i * taps + tap]! + offset;
          const panel = b + ((j >> 3) * taps + tap) * steps * 32 + (j & 7) * 4;
          for (let q = 0; q < 4 * steps; q++) {
            sum = (sum + read[a + q]! * i8[panel + (q >> 2) * 32 + (q & 3)]!) | 0;
          }
        }
        i32[(c >>> 2) + i * ldc + j] = sum;
      }
    }
  };

const levelGemm =
  (mode: Int8Mode): LevelGemm =>
  (pointers, offset, b, init, scales, y, m, n, taps, k, ldy, zero, lo, hi) => {
    const { arena, simd } = libraryBackend();
    arena.withScratch([4 * m * n, m * n], (c, levels) => {
      igemm(mode)(pointers, offset, b, init, c, 0, 0, m, n, taps, k, n, 0, 0);
      simd.i32_q8_requantize(c, levels, scales, m, n, zero, lo, hi);
      const { u8 } = arena.views();
      for (let i = 0; i < m; i++) u8.copyWithin(y + i * ldy, levels + i * n, levels + (i + 1) * n);
    });
  };

const blockGemm =
  (mode: Int8Mode): BlockGemm =>
  (a, heads, b, bias, c, m, n, blocks, size, bits, stored, zero, shift) => {
    const { buffer } = backend().arena.memory;
    const buffers = {
      a: new Int8Array(buffer, a, m * blocks * size),
      heads: new Float32Array(buffer, heads, 2 * m * blocks),
      b: new Uint8Array(buffer, b, Math.ceil(n / 8) * panelBytes({ blocks, size, bits, stored })),
      bias: new Float32Array(buffer, bias, n),
      c: new Float32Array(buffer, c, m * n),
    };
    const read = mode === 'usdot' ? (byte: number) => byte : undefined;
    integerBlocks(buffers, { m, n, blocks, size, bits, stored, zero, shift }, read);
  };

export const modes: readonly Int8Mode[] = ['i16', 'usdot', 'sdot'];

const simulated = (mode: Int8Mode) => ({
  igemm: igemm(mode),
  levelGemm: levelGemm(mode),
  blockGemm: blockGemm(mode),
});

/** Runs `use` in a mode. */
export function inMode<T>(mode: Int8Mode, use: () => T): T {
  const real = mode === 'i16' || backend().int8 === mode;
  forceInt8Mode(mode, real ? undefined : simulated(mode));
  try {
    return use();
  } finally {
    forceInt8Mode();
  }
}
