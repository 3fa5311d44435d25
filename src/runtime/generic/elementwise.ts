import { roundHalfEven } from '../../core/round.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  bigintsOf,
  isWide,
  numbersOf,
  tensorOf,
  tensorOfBigints,
  tensorOfTruths,
} from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import * as f from './functions.ts';
import { optionalAt, tensorAt } from './operands.ts';

type Parameters = (name: string) => number;
type OnNumbers = (x: Float64Array, parameter: Parameters) => Float64Array;

/** A function of reals; integers go through float64 (exact for those below 2^53). */
function real(op: string, change: OnNumbers): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const x = tensorAt(c, 0);
      const y = change(numbersOf(x), (name) => c.attributes.float(name));
      return [tensorOf(x.type, y, x.dims)];
    },
  };
}

/** A function of one number with its parameters. */
function each(op: string, change: (x: number, parameter: Parameters) => number): Evaluator {
  return real(op, (x, parameter) => x.map((v) => change(v, parameter)));
}

/** A function that integers of 64 bits have too. */
function exact(
  op: string,
  onNumber: (x: number) => number,
  onBigint: (x: bigint) => bigint,
): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const x = tensorAt(c, 0);
      return [
        isWide(x.type)
          ? tensorOfBigints(x.type, bigintsOf(x).map(onBigint), x.dims)
          : tensorOf(x.type, numbersOf(x).map(onNumber), x.dims),
      ];
    },
  };
}

function predicate(op: string, holds: (x: number, c: EvaluateContext) => boolean): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const x = tensorAt(c, 0);
      return [
        tensorOfTruths(
          Array.from(numbersOf(x), (v) => holds(v, c)),
          x.dims,
        ),
      ];
    },
  };
}

const clamp = (x: number, low: number, high: number): number => (x < low ? low : Math.min(x, high));
const hardSigmoid = (x: number, alpha: number, beta: number): number =>
  clamp(alpha * x + beta, 0, 1);

/** e^x − 1 below 0, scaled. */
function exponentialUnit(x: Float64Array, alpha: number, scale: number): Float64Array {
  const below = f.expm1(x.map((v) => Math.min(v, 0) * scale));
  return x.map((v, i) => (v > 0 ? v : alpha * below[i]!));
}

function clip(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const [least, most] = [optionalAt(c, 1), optionalAt(c, 2)];
  if (isWide(x.type)) {
    const low = least === undefined ? undefined : bigintsOf(least)[0];
    const high = most === undefined ? undefined : bigintsOf(most)[0];
    const values = bigintsOf(x).map((v) => {
      const raised = low !== undefined && v < low ? low : v;
      return high !== undefined && raised > high ? high : raised;
    });
    return [tensorOfBigints(x.type, values, x.dims)];
  }
  const low = least === undefined ? -Infinity : numbersOf(least)[0]!;
  const high = most === undefined ? Infinity : numbersOf(most)[0]!;
  // The upper bound wins where the bounds are the wrong way round.
  const values = numbersOf(x).map((v) => {
    const raised = Math.max(v, low);
    return Math.min(raised, high);
  });
  return [tensorOf(x.type, values, x.dims)];
}

export const elementwiseEvaluators: readonly Evaluator[] = [
  real('Acos', f.acos),
  real('Acosh', f.acosh),
  real('Asin', f.asin),
  real('Asinh', f.asinh),
  real('Atan', f.atan),
  real('Atanh', f.atanh),
  real('Cos', f.cos),
  real('Cosh', f.cosh),
  real('Erf', f.erf),
  real('Exp', f.exp),
  real('Log', f.log),
  real('Mish', f.mish),
  real('Sigmoid', f.sigmoid),
  real('Sin', f.sin),
  real('Sinh', f.sinh),
  real('Softplus', f.softplus),
  real('Tan', f.tan),
  real('Tanh', f.tanh),
  each('HardSwish', (x) => x * hardSigmoid(x, 1 / 6, 0.5)),
  each('Reciprocal', (x) => 1 / x),
  each('Softsign', (x) => x / (1 + Math.abs(x))),
  each('Sqrt', Math.sqrt),
  each('Ceil', Math.ceil),
  each('Floor', Math.floor),
  each('Round', roundHalfEven),
  exact('Abs', Math.abs, (x) => (x < 0n ? -x : x)),
  exact(
    'Neg',
    (x) => -x,
    (x) => -x,
  ),
  exact(
    'Relu',
    (x) => Math.max(x, 0),
    (x) => (x < 0n ? 0n : x),
  ),
  exact('Sign', Math.sign, (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n)),
  exact(
    'BitwiseNot',
    (x) => ~x,
    (x) => ~x,
  ),
  exact(
    'Not',
    (x) => (x === 0 ? 1 : 0),
    (x) => x,
  ),
  real('Celu', (x, parameter) => exponentialUnit(x, parameter('alpha'), 1 / parameter('alpha'))),
  real('Elu', (x, parameter) => exponentialUnit(x, parameter('alpha'), 1)),
  real('Selu', (x, parameter) =>
    exponentialUnit(x, parameter('alpha'), 1).map((v) => parameter('gamma') * v),
  ),
  {
    op: 'Gelu',
    evaluate: (c) => {
      const x = tensorAt(c, 0);
      const change = c.attributes.string('approximate') === 'tanh' ? f.geluTanh : f.gelu;
      return [tensorOf(x.type, change(numbersOf(x)), x.dims)];
    },
  },
  each('HardSigmoid', (x, parameter) => hardSigmoid(x, parameter('alpha'), parameter('beta'))),
  each('LeakyRelu', (x, parameter) => (x < 0 ? parameter('alpha') * x : x)),
  each('Shrink', (x, parameter) => {
    if (x < -parameter('lambd')) return x + parameter('bias');
    return x > parameter('lambd') ? x - parameter('bias') : 0;
  }),
  real('Swish', (x, parameter) => f.gated(x, f.sigmoid(x.map((v) => parameter('alpha') * v)))),
  each('ThresholdedRelu', (x, parameter) => (x > parameter('alpha') ? x : 0)),
  predicate('IsNaN', Number.isNaN),
  predicate(
    'IsInf',
    (x, c) =>
      (x === Infinity && c.attributes.int('detect_positive') !== 0) ||
      (x === -Infinity && c.attributes.int('detect_negative') !== 0),
  ),
  { op: 'Clip', evaluate: clip },
];
