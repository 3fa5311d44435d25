import { type DType, dtypes } from '../../core/dtype.ts';
import { volume } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  bigintsOf,
  isWide,
  largerBigint,
  numbersOf,
  pick,
  smallerBigint,
  tensorOf,
  tensorOfBigints,
  tensorOfIntegers,
} from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { exp, log } from './functions.ts';
import { aroundAxis, replaceSize, stridesOf, viewOffsets } from './indexing.ts';
import { axesIn, axisIn, invalid, optionalIntegersAt, scalarAt, tensorAt } from './operands.ts';

interface Groups {
  readonly dims: readonly number[];
  /** First element of each group, and the others relative to it. */
  readonly starts: Float64Array;
  readonly members: Float64Array;
}

/** Elements that differ only along some axes.
 *  @param axes  normal, different */
export function groupsOf(dims: readonly number[], axes: readonly number[], keep: boolean): Groups {
  const reduced = new Set(axes);
  const strides = stridesOf(dims);
  const kept = [...dims.keys()].filter((axis) => !reduced.has(axis));
  const view = (list: readonly number[]): Float64Array =>
    viewOffsets(
      list.map((axis) => dims[axis]!),
      list.map((axis) => strides[axis]!),
    );
  return {
    dims: keep
      ? dims.map((size, axis) => (reduced.has(axis) ? 1 : size))
      : kept.map((axis) => dims[axis]!),
    starts: view(kept),
    members: view([...axes].sort((a, b) => a - b)),
  };
}

interface Reduction {
  /** Of one group. */
  onNumbers(values: Float64Array): number;
  /** Of one group of 64-bit integers; without it they go through numbers. */
  onBigints?(values: readonly bigint[]): bigint;
}

const total = (values: Float64Array): number => {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
};
const totalOf = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);

function reduce(op: string, { onNumbers, onBigints }: Reduction): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const x = tensorAt(c, 0);
      const given = optionalIntegersAt(c, 1) ?? [];
      const noop = given.length === 0 && c.attributes.int('noop_with_empty_axes') !== 0;
      const axes =
        given.length > 0 ? axesIn(c, given, x.dims.length) : noop ? [] : [...x.dims.keys()];
      const { dims, starts, members } = groupsOf(x.dims, axes, c.attributes.int('keepdims') !== 0);
      if (members.length === 0 && (op === 'ReduceMax' || op === 'ReduceMin'))
        return [pick(ofNothing(op, x.type), new Float64Array(starts.length), dims)];
      if (isWide(x.type) && onBigints !== undefined) {
        const values = bigintsOf(x);
        const results = Array.from(starts, (start) =>
          onBigints(Array.from(members, (at) => values[start + at]!)),
        );
        return [tensorOfBigints(x.type, results, dims)];
      }
      const values = numbersOf(x);
      const results = starts.map((start) => onNumbers(members.map((at) => values[start + at]!)));
      return [tensorOf(x.type, results, dims)];
    },
  };
}

function logSumExp(values: Float64Array): number {
  const top = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!Number.isFinite(top)) return top;
  return log(total(exp(values.map((v) => v - top)))) + top;
}

/** The largest of nothing is the smallest number of the type, and the other way round. */
function ofNothing(op: string, type: DType): Tensor {
  const { kind, bits } = dtypes[type];
  const isMax = op === 'ReduceMax';
  if (kind === 'float') return tensorOf(type, [isMax ? -Infinity : Infinity], [1]);
  if (kind === 'bool') return tensorOf(type, [isMax ? 0 : 1], [1]);
  const width = BigInt(kind === 'int' ? bits - 1 : bits);
  const top = (1n << width) - 1n;
  return tensorOfBigints(type, [isMax ? (kind === 'int' ? -top - 1n : 0n) : top], [1]);
}

const largest: Reduction = {
  onNumbers: (values) => values.reduce((a, b) => Math.max(a, b), -Infinity),
  onBigints: (values) => values.reduce(largerBigint, values[0]!),
};
const smallest: Reduction = {
  onNumbers: (values) => values.reduce((a, b) => Math.min(a, b), Infinity),
  onBigints: (values) => values.reduce(smallerBigint, values[0]!),
};

function argument(op: string, sign: 1 | -1): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const x = tensorAt(c, 0);
      const axis = axisIn(c, c.attributes.int('axis'), x.dims.length);
      const last = c.attributes.int('select_last_index') !== 0;
      const { dims, starts, members } = groupsOf(
        x.dims,
        [axis],
        c.attributes.int('keepdims') !== 0,
      );
      const values: ArrayLike<number | bigint> = isWide(x.type) ? bigintsOf(x) : numbersOf(x);
      const results = starts.map((start) => {
        let best = 0;
        for (let i = 1; i < members.length; i++) {
          const [value, top] = [values[start + members[i]!]!, values[start + members[best]!]!];
          const better = sign > 0 ? value > top : value < top;
          if (better || (last && value === top)) best = i;
        }
        return best;
      });
      return [tensorOfIntegers(results, dims)];
    },
  };
}

function cumulative(
  op: string,
  first: number,
  onNumbers: (a: number, b: number) => number,
  onBigints: (a: bigint, b: bigint) => bigint,
): Evaluator {
  const run = <T>(
    values: ArrayLike<T>,
    result: T[] | Float64Array,
    around: { outer: number; size: number; inner: number },
    c: EvaluateContext,
    start: T,
    change: (a: T, b: T) => T,
  ): void => {
    const exclusive = c.attributes.int('exclusive') !== 0;
    const reverse = c.attributes.int('reverse') !== 0;
    const { outer, size, inner } = around;
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        let sum = start;
        for (let s = 0; s < size; s++) {
          const at = (o * size + (reverse ? size - 1 - s : s)) * inner + i;
          const next = change(sum, values[at]!);
          (result as T[])[at] = exclusive ? sum : next;
          sum = next;
        }
      }
    }
  };
  return {
    op,
    evaluate: (c) => {
      const x = tensorAt(c, 0);
      const around = aroundAxis(x.dims, axisIn(c, scalarAt(c, 1), x.dims.length));
      if (isWide(x.type)) {
        const result = new Array<bigint>(x.size);
        run(bigintsOf(x), result, around, c, BigInt(first), onBigints);
        return [tensorOfBigints(x.type, result, x.dims)];
      }
      const result = new Float64Array(x.size);
      run(numbersOf(x), result, around, c, first, onNumbers);
      return [tensorOf(x.type, result, x.dims)];
    },
  };
}

/** The largest k of each row along an axis, or the smallest; equal ones by their place, NaN before all. */
function topK(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const axis = axisIn(c, c.attributes.int('axis'), x.dims.length);
  const k = scalarAt(c, 1);
  const sign = c.attributes.int('largest') !== 0 ? 1 : -1;
  const { outer, size, inner } = aroundAxis(x.dims, axis);
  if (!(k >= 0 && k <= size)) throw invalid(c, 'E_SHAPE_TOPK', `k = ${k} of ${size} elements`);
  const dims = replaceSize(x.dims, axis, k);
  const count = k;
  const values: ArrayLike<number | bigint> = isWide(x.type) ? bigintsOf(x) : numbersOf(x);
  const offsets = new Float64Array(volume(dims));
  const indices = new Float64Array(offsets.length);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const at = (s: number): number => (o * size + s) * inner + i;
      const order = Array.from({ length: size }, (_, s) => s).sort((p, q) => {
        const [a, b] = [values[at(p)]!, values[at(q)]!];
        if (Number.isNaN(a) || Number.isNaN(b))
          return Number(Number.isNaN(b)) - Number(Number.isNaN(a)) || p - q;
        return a === b ? p - q : a > b === sign > 0 ? -1 : 1;
      });
      for (let s = 0; s < count; s++) {
        offsets[(o * count + s) * inner + i] = at(order[s]!);
        indices[(o * count + s) * inner + i] = order[s]!;
      }
    }
  }
  const picked = isWide(x.type)
    ? tensorOfBigints(
        x.type,
        Array.from(offsets, (at) => values[at] as bigint),
        dims,
      )
    : tensorOf(
        x.type,
        offsets.map((at) => values[at] as number),
        dims,
      );
  return [picked, tensorOfIntegers(indices, dims)];
}

export const reduceEvaluators: readonly Evaluator[] = [
  reduce('ReduceSum', { onNumbers: total, onBigints: totalOf }),
  reduce('ReduceMean', {
    onNumbers: (values) => total(values) / values.length,
    onBigints: (values) => (values.length === 0 ? 0n : totalOf(values) / BigInt(values.length)),
  }),
  reduce('ReduceProd', {
    onNumbers: (values) => values.reduce((a, b) => a * b, 1),
    onBigints: (values) => values.reduce((a, b) => a * b, 1n),
  }),
  reduce('ReduceMax', largest),
  reduce('ReduceMin', smallest),
  reduce('ReduceL1', {
    onNumbers: (values) => total(values.map(Math.abs)),
    onBigints: (values) => totalOf(values.map((v) => (v < 0n ? -v : v))),
  }),
  reduce('ReduceL2', { onNumbers: (values) => Math.sqrt(total(values.map((v) => v * v))) }),
  reduce('ReduceSumSquare', {
    onNumbers: (values) => total(values.map((v) => v * v)),
    onBigints: (values) => totalOf(values.map((v) => v * v)),
  }),
  reduce('ReduceLogSum', { onNumbers: (values) => log(total(values)) }),
  reduce('ReduceLogSumExp', { onNumbers: logSumExp }),
  argument('ArgMax', 1),
  argument('ArgMin', -1),
  cumulative(
    'CumSum',
    0,
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  cumulative(
    'CumProd',
    1,
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  { op: 'TopK', evaluate: topK },
];
