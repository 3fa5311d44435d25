import { poolArguments } from '../../kernels/pool.ts';
import type { LowerContext, Lowered, Lowering, Step } from './lowering.ts';
import { isFloat, product } from './operands.ts';
import { turned } from './turned.ts';
import { windowNumbers } from './window.ts';

/** Output sizes of the kernel's window and of the operator may differ: ceil_mode and SAME are then padding. */
function lowerPool(c: LowerContext, isMax: boolean, channelsLast: boolean): Lowered | null {
  const [x] = c.inputs;
  const [y] = c.outputs;
  if (!isFloat(x) || !isFloat(y) || c.outputs[1] != null || y.size === 0) return null;
  const rank = x.dims.length;
  if (rank < 3 || rank > 5) return null;
  if (isMax && c.attributes.int('storage_order', 0) !== 0) return null;
  const spatial = channelsLast ? x.dims.slice(1, -1) : x.dims.slice(2);
  const outSpatial = channelsLast ? y.dims.slice(1, -1) : y.dims.slice(2);
  const channels = channelsLast ? x.dims.at(-1)! : x.dims[1]!;
  const { kernel, strides, dilations, pads } = windowNumbers(c.attributes, spatial, null);
  const ceilMode = c.attributes.int('ceil_mode', 0) !== 0;
  const spans = kernel.map((size, i) => (size - 1) * dilations[i]! + 1);
  if (pads.some((pad, i) => pad < 0 || pad >= spans[i % spans.length]!)) return null;
  if (spatial.some((size, i) => size + pads[i]! + pads[i + spatial.length]! < spans[i]!))
    return null;
  const shape = [x.dims[0]!, ...spatial, channels];
  const window = poolArguments({ shape, kernel, strides, pads, dilations, ceilMode });
  const { sizes, taps, after, to } = window;
  if (to !== product(outSpatial) * channels) return null;
  const include = c.attributes.int('count_include_pad', 0) !== 0 ? 1 : 0;
  // A last window that reaches beyond the padding is divided by other counts than the kernel's.
  if (!isMax && ceilMode && include === 1) return null;
  const { simd } = c.backend;
  const batch = x.dims[0]!;
  const bind = (from: number, target: number): Step =>
    isMax
      ? () => simd.f32_max_pool(from, target, batch, ...sizes, ...taps)
      : () => simd.f32_average_pool(from, target, batch, ...sizes, ...taps, ...after, include);
  const kernelName = isMax ? 'f32_max_pool' : 'f32_average_pool';
  if (channelsLast) return { kernel: kernelName, bind: (at) => bind(at.input(0), at.output(0)) };
  const pixels = product(spatial);
  const outPixels = product(outSpatial);
  const images = { batch, channels, pixels, outChannels: channels, outPixels };
  return turned(c, images, { kernel: kernelName, scratchBytes: 0, bind });
}

function lowerGlobal(c: LowerContext, isMax: boolean, channelsLast: boolean): Lowered | null {
  const [x] = c.inputs;
  if (!isFloat(x) || !isFloat(c.outputs[0]) || x.size === 0) return null;
  const channels = channelsLast ? x.dims.at(-1)! : x.dims[1]!;
  const batch = x.dims[0]!;
  const pixels = x.size / batch / channels;
  const { simd } = c.backend;
  const [outer, unit] = channelsLast ? [batch, channels] : [batch * channels, 1];
  return {
    kernel: isMax ? 'f32_fold_extreme' : 'f32_fold_sum',
    bind(at) {
      const [from, to] = [at.input(0), at.output(0)];
      return isMax
        ? () => simd.f32_fold_extreme(from, to, outer, pixels, unit, 0)
        : () => simd.f32_fold_sum(from, to, outer, pixels, unit, pixels);
    },
  };
}

export const poolLowerings: readonly Lowering[] = [false, true].flatMap((channelsLast) => {
  const domain = channelsLast ? 'mp' : '';
  return [
    { op: 'MaxPool', domain, lower: (c: LowerContext) => lowerPool(c, true, channelsLast) },
    { op: 'AveragePool', domain, lower: (c: LowerContext) => lowerPool(c, false, channelsLast) },
    { op: 'GlobalMaxPool', domain, lower: (c: LowerContext) => lowerGlobal(c, true, channelsLast) },
    {
      op: 'GlobalAveragePool',
      domain,
      lower: (c: LowerContext) => lowerGlobal(c, false, channelsLast),
    },
  ];
});
