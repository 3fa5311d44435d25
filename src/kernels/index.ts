/** Kernels on typed arrays: synchronous, no set-up, the same bits in every runtime. */

export { type BackendInfo, backendInfo, init, type ModuleSource } from '../wasm/load.ts';
export type { Int8Mode } from '../wasm/probe.ts';
export { type DequantizeOptions, dequantize } from './dequantize.ts';
export {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from './float16.ts';
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
export type { ConvKernelOptions } from './int8/conv-weights.ts';
export type { ConvGeometryOptions } from './int8/geometry.ts';
export {
  type MatmulIntegerOptions,
  type MatmulRequantizedOptions,
  matmulInteger,
  matmulRequantized,
  type PackedIntegerMatrix,
  type PackOptions,
  packIntegerMatrix,
} from './int8/matmul.ts';
export type { RequantizeOptions } from './int8/requantize.ts';
export type { Granularity } from './layout.ts';
export type { QuantizationParameters } from './parameters.ts';
export { type QuantizeOptions, quantize } from './quantize.ts';
export { absHistogram, hasNaN, meanVariance, minMax, minMaxAxis, squaredError } from './reduce.ts';
export type { IntegerArray, QuantizedArray, QuantizedType } from './types.ts';
