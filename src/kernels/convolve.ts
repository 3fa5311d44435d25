import { libraryBackend } from '../wasm/library.ts';
import { type AxisTable, fillIndirection } from './geometry.ts';
import { copyBlock, packStrip, paddedColumns, panelColumns } from './packed.ts';

/** A dense convolution, or the share of a transposed one that has the same taps everywhere. */
export interface Convolution {
  readonly x: Float32Array;
  /** [output channels, taps, channels of a group] */
  readonly w: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly min: number;
  readonly max: number;
  readonly batch: number;
  readonly inPixels: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly tables: readonly AxisTable[];
  /** One tap on the same pixel. */
  readonly pointwise: boolean;
  /** Takes results [pixels, outChannels] of an image from its pixel `from` on. */
  store(results: Float32Array, image: number, from: number, pixels: number): void;
}

/** Elements of results and indirection in kernel memory at a time. */
const chunkElements = 2 ** 20;
/** Up to so many channels, gathering taps side by side costs less than the loop over taps. */
const fewChannels = 4;
/** Pixels gathered at a time. */
const gatherPixels = 256;

/** Runs a convolution. Scratch: one image of x, the packed weights and up to about 4 MB. */
export function convolve(item: Convolution): void {
  const { arena } = libraryBackend();
  const { channels, outChannels, groups, tables } = item;
  const taps = tables.reduce((product, table) => product * table.taps, 1);
  const pixels = tables.reduce((product, table) => product * table.size, 1);
  const depth = (taps * channels) / groups;
  const columns = paddedColumns(outChannels / groups);
  const most = Math.max(64, Math.floor(chunkElements / (outChannels + taps) / 4) * 4);
  const chunk = Math.min(most, pixels);
  const gathers = !item.pointwise && channels / groups <= fewChannels;
  const sizes = [
    item.inPixels * channels,
    channels / groups,
    groups * depth * columns,
    groups * columns,
    item.pointwise ? 0 : Math.ceil(chunk / 4) * 4 * taps,
    chunk * outChannels,
    gathers ? Math.min(gatherPixels, chunk) * depth : 0,
  ].map((count) => 4 * count);
  arena.withScratch(sizes, (image, zero, weights, offsets, indirection, results, gathered) => {
    packGroups(item, depth, columns, weights, offsets);
    arena.views().f32.fill(0, zero >>> 2, (zero >>> 2) + channels / groups);
    for (let index = 0; index < item.batch; index++) {
      copyBlock(item.x, index * item.inPixels * channels, channels, item.inPixels, channels, image);
      for (let from = 0; from < pixels; from += chunk) {
        const count = Math.min(chunk, pixels - from);
        const fresh = index === 0 || chunk < pixels;
        if (fresh && !item.pointwise) {
          fillIndirection(tables, from, from + count, arena.views().i32, indirection >>> 2);
        }
        const at = item.pointwise ? image + 4 * from * channels : image;
        for (let group = 0; group < groups; group++) {
          multiply(item, group, count, taps, {
            image: at,
            zero,
            weights,
            offsets,
            indirection,
            results,
            gathered,
          });
        }
        const start = results >>> 2;
        const part = arena.views().f32.subarray(start, start + count * outChannels);
        item.store(part, index, from, count);
      }
    }
  });
}

interface Addresses {
  readonly image: number;
  readonly zero: number;
  readonly weights: number;
  readonly offsets: number;
  readonly indirection: number;
  readonly results: number;
  readonly gathered: number;
}

/** One group of channels for one chunk of pixels. */
function multiply(
  item: Convolution,
  group: number,
  pixels: number,
  taps: number,
  memory: Addresses,
): void {
  const { simd } = libraryBackend();
  const { channels, outChannels, groups, pointwise, min, max } = item;
  const inner = channels / groups;
  const n = outChannels / groups;
  const columns = paddedColumns(n);
  const depth = taps * inner;
  const x = memory.image + 4 * group * inner;
  const b = memory.weights + 4 * group * depth * columns;
  const bias = memory.offsets + 4 * group * columns;
  const out = memory.results + 4 * group * n;
  const panel = panelColumns * depth;
  if (pointwise) {
    simd.f32_gemm(x, b, bias, out, pixels, n, depth, channels, panel, outChannels, 0, min, max);
    return;
  }
  if (inner > fewChannels) {
    simd.f32_conv(
      x,
      memory.zero,
      memory.indirection,
      b,
      bias,
      out,
      pixels,
      taps,
      inner,
      n,
      channels,
      outChannels,
      min,
      max,
    );
    return;
  }
  for (let from = 0; from < pixels; from += gatherPixels) {
    const some = Math.min(gatherPixels, pixels - from);
    const rows = memory.indirection + 4 * from * taps;
    simd.f32_gather(x, rows, memory.gathered, some, taps, inner, channels);
    const to = out + 4 * from * outChannels;
    simd.f32_gemm(
      memory.gathered,
      b,
      bias,
      to,
      some,
      n,
      depth,
      depth,
      panel,
      outChannels,
      0,
      min,
      max,
    );
  }
}

function packGroups(
  item: Convolution,
  depth: number,
  columns: number,
  weights: number,
  offsets: number,
): void {
  const n = item.outChannels / item.groups;
  for (let group = 0; group < item.groups; group++) {
    const b = item.w.subarray(group * n * depth, (group + 1) * n * depth);
    packStrip(
      { b, k: depth, n, transposed: true },
      0,
      depth,
      weights + 4 * group * depth * columns,
    );
  }
  const { f32 } = libraryBackend().arena.views();
  const start = offsets >>> 2;
  f32.fill(0, start, start + item.groups * columns);
  if (item.bias === undefined) return;
  for (let group = 0; group < item.groups; group++) {
    f32.set(item.bias.subarray(group * n, (group + 1) * n), start + group * columns);
  }
}
