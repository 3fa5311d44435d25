import { rangeError } from '../../core/errors.ts';
import { sizeOf } from '../sizes.ts';
import { checkLength } from '../types.ts';
import { bytesOf, isUnsigned, type Levels, toZeroPoints, type ZeroPoints } from './bytes.ts';
import type { Engine } from './engine.ts';
import { type Panels, packPanels, padded, placePanels, storedZeros, type Take } from './panels.ts';
import { slackBytes } from './product.ts';

/** The weights of a convolution. */
export interface ConvWeightOptions {
  /** Sizes of w: [output channels, …space, channels / groups]. */
  readonly weightShape: readonly number[];
  /** Default 1. */
  readonly groups?: number | undefined;
  /** Of w, in its type's range: one, or one for each output channel. Default 0. */
  wZeroPoint?: ZeroPoints | undefined;
}

/** Sizes of a convolution's weights. */
export interface KernelSizes {
  readonly outputs: number;
  /** Input channels of a group. */
  readonly inputs: number;
  readonly taps: number;
  readonly groups: number;
}

/** Weights of a depthwise convolution: [ceil(channels/8)][pairs of taps][8][2] of 16 bits, zero points subtracted. */
export interface DepthwiseWeights {
  readonly address: number;
  readonly pairs: number;
}

export interface ConvWeights {
  readonly engine: Engine;
  readonly sizes: KernelSizes;
  /** For each group; empty when it is depthwise. */
  readonly groups: readonly Panels[];
  readonly depthwise: DepthwiseWeights | null;
}

/** @throws {RangeError} sizes that don't fit together */
export function kernelSizes({ weightShape, groups = 1 }: ConvWeightOptions): KernelSizes {
  if (weightShape.length < 3)
    throw rangeError('weightShape', '[output channels, …space, channels]', weightShape.length);
  sizeOf('weightShape', ...weightShape);
  const outputs = weightShape[0]!;
  if (!Number.isInteger(groups) || groups < 1 || outputs % groups !== 0)
    throw rangeError('groups', `a divisor of ${outputs}, the output channels`, groups);
  const taps = weightShape.slice(1, -1).reduce((product, size) => product * size, 1);
  return { outputs, inputs: weightShape.at(-1)!, taps, groups };
}

/** Packs [outputs, …space, inputs] weights.
 *  @throws {RangeError} a number of weights or of zero points that does not fit */
export function packConv(
  engine: Engine,
  take: Take,
  w: Levels,
  sizes: KernelSizes,
  zeroPoint: ZeroPoints | undefined,
): ConvWeights {
  const { outputs, inputs, taps, groups } = sizes;
  checkLength('w', w.length, outputs * taps * inputs);
  const unsigned = isUnsigned(w);
  const zeros = toZeroPoints('wZeroPoint', zeroPoint, outputs, unsigned);
  if (groups > 1 && inputs === 1 && groups === outputs)
    return { engine, sizes, groups: [], depthwise: packDepthwise(engine, take, w, taps, zeros) };
  const stored = storedZeros(zeros, outputs, unsigned);
  const n = outputs / groups;
  const strides = { n: taps * inputs, tap: inputs, k: 1 };
  const { arena } = engine.backend;
  const size = { n, taps, k: inputs };
  const places = Array.from({ length: groups }, () => placePanels(engine, take, size, stored));
  const panels = arena.withScratch([w.length + slackBytes], (source) => {
    arena.views().u8.set(bytesOf(w), source);
    return places.map((place, group) => {
      const from = source + group * n * taps * inputs;
      const own = stored?.subarray(group * n, (group + 1) * n) ?? null;
      return packPanels(engine, place, from, size, strides, unsigned, own);
    });
  });
  return { engine, sizes, groups: panels, depthwise: null };
}

function packDepthwise(
  { backend: { arena } }: Engine,
  take: Take,
  w: Levels,
  taps: number,
  zeros: Int32Array,
): DepthwiseWeights {
  const channels = taps === 0 ? 0 : w.length / taps;
  const pairs = Math.ceil(taps / 2);
  const count = padded(channels) * pairs * 2;
  const address = take(2 * count);
  const { i16 } = arena.views();
  i16.fill(0, address >>> 1, (address >>> 1) + count);
  for (let channel = 0; channel < channels; channel++) {
    const panel = (address >>> 1) + (channel >> 3) * pairs * 16 + (channel & 7) * 2;
    const zero = zeros[zeros.length === 1 ? 0 : channel]!;
    for (let tap = 0; tap < taps; tap++) {
      i16[panel + (tap >> 1) * 16 + (tap & 1)] = w[channel * taps + tap]! - zero;
    }
  }
  return { address, pairs };
}
