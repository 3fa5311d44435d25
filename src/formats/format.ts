import type { Limits } from '../core/limits.ts';
import type { ByteSink, ByteSource } from '../core/source.ts';
import type { Model } from '../ir/model.ts';
import type { Evaluate } from '../passes/rules/constants.ts';
import type { ExternalFiles } from './external-files.ts';
import type { QuantizationChange } from './quantization-change.ts';

export interface ReadOptions {
  /** Name of the format; by default it is recognized by its first bytes. */
  format?: string;
  /** Files that the model refers to by name (ONNX external data): a record, a Map, or a function. A model names
   *  members of what the caller gives here, never paths. */
  external?: ExternalFiles;
  limits?: Partial<Limits>;
  /** Key of the signature whose subgraph is read (TFLite); by default the first subgraph. */
  signature?: string;
}

export interface WriteOptions {
  /** Name of the format; by default the one the model was read from. */
  format?: string;
  /** Version of the operator set to write; by default the source's, raised if something in the model needs it. */
  opset?: number;
  /** Puts large tensors into a file of their own, named `location` beside the model. */
  external?: { location: string; sink: ByteSink };
  /** Called for each node that an older operator set says otherwise. */
  onLowered?(node: LoweredNode): void;
  /** How ONNX says quantization: by QuantizeLinear and DequantizeLinear around operators on real numbers (`qdq`), or also
   *  by operators on integers where there are such (`qoperator`). Default as it is, `qdq` for other formats. */
  quantizationForm?: 'qdq' | 'qoperator';
  /** Called for each change of quantization that the format's rules ask for, and for each node that leaves it. */
  onQuantization?(change: QuantizationChange): void;
  /** Layout of images where the graph begins and ends; by default the source's. TFLite computes in NHWC. */
  layout?: 'NHWC' | 'NCHW';
  /** Oldest release of the TFLite runtime that is to load the file, such as `2.3`. */
  minRuntime?: string;
  /** Runs a node on constants: lets writers fold what the target can't compute. */
  evaluate?: Evaluate;
}

/** A node that an older operator set says otherwise. */
export interface LoweredNode {
  node: string;
  op: string;
  /** The operators it was written as, producers first. */
  becomes: string[];
}

export interface WriteReport {
  format: string;
  /** Bytes of the model file, without external data. */
  bytes: number;
  externalBytes: number;
  opset: number;
}

/** One file format: a folder under formats/, passed around as data so that what is not imported is not bundled. */
export interface Format {
  name: string;
  extensions: readonly string[];
  /** Whether the first bytes can be of this format. */
  match(head: Uint8Array): boolean;
  read(source: ByteSource, options: ReadOptions): Promise<Model>;
  write?(model: Model, sink: ByteSink, options: WriteOptions): Promise<WriteReport>;
}
