import { libraryBackend } from '../wasm/library.ts';
import { copyBlock, paddedColumns } from './packed.ts';
import { partElements } from './types.ts';
import { packWinograd, runWinograd, type WinogradPlan } from './winograd.ts';

/** Operands of a 3 × 3 convolution. */
export interface WinogradConvolution {
  readonly x: Float32Array;
  /** [output channels, 3, 3, channels], or the address of what `packWinograd` made of it. */
  readonly w: Float32Array | number;
  readonly bias: Float32Array | undefined;
  readonly min: number;
  readonly max: number;
  readonly batch: number;
  readonly output: Float32Array;
}

/** Runs a convolution from typed array to typed array. Scratch: one image of x, the packed weights unless they are,
 *  and about 2 MB, or four lines of the result if they are longer. */
export function convWinograd(plan: WinogradPlan, item: WinogradConvolution): void {
  const backend = libraryBackend();
  const { arena } = backend;
  const { height, width, channels, outHeight, outWidth, outChannels, down } = plan;
  const { x, w, bias: offsets, batch, output } = item;
  const columns = paddedColumns(outChannels);
  const line = outWidth * outChannels;
  const rows = Math.min(down, Math.max(1, Math.floor((2 * partElements) / (4 * line))));
  const isPacked = typeof w === 'number';
  const sizes = [
    4 * height * width * channels,
    isPacked ? 0 : plan.weightBytes,
    4 * columns,
    4 * columns,
    16 * rows * line,
    plan.scratchBytes,
  ];
  arena.withScratch(sizes, (image, packed, bias, zeros, results, scratch) => {
    const weights = isPacked ? w : packed;
    if (!isPacked) packWinogradArray(plan, w, packed);
    const { f32 } = arena.views();
    f32.fill(0, bias >>> 2, (bias >>> 2) + columns);
    f32.fill(0, zeros >>> 2, (zeros >>> 2) + columns);
    if (offsets !== undefined) f32.set(offsets, bias >>> 2);
    for (let index = 0; index < batch; index++) {
      const pixels = height * width;
      copyBlock(x, index * pixels * channels, channels, pixels, channels, image);
      for (let row = 0; row < down; row += rows) {
        const some = Math.min(rows, down - row);
        // Where line 0 would be if more than these lines were kept; kernels count addresses modulo 2³².
        const out = results - 16 * row * line;
        const places = { x: image, weights, bias, zeros, out, scratch };
        runWinograd(backend, plan, places, row, some, item.min, item.max);
        const count = (Math.min(4 * (row + some), outHeight) - 4 * row) * line;
        const start = results >>> 2;
        output.set(f32.subarray(start, start + count), (index * outHeight + 4 * row) * line);
      }
    }
  });
}

/** Packs weights that are outside of kernel memory; scratch for a copy of them. */
export function packWinogradArray(plan: WinogradPlan, w: Float32Array, packed: number): void {
  const backend = libraryBackend();
  const { arena } = backend;
  arena.withScratch([4 * w.length, plan.packScratchBytes], (raw, scratch) => {
    arena.views().f32.set(w, raw >>> 2);
    packWinograd(backend, plan, raw, packed, scratch);
  });
}
