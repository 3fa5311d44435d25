import { volume } from '../../core/shape.ts';
import { convTables, type Geometry } from '../geometry.ts';
import { copyLevels, hasUnsigned, type Levels, type LevelsAt } from './bytes.ts';
import type { ConvWeights } from './conv-weights.ts';
import { depthwise } from './depthwise.ts';
import { writePointers } from './pointers.ts';
import { activationZeros, prepareActivations, product, slackBytes } from './product.ts';

/** Takes sums at c [pixels, output channels], `first` pixels into the result. */
export type StorePixels = (c: number, first: number, pixels: number) => void;

/** Bytes of pointers and of sums for a block of pixels: they stay in the caches. */
const blockBytes = 2 ** 17;

type RunBlock = (pointers: number, c: number, pixels: number) => void;

/** A convolution by indirection: products read x through pointers, padding included. */
export function convolve(
  x: Levels | LevelsAt,
  weights: ConvWeights,
  geometry: Geometry,
  zeroPoint: number,
  bias: Int32Array | null,
  store: StorePixels,
): void {
  const { engine, sizes } = weights;
  const { arena } = engine.backend;
  const { batch, channels } = geometry;
  const { outputs, taps } = sizes;
  const positions = volume(geometry.input);
  const pixels = volume(geometry.output);
  if (batch * pixels * outputs === 0) return;
  if (weights.depthwise !== null) {
    depthwise(engine, x, weights.depthwise, geometry, zeroPoint, bias, store);
    return;
  }
  const tables = convTables(geometry);
  const unsigned = hasUnsigned(x);
  const sample = positions * channels;
  const size = engine.activationBytes;
  const bytesPerPixel = 4 * Math.max(taps, outputs, 1);
  const most = Math.min(pixels, 12 * Math.max(1, Math.floor(blockBytes / 12 / bytesPerPixel)));
  const scratch = [
    sample + channels + slackBytes,
    size === 2 ? 2 * (sample + channels) + slackBytes : 0,
    4 * taps * most,
    4 * outputs * most,
  ];
  arena.withScratch(scratch, (raw, wide, pointers, c) => {
    const run = productBlocks(weights, zeroPoint, unsigned, most, bias);
    for (let index = 0; index < batch; index++) {
      const { u8 } = arena.views();
      copyLevels(u8, x, index * sample, sample, raw);
      // The position after the last one is all padding.
      u8.fill(zeroPoint & 255, raw + sample, raw + sample + channels);
      const zeros = Int32Array.of(zeroPoint);
      const from = prepareActivations(engine, raw, wide, 1, sample + channels, zeros, unsigned);
      for (let first = 0; first < pixels; first += most) {
        const some = Math.min(most, pixels - first);
        const { i32 } = arena.views();
        const at = pointers >>> 2;
        const step = channels * size;
        const padding = from + sample * size;
        writePointers(tables, i32, at, first, some, from, step, padding);
        run(pointers, c, some);
        store(c, index * pixels + first, some);
      }
    }
  });
}

function productBlocks(
  { engine, groups, sizes }: ConvWeights,
  zeroPoint: number,
  unsigned: boolean,
  most: number,
  bias: Int32Array | null,
): RunBlock {
  const zeros = activationZeros(engine, Int32Array.of(zeroPoint), unsigned);
  const n = sizes.outputs / sizes.groups;
  const products = groups.map((panels, group) => product(panels, zeros[0]!, most, bias, group * n));
  const groupBytes = sizes.inputs * engine.activationBytes;
  return (pointers, c, pixels) => {
    products.forEach((each, group) => {
      each.run(pointers, group * groupBytes, c + 4 * group * n, pixels, sizes.outputs, zeros);
    });
  };
}
