import { rangeError, typeError } from '../../core/errors.ts';
import { checkFloats, checkLength } from '../types.ts';
import {
  type BlockPanels,
  blockPanelBytes,
  blockScratch,
  fillBlockPanels,
  multiplyBlocks,
  unpackedZeros,
} from './block-panels.ts';
import { checkElements, checkSize } from './bytes.ts';
import { engine } from './engine.ts';
import { Blocks, padded } from './panels.ts';

/** A matrix of block-quantized weights as MatMulNBits stores it. */
export interface BlockwiseOptions {
  /** Bits of a level. */
  bits: 4 | 8;
  /** Values of k that share a scale: 16, 32, 64, 128 or 256. The last block may be short; its levels are there. */
  blockSize: number;
  /** [n, ceil(k / blockSize)]. */
  scales: Float32Array;
  /** Packed like the levels, [n, ceil(ceil(k / blockSize) · bits / 8)] bytes, or one float for each scale; default
   *  2^(bits − 1). */
  zeroPoints?: Uint8Array | Float32Array | undefined;
  /** What the products are computed in. 'float32': the weights' exact values times a. 'int8': each block of a is
   *  rounded to 8 bits first (symmetric, max|a| / 127), which is several times faster; as onnxruntime at
   *  `accuracy_level` 4. Default 'float32'. */
  activations?: 'float32' | 'int8' | undefined;
}

/** Block-quantized weights in WebAssembly memory, ready for products. */
export interface PackedBlockMatrix {
  readonly k: number;
  readonly n: number;
  /** Bytes of WebAssembly memory that it holds. */
  readonly bytes: number;
  /** Gives the memory back; the matrix is of no use afterwards. */
  dispose(): void;
}

class PackedBlocks implements PackedBlockMatrix {
  readonly #panels: BlockPanels;
  readonly #blocks: Blocks;
  #disposed = false;

  constructor(panels: BlockPanels, blocks: Blocks) {
    this.#panels = panels;
    this.#blocks = blocks;
  }

  get k(): number {
    return this.#panels.k;
  }

  get n(): number {
    return this.#panels.n;
  }

  get bytes(): number {
    return this.#blocks.bytes;
  }

  get panels(): BlockPanels {
    if (this.#disposed) throw typeError('b', 'a matrix that is not disposed', 'a disposed one');
    return this.#panels;
  }

  dispose(): void {
    this.#disposed = true;
    this.#blocks.release();
  }
}

/** Packs block-quantized weights for products.
 *  @param b  [n, ceil(k / blockSize), blockSize · bits / 8] bytes along k, the first level in the low bits
 *  @param k  rows of the matrix that b stands for
 *  @param n  its columns
 *  @throws {TypeError} arrays of other classes
 *  @throws {RangeError} sizes that they don't have; other bits or block sizes
 *  @throws {MemoryError} no room
 *  Cost O(k·n); holds the bytes of b and of the scales until `dispose`.
 *  Source: com.microsoft MatMulNBits. */
export function packBlockwise(
  b: Uint8Array,
  k: number,
  n: number,
  options: BlockwiseOptions,
): PackedBlockMatrix {
  const { bits, blockSize: size, scales, activations = 'float32' } = options;
  if (!(b instanceof Uint8Array)) throw typeError('b', 'a Uint8Array', b);
  checkSize('k', k);
  checkSize('n', n);
  if (bits !== 4 && bits !== 8) throw rangeError('bits', '4 or 8', bits);
  if (![16, 32, 64, 128, 256].includes(size))
    throw rangeError('blockSize', '16, 32, 64, 128 or 256', size);
  if (activations !== 'float32' && activations !== 'int8')
    throw rangeError('activations', 'float32 | int8', activations);
  const blocks = Math.ceil(k / size);
  checkLength('b', b.length, (n * blocks * size * bits) / 8);
  checkFloats('scales', scales);
  checkLength('scales', scales.length, n * blocks);
  const chosen = engine();
  const exact = activations === 'float32';
  const sizes = { k, n, size, bits, exact } as const;
  const zeros = zeroPointsOf(options, n, blocks);
  const held = new Blocks(chosen, 'weights');
  try {
    const address = held.take(blockPanelBytes(sizes, zeros !== null));
    return new PackedBlocks(fillBlockPanels(chosen, sizes, address, b, scales, zeros), held);
  } catch (error) {
    held.release();
    throw error;
  }
}

/** A zero point for each scale; null when all are the default. */
function zeroPointsOf(
  { bits, zeroPoints }: BlockwiseOptions,
  n: number,
  blocks: number,
): Float32Array | null {
  if (zeroPoints === undefined) return null;
  if (zeroPoints instanceof Float32Array) {
    checkLength('zeroPoints', zeroPoints.length, n * blocks);
    return zeroPoints;
  }
  if (!(zeroPoints instanceof Uint8Array))
    throw typeError('zeroPoints', 'a Uint8Array or Float32Array', zeroPoints);
  checkLength('zeroPoints', zeroPoints.length, n * Math.ceil((blocks * bits) / 8));
  return unpackedZeros(zeroPoints, n, blocks, bits);
}

/** Bytes of a block of rows of a. */
const rowBytes = 2 ** 18;

/** Product of a float matrix with block-quantized weights: a · ((q − zeroPoint) · scale) + bias.
 *  NaN in a counts as the least level under 'int8' activations.
 *  @param a  row-major [m, k]
 *  @param b  weights packed by packBlockwise, which says how it is computed
 *  @returns  row-major [m, n]
 *  @throws {TypeError} arrays of other classes
 *  @throws {RangeError} sizes that the arrays don't have
 *  @throws {MemoryError} no room
 *  Cost O(m·k·n). Deterministic, no fused multiply-add: within a block four partial sums, then blocks in order; in
 *  float32 from 3 rows on one sum in the order of k, so that a row's last bits depend on whether m is below 3.
 *  Source: com.microsoft MatMulNBits. */
export function matmulBlockwise(
  a: Float32Array,
  b: PackedBlockMatrix,
  m: number,
  k: number,
  n: number,
  options: { bias?: Float32Array | undefined } = {},
): Float32Array<ArrayBuffer> {
  checkFloats('a', a);
  if (!(b instanceof PackedBlocks)) throw typeError('b', 'weights from packBlockwise', b);
  const { panels } = b;
  checkSize('m', m);
  if (k !== panels.k) throw rangeError('k', `${panels.k}, as packed`, k);
  if (n !== panels.n) throw rangeError('n', `${panels.n}, as packed`, n);
  checkLength('a', a.length, m * k);
  checkElements('m × n', m * n);
  const { bias } = options;
  if (bias !== undefined) {
    checkFloats('bias', bias);
    checkLength('bias', bias.length, n);
  }
  const result = new Float32Array(m * n);
  if (m * n > 0) multiply(a, panels, m, bias, result);
  return result;
}

function multiply(
  a: Float32Array,
  panels: BlockPanels,
  m: number,
  bias: Float32Array | undefined,
  result: Float32Array,
): void {
  const { engine: chosen, k, n, blocks, size } = panels;
  const { arena } = chosen.backend;
  const width = blocks * size;
  const rows = Math.min(m, Math.max(1, Math.floor(rowBytes / 4 / Math.max(width, n))));
  const scratch = [
    4 * padded(n),
    4 * rows * width,
    4 * rows * n,
    ...blockScratch(panels, chosen, rows),
  ];
  arena.withScratch(scratch, (biases, x, c, ...parts) => {
    const { f32 } = arena.views();
    f32.fill(0, biases! >>> 2, (biases! >>> 2) + padded(n));
    if (bias !== undefined) f32.set(bias, biases! >>> 2);
    for (let row = 0; row < m; row += rows) {
      const count = Math.min(rows, m - row);
      const at = x! >>> 2;
      if (width === k) f32.set(a.subarray(row * k, (row + count) * k), at);
      else {
        for (let i = 0; i < count; i++) {
          const from = (row + i) * k;
          f32.set(a.subarray(from, from + k), at + i * width);
          f32.fill(0, at + i * width + k, at + (i + 1) * width);
        }
      }
      multiplyBlocks(panels, x!, biases!, c!, count, parts as [number, number, number], m);
      result.set(f32.subarray(c! >>> 2, (c! >>> 2) + count * n), row * n);
    }
  });
}
