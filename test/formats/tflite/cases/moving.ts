import { Tensor } from '../../../../src/core/tensor.ts';
import type { BuiltinOptions } from '../../../../src/formats/tflite/records.ts';
import { ints, type OneOperator, type Operand, reals } from '../one-operator.ts';
import { fedInts, flags, float, i32, int32, of, scalar, x, y } from './operands.ts';

/** Operators that move elements, choose them or make indices. */

const strided = (
  dims: number[],
  [begin, end, steps]: [number[], number[], number[]],
  value: Extract<BuiltinOptions, { type: 'StridedSliceOptions' }>['value'] = {},
): OneOperator =>
  of('STRIDED_SLICE', [x(...dims), ints(begin), ints(end), ints(steps)], float, {
    type: 'StridedSliceOptions',
    value,
  });

const slices: OneOperator[] = [
  strided(
    [4, 5, 6],
    [
      [1, 0, -3],
      [3, 5, 6],
      [1, 2, 1],
    ],
  ),
  strided(
    [4, 5, 6],
    [
      [3, 4, 0],
      [-5, 0, 6],
      [-1, -2, 1],
    ],
  ),
  strided(
    [4, 5, 6],
    [
      [1, 2, 3],
      [2, 3, 4],
      [1, 1, 1],
    ],
    { beginMask: 5, endMask: 2 },
  ),
  strided(
    [4, 5, 6],
    [
      [1, 2, -1],
      [2, 3, 0],
      [1, 1, 1],
    ],
    { shrinkAxisMask: 5 },
  ),
  strided(
    [4, 5, 6],
    [
      [1, 0, 2],
      [2, 0, 5],
      [1, 1, 1],
    ],
    { ellipsisMask: 2 },
  ),
  strided(
    [4, 5, 6],
    [
      [0, 0, 2],
      [0, 0, 5],
      [1, 1, 1],
    ],
    { ellipsisMask: 1, newAxisMask: 2 },
  ),
  strided(
    [4, 5],
    [
      [0, 1, 1],
      [0, 3, 4],
      [1, 1, 1],
    ],
    { newAxisMask: 1 },
  ),
  strided(
    [4, 5],
    [
      [1, 0, 0],
      [2, 0, 0],
      [1, 1, 1],
    ],
    { shrinkAxisMask: 1, newAxisMask: 2, endMask: 4 },
  ),
  of('SLICE', [x(4, 5, 6), ints([1, 0, 2]), ints([2, -1, 3])]),
  of('SLICE', [x(4, 5, 6), fedInts([1, 0, 2]), fedInts([2, -1, 3])]),
  of(
    'STRIDED_SLICE',
    [x(4, 5, 6), fedInts([1, 2, -1]), fedInts([3, 3, 0]), ints([1, 1, 1])],
    float,
    {
      type: 'StridedSliceOptions',
      value: { shrinkAxisMask: 4, beginMask: 2 },
    },
  ),
];

const gathers: OneOperator[] = [
  of('GATHER', [x(5, 3, 4), fedInts([1, 0, 2, 2], [2, 2])], float, {
    type: 'GatherOptions',
    value: { axis: 1 },
  }),
  of('GATHER', [x(5, 3, 4), fedInts([3, 0, 2])], float, {
    type: 'GatherOptions',
    value: { axis: -1 },
  }),
  of('GATHER', [x(2, 3, 4, 2), fedInts([3, 0, 2, 1, 1, 0], [2, 3])], float, {
    type: 'GatherOptions',
    value: { axis: 2, batchDims: 1 },
  }),
  of('GATHER', [x(2, 3, 4), fedInts([2, 0, 1, 1], [2, 2])], float, {
    type: 'GatherOptions',
    value: { axis: 1, batchDims: 1 },
  }),
  of('GATHER_ND', [x(4, 3, 2), fedInts([3, 2, 0, 1], [2, 2])]),
  of('SCATTER_ND', [fedInts([1, 3, 1], [3, 1]), x(3, 2), ints([5, 2])]),
  of('SELECT', [flags(3), x(3, 4), y(3, 4)]),
  of('SELECT', [flags(3, 4), x(3, 4), y(3, 4)]),
  of('SELECT_V2', [flags(3, 1), x(3, 4), y(4)]),
  of('REVERSE_V2', [x(3, 4), ints([1])]),
  of('REVERSE_SEQUENCE', [x(4, 3, 2), fedInts([2, 4, 1])], float, {
    type: 'ReverseSequenceOptions',
    value: { seqDim: 0, batchDim: 1 },
  }),
  of('REVERSE_SEQUENCE', [x(3, 2, 4), fedInts([2, 4, 1])], float, {
    type: 'ReverseSequenceOptions',
    value: { seqDim: 2, batchDim: 0 },
  }),
  of('MATRIX_DIAG', [x(2, 3)]),
  of('MATRIX_SET_DIAG', [x(2, 3, 4), y(2, 3)]),
  of('SPARSE_TO_DENSE', [fedInts([1, 3]), ints([6]), x(2), scalar(0.5)]),
  of('DYNAMIC_UPDATE_SLICE', [x(4, 5, 2), y(2, 3, 2), fedInts([1, 4, 0])]),
  of('EMBEDDING_LOOKUP', [fedInts([3, 1]), { tensor: reals([5, 4]), isConstant: true }]),
  of('TOPK_V2', [x(3, 7), ints([2], [])], [{ type: 'float32' }, { type: 'int32' }]),
  of('ARG_MAX', [x(3, 7, 2), ints([1], [])], int32, {
    type: 'ArgMaxOptions',
    value: { outputType: 2 },
  }),
  of('ARG_MIN', [x(3, 7, 2), ints([-1], [])], [{ type: 'int64' }], {
    type: 'ArgMinOptions',
    value: { outputType: 4 },
  }),
  of('ONE_HOT', [fedInts([1, 4, 0]), ints([4], []), scalar(2), scalar(-1)], float, {
    type: 'OneHotOptions',
    value: { axis: -1 },
  }),
  of('ONE_HOT', [fedInts([1, 4, 0]), ints([4], []), scalar(2), scalar(-1)], float, {
    type: 'OneHotOptions',
    value: {},
  }),
  of('CUMSUM', [x(3, 4), ints([1], [])], float, {
    type: 'CumsumOptions',
    value: { exclusive: true, reverse: true },
  }),
  of('UNIQUE', [fedInts([3, 1, 3, 2, 1])], [{ type: 'int32' }, { type: 'int32' }], {
    type: 'UniqueOptions',
    value: { idxOutType: 2 },
  }),
  of('SEGMENT_SUM', [x(4, 3), fedInts([0, 0, 1, 2])]),
  of('UNSORTED_SEGMENT_SUM', [x(4, 3), fedInts([2, 0, 0, -1]), ints([3], [])]),
  of('UNSORTED_SEGMENT_PROD', [x(4, 3), fedInts([2, 0, 0, 2]), ints([4], [])]),
  of('UNSORTED_SEGMENT_MAX', [x(4, 3), fedInts([2, 0, 0, 2]), ints([4], [])]),
  of('UNSORTED_SEGMENT_MIN', [x(4, 3), fedInts([2, 0, 0, 2]), ints([4], [])]),
  of('WHERE', [flags(3, 4)], [{ type: 'int64' }]),
  of('BUCKETIZE', [x(3, 4)], int32, {
    type: 'BucketizeOptions',
    value: { boundaries: Float32Array.of(-1, 0, 0.5) },
  }),
  of('NON_MAX_SUPPRESSION_V4', boxes(), [{ type: 'int32' }, { type: 'int32' }]),
  of(
    'NON_MAX_SUPPRESSION_V5',
    [...boxes(), scalar(0)],
    [{ type: 'int32' }, { type: 'float32' }, { type: 'int32' }],
  ),
];

function boxes(): Operand[] {
  const corners = [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1, 1, 11.1];
  return [
    { tensor: new Tensor('float32', Float32Array.from(corners), [5, 4]) },
    { tensor: new Tensor('float32', Float32Array.of(0.9, 0.75, 0.6, 0.95, 0.5), [5]) },
    ints([4], []),
    scalar(0.5),
    scalar(0.3),
  ];
}

const shapes: OneOperator[] = [
  of('RESHAPE', [x(2, 3, 4), ints([4, -1])], float, {
    type: 'ReshapeOptions',
    value: { newShape: Int32Array.of(4, -1) },
  }),
  of('RESHAPE', [x(2, 3, 4), fedInts([6, 4])]),
  of('SQUEEZE', [x(1, 3, 1, 2)], float, {
    type: 'SqueezeOptions',
    value: { squeezeDims: Int32Array.of(-2) },
  }),
  of('SQUEEZE', [x(1, 3, 1, 2)], float, { type: 'SqueezeOptions', value: {} }),
  of('EXPAND_DIMS', [x(2, 3), ints([-1], [])]),
  of('TRANSPOSE', [x(2, 3, 4), ints([2, 0, 1])]),
  of('CONCATENATION', [x(2, 3), y(2, 4)], float, {
    type: 'ConcatenationOptions',
    value: { axis: -1 },
  }),
  of('CONCATENATION', [x(2, 3), y(1, 3)], float, { type: 'ConcatenationOptions', value: {} }),
  of('PACK', [x(2, 3), y(2, 3)], float, {
    type: 'PackOptions',
    value: { valuesCount: 2, axis: -1 },
  }),
  of('UNPACK', [x(2, 3)], [...float, ...float, ...float], {
    type: 'UnpackOptions',
    value: { num: 3, axis: 1 },
  }),
  of('SPLIT', [ints([1], []), x(2, 6)], [...float, ...float, ...float], {
    type: 'SplitOptions',
    value: { numSplits: 3 },
  }),
  of('SPLIT_V', [x(2, 7), ints([2, -1, 1]), ints([1], [])], [...float, ...float, ...float], {
    type: 'SplitVOptions',
    value: { numSplits: 3 },
  }),
  of('TILE', [x(2, 3), ints([2, 3])]),
  of('BROADCAST_TO', [x(2, 1), ints([3, 2, 4])]),
  of('BROADCAST_ARGS', [fedInts([3, 1]), fedInts([2, 1, 4])], int32),
  of('SHAPE', [x(2, 3)], int32, { type: 'ShapeOptions', value: { outType: 2 } }),
  of('SHAPE', [x(2, 3)], [{ type: 'int64' }], { type: 'ShapeOptions', value: { outType: 4 } }),
  of('RANK', [x(2, 3)], int32),
  of('FILL', [fedInts([2, 3]), scalar(1.5)]),
  of('RANGE', [fedInts([2], []), fedInts([11], []), fedInts([3], [])], int32),
  of('PAD', [x(2, 3), ints([1, 2, 0, 3], [2, 2])]),
  of('PAD', [x(2, 3), fedInts([1, 2, 0, 3], [2, 2])]),
  of('PADV2', [x(2, 3), ints([1, 2, 0, 3], [2, 2]), scalar(-1.5)]),
  of('MIRROR_PAD', [x(3, 4), ints([1, 2, 2, 3], [2, 2])], float, {
    type: 'MirrorPadOptions',
    value: { mode: 0 },
  }),
  of('MIRROR_PAD', [x(3, 4), ints([1, 2, 0, 3], [2, 2])], float, {
    type: 'MirrorPadOptions',
    value: { mode: 1 },
  }),
  of('SPACE_TO_BATCH_ND', [x(1, 4, 5, 2), ints([2, 3]), ints([0, 0, 1, 0], [2, 2])]),
  of('BATCH_TO_SPACE_ND', [x(6, 2, 2, 3), ints([2, 3]), ints([1, 0, 0, 2], [2, 2])]),
  of('SPACE_TO_DEPTH', [x(1, 4, 6, 3)], float, {
    type: 'SpaceToDepthOptions',
    value: { blockSize: 2 },
  }),
  of('DEPTH_TO_SPACE', [x(1, 2, 3, 12)], float, {
    type: 'DepthToSpaceOptions',
    value: { blockSize: 2 },
  }),
  of('CAST', [x(2, 3)], int32, { type: 'CastOptions', value: { inDataType: 0, outDataType: 2 } }),
  of('CAST', [i32([2, 3])], float, {
    type: 'CastOptions',
    value: { inDataType: 2, outDataType: 0 },
  }),
];

export const movingCases: readonly OneOperator[] = [...slices, ...gathers, ...shapes];
