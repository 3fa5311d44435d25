/** Arithmetic on the elements that shape arithmetic computes: numbers, or symbolic integers. */

import {
  addDims,
  equalDims,
  floorDivideDims,
  isNonNegativeDim,
  maxDims,
  minDims,
  multiplyDims,
  subtractDims,
} from '../core/dim.ts';
import { type DType, dtypes } from '../core/dtype.ts';
import type { Dim } from '../core/shape.ts';
import type { InferContext } from './op.ts';
import { maxValues } from './rules.ts';

export type ValueFunction = (a: Dim, b: Dim, dtype: DType | null) => Dim;

/** Whether a type is known to be an integer one. */
export function isInteger(dtype: DType | null): boolean {
  return dtype !== null && (dtypes[dtype].kind === 'int' || dtypes[dtype].kind === 'uint');
}

/** A float result as the model would compute it. */
function rounded(value: number, dtype: DType | null): Dim {
  if (Number.isNaN(value)) return null;
  return dtype === 'float32' ? Math.fround(value) : value;
}

function arithmetic(
  onNumbers: (a: number, b: number) => number,
  onDims: (a: Dim, b: Dim) => Dim,
): ValueFunction {
  return (a, b, dtype) => {
    if (a === null || b === null) return null;
    if (typeof a === 'number' && typeof b === 'number') {
      const value = onNumbers(a, b);
      if (!isInteger(dtype)) return rounded(value, dtype);
      return Number.isSafeInteger(value) ? value : null;
    }
    // A fraction times a symbol is no integer expression.
    const isWhole = [a, b].every((x) => typeof x === 'string' || Number.isInteger(x));
    return isWhole ? onDims(a, b) : null;
  };
}

export const addValues: ValueFunction = arithmetic((a, b) => a + b, addDims);
export const subtractValues: ValueFunction = arithmetic((a, b) => a - b, subtractDims);
export const multiplyValues: ValueFunction = arithmetic((a, b) => a * b, multiplyDims);
export const minValues: ValueFunction = arithmetic((a, b) => Math.min(a, b), minDims);
export const maxValuesOf: ValueFunction = arithmetic((a, b) => Math.max(a, b), maxDims);

/** Integers are cut towards zero, which is the floor only for two numbers ≥ 0. */
export const divideValues: ValueFunction = (a, b, dtype) => {
  if (a === null || b === null || b === 0) return null;
  if (typeof a === 'number' && typeof b === 'number')
    return isInteger(dtype) ? Math.trunc(a / b) : rounded(a / b, dtype);
  const quotient = floorDivideDims(a, b);
  if (isInteger(dtype) && isNonNegativeDim(a) && isNonNegativeDim(b)) return quotient;
  return equalDims(multiplyDims(quotient, b), a) ? quotient : null;
};

export const remainderOfValues: ValueFunction = (a, b, dtype) => {
  if (!isInteger(dtype) || !isNonNegativeDim(a) || !isNonNegativeDim(b) || b === 0) return null;
  return subtractDims(a, multiplyDims(b, floorDivideDims(a, b)));
};

/** Element by element, one of both possibly a single element for all; only up to rank 1. */
export function zipValues(
  c: InferContext,
  inputs: readonly number[],
  combine: (operands: readonly Dim[]) => Dim,
): readonly Dim[] | null {
  let length = 1;
  const lists: (readonly Dim[])[] = [];
  for (const input of inputs) {
    const values = c.values(input);
    const rank = c.shape(input)?.length ?? 2;
    if (values === null || rank > 1 || values.length > maxValues) return null;
    if (values.length !== 1) {
      if (length !== 1 && length !== values.length) return null;
      length = values.length;
    }
    lists.push(values);
  }
  return Array.from({ length }, (_, index) =>
    combine(lists.map((list) => (list.length === 1 ? list[0]! : list[index]!))),
  );
}

/** Element by element of one input. */
export function mapValues(
  c: InferContext,
  input: number,
  change: (value: Dim) => Dim,
): readonly Dim[] | null {
  return c.values(input)?.map(change) ?? null;
}

/** Elements at the given indexes of each axis, row by row; null where they are not all there. */
export function pickValues(
  values: readonly Dim[] | null,
  shape: readonly Dim[],
  indexes: readonly (readonly number[])[],
): readonly Dim[] | null {
  if (values === null) return null;
  let offsets = [0];
  for (const [axis, picked] of indexes.entries()) {
    const size = shape[axis];
    if (typeof size !== 'number' || offsets.length * picked.length > maxValues) return null;
    offsets = offsets.flatMap((offset) => picked.map((index) => offset * size + index));
  }
  const result = offsets.map((offset) => values[offset]);
  return result.every((value) => value !== undefined) ? result : null;
}

/** Elements in the order of permuted axes. */
export function permuteValues(
  values: readonly Dim[] | null,
  shape: readonly Dim[],
  perm: readonly number[],
): readonly Dim[] | null {
  if (values === null) return null;
  const strides: number[] = [];
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis];
    if (typeof size !== 'number') return null;
    strides[axis] = stride;
    stride *= size;
  }
  if (stride !== values.length) return null;
  let offsets = [0];
  for (const axis of perm) {
    const size = shape[axis] as number;
    offsets = offsets.flatMap((offset) =>
      Array.from({ length: size }, (_, index) => offset + index * strides[axis]!),
    );
  }
  return offsets.map((offset) => values[offset]!);
}
