import type { LowerContext, Lowered, Lowering } from '../lowering.ts';
import { around, frontAxis, product } from '../operands.ts';
import { axesOf } from '../reduce.ts';
import { levelTable } from './level-table.ts';
import { meaningOf } from './levels.ts';

/** A sum, a mean or the greatest over axes that lie side by side: pooling with one window. */
function lowerReduce(c: LowerContext, kind: 'sum' | 'mean' | 'max'): Lowered | null {
  const [x] = c.inputs;
  const [y] = c.outputs;
  const [from, to] = [meaningOf(x), meaningOf(y)];
  if (x == null || y == null || from === null || to === null || x.size === 0) return null;
  if (from.unsigned !== to.unsigned) return null;
  const axes = axesOf(c, x)?.filter((axis) => x.dims[axis] !== 1);
  if (axes === undefined || axes.length === 0) return null;
  const [first, last] = [axes[0]!, axes.at(-1)!];
  if (!x.dims.every((size, i) => i < first || i > last || size === 1 || axes.includes(i)))
    return null;
  const outer = product(x.dims.slice(0, first));
  const length = product(x.dims.slice(first, last + 1));
  const unit = product(x.dims.slice(last + 1));
  const { simd } = c.backend;
  const unsigned = from.unsigned ? 1 : 0;
  const sizes = [1, 1, length, unit, 1, 1, 1, 1, 1, length] as const;
  const taps = [1, 1, 1, 1, 1, 1, 0, 0, 0] as const;
  if (kind === 'max') {
    const table = levelTable(c, x, y);
    return {
      kernel: 'q8_max_pool',
      reads: [0],
      bind(at) {
        const [source, target, entries] = [at.input(0), at.output(0), table?.address];
        return () => {
          simd.q8_max_pool(source, target, outer, ...sizes, ...taps, unsigned);
          if (entries !== undefined) simd.x8_lookup(target, target, entries, y.size);
        };
      },
    };
  }
  const factor = Math.fround((from.scale / to.scale) * (kind === 'sum' ? length : 1));
  const [zx, zy] = [from.zero - 128 * unsigned, to.zero - 128 * unsigned];
  return {
    kernel: 'q8_average_pool',
    reads: [0],
    bind(at) {
      const [source, target] = [at.input(0), at.output(0)];
      return () =>
        simd.q8_average_pool(
          source,
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
        );
    },
  };
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

const reduction = (op: string, kind: 'sum' | 'mean' | 'max'): Lowering => ({
  op,
  lower: (c) => lowerReduce(c, kind),
});

export const int8ReduceLowerings: readonly Lowering[] = [
  reduction('ReduceMean', 'mean'),
  reduction('ReduceSum', 'sum'),
  reduction('ReduceMax', 'max'),
  arg('ArgMax', 0),
  arg('ArgMin', 1),
];
