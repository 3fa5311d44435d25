import { libraryBackend } from '../wasm/library.ts';
import { type AxisTable, fillIndirection } from './geometry.ts';
import { copyBlock, packStrip, paddedColumns, panelColumns } from './packed.ts';

/** Output pixels of a convolution that take the same taps. */
export interface Part {
  /** [output channels, taps, channels of a group], or the address of what `packParts` made of it. */
  readonly w: Float32Array | number;
  readonly tables: readonly AxisTable[];
}

/** A plane and a kernel on it whose lines of taps are next to each other. */
export interface Plane {
  readonly height: number;
  readonly width: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly down: number;
  readonly right: number;
  readonly top: number;
  readonly left: number;
}

/** A dense convolution. */
export interface Convolution {
  readonly x: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly min: number;
  readonly max: number;
  readonly batch: number;
  readonly inPixels: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly parts: readonly Part[];
  /** One tap on the same pixel. */
  readonly pointwise: boolean;
  /** Where it is one. */
  readonly plane: Plane | null;
  /** Takes results [pixels, outChannels], at an address in kernel memory, of a part's pixels from `from` on. */
  store(results: number, part: number, image: number, from: number, pixels: number): void;
  /** Called after all parts of an image. */
  done?(image: number): void;
}

/** Elements of results and indirection in kernel memory at a time. */
const chunkElements = 2 ** 17;
/** Up to so many channels, gathering taps side by side costs less than the loop over taps. */
const fewChannels = 4;
/** Pixels gathered at a time. */
const gatherPixels = 256;

/** A part as it lies in kernel memory. */
interface Packed {
  readonly tables: readonly AxisTable[];
  readonly taps: number;
  readonly pixels: number;
  /** Pixels at a time. */
  readonly chunk: number;
  readonly weights: number;
  readonly offsets: number;
}

interface Scratch {
  readonly image: number;
  readonly zero: number;
  readonly indirection: number;
  readonly results: number;
  readonly gathered: number;
}

/** Runs a convolution. Scratch: one image of x, the packed weights and up to about 0.5 MB. */
export function convolve(item: Convolution): void {
  const { arena } = libraryBackend();
  const { channels, outChannels, groups } = item;
  const mark = arena.mark();
  try {
    const parts = item.parts.map((part) => pack(item, part));
    const largest = (of: (part: Packed) => number): number => 4 * Math.max(...parts.map(of));
    const [image, zero, indirection, results, gathered] = arena.scratch(
      4 * item.inPixels * channels,
      (4 * channels) / groups,
      indirect(item) ? largest(({ chunk, taps }) => Math.ceil(chunk / 4) * 4 * taps) : 0,
      largest(({ chunk }) => chunk * outChannels),
      gathers(item) ? largest(({ taps }) => (gatherPixels * taps * channels) / groups) : 0,
    ) as [number, number, number, number, number];
    const { f32 } = arena.views();
    f32.fill(0, zero >>> 2, (zero >>> 2) + channels / groups);
    for (let index = 0; index < item.batch; index++) {
      copyBlock(item.x, index * item.inPixels * channels, channels, item.inPixels, channels, image);
      for (const [i, part] of parts.entries()) {
        for (let from = 0; from < part.pixels; from += part.chunk) {
          const count = Math.min(part.chunk, part.pixels - from);
          const fresh = index === 0 || parts.length > 1 || part.chunk < part.pixels;
          if (fresh && indirect(item)) {
            const { i32 } = arena.views();
            fillIndirection(part.tables, from, from + count, i32, indirection >>> 2);
          }
          for (let group = 0; group < groups; group++) {
            multiply(item, part, group, from, count, {
              image,
              zero,
              indirection,
              results,
              gathered,
            });
          }
          item.store(results, i, index, from, count);
        }
      }
      item.done?.(index);
    }
  } finally {
    arena.release(mark);
  }
}

const gathers = ({ pointwise, channels, groups }: Convolution): boolean =>
  !pointwise && channels / groups <= fewChannels;

const onPlane = (item: Convolution): boolean =>
  gathers(item) && item.plane !== null && item.groups === 1;

const indirect = (item: Convolution): boolean => !item.pointwise && !onPlane(item);

/** Packs a part's weights, group by group, and its bias in whole panels. */
function pack(item: Convolution, { w, tables }: Part): Packed {
  const { arena } = libraryBackend();
  const { channels, outChannels, groups, bias } = item;
  const taps = tables.reduce((product, table) => product * table.taps, 1);
  const pixels = tables.reduce((product, table) => product * table.size, 1);
  const depth = (taps * channels) / groups;
  const n = outChannels / groups;
  const columns = paddedColumns(n);
  const isPacked = typeof w === 'number';
  const [panels, offsets] = arena.scratch(
    isPacked ? 0 : 4 * groups * depth * columns,
    4 * groups * columns,
  ) as [number, number];
  if (!isPacked) packParts(w, groups, n, depth, panels);
  const weights = isPacked ? w : panels;
  const { f32 } = arena.views();
  const start = offsets >>> 2;
  f32.fill(0, start, start + groups * columns);
  for (let group = 0; group < groups && bias !== undefined; group++) {
    f32.set(bias.subarray(group * n, (group + 1) * n), start + group * columns);
  }
  const most = Math.max(64, Math.floor(chunkElements / (outChannels + taps) / 4) * 4);
  return { tables, taps, pixels, chunk: Math.min(most, pixels), weights, offsets };
}

/** Packs weights [groups, n, depth] in whole panels, group by group. */
export function packParts(
  w: Float32Array,
  groups: number,
  n: number,
  depth: number,
  target: number,
): void {
  for (let group = 0; group < groups; group++) {
    const b = w.subarray(group * n * depth, (group + 1) * n * depth);
    const to = target + 4 * group * depth * paddedColumns(n);
    packStrip({ b, k: depth, n, transposed: true }, 0, depth, to);
  }
}

/** One group of channels for one chunk of pixels. */
function multiply(
  item: Convolution,
  part: Packed,
  group: number,
  first: number,
  pixels: number,
  { image, zero, indirection, results, gathered }: Scratch,
): void {
  const { simd } = libraryBackend();
  const { channels, outChannels, groups, min, max, plane } = item;
  const { taps } = part;
  const inner = channels / groups;
  const n = outChannels / groups;
  const columns = paddedColumns(n);
  const depth = taps * inner;
  const x = image + 4 * group * inner;
  const b = part.weights + 4 * group * depth * columns;
  const bias = part.offsets + 4 * group * columns;
  const out = results + 4 * group * n;
  const gemm = (a: number, lda: number, to: number, rows: number): void =>
    simd.f32_gemm(
      a,
      b,
      bias,
      to,
      rows,
      n,
      depth,
      lda,
      panelColumns * depth,
      outChannels,
      0,
      min,
      max,
    );
  if (item.pointwise) {
    gemm(x + 4 * first * channels, channels, out, pixels);
    return;
  }
  if (!gathers(item)) {
    simd.f32_conv(
      x,
      zero,
      indirection,
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
    if (onPlane(item) && plane !== null) {
      simd.f32_patches(
        x,
        gathered,
        first + from,
        some,
        part.tables.at(-1)!.size,
        plane.height,
        plane.width,
        channels,
        plane.kernelHeight,
        plane.kernelWidth,
        plane.down,
        plane.right,
        plane.top,
        plane.left,
      );
    } else {
      const rows = indirection + 4 * from * taps;
      simd.f32_gather(x, rows, gathered, some, taps, inner, channels);
    }
    gemm(gathered, depth, out + 4 * from * outChannels, some);
  }
}
