import { FormatError } from '../../core/errors.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import { decodeUtf8, encodeUtf8 } from '../utf8.ts';
import {
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  attributeTypes as types,
} from './proto.ts';
import type { Reading } from './reading.ts';
import type { Scope } from './scope.ts';
import { readTensor, writeTensor } from './tensor-constant.ts';

/** The attributes of a node.
 *  @throws {FormatError} one that is given twice, or without the field that its type names */
export function readAttributes(
  node: NodeProto,
  scope: Scope,
  reading: Reading,
  where: string,
): Map<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  for (const proto of node.attribute ?? []) {
    const name = proto.name ?? '';
    const place = `${where} attribute "${name}"`;
    if (attributes.has(name)) {
      throw new FormatError(`attribute "${name}" is given twice`, {
        code: 'E_ONNX_ATTRIBUTE',
        where: place,
      });
    }
    attributes.set(name, readAttribute(proto, scope, reading, place));
  }
  return attributes;
}

function readAttribute(
  proto: AttributeProto,
  scope: Scope,
  reading: Reading,
  where: string,
): Attribute {
  if (proto.refAttrName) return { type: 'opaque', value: proto };
  const body = (graph: GraphProto): Graph => reading.body(graph, scope, reading, `${where}: graph`);
  switch (proto.type ?? guessType(proto)) {
    case types.float:
      return { type: 'float', value: proto.f ?? 0 };
    case types.int:
      return { type: 'int', value: proto.i ?? 0 };
    case types.string:
      return { type: 'string', value: decodeUtf8(proto.s ?? new Uint8Array(0)) };
    case types.floats:
      return { type: 'floats', value: proto.floats ?? [] };
    case types.ints:
      return { type: 'ints', value: proto.ints ?? [] };
    case types.strings:
      return { type: 'strings', value: (proto.strings ?? []).map((bytes) => decodeUtf8(bytes)) };
    case types.tensor:
      if (proto.t === undefined) break;
      return { type: 'tensor', value: readTensor(proto.t, reading, where) };
    case types.tensors:
      return {
        type: 'tensors',
        value: (proto.tensors ?? []).map((tensor) => readTensor(tensor, reading, where)),
      };
    case types.graph:
      if (proto.g === undefined) break;
      return { type: 'graph', value: body(proto.g) };
    case types.graphs:
      return { type: 'graphs', value: (proto.graphs ?? []).map(body) };
    default:
      return { type: 'opaque', value: proto };
  }
  throw new FormatError('an attribute lacks the value that its type names', {
    code: 'E_ONNX_ATTRIBUTE',
    where,
  });
}

/** Files of IR version 1 leave the type out. */
function guessType(proto: AttributeProto): number {
  if (proto.f !== undefined) return types.float;
  if (proto.i !== undefined) return types.int;
  if (proto.s !== undefined) return types.string;
  if (proto.t !== undefined) return types.tensor;
  if (proto.g !== undefined) return types.graph;
  if (proto.ints !== undefined) return types.ints;
  if (proto.floats !== undefined) return types.floats;
  if (proto.strings !== undefined) return types.strings;
  if (proto.tensors !== undefined) return types.tensors;
  if (proto.graphs !== undefined) return types.graphs;
  return types.undefined;
}

/** @param body  writes an inner graph */
export function writeAttribute(
  name: string,
  attribute: Attribute,
  body: (graph: Graph) => GraphProto,
): AttributeProto {
  switch (attribute.type) {
    case 'float':
      return { name, f: attribute.value, type: types.float };
    case 'int':
      return { name, i: attribute.value, type: types.int };
    case 'string':
      return { name, s: encodeUtf8(attribute.value), type: types.string };
    case 'floats':
      return { name, floats: [...attribute.value], type: types.floats };
    case 'ints':
      return { name, ints: [...attribute.value], type: types.ints };
    case 'strings':
      return {
        name,
        strings: attribute.value.map((text) => encodeUtf8(text)),
        type: types.strings,
      };
    case 'tensor':
      return { name, t: writeTensor('', attribute.value), type: types.tensor };
    case 'tensors':
      return {
        name,
        tensors: attribute.value.map((tensor) => writeTensor('', tensor)),
        type: types.tensors,
      };
    case 'graph':
      return { name, g: body(attribute.value), type: types.graph };
    case 'graphs':
      return { name, graphs: attribute.value.map(body), type: types.graphs };
    case 'opaque':
      return { ...(attribute.value as AttributeProto), name };
  }
}

/** The record of an attribute with inner graphs as they are now.
 *  @param typed  add the type to a record that lacks it, as IR version 1 does */
export function refreshAttribute(
  record: AttributeProto,
  attribute: Attribute | undefined,
  body: (graph: Graph) => GraphProto,
  typed: boolean,
): AttributeProto {
  const refreshed =
    typed && record.type === undefined ? { ...record, type: guessType(record) } : record;
  if (attribute?.type === 'graph') return { ...refreshed, g: body(attribute.value) };
  if (attribute?.type === 'graphs') return { ...refreshed, graphs: attribute.value.map(body) };
  return refreshed;
}
