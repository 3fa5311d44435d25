import type { DType } from '../core/dtype.ts';
import type { Dim, Shape } from '../core/shape.ts';
import { einsumMacs, einsumRule } from './einsum.ts';
import type { CostContext, InferContext, Op, OutputInfo } from './op.ts';
import {
  broadcast,
  invalid,
  numberAt,
  outputCount,
  sharedDim,
  tensor,
  times,
  withRank,
} from './rules.ts';

/** numpy's matmul: vectors are a row on the left and a column on the right. */
export function matmulShape(c: InferContext, a: Shape, b: Shape): Shape {
  if (a === null || b === null) return null;
  if (a.length === 0 || b.length === 0) throw invalid(c, 'E_SHAPE_RANK', 'an operand is a scalar');
  const inner = b.length === 1 ? b[0]! : b.at(-2)!;
  sharedDim(c, a.at(-1)!, inner, 'inner dimensions');
  const batch = broadcast(c, [a.slice(0, -2), b.slice(0, -2)]);
  if (batch === null) return null;
  const dims: Dim[] = [...batch];
  if (a.length > 1) dims.push(a.at(-2)!);
  if (b.length > 1) dims.push(b.at(-1)!);
  return dims;
}

function product(
  name: string,
  b: number,
  inputs: readonly [number, number],
  dtype: (c: InferContext) => DType | null,
): Op {
  return {
    name,
    inputs,
    outputs: [1, 1],
    attributes: {},
    infer: (c) => [tensor(dtype(c), matmulShape(c, c.shape(0), c.shape(b)))],
    cost: (c) => ({ macs: times(outputCount(c), numberAt(c.shape(0), -1)) }),
  };
}

const flag = { kind: 'int', default: 0, min: 0, max: 1 } as const;
const factor = { kind: 'float', default: 1 } as const;

function gemmShapes(c: InferContext): { rows: Dim; inner: Dim; columns: Dim } {
  const a = withRank(c, 0, 2);
  const b = withRank(c, 1, 2);
  const [m, k] = c.attributes.int('transA') !== 0 ? [1, 0] : [0, 1];
  const [k2, n] = c.attributes.int('transB') !== 0 ? [1, 0] : [0, 1];
  const inner = sharedDim(c, a?.[k] ?? null, b?.[k2] ?? null, 'inner dimensions');
  return { rows: a?.[m] ?? null, inner, columns: b?.[n] ?? null };
}

function gemmRule(c: InferContext): OutputInfo[] {
  const { rows, columns } = gemmShapes(c);
  return [tensor(c.dtype(0), [rows, columns])];
}

function gemmMacs(c: CostContext): number | null {
  const { inner } = gemmShapes(c);
  return times(outputCount(c), typeof inner === 'number' ? inner : null);
}

export const matmulOps: readonly Op[] = [
  product('MatMul', 1, [2, 2], (c) => c.dtype(0)),
  product('MatMulInteger', 1, [2, 4], () => 'int32'),
  product('QLinearMatMul', 3, [8, 8], (c) => c.dtype(7) ?? c.dtype(0)),
  {
    name: 'Gemm',
    inputs: [2, 3],
    outputs: [1, 1],
    attributes: { alpha: factor, beta: factor, transA: flag, transB: flag },
    infer: gemmRule,
    cost: (c) => ({ macs: gemmMacs(c) }),
  },
  {
    name: 'Einsum',
    inputs: [1, Infinity],
    outputs: [1, 1],
    attributes: { equation: { kind: 'string', required: true } },
    infer: einsumRule,
    cost: (c) => ({ macs: einsumMacs(c) }),
  },
  {
    name: 'Det',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => {
      const x = withRank(c, 0, 2, Infinity);
      if (x !== null) sharedDim(c, x.at(-1)!, x.at(-2)!, 'a square matrix');
      return [tensor(c.dtype(0), x?.slice(0, -2) ?? null)];
    },
  },
];
