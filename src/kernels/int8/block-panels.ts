import type { Engine } from './engine.ts';
import { padded } from './panels.ts';

/** Sizes of a matrix of block-quantized weights, and what it is multiplied in. */
export interface BlockSizes {
  readonly k: number;
  readonly n: number;
  /** Values of k that share a scale. */
  readonly size: number;
  readonly bits: 4 | 8;
  /** Whether activations stay float32; otherwise each of their blocks is rounded to 8 bits. */
  readonly exact: boolean;
}

/** Block-quantized weights in wasm memory, in the panels that the products take. */
export interface BlockPanels extends BlockSizes {
  readonly engine: Engine;
  readonly blocks: number;
  readonly address: number;
  /** Whether zero points are in the panels; otherwise `zero` is everywhere's. */
  readonly stored: 0 | 1;
  readonly zero: number;
  /** What the levels in the panels have more than signed ones. */
  readonly lift: number;
}

/** Bytes of panels. */
export function blockPanelBytes({ k, n, size, bits }: BlockSizes, hasZeros: boolean): number {
  const blocks = Math.ceil(k / size);
  return (padded(n) / 8) * blocks * (32 + (hasZeros ? 32 : 0) + size * bits);
}

/** What zero points in panels count from: signed bytes, nibbles, or in float32 nibbles less 8; the same in every mode. */
export const zeroShift = ({ bits, exact }: BlockSizes): number =>
  bits === 8 ? 128 : exact ? 8 : 0;

/** Packs weights at an address.
 *  @param b      [n, blocks, size · bits / 8] unsigned levels along k, the first in the low bits
 *  @param zeros  [n, blocks], as unsigned levels count; null where all are 2^(bits − 1)
 *  Takes scratch for a copy of the weights. */
export function fillBlockPanels(
  engine: Engine,
  sizes: BlockSizes,
  address: number,
  b: Uint8Array,
  scales: Float32Array,
  zeros: Float32Array | null,
): BlockPanels {
  const { k, n, size, bits, exact } = sizes;
  const blocks = Math.ceil(k / size);
  // Bytes are signed but where the dot product takes unsigned weights.
  const mask = bits === 8 && (exact || engine.unsigned !== true) ? 128 : 0;
  const shift = zeroShift(sizes);
  const stored = zeros === null ? 0 : 1;
  const { arena, simd } = engine.backend;
  arena.withScratch([b.length, 4 * n * blocks, 4 * n * blocks], (source, s, z) => {
    const { u8, f32 } = arena.views();
    u8.set(b, source);
    f32.set(scales, s >>> 2);
    if (zeros !== null)
      for (let i = 0; i < zeros.length; i++) f32[(z >>> 2) + i] = zeros[i]! - shift;
    simd.block_pack(source, s, z, address, n, blocks, size, bits, stored, mask);
  });
  const zero = 2 ** (bits - 1) - shift;
  const lift = bits === 8 ? 128 - mask : 0;
  return { ...sizes, engine, blocks, address, stored, zero, lift };
}

/** From here on, weights are unpacked to float32 a panel at a time. */
const manyRows = 3;

/** Bytes of scratch that a product of so many rows takes: 64-byte aligned parts. */
export function blockScratch(
  sizes: BlockSizes,
  { activationBytes }: Engine,
  rows: number,
): number[] {
  const width = Math.ceil(sizes.k / sizes.size) * sizes.size;
  const { exact } = sizes;
  return [
    exact ? 0 : activationBytes * rows * width,
    exact ? 0 : (8 * rows * width) / sizes.size,
    exact ? 32 * width : 0,
  ];
}

/** c [rows, n] = a · weights + biases.
 *  @param a        [rows, blocks · size], zeros past k
 *  @param biases   [n rounded up to 8]
 *  @param scratch  addresses of the parts of `blockScratch` for at least so many rows
 *  @param whole    rows of the whole product: how it is computed does not depend on its parts */
export function multiplyBlocks(
  panels: BlockPanels,
  a: number,
  biases: number,
  c: number,
  rows: number,
  scratch: readonly [number, number, number],
  whole: number = rows,
): void {
  const { engine, n, blocks, size, bits, exact, address, stored, zero, lift } = panels;
  const { simd } = engine.backend;
  const [levels, heads, values] = scratch;
  const width = blocks * size;
  if (!exact) {
    simd.f32_block_levels(a, levels, heads, rows * blocks, size, engine.activationBytes - 1);
    const { blockGemm } = engine;
    blockGemm(levels, heads, address, biases, c, rows, n, blocks, size, bits, stored, zero, lift);
    return;
  }
  if (whole < manyRows) {
    simd.f32_block_gemm(a, address, biases, c, rows, n, blocks, size, bits, stored, zero);
    return;
  }
  const [lowest, greatest] = [-Infinity, Infinity];
  const panelBytes = blocks * (32 + 32 * stored + size * bits);
  for (let j = 0; j < n; j += 8) {
    simd.block_unpack(address + (j / 8) * panelBytes, values, blocks, size, bits, stored, zero);
    const columns = Math.min(8, n - j);
    const [to, own] = [c + 4 * j, biases + 4 * j];
    const step = 8 * width;
    simd.f32_gemm(a, values, own, to, rows, columns, width, width, step, n, 0, lowest, greatest);
  }
}

/** Weights as float32 in the panels of f32_gemm, [ceil(n/8)][blocks · size][8], at an address. */
export function unpackBlocks(panels: BlockPanels, to: number): void {
  const { engine, n, blocks, size, bits, address, stored, zero } = panels;
  const { simd } = engine.backend;
  const panelBytes = blocks * (32 + 32 * stored + size * bits);
  for (let j = 0; j < n / 8; j++) {
    const from = address + j * panelBytes;
    simd.block_unpack(from, to + j * 32 * blocks * size, blocks, size, bits, stored, zero);
  }
}

/** Zero points of MatMulNBits that are packed like levels: rows begin on whole bytes. */
export function unpackedZeros(
  bytes: Uint8Array,
  n: number,
  blocks: number,
  bits: 4 | 8,
): Float32Array {
  const row = Math.ceil((blocks * bits) / 8);
  return Float32Array.from({ length: n * blocks }, (_, i) => {
    const [at, block] = [Math.floor(i / blocks) * row, i % blocks];
    if (bits === 8) return bytes[at + block]!;
    return (bytes[at + (block >> 1)]! >> ((block & 1) * 4)) & 15;
  });
}
