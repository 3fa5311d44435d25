import { copyStep, rowMajor, type StridedCopy } from '../copy.ts';
import type { LowerContext, Lowered, Lowering, Operand, Packed, Step } from '../lowering.ts';
import { align, around, frontAxis, product } from '../operands.ts';
import { axesOf } from '../reduce.ts';
import { levelTable } from './level-table.ts';
import { meaningOf } from './levels.ts';

type Kind = 'sum' | 'mean' | 'max' | 'min';

/** Over axes that lie side by side: pooling with one window. Others are brought together at the end by a copy. */
function lowerReduce(c: LowerContext, kind: Kind): Lowered | null {
  const [x] = c.inputs;
  const [y] = c.outputs;
  const [from, to] = [meaningOf(x), meaningOf(y)];
  if (x == null || y == null || from === null || to === null || x.size === 0) return null;
  if (from.unsigned !== to.unsigned) return null;
  const axes = axesOf(c, x)?.filter((axis) => x.dims[axis] !== 1);
  if (axes === undefined || axes.length === 0) return null;
  const [first, last] = [axes[0]!, axes.at(-1)!];
  const isTogether = x.dims.every(
    (size, i) => i < first || i > last || size === 1 || axes.includes(i),
  );
  const length = product(axes.map((axis) => x.dims[axis]!));
  const unit = isTogether ? product(x.dims.slice(last + 1)) : 1;
  const outer = x.size / length / unit;
  const turn = isTogether ? null : turnOf(x, axes);
  const { simd } = c.backend;
  const unsigned = from.unsigned ? 1 : 0;
  const sizes = [1, 1, length, unit, 1, 1, 1, 1, 1, length] as const;
  const taps = [1, 1, 1, 1, 1, 1, 0, 0, 0] as const;
  const scratchBytes = kind === 'min' ? 2 * align(x.size) : align(x.size);
  const isExtreme = kind === 'max' || kind === 'min';
  const [before, after] = isExtreme ? extremeTables(c, x, y, kind === 'min') : [null, null];
  const factor = Math.fround((from.scale / to.scale) * (kind === 'sum' ? length : 1));
  const [zx, zy] = [from.zero - 128 * unsigned, to.zero - 128 * unsigned];
  return {
    kernel: isExtreme ? 'q8_max_pool' : 'q8_average_pool',
    reads: [0],
    scratchBytes,
    bind(at) {
      const steps: Step[] = [];
      const target = at.output(0);
      let source = at.input(0);
      if (turn !== null) {
        steps.push(copyStep(c.backend, 1, turn, source, at.scratch));
        source = at.scratch;
      }
      const levels = source;
      if (!isExtreme) {
        steps.push(() =>
          simd.q8_average_pool(
            levels,
            target,
            outer,
            ...sizes,
            ...taps,
            0,
            0,
            0,
            0,
            zx,
            zy,
            factor,
            unsigned,
          ),
        );
        return () => {
          for (const step of steps) step();
        };
      }
      if (before !== null) {
        const entries = before.address;
        source = at.scratch + align(x.size);
        const turned = source;
        steps.push(() => simd.x8_lookup(levels, turned, entries, x.size));
      }
      const compared = source;
      steps.push(() => simd.q8_max_pool(compared, target, outer, ...sizes, ...taps, unsigned));
      if (after !== null) {
        const entries = after.address;
        steps.push(() => simd.x8_lookup(target, target, entries, y.size));
      }
      return () => {
        for (const step of steps) step();
      };
    },
  };
}

/** A copy after which the reduced axes are the last ones. */
function turnOf({ dims }: Operand, axes: readonly number[]): StridedCopy {
  const order = [...dims.keys()].filter((i) => !axes.includes(i)).concat(axes);
  const steps = rowMajor(dims);
  const sizes = order.map((i) => dims[i]!);
  return { sizes, from: order.map((i) => steps[i]!), to: rowMajor(sizes) };
}

/** Tables before and after the greatest is taken: the least is the greatest in the opposite order. */
function extremeTables(
  c: LowerContext,
  x: Operand,
  y: Operand,
  isLeast: boolean,
): [Packed | null, Packed | null] {
  if (!isLeast) return [null, levelTable(c, x, y)];
  const opposite = c.pack('opposite', [x.quantization!], 256, (address) => {
    const { u8 } = c.backend.arena.views();
    for (let i = 0; i < 256; i++) u8[address + i] = 255 - i;
  });
  const requantized = levelTable(c, x, y);
  if (requantized === null) return [opposite, opposite];
  const back = c.pack('opposite levels', [x.quantization!, y.quantization!], 256, (address) => {
    const from = requantized.address;
    const { u8 } = c.backend.arena.views();
    for (let i = 0; i < 256; i++) u8[address + i] = u8[from + 255 - i]!;
  });
  return [opposite, back];
}

/** Index of the greatest or least level along an axis, as int64. */
function arg(op: string, least: 0 | 1): Lowering {
  return {
    op,
    lower(c): Lowered | null {
      const [x] = c.inputs;
      const [y] = c.outputs;
      const from = meaningOf(x);
      if (x == null || from === null || y?.storage !== 'int64' || x.size === 0) return null;
      const axis = frontAxis(c.attributes.int('axis', 0), x.dims.length);
      const { outer, length, unit } = around(x.dims, axis);
      const last = c.attributes.int('select_last_index', 0) !== 0 ? 1 : 0;
      const unsigned = from.unsigned ? 1 : 0;
      const { simd } = c.backend;
      return {
        kernel: 'q8_arg_extreme',
        bind(at) {
          const [source, target] = [at.input(0), at.output(0)];
          return () =>
            simd.q8_arg_extreme(source, target, outer, length, unit, least, last, unsigned);
        },
      };
    },
  };
}

const reduction = (op: string, kind: Kind): Lowering => ({
  op,
  lower: (c) => lowerReduce(c, kind),
});

export const int8ReduceLowerings: readonly Lowering[] = [
  reduction('ReduceMean', 'mean'),
  reduction('ReduceSum', 'sum'),
  reduction('ReduceMax', 'max'),
  reduction('ReduceMin', 'min'),
  arg('ArgMax', 0),
  arg('ArgMin', 1),
];
