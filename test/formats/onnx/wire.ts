/** A reading of ONNX files that shares no code with the library: fields of the wire format, and which of them
 *  are messages or packed numbers (numbers by onnx.proto and onnx-data.proto of github.com/onnx/onnx). */

const kv = 'KeyValue';
const children: Record<string, Record<number, string>> = {
  Model: { 7: 'Graph', 8: 'OpsetId', 14: kv, 20: 'Training', 25: 'Function', 26: 'DeviceConf' },
  Graph: {
    1: 'Node',
    5: 'Tensor',
    11: 'ValueInfo',
    12: 'ValueInfo',
    13: 'ValueInfo',
    14: 'Annotation',
    15: 'Sparse',
    16: kv,
  },
  Node: { 5: 'Attribute', 9: kv, 10: 'NodeConf' },
  Attribute: {
    5: 'Tensor',
    6: 'Graph',
    7: 'f32',
    8: 'varint',
    10: 'Tensor',
    11: 'Graph',
    14: 'Type',
    15: 'Type',
    22: 'Sparse',
    23: 'Sparse',
  },
  Tensor: {
    1: 'varint',
    3: 'Leaf',
    4: 'f32',
    5: 'varint',
    7: 'varint',
    10: 'f64',
    11: 'varint',
    13: kv,
    16: kv,
  },
  Sparse: { 1: 'Tensor', 2: 'Tensor', 3: 'varint' },
  ValueInfo: { 2: 'Type', 4: kv },
  Type: {
    1: 'TensorType',
    4: 'ElementType',
    5: 'MapType',
    7: 'Leaf',
    8: 'TensorType',
    9: 'ElementType',
  },
  TensorType: { 2: 'Shape' },
  ElementType: { 1: 'Type' },
  MapType: { 2: 'Type' },
  Shape: { 1: 'Leaf' },
  Annotation: { 2: kv },
  Function: { 7: 'Node', 9: 'OpsetId', 11: 'Attribute', 12: 'ValueInfo', 14: kv },
  Training: { 1: 'Graph', 2: 'Graph', 3: kv, 4: kv },
  NodeConf: { 2: 'Sharding' },
  Sharding: { 2: 'varint', 3: 'IntList', 4: 'ShardedDim' },
  IntList: { 2: 'varint' },
  ShardedDim: { 2: 'Leaf' },
  Sequence: { 3: 'Tensor', 4: 'Sparse', 5: 'Sequence', 6: 'Map', 7: 'Optional' },
  Map: { 3: 'varint', 5: 'Sequence' },
  Optional: { 3: 'Tensor', 4: 'Sparse', 5: 'Sequence', 6: 'Map', 7: 'Optional' },
};

export interface WireField {
  number: number;
  wire: number;
  /** The varint, or the bytes: content of a length-delimited field, or the fixed-width value. */
  value: bigint | Uint8Array;
}

/** Fields of a message; throws where they are cut off. Groups are not handled: no ONNX file has them. */
export function wireFields(bytes: Uint8Array): WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw new Error(`varint at ${at}`);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    const number = Math.floor(tag / 8);
    if (wire === 0) {
      fields.push({ number, wire, value: varint() });
      continue;
    }
    if (![1, 2, 5].includes(wire)) throw new Error(`wire type ${wire} at ${at}`);
    const length = wire === 2 ? Number(varint()) : wire === 1 ? 8 : 4;
    if (at + length > bytes.length) throw new Error(`length ${length} at ${at}`);
    fields.push({ number, wire, value: bytes.subarray(at, at + length) });
    at += length;
  }
  return fields;
}

/** Values of each field, packed numbers one by one. What has an unexpected wire type is a field of its own. */
function grouped(bytes: Uint8Array, type: string): Map<string, WireField[]> {
  const groups = new Map<string, WireField[]>();
  for (const field of wireFields(bytes)) {
    const kind = children[type]?.[field.number];
    const packed = field.wire === 2 && (kind === 'f32' || kind === 'f64' || kind === 'varint');
    const wire = packed ? { f32: 5, f64: 1, varint: 0 }[kind] : field.wire;
    const key = `${field.number}:${wire}`;
    let list = groups.get(key);
    if (list === undefined) {
      list = [];
      groups.set(key, list);
    }
    if (field.wire === 2 && (kind === 'f32' || kind === 'f64')) {
      const value = field.value as Uint8Array;
      const width = kind === 'f32' ? 4 : 8;
      for (let i = 0; i < value.length; i += width) {
        list.push({ ...field, wire: width === 4 ? 5 : 1, value: value.subarray(i, i + width) });
      }
    } else if (field.wire === 2 && kind === 'varint') {
      // As if every varint had a tag: 8 is field 1, wire type 0.
      const value = field.value as Uint8Array;
      const tagged: number[] = [];
      for (let i = 0; i < value.length; i++) {
        if (i === 0 || value[i - 1]! < 0x80) tagged.push(8);
        tagged.push(value[i]!);
      }
      for (const item of wireFields(new Uint8Array(tagged)))
        list.push({ ...item, number: field.number });
    } else list.push(field);
  }
  return groups;
}

/** The first difference of two messages, or null: fields of different numbers may change places, numbers may
 *  be packed or not, and an empty packed field is none.
 *  @param type  a name in `children`; others have no messages in them */
export function difference(
  a: Uint8Array,
  b: Uint8Array,
  type = 'Model',
  path = type,
): string | null {
  if (type === 'Leaf' || children[type] === undefined)
    return same(a, b) ? null : reorder(a, b, path);
  const [x, y] = [grouped(a, type), grouped(b, type)];
  for (const key of new Set([...x.keys(), ...y.keys()])) {
    const [left, right] = [x.get(key) ?? [], y.get(key) ?? []];
    const number = Number.parseInt(key, 10);
    const place = `${path}.${number}`;
    if (left.length !== right.length) return `${place}: ${left.length} and ${right.length} values`;
    const child = children[type]?.[number];
    for (const [i, one] of left.entries()) {
      const other = right[i]!;
      if (typeof one.value === 'bigint') {
        if (one.value !== other.value) return `${place}[${i}]: ${one.value} and ${other.value}`;
      } else if (
        one.wire === 2 &&
        child !== undefined &&
        !['f32', 'f64', 'varint'].includes(child)
      ) {
        const found = difference(one.value, other.value as Uint8Array, child, `${place}[${i}]`);
        if (found !== null) return found;
      } else if (!same(one.value, other.value as Uint8Array)) return `${place}[${i}]: other bytes`;
    }
  }
  return null;
}

/** Flat messages whose bytes differ: the same fields in another order are no difference. */
function reorder(a: Uint8Array, b: Uint8Array, path: string): string | null {
  const key = (bytes: Uint8Array): string =>
    wireFields(bytes)
      .map(({ number, wire, value }) => `${String(number).padStart(9)}:${wire}:${value}`)
      .sort()
      .join();
  return key(a) === key(b) ? null : `${path}: other fields`;
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Which fields of a message type are messages: for putting something into every level. */
export function messageFields(type: string): Record<number, string> {
  const fields = children[type] ?? {};
  const names = Object.entries(fields).filter(
    ([, kind]) => !['f32', 'f64', 'varint'].includes(kind),
  );
  return Object.fromEntries(names);
}

/** Encodes fields; the counterpart of `wireFields`. */
export function wireBytes(fields: readonly WireField[]): Uint8Array {
  const out: Uint8Array[] = [];
  for (const { number, wire, value } of fields) {
    out.push(varintBytes(BigInt(number * 8 + wire)));
    if (typeof value === 'bigint') out.push(varintBytes(value));
    else {
      if (wire === 2) out.push(varintBytes(BigInt(value.length)));
      out.push(value);
    }
  }
  return new Uint8Array(Buffer.concat(out));
}

export function varintBytes(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return new Uint8Array(bytes);
}
