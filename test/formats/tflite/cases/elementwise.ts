import type { OneOperator } from '../one-operator.ts';
import { bool, flags, float, i32, int32, of, positive, weights, x, y } from './operands.ts';

/** Elementwise operators, normalizations and products. */

const unary = [
  'ABS',
  'NEG',
  'EXP',
  'SIN',
  'COS',
  'FLOOR',
  'CEIL',
  'ROUND',
  'TANH',
  'LOGISTIC',
  'RELU',
  'RELU6',
  'RELU_N1_TO_1',
  'RELU_0_TO_1',
  'ELU',
  'HARD_SWISH',
  'SQUARE',
  'ZEROS_LIKE',
].map((op) => of(op, [x(2, 3, 5)]));

const binary = ['MAXIMUM', 'MINIMUM', 'SQUARED_DIFFERENCE', 'FLOOR_DIV', 'FLOOR_MOD'].flatMap(
  (op) => [of(op, [x(2, 3, 4), y(3, 1)]), of(op, [i32([2, 3, 4]), i32([4], 1, 7, 3)], int32)],
);

const compared = ['EQUAL', 'NOT_EQUAL', 'LESS', 'LESS_EQUAL', 'GREATER', 'GREATER_EQUAL'].map(
  (op) => of(op, [i32([3, 4], 0, 3), i32([4], 0, 3, 2)], bool),
);

const fused = [0, 1, 2, 3].flatMap((fusedActivationFunction): OneOperator[] => [
  of('ADD', [x(2, 3), y(3)], float, { type: 'AddOptions', value: { fusedActivationFunction } }),
  of('SUB', [x(2, 3), y(3)], float, { type: 'SubOptions', value: { fusedActivationFunction } }),
  of('MUL', [x(2, 3), y(3)], float, { type: 'MulOptions', value: { fusedActivationFunction } }),
  of('DIV', [x(2, 3), positive(3)], float, {
    type: 'DivOptions',
    value: { fusedActivationFunction },
  }),
]);

const functions: OneOperator[] = [
  of('LOG', [positive(2, 5)]),
  of('SQRT', [positive(2, 5)]),
  of('RSQRT', [positive(2, 5)]),
  of('POW', [positive(2, 5), y(5)]),
  of('ATAN2', [x(40), y(40)]),
  of('SIGN', [x(3, 4)]),
  of('SOFTMAX', [x(2, 5)], float, { type: 'SoftmaxOptions', value: { beta: 0.7 } }),
  of('LOG_SOFTMAX', [x(2, 5)]),
  of('L2_NORMALIZATION', [x(2, 5)], float, { type: 'L2NormOptions', value: {} }),
  of('LOCAL_RESPONSE_NORMALIZATION', [x(1, 2, 3, 6)], float, {
    type: 'LocalResponseNormalizationOptions',
    value: { radius: 2, bias: 1.5, alpha: 0.3, beta: 0.75 },
  }),
  of('LEAKY_RELU', [x(3, 4)], float, { type: 'LeakyReluOptions', value: { alpha: 0.3 } }),
  of('PRELU', [x(1, 3, 4, 2), weights(1, 1, 2)]),
  of('GELU', [x(3, 4)], float, { type: 'GeluOptions', value: {} }),
  of('GELU', [x(3, 4)], float, { type: 'GeluOptions', value: { approximate: true } }),
  of('ADD_N', [x(3, 4), y(3, 4), positive(3, 4)]),
  of('LOGICAL_AND', [flags(3, 4), flags(4)], bool),
  of('LOGICAL_OR', [flags(3, 4), flags(4)], bool),
  of('LOGICAL_NOT', [flags(3, 4)], bool),
  of('FULLY_CONNECTED', [x(2, 2, 6), weights(3, 12), weights(3)], float, {
    type: 'FullyConnectedOptions',
    value: { fusedActivationFunction: 1 },
  }),
  of('FULLY_CONNECTED', [x(2, 2, 6), weights(3, 6), null], float, {
    type: 'FullyConnectedOptions',
    value: { keepNumDims: true },
  }),
  of('BATCH_MATMUL', [x(2, 3, 4), y(4, 5)]),
  of('BATCH_MATMUL', [x(2, 4, 3), y(2, 5, 4)], float, {
    type: 'BatchMatMulOptions',
    value: { adjX: true, adjY: true },
  }),
  of('FAKE_QUANT', [x(5, 6)], float, {
    type: 'FakeQuantOptions',
    value: { min: -1.1, max: 1.7, numBits: 8 },
  }),
  of('FAKE_QUANT', [x(5, 6)], float, {
    type: 'FakeQuantOptions',
    value: { min: -1.1, max: 1.7, numBits: 4 },
  }),
];

export const elementwiseCases: readonly OneOperator[] = [
  ...unary,
  ...binary,
  ...compared,
  ...fused,
  ...functions,
];
