/** modelpress: reads, runs, compresses, compares and writes neural-network models in any JavaScript runtime. */

export { type CompareOptions, compare } from './compare.ts';
export * from './compress/index.ts';
export { type ConvertOptions, convert } from './convert.ts';
export type { DType, TypedArray } from './core/dtype.ts';
export {
  AgreementError,
  FormatError,
  LimitError,
  MemoryError,
  ModelpressError,
  NumericError,
  ShapeError,
  UnsupportedError,
  VerifyError,
} from './core/errors.ts';
export type { Limits } from './core/limits.ts';
export type { Dim, Shape } from './core/shape.ts';
export type { ByteSink, ByteSource, SourceLike } from './core/source.ts';
export { Tensor } from './core/tensor.ts';
export {
  type ExternalFiles,
  type ReadOptions,
  readModel,
  type WriteOptions,
  type WriteReport,
  writeModel,
  writeModelTo,
} from './formats/index.ts';
export type { Model } from './ir/model.ts';
export { type InspectOptions, inspect } from './passes/inspect.ts';
export * from './report/index.ts';
export {
  type Contract,
  createSession,
  type Data,
  type Feeds,
  loadWeights,
  type NodeProfile,
  type RunAsyncOptions,
  type RunFeeds,
  type Runnable,
  type Runner,
  type RunOptions,
  type Session,
  type SessionMemory,
  type SessionOptions,
  type TensorLike,
  type ValueInfo,
} from './runtime/index.ts';
