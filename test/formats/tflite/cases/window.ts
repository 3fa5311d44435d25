import type { BuiltinOptions } from '../../../../src/formats/tflite/records.ts';
import { ints, type OneOperator } from '../one-operator.ts';
import { bool, flags, float, of, weights, x } from './operands.ts';

/** Operators on images, and reductions. */

const windows = [0, 1].flatMap((padding): OneOperator[] => {
  const pool = (fusedActivationFunction: number): BuiltinOptions => ({
    type: 'Pool2DOptions',
    value: {
      padding,
      strideW: 2,
      strideH: 3,
      filterWidth: 3,
      filterHeight: 2,
      fusedActivationFunction,
    },
  });
  const conv = (dilation: number, stride: number): BuiltinOptions => ({
    type: 'Conv2DOptions',
    value: {
      padding,
      strideW: stride,
      strideH: stride,
      dilationWFactor: dilation,
      dilationHFactor: dilation,
      fusedActivationFunction: 3,
    },
  });
  const depthwise = (depthMultiplier: number, dilation: number): BuiltinOptions => ({
    type: 'DepthwiseConv2DOptions',
    value: {
      padding,
      strideW: dilation === 1 ? 2 : 1,
      strideH: dilation === 1 ? 2 : 1,
      depthMultiplier,
      dilationWFactor: dilation,
      dilationHFactor: dilation,
    },
  });
  const transposed = (strideH: number, strideW: number): BuiltinOptions => ({
    type: 'TransposeConvOptions',
    value: { padding, strideH, strideW },
  });
  return [
    of('AVERAGE_POOL_2D', [x(1, 7, 8, 3)], float, pool(0)),
    of('AVERAGE_POOL_2D', [x(1, 7, 8, 3)], float, pool(3)),
    of('MAX_POOL_2D', [x(1, 7, 8, 3)], float, pool(1)),
    of('L2_POOL_2D', [x(1, 7, 8, 3)], float, pool(0)),
    of('CONV_2D', [x(2, 7, 8, 3), weights(4, 3, 2, 3), weights(4)], float, conv(1, 2)),
    of('CONV_2D', [x(1, 9, 8, 3), weights(4, 3, 3, 3), weights(4)], float, conv(2, 1)),
    of('CONV_2D', [x(1, 5, 6, 4), weights(6, 3, 3, 2), weights(6)], float, conv(1, 1)),
    of(
      'DEPTHWISE_CONV_2D',
      [x(1, 7, 8, 3), weights(1, 3, 2, 6), weights(6)],
      float,
      depthwise(2, 1),
    ),
    of(
      'DEPTHWISE_CONV_2D',
      [x(1, 9, 9, 3), weights(1, 3, 3, 3), weights(3)],
      float,
      depthwise(1, 2),
    ),
    of('CONV_3D', [x(1, 4, 5, 6, 2), weights(2, 3, 2, 2, 3), weights(3)], float, {
      type: 'Conv3DOptions',
      value: { padding, strideD: 1, strideH: 2, strideW: 2 },
    }),
    of(
      'TRANSPOSE_CONV',
      [
        ints(padding === 0 ? [1, 7, 6, 2] : [1, 9, 9, 2]),
        weights(2, 3, 3, 3),
        x(1, padding === 0 ? 4 : 4, 3, 3),
        null,
      ],
      float,
      transposed(2, padding === 0 ? 2 : 3),
    ),
  ];
});

const reductions = [true, false].flatMap((keepDims): OneOperator[] => {
  const options: BuiltinOptions = { type: 'ReducerOptions', value: { keepDims } };
  return [
    ...['SUM', 'MEAN', 'REDUCE_PROD', 'REDUCE_MAX', 'REDUCE_MIN'].flatMap((op) => [
      of(op, [x(2, 3, 4, 2), ints([1, -1])], float, options),
      of(op, [x(2, 3), ints([0])], float, options),
    ]),
    of('REDUCE_ANY', [flags(3, 4), ints([1])], bool, options),
    of('REDUCE_ALL', [flags(3, 4), ints([1])], bool, options),
  ];
});

const resized = [
  [3, 4],
  [8, 10],
  [5, 13],
  [1, 1],
].flatMap((size): OneOperator[] =>
  [
    [false, false],
    [true, false],
    [false, true],
  ].flatMap(([alignCorners, halfPixelCenters]): OneOperator[] => [
    of('RESIZE_BILINEAR', [x(1, 4, 5, 2), ints(size)], float, {
      type: 'ResizeBilinearOptions',
      value: { alignCorners: alignCorners!, halfPixelCenters: halfPixelCenters! },
    }),
    of('RESIZE_NEAREST_NEIGHBOR', [x(1, 4, 6, 2), ints(size)], float, {
      type: 'ResizeNearestNeighborOptions',
      value: { alignCorners: alignCorners!, halfPixelCenters: halfPixelCenters! },
    }),
  ]),
);

export const windowCases: readonly OneOperator[] = [...windows, ...reductions, ...resized];
