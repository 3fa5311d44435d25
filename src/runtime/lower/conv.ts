import { convGeometry, type Geometry } from '../../kernels/geometry.ts';
import { winogradPlan, winogradWins } from '../../kernels/winograd.ts';
import { type Activation, activationOf } from './activation.ts';
import { gathered, indirect, pointwise } from './conv-dense.ts';
import { depthwise } from './conv-depthwise.ts';
import { type Job, type Kind, packBias } from './conv-job.ts';
import { winograd } from './conv-winograd.ts';
import type { LowerContext, Lowered, Lowering } from './lowering.ts';
import { isFloat, product } from './operands.ts';
import { type Images, turned } from './turned.ts';
import { windowNumbers } from './window.ts';

const none: Activation = { min: -Infinity, max: Infinity, kernel: null };

function lowerConv(c: LowerContext, channelsLast: boolean): Lowered | null {
  const [x, w, b, addend] = c.inputs;
  const [y] = c.outputs;
  if (!isFloat(x) || !isFloat(w) || !isFloat(y) || !w.constant) return null;
  if (b != null && !(isFloat(b) && b.constant)) return null;
  if (addend != null && !isFloat(addend)) return null;
  const spatial = channelsLast ? x.dims.slice(1, -1) : x.dims.slice(2);
  if (spatial.length === 0 || y.size === 0 || x.size === 0) return null;
  const channels = channelsLast ? x.dims.at(-1)! : x.dims[1]!;
  const kernel = w.dims.slice(2);
  const { strides, dilations, pads } = windowNumbers(c.attributes, spatial, kernel);
  if (pads.some((pad) => pad < 0)) return null;
  const geometry = convGeometry({
    shape: [x.dims[0]!, ...spatial, channels],
    weightShape: [w.dims[0]!, ...kernel, w.dims[1]!],
    strides,
    dilations,
    pads,
    groups: c.attributes.int('group', 1),
  });
  const activation = channelsLast ? activationOf(c.attributes) : none;
  const job: Job = {
    c,
    geometry,
    activation,
    bias: packBias(c, geometry),
    hasAddend: addend != null,
  };
  const kind = kindOf(job);
  const reads = addend == null ? [0] : [0, 3];
  if (channelsLast) {
    return {
      kernel: kind.kernel,
      reads,
      scratchBytes: kind.scratchBytes,
      bind: (at) =>
        kind.bind({
          x: at.input(0),
          y: at.output(0),
          addend: addend == null ? 0 : at.input(3),
          scratch: at.scratch,
        }),
    };
  }
  return turned(c, imagesOf(geometry), {
    ...kind,
    bind: (x, y, scratch) => kind.bind({ x, y, addend: 0, scratch }),
  });
}

function imagesOf({ batch, channels, outChannels, input, output }: Geometry): Images {
  return { batch, channels, outChannels, pixels: product(input), outPixels: product(output) };
}

function kindOf(job: Job): Kind {
  const { geometry } = job;
  const { groups, channels, kernel, strides, begins, input, output } = geometry;
  if (groups > 1 && groups === channels) return depthwise(job);
  const same = input.every((size, i) => size === output[i]);
  const isPointwise =
    same && product(kernel) === 1 && strides.every((s) => s === 1) && begins.every((p) => p === 0);
  if (isPointwise) return pointwise(job);
  const plan = winogradPlan(geometry);
  if (plan !== null && winogradWins(plan, 0)) return winograd(job, plan);
  return channels / groups <= fewChannels ? gathered(job) : indirect(job);
}

/** Up to so many channels, gathering taps side by side costs less than the loop over taps. */
const fewChannels = 4;

export const convLowerings: readonly Lowering[] = [
  { op: 'Conv', lower: (c) => lowerConv(c, false) },
  { op: 'Conv', domain: 'mp', lower: (c) => lowerConv(c, true) },
];
