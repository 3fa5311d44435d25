import { type DType, dtypes } from '../../core/dtype.ts';
import { volume } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  bigintsOf,
  isIntegerType,
  isWide,
  itemsFor,
  itemsOf,
  lanesOf,
  largerBigint,
  numbersOf,
  smallerBigint,
  tensorOf,
  tensorOfBigints,
  tensorOfItems,
  tensorOfTruths,
} from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { powEach } from './functions.ts';
import { broadcastDims, broadcastOffsets } from './indexing.ts';
import { tensorAt, tensorsFrom } from './operands.ts';

interface Pairs<T> {
  readonly dims: readonly number[];
  /** Elements of both operands, broadcast. */
  readonly a: T;
  readonly b: T;
}

/** Elements of an operand at the places of `dims`. Don't write to them. */
export function spread(tensor: Tensor, dims: readonly number[]): Float64Array {
  const values = numbersOf(tensor);
  const isWhole = tensor.dims.length === dims.length && tensor.size === volume(dims);
  return isWhole ? values : broadcastOffsets(tensor.dims, dims).map((at) => values[at]!);
}

function pairs<T>(
  c: EvaluateContext,
  read: (tensor: Tensor, dims: readonly number[]) => T,
): Pairs<T> {
  const [a, b] = [tensorAt(c, 0), tensorAt(c, 1)];
  const dims = broadcastDims([a.dims, b.dims]);
  return { dims, a: read(a, dims), b: read(b, dims) };
}

const bigintsAt = (tensor: Tensor, dims: readonly number[]): bigint[] => {
  const values = bigintsOf(tensor);
  return Array.from(broadcastOffsets(tensor.dims, dims), (at) => values[at]!);
};

interface Arithmetic {
  onNumbers(a: number, b: number, type: DType): number;
  onBigints(a: bigint, b: bigint, type: DType): bigint;
}

function arithmetic(op: string, { onNumbers, onBigints }: Arithmetic): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const { type } = tensorAt(c, 0);
      if (isWide(type)) {
        const { a, b, dims } = pairs(c, bigintsAt);
        const values = a.map((x, i) => onBigints(x, b[i]!, type));
        return [tensorOfBigints(type, values, dims)];
      }
      const { a, b, dims } = pairs(c, spread);
      return [
        tensorOf(
          type,
          a.map((x, i) => onNumbers(x, b[i]!, type)),
          dims,
        ),
      ];
    },
  };
}

/** Integers of 32 bits have products beyond 2^53. */
const product = (a: number, b: number, type: DType): number =>
  isIntegerType(type) ? Math.imul(a, b) : a * b;

/** Integers are cut towards zero; a division by zero gives 0. */
function quotient(a: number, b: number, type: DType): number {
  if (!isIntegerType(type)) return a / b;
  return b === 0 ? 0 : Math.trunc(a / b);
}

/** The divisor's sign, as in Python. */
function modulus(a: number, b: number, type: DType): number {
  if (isIntegerType(type) && b === 0) return 0;
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

const remainder = {
  onNumbers: (a: number, b: number, type: DType): number =>
    isIntegerType(type) && b === 0 ? 0 : a % b,
  onBigints: (a: bigint, b: bigint): bigint => (b === 0n ? 0n : a % b),
};
const floorRemainder = {
  onNumbers: modulus,
  onBigints: (a: bigint, b: bigint): bigint => {
    const rest = b === 0n ? 0n : a % b;
    return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
  },
};

/** Bit operations on integers of any width. */
function bitwise(
  op: string,
  change: (a: bigint, b: bigint, c: EvaluateContext) => bigint,
): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const { a, b, dims } = pairs(c, bigintsAt);
      const values = a.map((x, i) => change(x, b[i]!, c));
      return [tensorOfBigints(tensorAt(c, 0).type, values, dims)];
    },
  };
}

function logical(op: string, change: (a: boolean, b: boolean) => boolean): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const { a, b, dims } = pairs(c, spread);
      const values = Array.from(a, (x, i) => change(x !== 0, b[i] !== 0));
      return [tensorOfTruths(values, dims)];
    },
  };
}

type Comparable = number | bigint | string;

function comparison(op: string, holds: (a: Comparable, b: Comparable) => boolean): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const { type } = tensorAt(c, 0);
      const { a, b, dims } = pairs<ArrayLike<Comparable>>(c, (tensor, to) => {
        if (isWide(type)) return bigintsAt(tensor, to);
        if (type !== 'string') return spread(tensor, to);
        const offsets = broadcastOffsets(tensor.dims, to);
        return Array.from(offsets, (at) => (tensor.data as string[])[at]!);
      });
      const values = Array.from(a, (x, i) => holds(x, b[i]!));
      return [tensorOfTruths(values, dims)];
    },
  };
}

/** Any number of operands, folded from the left; floats are rounded once at the end. */
function variadic(
  op: string,
  { onNumbers, onBigints }: Arithmetic,
  finish: (sum: number, count: number) => number = (sum) => sum,
): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const operands = tensorsFrom(c);
      const { type } = operands[0]!;
      const dims = broadcastDims(operands.map((operand) => operand.dims));
      if (isWide(type)) {
        const lists = operands.map((x) => bigintsAt(x, dims));
        const values = lists.reduce((a, b) => a.map((x, i) => onBigints(x, b[i]!, type)));
        return [tensorOfBigints(type, values, dims)];
      }
      const total = operands
        .map((x) => spread(x, dims))
        .reduce((a, b) => a.map((x, i) => onNumbers(x, b[i]!, type)));
      return [
        tensorOf(
          type,
          total.map((x) => finish(x, operands.length)),
          dims,
        ),
      ];
    },
  };
}

const sum: Arithmetic = { onNumbers: (a, b) => a + b, onBigints: (a, b) => a + b };

/** Integer powers wrap around; a negative exponent leaves only ±1. */
function integerPower(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) {
    if (base === 1n) return 1n;
    return base === -1n ? (exponent % 2n === 0n ? 1n : -1n) : 0n;
  }
  let [result, square, rest] = [1n, base, exponent];
  while (rest > 0n) {
    if (rest % 2n === 1n) result = BigInt.asIntN(128, result * square);
    square = BigInt.asIntN(128, square * square);
    rest /= 2n;
  }
  return result;
}

function power(c: EvaluateContext): Tensor[] {
  const [base, exponent] = [tensorAt(c, 0), tensorAt(c, 1)];
  if (isIntegerType(base.type) && isIntegerType(exponent.type)) {
    const { a, b, dims } = pairs(c, bigintsAt);
    const values = a.map((x, i) => integerPower(x, b[i]!));
    return [tensorOfBigints(base.type, values, dims)];
  }
  const { a, b, dims } = pairs(c, spread);
  return [tensorOf(base.type, powEach(a, b), dims)];
}

/** Elements of any type, by a condition. */
function where(c: EvaluateContext): Tensor[] {
  const [condition, a, b] = [tensorAt(c, 0), tensorAt(c, 1), tensorAt(c, 2)];
  const dims = broadcastDims([condition.dims, a.dims, b.dims]);
  const chosen = spread(condition, dims);
  const lanes = lanesOf(a.type);
  const [fromA, fromB] = [itemsOf(a) as unknown[], itemsOf(b) as unknown[]];
  const atA = broadcastOffsets(a.dims, dims);
  const atB = broadcastOffsets(b.dims, dims);
  const items = itemsFor(a.type, volume(dims)) as unknown[];
  for (let i = 0; i < chosen.length; i++) {
    const [from, at] = chosen[i] !== 0 ? [fromA, atA[i]!] : [fromB, atB[i]!];
    for (let lane = 0; lane < lanes; lane++) items[i * lanes + lane] = from[at * lanes + lane];
  }
  return [tensorOfItems(a.type, items as string[], dims)];
}

function prelu(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const slopes = spread(tensorAt(c, 1), x.dims);
  const values = numbersOf(x).map((v, i) => (v < 0 ? product(v, slopes[i]!, x.type) : v));
  return [tensorOf(x.type, values, x.dims)];
}

export const binaryEvaluators: readonly Evaluator[] = [
  arithmetic('Add', sum),
  arithmetic('Sub', { onNumbers: (a, b) => a - b, onBigints: (a, b) => a - b }),
  arithmetic('Mul', { onNumbers: product, onBigints: (a, b) => a * b }),
  arithmetic('Div', {
    onNumbers: quotient,
    onBigints: (a, b) => (b === 0n ? 0n : a / b),
  }),
  {
    op: 'Mod',
    evaluate: (c) => {
      const rule = c.attributes.int('fmod') !== 0 ? remainder : floorRemainder;
      return arithmetic('Mod', rule).evaluate(c);
    },
  },
  { op: 'Pow', evaluate: power },
  bitwise('BitShift', (a, b, c) => {
    const bits = BigInt(dtypes[tensorAt(c, 0).type].bits);
    if (b >= bits) return 0n;
    return c.attributes.string('direction') === 'LEFT' ? a << b : a >> b;
  }),
  bitwise('BitwiseAnd', (a, b) => a & b),
  bitwise('BitwiseOr', (a, b) => a | b),
  bitwise('BitwiseXor', (a, b) => a ^ b),
  comparison('Equal', (a, b) => a === b),
  comparison('Less', (a, b) => a < b),
  comparison('Greater', (a, b) => a > b),
  comparison('LessOrEqual', (a, b) => a <= b),
  comparison('GreaterOrEqual', (a, b) => a >= b),
  logical('And', (a, b) => a && b),
  logical('Or', (a, b) => a || b),
  logical('Xor', (a, b) => a !== b),
  variadic('Max', { onNumbers: (a, b) => Math.max(a, b), onBigints: largerBigint }),
  variadic('Min', { onNumbers: (a, b) => Math.min(a, b), onBigints: smallerBigint }),
  variadic('Sum', sum),
  variadic('Mean', sum, (total, count) => total / count),
  { op: 'Where', evaluate: where },
  { op: 'PRelu', evaluate: prelu },
];
