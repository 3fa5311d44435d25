import { multiplyDims } from '../core/dim.ts';
import type { Dim } from '../core/shape.ts';
import type { AttributeSchema, InferContext, Op, OutputInfo } from './op.ts';
import { broadcast, tensor } from './rules.ts';
import { mapValues } from './values.ts';

type Attributes = Readonly<Record<string, AttributeSchema>>;

/** One input, one output of its type and shape. */
function unary(name: string, attributes: Attributes = {}, change?: (value: Dim) => Dim): Op {
  return {
    name,
    inputs: [1, 1],
    outputs: [1, 1],
    attributes,
    infer: (c) => [
      tensor(c.dtype(0), c.shape(0), change === undefined ? null : mapValues(c, 0, change)),
    ],
    traits: { elementwise: true },
  };
}

/** One input, a truth value for each element. */
function predicate(name: string, attributes: Attributes = {}): Op {
  return { ...unary(name, attributes), infer: (c) => [tensor('bool', c.shape(0))] };
}

const onNumbers =
  (change: (value: number) => number) =>
  (value: Dim): Dim =>
    typeof value === 'number' ? change(value) : null;
/** Symbols stand for integers: rounding leaves them. */
const rounding =
  (change: (value: number) => number) =>
  (value: Dim): Dim =>
    typeof value === 'number' ? change(value) : value;

const alpha = (value: number): Attributes => ({ alpha: { kind: 'float', default: value } });

export const elementwiseOps: readonly Op[] = [
  ...[
    'Acos',
    'Acosh',
    'Asin',
    'Asinh',
    'Atan',
    'Atanh',
    'BitwiseNot',
    'Cos',
    'Cosh',
    'Erf',
    'Exp',
    'HardSwish',
    'Log',
    'Mish',
    'Reciprocal',
    'Relu',
    'Sigmoid',
    'Sign',
    'Sin',
    'Sinh',
    'Softplus',
    'Softsign',
    'Tan',
    'Tanh',
  ].map((name) => unary(name)),
  unary('Abs', {}, onNumbers(Math.abs)),
  unary('Ceil', {}, rounding(Math.ceil)),
  unary('Floor', {}, rounding(Math.floor)),
  unary('Neg', {}, (value) => multiplyDims(value, -1)),
  unary(
    'Not',
    {},
    onNumbers((value) => (value === 0 ? 1 : 0)),
  ),
  unary('Round', {}, (value) =>
    typeof value === 'string' || Number.isInteger(value) ? value : null,
  ),
  unary('Sqrt', {}, onNumbers(Math.sqrt)),
  unary('Celu', alpha(1)),
  unary('Elu', alpha(1)),
  unary('Gelu', {
    approximate: { kind: 'string', default: 'none', oneOf: ['none', 'tanh'] },
  }),
  unary('HardSigmoid', { ...alpha(0.2), beta: { kind: 'float', default: 0.5 } }),
  unary('LeakyRelu', alpha(0.01)),
  unary('Selu', {
    ...alpha(1.6732632423543772),
    gamma: { kind: 'float', default: 1.0507009873554805 },
  }),
  unary('Shrink', {
    bias: { kind: 'float', default: 0 },
    lambd: { kind: 'float', default: 0.5 },
  }),
  unary('Swish', alpha(1)),
  unary('ThresholdedRelu', alpha(1)),
  predicate('IsInf', {
    detect_negative: { kind: 'int', default: 1 },
    detect_positive: { kind: 'int', default: 1 },
  }),
  predicate('IsNaN'),
  {
    ...unary('Clip'),
    inputs: [1, 3],
  },
  {
    ...unary('PRelu'),
    inputs: [2, 2],
    infer: preluRule,
  },
];

/** The slope broadcasts to x, not the other way round; the check is that it can. */
function preluRule(c: InferContext): OutputInfo[] {
  broadcast(c, [c.shape(0), c.shape(1)]);
  return [tensor(c.dtype(0), c.shape(0))];
}
