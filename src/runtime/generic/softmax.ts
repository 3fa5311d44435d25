import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { exp, log } from './functions.ts';
import { axisIn, tensorAt } from './operands.ts';
import { groupsOf } from './reduce.ts';

/** Rewrites each row of the tensor along some axes.
 *  @param change  of one row; the index counts rows */
export function eachRow(
  x: Tensor,
  axes: readonly number[],
  change: (row: Float64Array, index: number) => Float64Array,
): Float64Array {
  const { starts, members } = groupsOf(x.dims, axes, false);
  const values = numbersOf(x);
  const result = new Float64Array(x.size);
  starts.forEach((start, index) => {
    const row = change(
      members.map((at) => values[start + at]!),
      index,
    );
    members.forEach((at, i) => {
      result[start + at] = row[i]!;
    });
  });
  return result;
}

/** The elements of a row less its largest one; of rows of infinities too. */
function lowered(row: Float64Array): Float64Array {
  const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
  return row.map((v) => v - top);
}

const sum = (row: Float64Array): number => row.reduce((a, b) => a + b, 0);

/** e^x / Σ e^x */
export function softmaxOf(row: Float64Array): Float64Array {
  const powers = exp(lowered(row));
  const total = sum(powers);
  return powers.map((v) => v / total);
}

/** x − ln Σ e^x */
export function logSoftmaxOf(row: Float64Array): Float64Array {
  const low = lowered(row);
  const total = log(sum(exp(low)));
  return low.map((v) => v - total);
}

function hardmaxOf(row: Float64Array): Float64Array {
  const first = row.indexOf(row.reduce((a, b) => Math.max(a, b), -Infinity));
  return row.map((_, i) => (i === first ? 1 : 0));
}

function along(op: string, change: (row: Float64Array) => Float64Array): Evaluator {
  return {
    op,
    evaluate: (c: EvaluateContext) => {
      const x = tensorAt(c, 0);
      const axes = x.dims.length === 0 ? [] : [axisIn(c, c.attributes.int('axis'), x.dims.length)];
      return [tensorOf(x.type, eachRow(x, axes, change), x.dims)];
    },
  };
}

export const softmaxEvaluators: readonly Evaluator[] = [
  along('Softmax', softmaxOf),
  along('LogSoftmax', logSoftmaxOf),
  along('Hardmax', hardmaxOf),
];
