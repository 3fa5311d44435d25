import protobuf from 'protobufjs/minimal.js';
import { type DType, dtypes } from '../src/core/dtype.ts';
import type { Attribute, Constant } from '../src/ir/index.ts';

/** Writes small ONNX models by hand, without the code under test. */

export interface PlainNode {
  op: string;
  domain?: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes?: Iterable<readonly [string, Attribute]>;
}

export interface PlainModel {
  opset: number;
  nodes: readonly PlainNode[];
  /** Element type and sizes. */
  inputs: Readonly<Record<string, readonly [DType, readonly number[]]>>;
  outputs: Readonly<Record<string, DType>>;
  constants?: Readonly<Record<string, Constant>>;
  /** Versions of other domains' operator sets. */
  domains?: Readonly<Record<string, number>>;
}

type Writer = protobuf.Writer;

const typeNumber = (dtype: DType): number => Object.keys(dtypes).indexOf(dtype) + 1;

export function makeOnnx(model: PlainModel): Uint8Array {
  const w = protobuf.Writer.create();
  w.uint32(8).int64(8);
  w.uint32(58).fork();
  for (const node of model.nodes) writeNode(w.uint32(10).fork(), node).ldelim();
  w.uint32(18).string('graph');
  for (const [name, constant] of Object.entries(model.constants ?? {}))
    writeTensor(w.uint32(42).fork(), constant, name).ldelim();
  for (const [name, [dtype, dims]] of Object.entries(model.inputs))
    writeInfo(w.uint32(90).fork(), name, dtype, dims).ldelim();
  for (const [name, dtype] of Object.entries(model.outputs))
    writeInfo(w.uint32(98).fork(), name, dtype, null).ldelim();
  w.ldelim();
  for (const [domain, version] of Object.entries({ '': model.opset, ...model.domains }))
    w.uint32(66).fork().uint32(10).string(domain).uint32(16).int64(version).ldelim();
  return w.finish();
}

function writeNode(w: Writer, node: PlainNode): Writer {
  for (const name of node.inputs) w.uint32(10).string(name);
  for (const name of node.outputs) w.uint32(18).string(name);
  w.uint32(34).string(node.op);
  for (const [name, attribute] of node.attributes ?? [])
    writeAttribute(w.uint32(42).fork(), name, attribute).ldelim();
  return w.uint32(58).string(node.domain ?? '');
}

function writeAttribute(w: Writer, name: string, attribute: Attribute): Writer {
  w.uint32(10).string(name);
  switch (attribute.type) {
    case 'float':
      return w.uint32(21).float(attribute.value).uint32(160).int32(1);
    case 'int':
      return w.uint32(24).int64(Number(attribute.value)).uint32(160).int32(2);
    case 'string':
      return w.uint32(34).string(attribute.value).uint32(160).int32(3);
    case 'tensor':
      return writeTensor(w.uint32(42).fork(), attribute.value, '').ldelim().uint32(160).int32(4);
    case 'floats':
      for (const item of attribute.value) w.uint32(61).float(item);
      return w.uint32(160).int32(6);
    case 'ints':
      for (const item of attribute.value) w.uint32(64).int64(Number(item));
      return w.uint32(160).int32(7);
    case 'strings':
      for (const item of attribute.value) w.uint32(74).string(item);
      return w.uint32(160).int32(8);
    default:
      throw new TypeError(`attribute ${name} of type ${attribute.type}`);
  }
}

function writeTensor(w: Writer, constant: Constant, name: string): Writer {
  for (const dim of constant.shape) w.uint32(8).int64(dim);
  w.uint32(16).int32(typeNumber(constant.dtype)).uint32(66).string(name);
  return w.uint32(74).bytes(constant.data.read(0, constant.data.size) as Uint8Array);
}

function writeInfo(w: Writer, name: string, dtype: DType, dims: readonly number[] | null): Writer {
  w.uint32(10).string(name).uint32(18).fork().uint32(10).fork();
  w.uint32(8).int32(typeNumber(dtype));
  if (dims !== null) {
    w.uint32(18).fork();
    for (const dim of dims) w.uint32(10).fork().uint32(8).int64(dim).ldelim();
    w.ldelim();
  }
  return w.ldelim().ldelim();
}
