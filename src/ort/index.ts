/** The part of onnxruntime-web that programs on the CPU use, on modelpress: switch by changing the import.
 *  Not there: tensors from pictures and on the GPU, training. */

import { env, listSupportedBackends, registerBackend } from './env.ts';
import { InferenceSession } from './session.ts';
import { Tensor } from './tensor.ts';

export type { Env } from './env.ts';
export type {
  FeedsType,
  FetchesType,
  OnnxValue,
  ReturnType,
  RunOptions,
  SessionOptions,
  ValueMetadata,
} from './session.ts';
export type {
  DataTypeMap,
  TensorDataType,
  TensorSource,
  TensorType,
  TypedTensor,
} from './tensor.ts';
export { env, InferenceSession, listSupportedBackends, registerBackend, Tensor };

const all: {
  env: typeof env;
  InferenceSession: typeof InferenceSession;
  Tensor: typeof Tensor;
  listSupportedBackends: typeof listSupportedBackends;
  registerBackend: typeof registerBackend;
} = { env, InferenceSession, Tensor, listSupportedBackends, registerBackend };

export default all;
