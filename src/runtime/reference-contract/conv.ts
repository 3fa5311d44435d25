import type { LowerContext } from '../lower/lowering.ts';
import { product } from '../lower/operands.ts';
import { windowNumbers } from '../lower/window.ts';
import { type Meetings, meetings } from './meetings.ts';
import type { Levels, Run, StoredKernel } from './stored.ts';
import { type Rounding, type Sums, sumsOf } from './sums.ts';

/** Convolutions over levels with channels last. */

/** A convolution's sizes, whatever its direction. */
interface Shape {
  readonly batch: number;
  readonly pixels: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly taps: number;
  readonly meetings: Meetings;
}

/** @param weightAt  element of the weight for an output channel and an input channel of its group, at tap 0 */
function run(shape: Shape, sums: Sums, weightAt: (out: number, inner: number) => number): Run {
  const { batch, pixels, channels, outChannels, groups, taps } = shape;
  const inner = channels / groups;
  const perGroup = outChannels / groups;
  let turned: { of: Levels; weights: Float64Array } | null = null;
  /** [output channel, tap, input channel], less the zero point. */
  const weightsOf = (w: Levels): Float64Array => {
    if (turned?.of === w) return turned.weights;
    const weights = new Float64Array(outChannels * taps * inner);
    let at = 0;
    for (let o = 0; o < outChannels; o++) {
      for (let tap = 0; tap < taps; tap++) {
        for (let i = 0; i < inner; i++)
          weights[at++] = w[weightAt(o, i) + tap]! - sums.weightZeros[o]!;
      }
    }
    turned = { of: w, weights };
    return weights;
  };
  return ([x, w], [y]) => {
    const weights = weightsOf(w!);
    const { count, pixels: met, taps: metBy } = shape.meetings;
    for (let place = 0; place < count; place++) {
      const many = shape.meetings.at(place);
      for (let n = 0; n < batch; n++) {
        const to = (n * count + place) * outChannels;
        for (let o = 0; o < outChannels; o++) {
          const first = n * pixels * channels + Math.floor(o / perGroup) * inner;
          let sum = sums.bias[o]!;
          for (let m = 0; m < many; m++) {
            const source = met[m]! * channels + first;
            const weight = (o * taps + metBy[m]!) * inner;
            for (let i = 0; i < inner; i++)
              sum += weights[weight + i]! * (x![source + i]! - sums.inputZero);
          }
          y![to + o] = sums.level(sum, o);
        }
      }
    }
  };
}

function prepareConv(c: LowerContext, rounding: Rounding): Run | null {
  const [x, w, , addend] = c.inputs;
  const [y] = c.outputs;
  if (x == null || w == null || y == null || addend != null || !w.constant) return null;
  const outChannels = w.dims[0]!;
  const sums = sumsOf(c, 0, outChannels, false, rounding);
  if (sums === null) return null;
  const spatial = x.dims.slice(1, -1);
  const kernel = w.dims.slice(2);
  const { strides, dilations, pads } = windowNumbers(c.attributes, spatial, kernel);
  const taps = product(kernel);
  const inner = w.dims[1]!;
  const shape: Shape = {
    batch: x.dims[0]!,
    pixels: product(spatial),
    channels: x.dims.at(-1)!,
    outChannels,
    groups: c.attributes.int('group', 1),
    taps,
    meetings: meetings(
      y.dims.slice(1, -1),
      spatial,
      kernel,
      (axis, o, k) => o * strides[axis]! - pads[axis]! + k * dilations[axis]!,
    ),
  };
  return run(shape, sums, (o, i) => (o * inner + i) * taps);
}

function prepareTransposed(c: LowerContext, rounding: Rounding): Run | null {
  const [x, w] = c.inputs;
  const [y] = c.outputs;
  if (x == null || w == null || y == null || !w.constant) return null;
  const { attributes } = c;
  const outChannels = y.dims.at(-1)!;
  if (attributes.int('group', 1) !== 1) return null;
  if (attributes.string('auto_pad', 'NOTSET') !== 'NOTSET') return null;
  if ((attributes.ints('output_shape') ?? []).length > 0) return null;
  const sums = sumsOf(c, 1, outChannels, false, rounding);
  if (sums === null) return null;
  const spatial = x.dims.slice(1, -1);
  const kernel = w.dims.slice(2);
  const { strides, dilations, pads } = windowNumbers(attributes, spatial, kernel);
  const taps = product(kernel);
  const shape: Shape = {
    batch: x.dims[0]!,
    pixels: product(spatial),
    channels: x.dims.at(-1)!,
    outChannels,
    groups: 1,
    taps,
    meetings: meetings(
      y.dims.slice(1, -1),
      spatial,
      kernel,
      (axis, o, k) => (o + pads[axis]! - k * dilations[axis]!) / strides[axis]!,
    ),
  };
  return run(shape, sums, (o, i) => (i * outChannels + o) * taps);
}

/** Convolutions with channels last. */
export function convKernels(rounding: Rounding): StoredKernel[] {
  return [
    { op: 'Conv', domain: 'mp', prepare: (c) => prepareConv(c, rounding) },
    { op: 'ConvTranspose', domain: 'mp', prepare: (c) => prepareTransposed(c, rounding) },
  ];
}
