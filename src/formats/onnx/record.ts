import type { Graph, Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import type {
  GraphProto,
  ModelProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
  ValueInfoProto,
} from './proto.ts';

/** What the IR keeps of an ONNX file (the `origin` fields), so that what nobody touched is written as it was. */

export interface ModelRecord {
  proto: ModelProto;
}

export interface GraphRecord {
  proto: GraphProto;
}

/** Marks constants that an opset adapter made: they are written only where an adapted node is. */
export const synthetic = { onnx: 'synthetic' } as const;

/** The message a model was read from; empty for one from elsewhere. */
export function modelRecord(model: Model): ModelProto {
  return model.format === 'onnx' && model.origin !== null
    ? (model.origin as ModelRecord).proto
    : {};
}

/** The message a graph was read from; empty for a new one. */
export function graphRecord(graph: Graph): GraphProto {
  return graph.origin === null ? {} : (graph.origin as GraphRecord).proto;
}

/** The message of a node's origin. */
export function nodeRecord(record: unknown): NodeProto {
  return record as NodeProto;
}

/** Whether an opset adapter made the constant. */
export function isSynthetic(value: Value): boolean {
  return value.origin === synthetic;
}

/** The declaration a value was read from, if it has one. */
export function infoRecord(value: Value): ValueInfoProto | null {
  return value.origin === null || value.origin === synthetic
    ? null
    : (value.origin as ValueInfoProto);
}

/** Whether a constant's record is a sparse tensor. */
export function isSparse(origin: unknown): origin is SparseTensorProto {
  return (
    typeof origin === 'object' && origin !== null && ('indices' in origin || 'values' in origin)
  );
}

/** The tensor message of a constant's record, if it is one. */
export function tensorRecord(origin: unknown): TensorProto | null {
  return typeof origin === 'object' && origin !== null && !isSparse(origin)
    ? (origin as TensorProto)
    : null;
}
