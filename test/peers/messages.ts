import type { DType } from '../../src/core/dtype.ts';
import type { TensorData } from '../../src/core/tensor.ts';

/** A tensor between processes. */
export interface PeerTensor {
  readonly name: string;
  readonly type: DType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** A model and what to feed it; without feeds it is only loaded. */
export interface PeerRequest {
  readonly bytes: Uint8Array;
  /** In the order of the model's inputs. */
  readonly feeds: readonly Omit<PeerTensor, 'name'>[] | null;
}

export type PeerAnswer =
  | { readonly inputs: readonly PeerTensor[]; readonly outputs: readonly PeerTensor[] }
  | {
      /** Where it ended: the file was refused, or an operator failed. */
      readonly failed: 'load' | 'run';
      /** What the runtime said. */
      readonly message: string;
    };
