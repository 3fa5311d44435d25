import { libraryBackend } from '../wasm/library.ts';
import { convTables, fillIndirection, type Geometry } from './geometry.ts';
import { copyBlock } from './packed.ts';
import { partElements } from './types.ts';

/** Operands of a depthwise convolution. */
export interface Depthwise {
  readonly x: Float32Array;
  /** [output channels, taps], or the address of what `packTaps` made of it. */
  readonly w: Float32Array | number;
  readonly bias: Float32Array | undefined;
  readonly min: number;
  readonly max: number;
  readonly output: Float32Array;
}

/** What stays in kernel memory for all images. */
interface Constants {
  /** [taps, output channels] */
  readonly weights: number;
  readonly bias: number;
  readonly zero: number;
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** A convolution of each channel by itself, to one output channel or several. Scratch for 3 × 3 without dilation:
 *  about 0.5 MB, or three lines if they are longer; otherwise an image of x and one of the result. */
export function depthwise(geometry: Geometry, item: Depthwise): void {
  const { arena } = libraryBackend();
  const { outChannels: channels, kernel } = geometry;
  const taps = product(kernel);
  const { w } = item;
  const isPacked = typeof w === 'number';
  const sizes = [isPacked ? 0 : taps * channels, channels, channels].map((count) => 4 * count);
  arena.withScratch(sizes, (own, bias, zero) => {
    if (!isPacked) packTaps(w, channels, taps, own);
    const weights = isPacked ? w : own;
    const { f32 } = arena.views();
    f32.fill(0, zero >>> 2, (zero >>> 2) + channels);
    f32.fill(0, bias >>> 2, (bias >>> 2) + channels);
    if (item.bias !== undefined) f32.set(item.bias, bias >>> 2);
    const constants = { weights, bias, zero };
    if (isSquare(geometry)) square(geometry, item, constants);
    else general(geometry, item, constants);
  });
}

/** Packs weights [channels, taps] as [taps, channels]. */
export function packTaps(w: Float32Array, channels: number, taps: number, target: number): void {
  const { arena, simd } = libraryBackend();
  arena.withScratch([4 * w.length], (raw) => {
    arena.views().f32.set(w, raw >>> 2);
    simd.f32_transpose_matrix(raw, target, channels, taps, taps, channels);
  });
}

const isSquare = ({ kernel, dilations }: Geometry): boolean =>
  kernel.length === 2 &&
  kernel.every((size) => size === 3) &&
  dilations.every((step) => step === 1);

/** Nine taps: some output lines at a time, so that lines are still in the cache when they are used. */
function square(geometry: Geometry, item: Depthwise, { weights, bias, zero }: Constants): void {
  const { arena, simd } = libraryBackend();
  const { batch, outChannels: channels } = geometry;
  const [height, width] = geometry.input as [number, number];
  const [outHeight, outWidth] = geometry.output as [number, number];
  const [down, right] = geometry.strides as [number, number];
  const [top, left] = geometry.begins as [number, number];
  const inLine = width * channels;
  const outLine = outWidth * channels;
  const most = Math.max(1, Math.floor(partElements / (down * inLine + outLine)));
  for (let line = 0; line < batch * outHeight; ) {
    const image = Math.floor(line / outHeight);
    const first = line % outHeight;
    const lines = Math.min(most, outHeight - first);
    // The input lines that the taps of these reach.
    const before = first * down - top;
    const start = Math.min(Math.max(before, 0), height);
    const end = Math.max(Math.min(before + (lines - 1) * down + 3, height), start);
    arena.withScratch([4 * (end - start) * inLine, 4 * lines * outLine], (x, out) => {
      copyImage(geometry, item.x, (image * height + start) * width, (end - start) * width, x);
      simd.f32_depthwise_3x3(
        x,
        zero,
        weights,
        bias,
        out,
        end - start,
        width,
        channels,
        lines,
        outWidth,
        down,
        right,
        start - before,
        left,
        item.min,
        item.max,
      );
      store(item.output, line * outLine, out, lines * outLine);
    });
    line += lines;
  }
}

/** Any taps, by indirection. */
function general(geometry: Geometry, item: Depthwise, { weights, bias, zero }: Constants): void {
  const { arena, simd } = libraryBackend();
  const { batch, outChannels: channels, input, output, kernel } = geometry;
  const [inPixels, pixels, taps] = [product(input), product(output), product(kernel)];
  const sizes = [inPixels * channels, Math.ceil(pixels / 4) * 4 * taps, pixels * channels];
  arena.withScratch(
    sizes.map((count) => 4 * count),
    (image, indirection, out) => {
      const { i32 } = arena.views();
      fillIndirection(convTables(geometry), 0, pixels, i32, indirection >>> 2);
      for (let index = 0; index < batch; index++) {
        copyImage(geometry, item.x, index * inPixels, inPixels, image);
        simd.f32_depthwise(
          image,
          zero,
          indirection,
          weights,
          bias,
          out,
          pixels,
          taps,
          channels,
          item.min,
          item.max,
        );
        store(item.output, index * pixels * channels, out, pixels * channels);
      }
    },
  );
}

/** Copies pixels into kernel memory, every channel once for each of its outputs. */
function copyImage(
  { channels, outChannels }: Geometry,
  x: Float32Array,
  from: number,
  pixels: number,
  target: number,
): void {
  if (channels === outChannels) {
    copyBlock(x, from * channels, channels, pixels, channels, target);
    return;
  }
  const { f32 } = libraryBackend().arena.views();
  const times = outChannels / channels;
  let at = target >>> 2;
  for (let i = from * channels; i < (from + pixels) * channels; i++) {
    f32.fill(x[i]!, at, at + times);
    at += times;
  }
}

function store(output: Float32Array, at: number, results: number, count: number): void {
  const { f32 } = libraryBackend().arena.views();
  output.set(f32.subarray(results >>> 2, (results >>> 2) + count), at);
}
