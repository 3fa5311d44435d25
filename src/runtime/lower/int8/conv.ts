import { convGeometry } from '../../../kernels/geometry.ts';
import { packConv } from '../../../kernels/int8/conv-weights.ts';
import { engine } from '../../../kernels/int8/engine.ts';
import { panelBytes } from '../../../kernels/int8/panels.ts';
import type { LowerContext, Lowered, Lowering } from '../lowering.ts';
import { product } from '../operands.ts';
import { windowNumbers } from '../window.ts';
import { dense, tapsOf } from './conv-dense.ts';
import { depthwise } from './conv-depthwise.ts';
import { winograd, winogradOf } from './conv-winograd.ts';
import type { Int8Job, Int8Kind } from './job.ts';
import { meaningOf } from './levels.ts';
import { once, type Rounding } from './rounding.ts';
import { centeredLevels, lastLevels, packObject, weightMeaning } from './weights.ts';

/** x, weights and result are 8-bit levels: exact integer sums, then one rounding, or another way to round. */
export function lowerInt8Conv(c: LowerContext, rounding: Rounding): Lowered | null {
  const [x, w, , addend] = c.inputs;
  const [y] = c.outputs;
  const [from, to] = [meaningOf(x), meaningOf(y)];
  if (x == null || w == null || y == null || from === null || to === null || addend != null)
    return null;
  if (x.size === 0 || y.size === 0) return null;
  const outputs = w.dims[0]!;
  const weights = weightMeaning(c, 1, 0, outputs);
  const made = weights === null ? null : rounding(c, from, weights, to, true);
  if (weights === null || made === null) return null;
  const kernel = w.dims.slice(2);
  const spatial = x.dims.slice(1, -1);
  const window = windowNumbers(c.attributes, spatial, kernel);
  if (window.pads.some((pad) => pad < 0)) return null;
  const groups = c.attributes.int('group', 1);
  const weightShape = [outputs, ...kernel, w.dims[1]!];
  const geometry = convGeometry({ ...window, shape: x.dims, weightShape, groups });
  const chosen = engine();
  const { taps, inner: inputs } = tapsOf(geometry);
  const sizes = { outputs, inputs, taps, groups };
  const dense =
    panelBytes(chosen, outputs / groups, taps, inputs) + panelBytes(chosen, 1, taps, inputs);
  const bytes = groups * (dense + 128) + 4 * (outputs + 8) * (taps + 1) + 128;
  const packed = packObject(c, `int8 conv ${groups} ${taps}`, 1, bytes, (take) => {
    const levels = lastLevels(c, outputs, w.dims[1]!, product(kernel));
    const centered = centeredLevels(levels, weights.zeros);
    return packConv(chosen, take, centered ?? levels, sizes, centered ? undefined : weights.zeros);
  });
  const stored = w.storage === 'uint8' ? 128 : 0;
  const isCentered = weights.zeros.every((zero) => zero === stored);
  const { zeros } = weights;
  const job = { geometry, from, ...made, zeros, isCentered, weights: packed };
  const kind = kindOf({ c, engine: chosen, ...job });
  return {
    kernel: kind.kernel,
    reads: [0],
    scratchBytes: kind.scratchBytes,
    bind: (at) => kind.bind(at.input(0), at.output(0), at.scratch),
  };
}

function kindOf(job: Int8Job): Int8Kind {
  const { groups, channels } = job.geometry;
  if (groups === channels && groups > 1) return depthwise(job);
  const plan = winogradOf(job);
  return plan === null ? dense(job) : winograd(job, plan);
}

export const int8ConvLowerings: readonly Lowering[] = [
  { op: 'Conv', domain: 'mp', lower: (c) => lowerInt8Conv(c, once) },
];
