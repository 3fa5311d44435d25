/** Kernels on typed arrays: synchronous, no set-up, the same bits in every runtime. */

export { initLibrary } from '../wasm/library.ts';
export { type BackendInfo, backendInfo, init, type ModuleSource } from '../wasm/load.ts';
export type { Int8Mode } from '../wasm/probe.ts';
export { type BatchedMatmulOptions, batchedMatmul, batchedMatmulShape } from './batched.ts';
export {
  type BinaryOperation,
  binary,
  type CompareOperation,
  compare,
} from './binary.ts';
export { type BroadcastOptions, broadcastShape } from './broadcast.ts';
export {
  type ConvAddend,
  type ConvOptions,
  type ConvTransposeOptions,
  conv,
  convShape,
  convTranspose,
  convTransposeShape,
  type PackedConvOptions,
} from './conv.ts';
export { type DequantizeOptions, dequantize } from './dequantize.ts';
export { type UnaryOperation, type UnaryOptions, unary } from './elementwise.ts';
export {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from './float16.ts';
export {
  type ArgOptions,
  argMax,
  argMin,
  type CumulativeSumOptions,
  cumulativeSum,
  type ReduceOperation,
  type ReduceOptions,
  reduce,
} from './fold.ts';
export {
  gather,
  gatherElements,
  type PadMode,
  type PadOptions,
  pad,
  type ScatterReduction,
  scatterElements,
  topK,
} from './gather.ts';
export type { ConvShape, ConvTransposeShape } from './geometry.ts';
export {
  type BlockwiseOptions,
  matmulBlockwise,
  type PackedBlockMatrix,
  packBlockwise,
} from './int8/blockwise.ts';
export {
  type ConvIntegerOptions,
  type ConvRequantizedOptions,
  convInteger,
  convRequantized,
  type PackedIntegerConv,
  packIntegerConv,
} from './int8/conv.ts';
export type { ConvWeightOptions } from './int8/conv-weights.ts';
export {
  type MatmulIntegerOptions,
  type MatmulRequantizedOptions,
  matmulInteger,
  matmulRequantized,
  type PackedIntegerMatrix,
  type PackIntegerOptions,
  packIntegerMatrix,
} from './int8/matmul.ts';
export type { RequantizeOptions } from './int8/requantize.ts';
export type { Granularity } from './layout.ts';
export {
  activateQuantized,
  addQuantized,
  averagePoolQuantized,
  type LevelParameters,
  type Levels,
  lookup,
  maxPoolQuantized,
  multiplyQuantized,
  type QuantizedBinaryOptions,
  softmaxQuantized,
} from './levels.ts';
export { type Eigen, eigh } from './linalg/eigen.ts';
export {
  cholesky,
  type Qr,
  qr,
  solveTriangular,
  type TriangularOptions,
} from './linalg/factor.ts';
export type { FloatArray } from './linalg/matrix.ts';
export { evbmf, rankByEnergy, rankByError } from './linalg/rank.ts';
export { type Svd, type SvdMethod, type SvdOptions, svd } from './linalg/svd.ts';
export {
  type Tucker,
  type TuckerMethod,
  type TuckerOptions,
  tucker,
  tuckerReconstruct,
} from './linalg/tucker.ts';
export { cos, erf, exp, log, type Numeric, pow, sin, tanh } from './math.ts';
export { type MatmulOptions, matmul } from './matmul.ts';
export { concat, expand, type MovableArray, type SliceOptions, slice, transpose } from './move.ts';
export {
  type BatchNormalizationOptions,
  batchNormalization,
  type GroupNormalizationOptions,
  groupNormalization,
  type InstanceNormalizationOptions,
  instanceNormalization,
  type LayerNormalizationOptions,
  layerNormalization,
  rmsNormalization,
} from './normalize.ts';
export { PackedMatrix, type PackOptions, packMatrix } from './packed.ts';
export { type PackConvOptions, PackedConv, packConv } from './packed-conv.ts';
export type { QuantizationParameters } from './parameters.ts';
export { averagePool, maxPool, type PoolOptions, poolShape } from './pool.ts';
export { type QuantizeOptions, quantize } from './quantize.ts';
export { absHistogram, hasNaN, meanVariance, minMax, minMaxAxis, squaredError } from './reduce.ts';
export { type CoordinateMode, type NearestMode, type ResizeOptions, resize } from './resize.ts';
export { logSoftmax, type SoftmaxOptions, softmax } from './softmax.ts';
export type { IntegerArray, QuantizedArray, QuantizedType } from './types.ts';
export type { ConvAlgorithm } from './winograd.ts';
