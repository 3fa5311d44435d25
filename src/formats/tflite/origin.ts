import type { ByteSource } from '../../core/source.ts';
import type { Graph, Origin, Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import type { ModelRecord, OperatorRecord, SubGraphRecord, TensorRecord } from './records.ts';

/** What the IR keeps of a TFLite file (the `origin` fields), so that what nobody touched is written as it was. */

/** Of a model. */
export interface ModelOrigin {
  readonly record: ModelRecord;
  /** What the record's buffers hold. */
  readonly buffers: readonly ByteSource[];
  /** Index of the subgraph that is the model's graph. */
  readonly subgraph: number;
}

/** Of a graph: null origin for one that was made of parts of a subgraph. */
export interface GraphOrigin {
  readonly record: SubGraphRecord;
  readonly index: number;
}

/** Of a value. Several values may be of one tensor: a constant in another order of axes, the integers and the real
 *  side of a quantized input or output. */
export interface ValueOrigin {
  /** Index among the tensors of its subgraph. */
  readonly tensor: number;
  readonly record: TensorRecord;
  readonly subgraph: number;
}

/** Marks constants that the reader made for a node (axes, sizes): they are written only where the node is. */
export const synthetic = { tflite: 'synthetic' } as const;

/** The tables a model was read from; null for one from elsewhere. */
export function modelOrigin(model: Model): ModelOrigin | null {
  return model.format === 'tflite' ? (model.origin as ModelOrigin | null) : null;
}

/** The subgraph a graph was read from; null for another. Only for graphs of a TFLite model. */
export function graphOrigin(graph: Graph): GraphOrigin | null {
  return graph.origin as GraphOrigin | null;
}

/** The tensor a value was read from; null for another. Only for values of a TFLite model. */
export function valueOrigin(value: Value): ValueOrigin | null {
  return value.origin === synthetic ? null : (value.origin as ValueOrigin | null);
}

/** The operator a node was read from. Only for nodes of a TFLite model. */
export function operatorRecord(origin: Origin): OperatorRecord {
  return origin.record as OperatorRecord;
}

/** Whether the reader made the constant. */
export function isSynthetic(value: Value): boolean {
  return value.origin === synthetic;
}
