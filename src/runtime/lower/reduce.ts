import type { LibraryKernels } from '../../wasm/kernels.ts';
import { copyStep, rowMajor } from './copy.ts';
import type { LowerContext, Lowered, Lowering, Operand } from './lowering.ts';
import { around, frontAxis, isFloat, numbersOf, product } from './operands.ts';

type Fold = (
  simd: LibraryKernels,
  x: number,
  y: number,
  outer: number,
  length: number,
  unit: number,
) => void;

/** Axes that are reduced, from the front; null where they are not known. */
export function axesOf(c: LowerContext, x: Operand): number[] | null {
  const rank = x.dims.length;
  const all = x.dims.map((_, i) => i);
  if (c.inputs[1] == null) return c.attributes.int('noop_with_empty_axes', 0) !== 0 ? [] : all;
  const given = numbersOf(c, 1);
  if (given === null) return null;
  if (given.length === 0) return c.attributes.int('noop_with_empty_axes', 0) !== 0 ? [] : all;
  return given.map((axis) => frontAxis(axis, rank)).sort((a, b) => a - b);
}

/** Reduced axes that lie apart are brought together at the end by a copy. */
function lowerReduce(c: LowerContext, name: string, fold: Fold): Lowered | null {
  const [x] = c.inputs;
  const [y] = c.outputs;
  if (!isFloat(x) || !isFloat(y) || x.size === 0) return null;
  const axes = axesOf(c, x);
  if (axes === null || axes.length === 0) return null;
  const { simd } = c.backend;
  const real = axes.filter((axis) => x.dims[axis] !== 1);
  const [first, last] = [real[0] ?? 0, real.at(-1) ?? 0];
  const isTogether = x.dims.every(
    (size, i) => i < first || i > last || size === 1 || real.includes(i) || real.length === 0,
  );
  if (isTogether) {
    const outer = product(x.dims.slice(0, first));
    const length = real.length === 0 ? 1 : product(x.dims.slice(first, last + 1));
    const unit = x.size / outer / length;
    return {
      kernel: name,
      reads: [0],
      bind(at) {
        const [from, to] = [at.input(0), at.output(0)];
        return () => fold(simd, from, to, outer, length, unit);
      },
    };
  }
  const order = [...x.dims.keys()].filter((i) => !real.includes(i)).concat(real);
  const steps = rowMajor(x.dims);
  const sizes = order.map((i) => x.dims[i]!);
  const length = product(real.map((i) => x.dims[i]!));
  const copy = { sizes, from: order.map((i) => steps[i]!), to: rowMajor(sizes) };
  return {
    kernel: `x32_copy, ${name}`,
    reads: [0],
    scratchBytes: x.bytes,
    bind(at) {
      const [from, to, scratch] = [at.input(0), at.output(0), at.scratch];
      const turn = copyStep(c.backend, 4, copy, from, scratch);
      return () => {
        turn();
        fold(simd, scratch, to, x.size / length, length, 1);
      };
    },
  };
}

function reduction(op: string, name: string, fold: Fold): Lowering {
  return { op, lower: (c) => lowerReduce(c, name, fold) };
}

/** Index of the greatest or least along an axis, as int64. */
function arg(op: string, least: 0 | 1): Lowering {
  return {
    op,
    lower(c) {
      const [x] = c.inputs;
      const [y] = c.outputs;
      if (!isFloat(x) || y?.storage !== 'int64' || x.size === 0) return null;
      const { outer, length, unit } = around(
        x.dims,
        frontAxis(c.attributes.int('axis', 0), x.dims.length),
      );
      const last = c.attributes.int('select_last_index', 0) !== 0 ? 1 : 0;
      const { simd, arena } = c.backend;
      return {
        kernel: 'f32_arg_extreme',
        bind(at) {
          const [from, to] = [at.input(0), at.output(0)];
          const count = outer * unit;
          return () => {
            simd.f32_arg_extreme(from, to, outer, length, unit, least, last);
            const { u32 } = arena.views();
            const start = to >>> 2;
            // Widened in place, from the end on.
            for (let i = count - 1; i >= 0; i--) {
              u32[start + 2 * i] = u32[start + i]!;
              u32[start + 2 * i + 1] = 0;
            }
          };
        },
      };
    },
  };
}

function softmax(op: string, log: 0 | 1): Lowering {
  return {
    op,
    lower(c) {
      const [x] = c.inputs;
      if (!isFloat(x) || !isFloat(c.outputs[0])) return null;
      const rank = x.dims.length;
      const { outer, length, unit } = around(x.dims, frontAxis(c.attributes.int('axis', -1), rank));
      const { simd } = c.backend;
      return {
        kernel: unit === 1 ? 'f32_softmax_rows' : 'f32_softmax_columns',
        inPlace: [0],
        bind(at) {
          const [from, to] = [at.input(0), at.output(0)];
          return unit === 1
            ? () => simd.f32_softmax_rows(from, to, outer, length, log)
            : () => simd.f32_softmax_columns(from, to, outer, length, unit, log);
        },
      };
    },
  };
}

export const reduceLowerings: readonly Lowering[] = [
  reduction('ReduceSum', 'f32_fold_sum', (simd, x, y, o, l, u) =>
    simd.f32_fold_sum(x, y, o, l, u, 1),
  ),
  reduction('ReduceMean', 'f32_fold_sum', (simd, x, y, o, l, u) =>
    simd.f32_fold_sum(x, y, o, l, u, l),
  ),
  reduction('ReduceMax', 'f32_fold_extreme', (simd, x, y, o, l, u) =>
    simd.f32_fold_extreme(x, y, o, l, u, 0),
  ),
  reduction('ReduceMin', 'f32_fold_extreme', (simd, x, y, o, l, u) =>
    simd.f32_fold_extreme(x, y, o, l, u, 1),
  ),
  reduction('ReduceProd', 'f32_fold_product', (simd, x, y, o, l, u) =>
    simd.f32_fold_product(x, y, o, l, u),
  ),
  reduction('ReduceL1', 'f32_fold_l1', (simd, x, y, o, l, u) => simd.f32_fold_l1(x, y, o, l, u)),
  reduction('ReduceL2', 'f32_fold_squares', (simd, x, y, o, l, u) =>
    simd.f32_fold_squares(x, y, o, l, u, 1),
  ),
  reduction('ReduceSumSquare', 'f32_fold_squares', (simd, x, y, o, l, u) =>
    simd.f32_fold_squares(x, y, o, l, u, 0),
  ),
  arg('ArgMax', 0),
  arg('ArgMin', 1),
  softmax('Softmax', 0),
  softmax('LogSoftmax', 1),
];
