import { integers, ints, type OneOperator, type Operand, type Result } from '../one-operator.ts';
import { bool, float, int32, of, x } from './operands.ts';

/** Levels of 8 bits. */

const q8 = (dims: number[], scale: number, zero: number, seed = 1): Operand => ({
  tensor: integers('int8', dims, -128, 127, seed),
  scale: [scale],
  zero,
});
const levels = (scale: number, zero: number): Result[] => [{ type: 'int8', scale, zero }];
const fixed = (dims: number[], scales: number[], axis: number): Operand => ({
  tensor: integers('int8', dims, -127, 127, 5),
  isConstant: true,
  scale: scales,
  axis,
});
const bias32 = (count: number, scales: number[]): Operand => ({
  tensor: integers('int32', [count], -900, 900, 6),
  isConstant: true,
  scale: scales,
});

const quantized: OneOperator[] = [
  of('ADD', [q8([2, 8], 0.02, 3), q8([2, 8], 0.03, -5, 2)], levels(0.04, 1), {
    type: 'AddOptions',
    value: {},
  }),
  of('ADD', [q8([2, 8], 0.02, 3), q8([8], 0.03, -5, 2)], levels(0.03, 1), {
    type: 'AddOptions',
    value: { fusedActivationFunction: 1 },
  }),
  of('MUL', [q8([2, 8], 0.02, 3), q8([2, 8], 0.03, -5, 2)], levels(0.05, 1), {
    type: 'MulOptions',
    value: {},
  }),
  of('SUB', [q8([2, 8], 0.02, 3), q8([2, 8], 0.03, -5, 2)], levels(0.05, 1), {
    type: 'SubOptions',
    value: {},
  }),
  of('RELU', [q8([2, 8], 0.02, 3)], levels(0.015, -128)),
  of('LOGISTIC', [q8([2, 8], 0.05, 3)], levels(1 / 256, -128)),
  of('TANH', [q8([2, 8], 0.03, 3)], levels(1 / 128, 0)),
  of('LEAKY_RELU', [q8([2, 8], 0.03, 3)], levels(0.02, -10), {
    type: 'LeakyReluOptions',
    value: { alpha: 0.2 },
  }),
  of('HARD_SWISH', [q8([2, 8], 0.05, 3)], levels(0.04, -40)),
  of('SOFTMAX', [q8([2, 8], 0.05, 3)], levels(1 / 256, -128), {
    type: 'SoftmaxOptions',
    value: { beta: 1 },
  }),
  of('QUANTIZE', [x(3, 8)], levels(0.02, 5)),
  of('QUANTIZE', [q8([3, 8], 0.02, 5)], levels(0.03, -7)),
  of('DEQUANTIZE', [q8([3, 8], 0.02, 5)]),
  of('MEAN', [q8([1, 4, 3, 5], 0.02, 5), ints([1, 2])], levels(0.02, 5), {
    type: 'ReducerOptions',
    value: {},
  }),
  of('MAXIMUM', [q8([2, 8], 0.02, 5), q8([2, 8], 0.02, 5, 3)], levels(0.02, 5)),
  of('PAD', [q8([2, 8], 0.02, 5), ints([1, 0, 2, 1], [2, 2])], levels(0.02, 5)),
  of('CONCATENATION', [q8([2, 3], 0.02, 5), q8([2, 4], 0.02, 5, 2)], levels(0.02, 5), {
    type: 'ConcatenationOptions',
    value: { axis: 1 },
  }),
  of('RESIZE_BILINEAR', [q8([1, 4, 4, 2], 0.02, 5), ints([7, 7])], levels(0.02, 5), {
    type: 'ResizeBilinearOptions',
    value: { halfPixelCenters: true },
  }),
  of('AVERAGE_POOL_2D', [q8([1, 5, 6, 3], 0.02, 5)], levels(0.02, 5), {
    type: 'Pool2DOptions',
    value: { padding: 0, strideW: 2, strideH: 2, filterWidth: 3, filterHeight: 3 },
  }),
  of('L2_NORMALIZATION', [q8([2, 8], 0.02, 5)], levels(1 / 128, 0), {
    type: 'L2NormOptions',
    value: {},
  }),
  of('GREATER', [q8([2, 8], 0.02, 5), q8([2, 8], 0.03, -5, 2)], bool),
  of('CAST', [q8([2, 8], 0.02, 5)], float, {
    type: 'CastOptions',
    value: { inDataType: 9, outDataType: 0 },
  }),
  of('ARG_MAX', [q8([2, 8], 0.02, 5), ints([1], [])], int32, {
    type: 'ArgMaxOptions',
    value: { outputType: 2 },
  }),
  of(
    'CONV_2D',
    [
      q8([1, 6, 5, 2], 0.02, 5),
      fixed([3, 3, 3, 2], [0.01, 0.02, 0.015], 0),
      bias32(3, [2e-4, 4e-4, 3e-4]),
    ],
    levels(0.2, -4),
    {
      type: 'Conv2DOptions',
      value: { padding: 0, strideH: 1, strideW: 1, fusedActivationFunction: 3 },
    },
  ),
  of(
    'DEPTHWISE_CONV_2D',
    [
      q8([1, 6, 5, 2], 0.02, 5),
      fixed([1, 3, 3, 4], [0.01, 0.02, 0.015, 0.01], 3),
      bias32(4, [2e-4, 4e-4, 3e-4, 2e-4]),
    ],
    levels(0.1, -4),
    {
      type: 'DepthwiseConv2DOptions',
      value: { padding: 0, strideH: 2, strideW: 2, depthMultiplier: 2 },
    },
  ),
  of(
    'TRANSPOSE_CONV',
    [
      ints([1, 8, 8, 3]),
      fixed([3, 3, 3, 2], [0.01, 0.02, 0.015], 0),
      q8([1, 4, 4, 2], 0.02, 5),
      bias32(3, [2e-4, 4e-4, 3e-4]),
    ],
    levels(0.1, -4),
    { type: 'TransposeConvOptions', value: { padding: 0, strideH: 2, strideW: 2 } },
  ),
  of(
    'FULLY_CONNECTED',
    [q8([3, 10], 0.02, 5), fixed([4, 10], [0.01], 0), bias32(4, [2e-4])],
    levels(0.1, -4),
    { type: 'FullyConnectedOptions', value: { fusedActivationFunction: 1 } },
  ),
  of('BATCH_MATMUL', [q8([2, 3, 8], 0.02, 5), q8([2, 8, 4], 0.03, -3, 2)], levels(0.3, 2)),
];

export const quantizedCases: readonly OneOperator[] = [...quantized];
