import { convGeometry, convTransposeGeometry } from '../../../kernels/geometry.ts';
import type { Levels } from '../../../kernels/int8/bytes.ts';
import { packConv } from '../../../kernels/int8/conv-weights.ts';
import { engine } from '../../../kernels/int8/engine.ts';
import { panelBytes } from '../../../kernels/int8/panels.ts';
import { copyStep, rowMajor } from '../copy.ts';
import type { LowerContext, Lowered, Lowering } from '../lowering.ts';
import { align, product } from '../operands.ts';
import { dense, tapsOf } from './conv-dense.ts';
import { meaningOf } from './levels.ts';
import { once, type Rounding } from './rounding.ts';
import { centeredLevels, packObject, weightMeaning } from './weights.ts';

/** A convolution without steps of the image with zeros between its pixels, by the kernel the other way around: what is
 *  exact and rounded once. Costs as many products as if the zeros counted. */
function lowerTransposed(c: LowerContext, rounding: Rounding): Lowered | null {
  const [x, w] = c.inputs;
  const [y] = c.outputs;
  const [from, to] = [meaningOf(x), meaningOf(y)];
  if (x == null || w == null || y == null || from === null || to === null) return null;
  const { attributes } = c;
  if (x.size === 0 || y.size === 0 || attributes.int('group', 1) !== 1) return null;
  if (attributes.string('auto_pad', 'NOTSET') !== 'NOTSET') return null;
  if ((attributes.ints('output_shape') ?? []).length > 0) return null;
  const [channels, outputs] = [w.dims[0]!, w.dims[1]!];
  const weights = weightMeaning(c, 1, 1, outputs);
  const made = weights === null ? null : rounding(c, from, weights, to, true);
  if (weights === null || made === null) return null;
  const kernel = w.dims.slice(2);
  const [batch, spatial] = [x.dims[0]!, x.dims.slice(1, -1)];
  const list = (name: string): readonly number[] | undefined => {
    const given = attributes.ints(name);
    return given === null || given.length === 0 ? undefined : given;
  };
  const weightShape = [outputs, ...kernel, channels];
  const given = { shape: x.dims, weightShape, strides: list('strides'), groups: 1 };
  const { strides, dilations, begins, output } = convTransposeGeometry({
    ...given,
    dilations: list('dilations'),
    pads: list('pads'),
    outputPadding: list('output_padding'),
  });
  const spread = spatial.map((size, axis) => (size - 1) * strides[axis]! + 1);
  const starts = kernel.map((size, axis) => (size - 1) * dilations[axis]! - begins[axis]!);
  const ends = kernel.map(
    (size, axis) =>
      output[axis]! - 1 + (size - 1) * dilations[axis]! + 1 - spread[axis]! - starts[axis]!,
  );
  if ([...starts, ...ends].some((pad) => pad < 0)) return null;
  const geometry = convGeometry({
    shape: [batch, ...spread, channels],
    weightShape,
    dilations,
    pads: [...starts, ...ends],
    groups: 1,
  });
  const chosen = engine();
  const { taps, inner } = tapsOf(geometry);
  const bytes = panelBytes(chosen, outputs, taps, inner) + panelBytes(chosen, 1, taps, inner);
  const packed = packObject(c, `int8 conv transposed ${taps}`, 1, bytes + 256, (take) => {
    const levels = turnedLevels(c, outputs, channels, product(kernel));
    const centered = centeredLevels(levels, weights.zeros);
    const sizes = { outputs, inputs: inner, taps, groups: 1 };
    return packConv(chosen, take, centered ?? levels, sizes, centered ? undefined : weights.zeros);
  });
  const stored = w.storage === 'uint8' ? 128 : 0;
  const { zeros } = weights;
  const isCentered = zeros.every((zero) => zero === stored);
  const common = { c, engine: chosen, geometry, from, zeros, isCentered, weights: packed };
  const kind = dense({ ...common, ...made });
  const image = batch * product(spread) * channels;
  const spreadBytes = align(image + channels + 64);
  const steps = rowMajor([batch, ...spread, channels]);
  const copy = {
    sizes: x.dims,
    from: rowMajor(x.dims),
    to: steps.map((step, axis) => step * (strides[axis - 1] ?? 1)),
  };
  const { arena } = c.backend;
  return {
    kernel: `${kind.kernel} transposed`,
    reads: [0],
    scratchBytes: spreadBytes + kind.scratchBytes,
    bind(at) {
      const { scratch } = at;
      const move = copyStep(c.backend, 1, copy, at.input(0), scratch);
      const run = kind.bind(scratch, at.output(0), scratch + spreadBytes);
      return () => {
        arena.views().u8.fill(from.zero & 255, scratch, scratch + image);
        move();
        run();
      };
    },
  };
}

/** [I, M, …taps] → [M, …taps the other way around, I] */
function turnedLevels(c: LowerContext, m: number, inner: number, taps: number): Levels {
  const w = c.known(1)!.data as Levels;
  const turned = w.slice();
  let at = 0;
  for (let o = 0; o < m; o++)
    for (let tap = taps - 1; tap >= 0; tap--)
      for (let i = 0; i < inner; i++) turned[at++] = w[(i * m + o) * taps + tap]!;
  return turned;
}

export const int8ConvTransposeLowerings: readonly Lowering[] = [
  { op: 'ConvTranspose', domain: 'mp', lower: (c) => lowerTransposed(c, once) },
];
