import type { LibraryBackend } from '../../wasm/library.ts';
import type { Geometry } from '../geometry.ts';
import type { Levels } from './bytes.ts';
import { padded } from './panels.ts';

/** Results of a tile along an axis. */
const tileSize = 4;
/** Products that a tile takes for each pair of channels. */
const frequencies = 36;
/** Bytes of transformed tiles and of their products at a time: what fits the second-level cache. */
const blockBytes = 2 ** 19;
/** Tiles that share a pass over the weights at least. */
const leastTiles = 24;
/** Bytes that frequencies are apart more than they need, so that they don't fall on the same lines of the cache. */
const gap = 64;
const tileScratch = 48 * 16;
/** Channels that the transforms take at a time. */
const leastChannels = 8;
/** Sums below it are exact. */
const mostSum = 2 ** 25;

/** A 3 × 3 convolution of levels by F(4 × 4, 3 × 3), in exact integers. */
export interface LevelWinograd {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly top: number;
  readonly left: number;
  /** Tiles in a row of an image, and in an image. */
  readonly across: number;
  readonly tiles: number;
  /** Lines of an image's frame, and elements of one. */
  readonly lines: number;
  readonly line: number;
  /** Tiles at a time, of one image or of several. */
  readonly block: number;
  readonly weightBytes: number;
  readonly scratchBytes: number;
}

/** How a convolution would run so; null where it can't: other kernels than 3 × 3, steps, groups, few channels. */
export function levelWinograd(geometry: Geometry): LevelWinograd | null {
  const { batch, channels, outChannels, groups, input, output, kernel, begins } = geometry;
  const { strides, dilations } = geometry;
  const isSquare = kernel.length === 2 && kernel.every((size) => size === 3);
  if (!isSquare || groups !== 1 || channels < leastChannels || outChannels < leastChannels)
    return null;
  if (strides.some((step) => step !== 1) || dilations.some((step) => step !== 1)) return null;
  const [height, width] = input as [number, number];
  const [outHeight, outWidth] = output as [number, number];
  const across = Math.ceil(outWidth / tileSize);
  const down = Math.ceil(outHeight / tileSize);
  const tiles = across * down;
  const tileBytes = frequencies * (2 * channels + 4 * padded(outChannels));
  const fitting = Math.floor(blockBytes / tileBytes / 4) * 4;
  const block = Math.min(Math.max(fitting, leastTiles), tiles * batch);
  const lines = tileSize * down + 2;
  const line = (tileSize * across + 2) * channels;
  const sizes = { batch, height, width, outHeight, outWidth, channels, outChannels };
  const frame = { top: begins[0]!, left: begins[1]!, across, tiles, lines, line, block };
  const plan = { ...sizes, ...frame, weightBytes: 0, scratchBytes: 0 };
  const { a, b, c } = steps(plan);
  return {
    ...plan,
    weightBytes: frequencies * b,
    scratchBytes: tileScratch + align(2 * lines * line) + frequencies * (a + c),
  };
}

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** Bytes from a frequency to the next: of tiles, of weights, of products. */
function steps({ block, channels, outChannels }: LevelWinograd) {
  return {
    a: align(2 * block * channels) + gap,
    b: align(2 * padded(outChannels) * (channels + (channels & 1))) + gap,
    c: align(4 * block * padded(outChannels)) + gap,
  };
}

/** Whether all sums are small enough to be exact, whatever the levels.
 *  @param w      [output channels, …]
 *  @param zeros  of the weights, one for each output channel
 *  @param most   the greatest magnitude of levels less their zero point
 *  Cost O(weights) where there are many channels. */
export function sumsAreExact(
  { channels, outChannels }: LevelWinograd,
  w: () => Levels,
  zeros: Int32Array,
  bias: Int32Array | null,
  most: number,
): boolean {
  const offset = bias === null ? 0 : bias.reduce((max, it) => Math.max(max, Math.abs(it)), 0);
  if (9 * channels * 255 * most + offset < mostSum) return true;
  const levels = w();
  const size = levels.length / outChannels;
  for (let o = 0; o < outChannels; o++) {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += Math.abs(levels[o * size + i]! - zeros[o]!);
    if (sum * most + offset >= mostSum) return false;
  }
  return true;
}

/** Transforms and packs weights [output channels, 3, 3, channels] at an address of `weightBytes`. */
export function packLevelWinograd(
  { arena, simd }: LibraryBackend,
  plan: LevelWinograd,
  w: Levels,
  zeros: Int32Array,
  address: number,
): void {
  const { channels, outChannels } = plan;
  arena.withScratch([2 * w.length, 36], (source, scratch) => {
    const { i16 } = arena.views();
    const size = w.length / outChannels;
    for (let o = 0, at = source >>> 1; o < outChannels; o++) {
      const zero = zeros[o]!;
      for (let i = o * size; i < (o + 1) * size; i++) i16[at++] = w[i]! - zero;
    }
    const { b } = steps(plan);
    simd.q8_winograd_weights(source, address, scratch, channels, outChannels, b / 2);
  });
}

/** Addresses of a run. */
export interface LevelWinogradPlaces {
  /** [batch, height, width, channels] levels. */
  readonly x: number;
  readonly weights: number;
  /** In whole panels of 8. */
  readonly bias: number;
  readonly scales: number;
  /** [batch, outHeight, outWidth, outChannels] levels. */
  readonly y: number;
  readonly scratch: number;
}

/** What levels mean. */
export interface LevelRule {
  readonly xZero: number;
  readonly isUnsigned: boolean;
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
}

/** Runs all images; nothing is allocated. */
export function runLevelWinograd(
  { simd }: Pick<LibraryBackend, 'simd'>,
  plan: LevelWinograd,
  { x, weights, bias, scales, y, scratch }: LevelWinogradPlaces,
  { xZero, isUnsigned, zero, lo, hi }: LevelRule,
): void {
  const { batch, height, width, outHeight, outWidth, channels, outChannels } = plan;
  const { top, left, across, tiles, lines, line, block } = plan;
  const { a, b, c } = steps(plan);
  const frame = scratch + tileScratch;
  const inputs = frame + align(2 * lines * line);
  const products = inputs + frequencies * a;
  const together = Math.max(1, Math.floor(block / tiles));
  const row = width * channels;
  const wide = padded(outChannels);
  const above = top * line;
  const below = (lines - height) * line - above;
  const before = left * channels;
  const after = line - row - before;
  const widen = isUnsigned ? 1 : 0;
  for (let image = 0; image < batch; image += together) {
    const images = Math.min(together, batch - image);
    // Blocks of about the same size, in whole register tiles; several images are one block.
    const blocks = images > 1 ? 1 : Math.ceil(tiles / block);
    const size = blocks === 1 ? tiles : Math.min(Math.ceil(tiles / blocks / 4) * 4, block);
    for (let first = 0; first < tiles; first += size) {
      const some = Math.min(size, tiles - first);
      for (let i = 0; i < images; i++) {
        const from = x + (image + i) * height * row;
        if (first === 0)
          simd.q8_widen_frame(from, frame, height, row, above, below, before, after, xZero, widen);
        const to = inputs + 2 * i * tiles * channels;
        simd.q8_winograd_input(frame, to, scratch, first, some, across, channels, line, a / 2);
      }
      simd.i16_gemms(
        inputs,
        weights,
        products,
        frequencies,
        images * some,
        outChannels,
        channels,
        a / 2,
        b / 2,
        c / 4,
      );
      for (let i = 0; i < images; i++) {
        simd.q8_winograd_output(
          products + 4 * i * tiles * wide,
          bias,
          scales,
          y + (image + i) * outHeight * outWidth * outChannels,
          scratch,
          first,
          some,
          across,
          outHeight,
          outWidth,
          outChannels,
          c / 4,
          zero,
          lo,
          hi,
        );
      }
    }
  }
}
