import type { DType } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Model } from '../ir/model.ts';

export interface ValueInfo {
  name: string;
  type: DType | null;
  dims: Shape;
}

export type Feeds = Record<string, Tensor>;

/** Something that runs models from their bytes: `ownRunner`, or onnxruntime-node where it is installed. */
export interface Runner {
  /** With its version, for reports: `modelpress` or `onnxruntime-node 1.30.0`. */
  readonly name: string;
  load(bytes: Uint8Array): Promise<Runnable>;
  /** For a runner that needs no file. The model is not changed but for its weights, which are brought into memory. */
  loadModel?(model: Model): Promise<Runnable>;
}

/** A loaded model. `run` takes every input and gives every tensor output, by name. */
export interface Runnable {
  run(feeds: Feeds): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}
