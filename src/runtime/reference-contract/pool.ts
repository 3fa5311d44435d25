import type { LowerContext } from '../lower/lowering.ts';
import { product } from '../lower/operands.ts';
import { windowNumbers } from '../lower/window.ts';
import { activationLimits, within } from './limits.ts';
import { meetings } from './meetings.ts';
import { type Run, type StoredKernel, smallMeaning } from './stored.ts';

/** Averages of windows of levels: integer means, ties away from zero, without a scale of their own. */
function average(c: LowerContext, isGlobal: boolean): Run | null {
  const [input] = c.inputs;
  const [output] = c.outputs;
  const [x, y] = [smallMeaning(input), smallMeaning(output)];
  if (input == null || output == null || x === null || y === null) return null;
  if (x.scale !== y.scale || x.zero !== y.zero || x.storage !== y.storage) return null;
  if (!isGlobal && c.attributes.int('count_include_pad', 0) !== 0) return null;
  const limits = activationLimits(c.attributes, y);
  if (limits === null) return null;
  const spatial = input.dims.slice(1, -1);
  const out = output.dims.slice(1, -1);
  const zeros = spatial.map(() => 0);
  const { kernel, strides, dilations, pads } = isGlobal
    ? { kernel: spatial, strides: zeros, dilations: spatial.map(() => 1), pads: zeros }
    : windowNumbers(c.attributes, spatial, null);
  // A window may be named larger than any image.
  if (!(product(kernel) <= 2 ** 24)) return null;
  const channels = input.dims.at(-1)!;
  const windows = meetings(
    out,
    spatial,
    kernel,
    (axis, o, k) => o * strides[axis]! - pads[axis]! + k * dilations[axis]!,
  );
  const pixels = product(spatial);
  return ([from], [to]) => {
    const { count, pixels: met } = windows;
    for (let place = 0; place < count; place++) {
      const many = windows.at(place);
      const half = Math.floor(many / 2);
      for (let n = 0; n < input.dims[0]!; n++) {
        for (let channel = 0; channel < channels; channel++) {
          let sum = 0;
          for (let m = 0; m < many; m++) sum += from![(n * pixels + met[m]!) * channels + channel]!;
          const mean = many === 0 ? 0 : Math.trunc((sum + (sum > 0 ? half : -half)) / many);
          to![(n * count + place) * channels + channel] = within(mean, limits);
        }
      }
    }
  };
}

export const poolKernels: readonly StoredKernel[] = [
  { op: 'AveragePool', domain: 'mp', prepare: (c) => average(c, false) },
  { op: 'GlobalAveragePool', domain: 'mp', prepare: (c) => average(c, true) },
];
