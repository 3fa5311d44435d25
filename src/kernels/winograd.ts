import { rangeError } from '../core/errors.ts';
import type { LibraryBackend } from '../wasm/library.ts';
import type { Geometry } from './geometry.ts';
import { paddedColumns, panelColumns } from './packed.ts';

/** Results of a tile along an axis, and what it reads. */
const tileSize = 4;
/** Products that a tile takes for each pair of channels. */
const frequencies = 36;
/** Elements of transformed tiles and of their products at a time: what fits the second-level cache. */
const blockElements = 2 ** 17;
/** Tiles that share a pass over the weights at least. */
const leastTiles = 24;
/** What frequencies are apart more than they need, so that they don't fall on the same lines of the cache. */
const gap = 16;
const weightScratch = 18 * 16;
const tileScratch = 72 * 16;

/** How a convolution is computed. */
export type ConvAlgorithm = 'direct' | 'winograd';

/** A 3 × 3 convolution by F(4 × 4, 3 × 3), image by image. */
export interface WinogradPlan {
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly top: number;
  readonly left: number;
  /** Tiles in a row, and rows of tiles. */
  readonly across: number;
  readonly down: number;
  /** Tiles at a time. */
  readonly block: number;
  /** Bytes of the packed weights. */
  readonly weightBytes: number;
  /** Bytes that packing needs besides, and that running needs. */
  readonly packScratchBytes: number;
  readonly scratchBytes: number;
}

/** How a convolution would run so; null where it can't: other kernels than 3 × 3, steps, groups, fewer than 4 channels. */
export function winogradPlan(geometry: Geometry): WinogradPlan | null {
  const { channels, outChannels, groups, input, output, kernel, begins } = geometry;
  const { strides, dilations } = geometry;
  const isSquare = kernel.length === 2 && kernel.every((size) => size === 3);
  if (!isSquare || groups !== 1 || channels < 4 || outChannels < 4) return null;
  if (strides.some((step) => step !== 1) || dilations.some((step) => step !== 1)) return null;
  const [height, width] = input as [number, number];
  const [outHeight, outWidth] = output as [number, number];
  const across = Math.ceil(outWidth / tileSize);
  const down = Math.ceil(outHeight / tileSize);
  const fitting = Math.floor(blockElements / frequencies / (channels + outChannels) / 4) * 4;
  const block = Math.min(Math.max(fitting, leastTiles), across * down);
  return {
    height,
    width,
    outHeight,
    outWidth,
    channels,
    outChannels,
    top: begins[0]!,
    left: begins[1]!,
    across,
    down,
    block,
    weightBytes: 4 * frequencies * weightStep(channels, outChannels),
    packScratchBytes: weightScratch,
    scratchBytes:
      tileScratch + 4 * frequencies * (apart(block * channels) + apart(block * outChannels)),
  };
}

/** The plan of the algorithm that is asked for, or else of the faster one; null for 'direct'.
 *  @param packings  how often weights are packed for each image; null where they are kept and images not known
 *  @throws {RangeError} an algorithm that can't be */
export function winogradChosen(
  geometry: Geometry,
  algorithm: ConvAlgorithm | undefined,
  packings: number | null,
): WinogradPlan | null {
  if (algorithm !== undefined && algorithm !== 'direct' && algorithm !== 'winograd')
    throw rangeError('algorithm', "'direct' | 'winograd'", algorithm);
  if (algorithm === 'direct') return null;
  const plan = winogradPlan(geometry);
  if (algorithm === undefined) return plan !== null && winogradWins(plan, packings) ? plan : null;
  if (plan === null) throw rangeError('algorithm', "'direct' for these sizes", algorithm);
  return plan;
}

/** Whether that is faster than by definition: enough channels that the transforms don't show, tiles full enough,
 *  and pixels enough to pay for `packings` of the weights for each image; null where images are not known. */
export function winogradWins(plan: WinogradPlan, packings: number | null): boolean {
  const { across, down, outHeight, outWidth, channels, outChannels } = plan;
  if (channels < leastChannels || outChannels < leastChannels) return false;
  if (packings === null) return true;
  const products = frequencies * across * down * productCost + packings * packCost;
  return products < 9 * outHeight * outWidth;
}

/** What the transforms add to each product, and the products that take as long as packing one weight's kernel does: measured. */
const productCost = 1.4;
const packCost = 400;
const leastChannels = 8;

const apart = (elements: number): number => Math.ceil(elements / gap) * gap + gap;

const weightStep = (channels: number, outChannels: number): number =>
  apart(paddedColumns(outChannels) * channels);

/** Transforms and packs weights w [output channels, 3, 3, channels]: addresses of them, of `weightBytes` for the
 *  result, and of `packScratchBytes`. */
export function packWinograd(
  { simd }: Pick<LibraryBackend, 'simd'>,
  { channels, outChannels }: WinogradPlan,
  w: number,
  packed: number,
  scratch: number,
): void {
  const step = weightStep(channels, outChannels);
  simd.f32_winograd_weights(w, packed, scratch, channels, outChannels, step);
}

/** Addresses of one image's run. */
export interface WinogradPlaces {
  /** [height, width, channels] */
  readonly x: number;
  /** What packWinograd wrote. */
  readonly weights: number;
  /** Bias in whole panels of 8. */
  readonly bias: number;
  /** At least 32 bytes of zeros for every 8 output channels. */
  readonly zeros: number;
  /** [outHeight, outWidth, outChannels]; only the rows of the tiles that run are touched. */
  readonly out: number;
  /** `scratchBytes` */
  readonly scratch: number;
}

/** Runs rows of tiles `firstRow` … of one image; each is 4 lines of the result. Nothing is allocated. */
export function runWinograd(
  { simd }: Pick<LibraryBackend, 'simd'>,
  plan: WinogradPlan,
  { x, weights, bias, zeros, out, scratch }: WinogradPlaces,
  firstRow: number,
  rows: number,
  low: number,
  high: number,
): void {
  const { height, width, outHeight, outWidth, channels, outChannels, top, left, across } = plan;
  const ofTiles = apart(plan.block * channels);
  const ofSums = apart(plan.block * outChannels);
  const ofWeights = weightStep(channels, outChannels);
  const tiles = scratch + tileScratch;
  const sums = tiles + 4 * frequencies * ofTiles;
  const end = (firstRow + rows) * across;
  // Blocks of about the same size, in whole register tiles.
  const blocks = Math.ceil((rows * across) / plan.block);
  const block = Math.min(Math.ceil((rows * across) / blocks / 4) * 4, plan.block);
  for (let first = firstRow * across; first < end; first += block) {
    const some = Math.min(block, end - first);
    simd.f32_winograd_input(
      x,
      tiles,
      scratch,
      first,
      some,
      across,
      height,
      width,
      channels,
      top,
      left,
      ofTiles,
    );
    for (let f = 0; f < frequencies; f++) {
      simd.f32_gemm(
        tiles + 4 * f * ofTiles,
        weights + 4 * f * ofWeights,
        zeros,
        sums + 4 * f * ofSums,
        some,
        outChannels,
        channels,
        channels,
        panelColumns * channels,
        outChannels,
        0,
        -Infinity,
        Infinity,
      );
    }
    simd.f32_winograd_output(
      sums,
      bias,
      out,
      scratch,
      first,
      some,
      across,
      outHeight,
      outWidth,
      outChannels,
      ofSums,
      low,
      high,
    );
  }
}
