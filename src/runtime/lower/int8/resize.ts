import { dequantizeStep, levelKind } from '../levels-step.ts';
import type { LowerContext, Lowered, Lowering, Operand, Step } from '../lowering.ts';
import { align, product } from '../operands.ts';
import { type AxisTaps, axesOf } from '../resize.ts';
import { type Meaning, meaningOf } from './levels.ts';

/** Levels sampled along axes: as float32 along all but the last one, whose results are levels again. */
function lowerSamples(c: LowerContext): Lowered | null {
  const [x] = c.inputs;
  const [y] = c.outputs;
  const [from, to] = [meaningOf(x), meaningOf(y)];
  if (x == null || y == null || from === null || to === null) return null;
  if (x.size === 0 || y.size === 0) return null;
  const axes = axesOf(c, x);
  if (axes === null || axes.length === 0) return null;
  const { simd } = c.backend;
  const kind = levelKind(x.storage)!;
  const parameters = factorOf(c, x, from, to);
  const parts = partsOf(c, x, axes);
  const room = align(4 * Math.max(x.size, ...parts.slice(0, -1).map(({ size }) => size)));
  return {
    kernel: 'f32_q8_resample',
    reads: [0],
    scratchBytes: 2 * room,
    bind(at) {
      const steps: Step[] = [dequantizeStep(c, kind, parameters, x.size, at.input(0), at.scratch)];
      parts.forEach(({ outer, tables, axis, unit }, order) => {
        const source = at.scratch + (order % 2) * room;
        const isLast = order === parts.length - 1;
        const target = isLast ? at.output(0) : at.scratch + ((order + 1) % 2) * room;
        const places = tables.address;
        const { size, out, count } = axis;
        const weights = places + 4 * count * out;
        const { zero, min, max } = to;
        steps.push(
          isLast
            ? () =>
                simd.f32_q8_resample(
                  source,
                  target,
                  places,
                  weights,
                  outer,
                  size,
                  out,
                  unit,
                  count,
                  zero,
                  min,
                  max,
                )
            : () =>
                simd.f32_resample(source, target, places, weights, outer, size, out, unit, count),
        );
      });
      return () => {
        for (const step of steps) step();
      };
    },
  };
}

/** One axis after the other, those with the fewest results first. */
function partsOf(c: LowerContext, { dims: sizes }: Operand, axes: readonly AxisTaps[]) {
  const dims = [...sizes];
  return axes.map((axis, order) => {
    const [outer, unit] = [product(dims.slice(0, axis.axis)), product(dims.slice(axis.axis + 1))];
    dims[axis.axis] = axis.out;
    const count = axis.count * axis.out;
    const tables = c.pack(`taps ${order}`, [axis], 8 * count, (address) => {
      const { i32, f32 } = c.backend.arena.views();
      i32.set(axis.indices, address >>> 2);
      f32.set(axis.weights, (address >>> 2) + count);
    });
    return { axis, outer, unit, tables, size: product(dims) };
  });
}

/** What levels of x are in steps of the result, as scale and zero point. */
function factorOf(c: LowerContext, x: Operand, from: Meaning, to: Meaning) {
  const key = `steps of ${to.scale}`;
  return c.pack(key, [x.quantization!], 8, (address) => {
    const { f32, i32 } = c.backend.arena.views();
    f32[address >>> 2] = from.scale / to.scale;
    i32[(address >>> 2) + 1] = from.zero;
  });
}

export const int8ResizeLowerings: readonly Lowering[] = ['', 'mp'].map((domain) => ({
  op: 'Resize',
  domain,
  lower: lowerSamples,
}));
