import { libraryBackend } from '../wasm/library.ts';
import { convTables, fillIndirection, type Geometry } from './geometry.ts';
import { copyBlock } from './packed.ts';

/** Operands of a depthwise convolution. */
export interface Depthwise {
  readonly x: Float32Array;
  /** [output channels, taps] */
  readonly w: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly min: number;
  readonly max: number;
  readonly output: Float32Array;
}

/** A convolution of each channel by itself, to one output channel or several. Scratch: an image of x and one of
 *  the result. */
export function depthwise(geometry: Geometry, item: Depthwise): void {
  const { arena, simd } = libraryBackend();
  const { batch, channels: given, outChannels: channels, input, output, kernel } = geometry;
  const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
  const [inPixels, pixels, taps] = [product(input), product(output), product(kernel)];
  const square = isSquare(geometry);
  const tables = square ? [] : convTables(geometry);
  const sizes = [
    inPixels * channels,
    channels,
    taps * channels,
    taps * channels,
    channels,
    square ? 0 : Math.ceil(pixels / 4) * 4 * taps,
    pixels * channels,
  ].map((count) => 4 * count);
  arena.withScratch(sizes, (image, zero, raw, weights, bias, indirection, results) => {
    const { f32, i32 } = arena.views();
    f32.set(item.w, raw >>> 2);
    simd.f32_transpose_matrix(raw, weights, channels, taps, taps, channels);
    f32.fill(0, zero >>> 2, (zero >>> 2) + channels);
    f32.fill(0, bias >>> 2, (bias >>> 2) + channels);
    if (item.bias !== undefined) f32.set(item.bias, bias >>> 2);
    if (!square) fillIndirection(tables, 0, pixels, i32, indirection >>> 2);
    for (let index = 0; index < batch; index++) {
      const start = index * inPixels * given;
      if (given === channels) copyBlock(item.x, start, given, inPixels, given, image);
      else repeatChannels(item.x, start, inPixels * given, channels / given, f32, image >>> 2);
      const { min, max } = item;
      if (square) {
        const [height, width] = input as [number, number];
        const [outHeight, outWidth] = output as [number, number];
        const [down, right] = geometry.strides as [number, number];
        const [top, left] = geometry.begins as [number, number];
        simd.f32_depthwise_3x3(
          image,
          zero,
          weights,
          bias,
          results,
          height,
          width,
          channels,
          outHeight,
          outWidth,
          down,
          right,
          top,
          left,
          min,
          max,
        );
      } else {
        simd.f32_depthwise(
          image,
          zero,
          indirection,
          weights,
          bias,
          results,
          pixels,
          taps,
          channels,
          min,
          max,
        );
      }
      const from = results >>> 2;
      item.output.set(f32.subarray(from, from + pixels * channels), index * pixels * channels);
    }
  });
}

const isSquare = ({ kernel, dilations }: Geometry): boolean =>
  kernel.length === 2 &&
  kernel.every((size) => size === 3) &&
  dilations.every((step) => step === 1);

/** Every channel `times` times, one after the other. */
function repeatChannels(
  x: Float32Array,
  start: number,
  count: number,
  times: number,
  target: Float32Array,
  to: number,
): void {
  let at = to;
  for (let i = start; i < start + count; i++) {
    target.fill(x[i]!, at, at + times);
    at += times;
  }
}
