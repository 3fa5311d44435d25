import { broadcastOffsets } from '../generic/indexing.ts';
import type { LowerContext } from '../lower/lowering.ts';
import { product } from '../lower/operands.ts';
import type { Run, StoredKernel } from './stored.ts';
import { type Rounding, sumsOf } from './sums.ts';

/** Products of matrices of levels: FULLY_CONNECTED and BATCH_MATMUL. */

function prepare(c: LowerContext, rounding: Rounding): Run | null {
  const [a, b] = c.inputs;
  const [y] = c.outputs;
  if (a == null || b == null || y == null || b.dims.length < 2 || a.dims.length < 1) return null;
  const { attributes } = c;
  if (c.node.domain === 'mp' && attributes.float('alpha', 1) !== 1) return null;
  const transA = attributes.int('transA', 0) !== 0;
  const transB = attributes.int('transB', 0) !== 0;
  if (transA && a.dims.length < 2) return null;
  const [p, q] = b.dims.slice(-2) as [number, number];
  const [k, n] = transB ? [q, p] : [p, q];
  const rank = b.dims.length;
  const axis = transB ? rank - 2 : rank - 1;
  const sums = sumsOf(c, axis, n, true, rounding);
  if (sums === null || sums.weightZeros.length !== n) return null;
  const rows = a.dims.length === 1 ? 1 : transA ? a.dims.at(-1)! : a.dims.at(-2)!;
  const outer = y.dims.slice(0, a.dims.length === 1 ? -1 : -2);
  const count = product(outer);
  const fromA = broadcastOffsets(a.dims.slice(0, -2), outer);
  const fromB = broadcastOffsets(b.dims.slice(0, -2), outer);
  const { inputZero, weightZeros, bias } = sums;
  const [rowStep, stepA] = transA ? [1, rows] : [k, 1];
  const [columnStep, stepB] = transB ? [k, 1] : [1, n];
  return ([xs, ws], [ys]) => {
    for (let batch = 0; batch < count; batch++) {
      const left = fromA[batch]! * rows * k;
      const right = fromB[batch]! * k * n;
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < n; column++) {
          let sum = bias[column]!;
          const zero = weightZeros[column]!;
          const [i, j] = [left + row * rowStep, right + column * columnStep];
          for (let t = 0; t < k; t++)
            sum += (xs![i + t * stepA]! - inputZero) * (ws![j + t * stepB]! - zero);
          ys![(batch * rows + row) * n + column] = sums.level(sum, column);
        }
      }
    }
  };
}

/** Matrix products. */
export function matmulKernels(rounding: Rounding): StoredKernel[] {
  return [
    { op: 'MatMul', prepare: (c) => prepare(c, rounding) },
    { op: 'MatMul', domain: 'mp', prepare: (c) => prepare(c, rounding) },
  ];
}
