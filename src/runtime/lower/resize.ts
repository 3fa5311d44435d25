import { random } from '../../core/random.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { EvaluateContext } from '../generic/evaluator.ts';
import { resizedAxes, tapsOf } from '../generic/resize.ts';
import { copyStep, rowMajor, widthOf } from './copy.ts';
import type { LowerContext, Lowered, Lowering, Operand, Packed, Step } from './lowering.ts';
import { sameQuantization } from './move.ts';
import { align, isFloat, product } from './operands.ts';

/** Each place of an axis is made of these elements of x. */
export interface AxisTaps {
  readonly axis: number;
  readonly size: number;
  readonly out: number;
  readonly count: number;
  readonly indices: Int32Array;
  readonly weights: Float32Array;
}

/** What changes along which axes; null where it is not known, or not of this kind. */
export function axesOf(c: LowerContext, x: Operand): AxisTaps[] | null {
  const isUnknown = (i: number): boolean => c.inputs[i] != null && c.known(i) === null;
  if ([1, 2, 3].some(isUnknown)) return null;
  if (c.attributes.string('coordinate_transformation_mode') === 'tf_crop_and_resize') return null;
  const known = (i: number): Tensor | undefined =>
    i === 0 ? undefined : (c.known(i) ?? undefined);
  const context: EvaluateContext = {
    node: c.node,
    attributes: c.attributes,
    inputs: c.inputs.map((_, i) => known(i)),
    random: random(0),
    runBody: () => [],
  };
  return resizedAxes(context, x).flatMap((axis) => {
    if (axis.size === axis.out && axis.scale === 1) return [];
    const taps = tapsOf(context, axis);
    const count = taps.reduce((most, { indices }) => Math.max(most, indices.length), 1);
    const indices = new Int32Array(count * axis.out);
    const weights = new Float32Array(count * axis.out);
    taps.forEach((tap, i) => {
      // What is left over points where something is read anyway, with weight 0.
      indices.fill(tap.indices[0]!, i * count, (i + 1) * count);
      indices.set(tap.indices, i * count);
      weights.set(tap.weights, i * count);
    });
    return [{ axis: axis.axis, size: axis.size, out: axis.out, count, indices, weights }];
  });
}

/** Repeats of every element along the axes: one copy that stands still along new axes. Null for other places. */
function lowerRepeat(c: LowerContext, x: Operand, y: Operand, axes: AxisTaps[]): Lowered | null {
  const width = widthOf(x.storage);
  if (width === null || !sameQuantization([x, y])) return null;
  const factors = x.dims.map(() => 1);
  for (const { axis, size, out, indices } of axes) {
    const factor = out / size;
    if (!Number.isInteger(factor)) return null;
    if (!indices.every((index, i) => index === Math.floor(i / factor))) return null;
    factors[axis] = factor;
  }
  const steps = rowMajor(x.dims);
  const sizes = x.dims.flatMap((size, axis) => [size, factors[axis]!]);
  const copy = { sizes, from: steps.flatMap((step) => [step, 0]), to: rowMajor(sizes) };
  return {
    kernel: `x${8 * width}_copy`,
    reads: [0],
    bind: (at) => copyStep(c.backend, width, copy, at.input(0), at.output(0)),
  };
}

/** One axis after the other, between two stretches of scratch. */
function lowerSamples(c: LowerContext, x: Operand, axes: AxisTaps[]): Lowered | null {
  if (!isFloat(x) || !isFloat(c.outputs[0]) || axes.length === 0) return null;
  const { simd, arena } = c.backend;
  const dims = [...x.dims];
  const parts = axes.map((axis, order) => {
    const [outer, unit] = [product(dims.slice(0, axis.axis)), product(dims.slice(axis.axis + 1))];
    dims[axis.axis] = axis.out;
    const count = axis.count * axis.out;
    const tables = c.pack(`taps ${order}`, [axis], 8 * count, (address) => {
      const { i32, f32 } = arena.views();
      i32.set(axis.indices, address >>> 2);
      f32.set(axis.weights, (address >>> 2) + count);
    });
    return { ...axis, outer, unit, tables, bytes: 4 * product(dims) };
  });
  const between = parts.slice(0, -1);
  const room = align(between.reduce((most, { bytes }) => Math.max(most, bytes), 0));
  return {
    kernel: 'f32_resample',
    reads: [0],
    scratchBytes: between.length > 1 ? 2 * room : room,
    bind(at) {
      let from = at.input(0);
      const steps = parts.map(({ outer, size, out, unit, count, tables }, order): Step => {
        const isLast = order === parts.length - 1;
        const to = isLast ? at.output(0) : at.scratch + (order % 2) * room;
        const [source, places] = [from, addressOf(tables)];
        from = to;
        const weights = places + 4 * count * out;
        return () => simd.f32_resample(source, to, places, weights, outer, size, out, unit, count);
      });
      return () => {
        for (const step of steps) step();
      };
    },
  };
}

const addressOf = ({ address }: Packed): number => address;

function lowerResize(c: LowerContext): Lowered | null {
  const [x] = c.inputs;
  const [y] = c.outputs;
  if (x == null || y == null || x.size === 0 || y.size === 0) return null;
  const axes = axesOf(c, x);
  if (axes === null) return null;
  const isNearest = c.attributes.string('mode', 'nearest') === 'nearest';
  return (isNearest ? lowerRepeat(c, x, y, axes) : null) ?? lowerSamples(c, x, axes);
}

export const resizeLowerings: readonly Lowering[] = [
  { op: 'Resize', lower: lowerResize },
  { op: 'Resize', domain: 'mp', lower: lowerResize },
];
