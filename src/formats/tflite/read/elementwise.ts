import { byteLengthOf } from '../../../core/dtype.ts';
import { constantOf } from '../../../ir/constant.ts';
import type { OperatorReader, Row } from './operator.ts';
import { float, typeOf } from './values.ts';

const unary =
  (op: string): Row =>
  (o) => {
    o.give(op, [o.input(0)]);
  };

const clip =
  (min: number, max: number): Row =>
  (o) => {
    o.give('Clip', [o.input(0), o.scalar('min', min), o.scalar('max', max)]);
  };

function square(o: OperatorReader): void {
  o.give('Mul', [o.input(0), o.input(0)]);
}

function reciprocalRoot(o: OperatorReader): void {
  o.give('Reciprocal', [o.add('Sqrt', [o.input(0)])]);
}

function leaky(o: OperatorReader): void {
  const { alpha = 0 } = o.options('LeakyReluOptions');
  o.give('LeakyRelu', [o.input(0)], { alpha: float(alpha) });
}

function gelu(o: OperatorReader): void {
  const { approximate = false } = o.options('GeluOptions');
  o.give('Gelu', [o.input(0)], { approximate: approximate ? 'tanh' : undefined });
}

function prelu(o: OperatorReader): void {
  o.give('PRelu', [o.input(0), o.input(1)]);
}

function zerosLike(o: OperatorReader): void {
  const x = o.input(0);
  const { dtype } = typeOf(x);
  if (dtype === null || dtype === 'string') throw o.unsupported('zeros of this type');
  const value = constantOf(dtype, [1], new Uint8Array(byteLengthOf(dtype, 1)));
  o.give('ConstantOfShape', [o.add('Shape', [x])], { value: { type: 'tensor', value } });
}

const pi = Math.fround(Math.PI);

/** atan(y / x), a half turn further where x is negative. */
function arcTangent(o: OperatorReader): void {
  const [y, x] = [o.input(0), o.input(1)];
  const zero = o.scalar('zero', 0);
  const angle = o.add('Atan', [o.add('Div', [y, x])]);
  const known = o.add('Where', [o.add('Equal', [y, zero]), zero, angle]);
  const isBelow = o.add('Less', [y, zero]);
  const half = o.add('Where', [isBelow, o.scalar('minus_pi', -pi), o.scalar('pi', pi)]);
  const turn = o.add('Where', [o.add('Less', [x, zero]), half, zero]);
  o.give('Add', [known, turn]);
}

export const elementwiseRows: Readonly<Record<string, Row>> = {
  ABS: unary('Abs'),
  NEG: unary('Neg'),
  EXP: unary('Exp'),
  LOG: unary('Log'),
  SIN: unary('Sin'),
  COS: unary('Cos'),
  SQRT: unary('Sqrt'),
  FLOOR: unary('Floor'),
  CEIL: unary('Ceil'),
  ROUND: unary('Round'),
  SIGN: unary('Sign'),
  TANH: unary('Tanh'),
  LOGISTIC: unary('Sigmoid'),
  LOGICAL_NOT: unary('Not'),
  RELU: unary('Relu'),
  RELU6: clip(0, 6),
  RELU_N1_TO_1: clip(-1, 1),
  RELU_0_TO_1: clip(0, 1),
  ELU: unary('Elu'),
  HARD_SWISH: unary('HardSwish'),
  LEAKY_RELU: leaky,
  PRELU: prelu,
  GELU: gelu,
  SQUARE: square,
  RSQRT: reciprocalRoot,
  ZEROS_LIKE: zerosLike,
  ATAN2: arcTangent,
  'CUSTOM:Sinh': unary('Sinh'),
  // TensorFlow's own operators, by name (the Flex delegate).
  'CUSTOM:FlexSoftplus': unary('Softplus'),
  'CUSTOM:FlexErf': unary('Erf'),
  'CUSTOM:FlexSinh': unary('Sinh'),
  'CUSTOM:FlexCosh': unary('Cosh'),
  'CUSTOM:FlexTan': unary('Tan'),
};
