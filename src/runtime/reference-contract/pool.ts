import { stridesOf } from '../generic/indexing.ts';
import type { LowerContext } from '../lower/lowering.ts';
import { product } from '../lower/operands.ts';
import { windowNumbers } from '../lower/window.ts';
import { activationLimits, within } from './limits.ts';
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
  const channels = input.dims.at(-1)!;
  const steps = stridesOf(spatial);
  const windows = Array.from({ length: product(out) }, (_, place) => {
    let offsets = [0];
    let rest = place;
    for (let axis = out.length - 1; axis >= 0; axis--) {
      const o = rest % out[axis]!;
      rest = Math.floor(rest / out[axis]!);
      const next: number[] = [];
      for (let k = 0; k < kernel[axis]!; k++) {
        const i = o * strides[axis]! - pads[axis]! + k * dilations[axis]!;
        if (i < 0 || i >= spatial[axis]!) continue;
        for (const offset of offsets) next.push(offset + i * steps[axis]!);
      }
      offsets = next;
    }
    return offsets;
  });
  const pixels = product(spatial);
  return ([from], [to]) => {
    for (let n = 0; n < input.dims[0]!; n++) {
      windows.forEach((offsets, place) => {
        const half = Math.floor(offsets.length / 2);
        for (let channel = 0; channel < channels; channel++) {
          let sum = 0;
          for (const offset of offsets) sum += from![(n * pixels + offset) * channels + channel]!;
          const mean = Math.trunc((sum + (sum > 0 ? half : -half)) / offsets.length);
          to![(n * windows.length + place) * channels + channel] = within(mean, limits);
        }
      });
    }
  };
}

export const poolKernels: readonly StoredKernel[] = [
  { op: 'AveragePool', domain: 'mp', prepare: (c) => average(c, false) },
  { op: 'GlobalAveragePool', domain: 'mp', prepare: (c) => average(c, true) },
];
