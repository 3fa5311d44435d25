// Just enough protobuf to build one-node ONNX models and to read TensorProto, apart from the codec of src/formats.
import protobuf from 'protobufjs/minimal.js';

export const onnxTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  uint4: 21,
  int4: 22,
} as const;
export type OnnxType = keyof typeof onnxTypes;

export interface TensorBytes {
  name: string;
  type: OnnxType;
  dims: readonly number[];
  raw: Uint8Array;
}

export interface OnnxNode {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes?: Readonly<Record<string, number | readonly number[] | undefined>>;
  domain?: string;
}

type Write = (writer: protobuf.Writer) => void;

function message(write: Write): Uint8Array {
  const writer = protobuf.Writer.create();
  write(writer);
  return writer.finish();
}

const tag = (field: number, wire: number): number => (field << 3) | wire;

function tensor({ name, type, dims, raw }: TensorBytes): Uint8Array {
  return message((to) => {
    for (const dim of dims) to.uint32(tag(1, 0)).int64(dim);
    to.uint32(tag(2, 0))
      .int32(onnxTypes[type])
      .uint32(tag(8, 2))
      .string(name)
      .uint32(tag(9, 2))
      .bytes(raw);
  });
}

function node({ op, inputs, outputs, attributes = {}, domain = '' }: OnnxNode): Uint8Array {
  return message((to) => {
    for (const input of inputs) to.uint32(tag(1, 2)).string(input);
    for (const output of outputs) to.uint32(tag(2, 2)).string(output);
    to.uint32(tag(4, 2)).string(op).uint32(tag(7, 2)).string(domain);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === undefined) continue;
      const attribute = message((inner) => {
        inner.uint32(tag(1, 2)).string(name);
        if (typeof value === 'number') inner.uint32(tag(3, 0)).int64(value);
        else for (const item of value) inner.uint32(tag(8, 0)).int64(item);
        inner.uint32(tag(20, 0)).int32(typeof value === 'number' ? 2 : 7);
      });
      to.uint32(tag(5, 2)).bytes(attribute);
    }
  });
}

function value(name: string, type: OnnxType): Uint8Array {
  const kind = message((to) => to.uint32(tag(1, 0)).int32(onnxTypes[type]));
  const wrapped = message((to) => to.uint32(tag(1, 2)).bytes(kind));
  return message((to) => to.uint32(tag(1, 2)).string(name).uint32(tag(2, 2)).bytes(wrapped));
}

/** A model of opset 23 over constants, with the given outputs. */
export function onnxModel(
  nodes: readonly OnnxNode[],
  constants: readonly TensorBytes[],
  outputs: Readonly<Record<string, OnnxType>>,
): Uint8Array {
  const graph = message((to) => {
    for (const item of nodes) to.uint32(tag(1, 2)).bytes(node(item));
    to.uint32(tag(2, 2)).string('g');
    for (const item of constants) to.uint32(tag(5, 2)).bytes(tensor(item));
    for (const [name, type] of Object.entries(outputs))
      to.uint32(tag(12, 2)).bytes(value(name, type));
  });
  const opset = message((to) => to.uint32(tag(1, 2)).string('').uint32(tag(2, 0)).int64(23));
  const domains = new Set(nodes.flatMap(({ domain }) => domain ?? []));
  return message((to) => {
    to.uint32(tag(1, 0)).int64(10).uint32(tag(7, 2)).bytes(graph).uint32(tag(8, 2)).bytes(opset);
    for (const domain of domains) {
      const own = message((inner) =>
        inner.uint32(tag(1, 2)).string(domain).uint32(tag(2, 0)).int64(1),
      );
      to.uint32(tag(8, 2)).bytes(own);
    }
  });
}

/** Fields of a message by number: varints as numbers, everything else as bytes. */
export function fieldsOf(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const reader = protobuf.Reader.create(bytes);
  const fields = new Map<number, (number | Uint8Array)[]>();
  while (reader.pos < reader.len) {
    const key = reader.uint32();
    let item: number | Uint8Array;
    if ((key & 7) === 0) item = Number(reader.int64());
    else if ((key & 7) === 2) item = reader.bytes();
    else if ((key & 7) === 5) item = reader.fixed32();
    else item = Number(reader.fixed64());
    const at = key >>> 3;
    if (!fields.has(at)) fields.set(at, []);
    fields.get(at)!.push(item);
  }
  return fields;
}

export interface ReadTensor {
  type: number;
  dims: number[];
  raw: Uint8Array<ArrayBuffer>;
}

/** A TensorProto with raw data, or with the int32 or float data of small types. */
export function readTensor(bytes: Uint8Array): ReadTensor {
  const fields = fieldsOf(bytes);
  const numbers = (field: number): number[] =>
    (fields.get(field) ?? []).flatMap((item) =>
      typeof item === 'number' ? [item] : varints(item),
    );
  const dims = numbers(1);
  const type = numbers(2)[0] ?? 0;
  const raw = fields.get(9)?.[0];
  if (raw instanceof Uint8Array) return { type, dims, raw: raw.slice() };
  const floats = fields.get(4)?.[0];
  if (floats instanceof Uint8Array) return { type, dims, raw: floats.slice() };
  const items = numbers(5);
  const wide = type === onnxTypes.int16 || type === onnxTypes.uint16;
  const narrowed = wide
    ? Uint16Array.from(items)
    : type === onnxTypes.int32
      ? Int32Array.from(items)
      : Uint8Array.from(items);
  return { type, dims, raw: new Uint8Array(narrowed.buffer) };
}

function varints(bytes: Uint8Array): number[] {
  const reader = protobuf.Reader.create(bytes);
  const values: number[] = [];
  while (reader.pos < reader.len) values.push(Number(reader.int64()));
  return values;
}
