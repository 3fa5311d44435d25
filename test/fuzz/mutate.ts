import type { Random } from '../../src/core/random.ts';

/** Mutations of protobuf messages as trees of fields. No schema: a length-delimited field that reads as fields
 *  is taken for a message. Random bytes die in the first check of a reader; these reach the last. */

export interface FuzzField {
  number: number;
  wire: number;
  /** Content after the tag (and length); null for a message or group. */
  bytes: Uint8Array | null;
  children: FuzzField[] | null;
  /** Added to the length that is written. */
  lie: number;
}

const deepest = 24;
/** The likely ones first: groups and what no reader knows end most runs early. */
const wires: readonly number[] = [0, 2, 5, 1, 3, 4, 6, 7];

/** Fields of a message, or null where the bytes are none. */
export function parseTree(bytes: Uint8Array, depth = 0): FuzzField[] | null {
  const fields: FuzzField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < bytes.length && scale < 2 ** 63; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    return -1;
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    if (number < 1 || number > 1000) return null;
    let start = at;
    let length = 0;
    if (wire === 0) {
      if (varint() < 0) return null;
      length = at - start;
    } else if (wire === 2) {
      length = varint();
      start = at;
    } else if (wire === 1) length = 8;
    else if (wire === 5) length = 4;
    else return null;
    if (length < 0 || start + length > bytes.length) return null;
    const content = bytes.slice(start, start + length);
    const children =
      wire === 2 && length > 1 && depth < deepest ? parseTree(content, depth + 1) : null;
    fields.push({ number, wire, bytes: children === null ? content : null, children, lie: 0 });
    at = start + length;
  }
  return fields;
}

/** The bytes of a tree, with its lies. Written from the end, so that lengths are known when they are written. */
export function writeTree(fields: readonly FuzzField[]): Uint8Array {
  const out = new Uint8Array(largestSize(fields));
  return out.subarray(put(out, out.length, fields));
}

/** No less than the bytes of a tree: tags and lengths take at most 5 bytes each. */
function largestSize(fields: readonly FuzzField[]): number {
  let size = 0;
  for (const { bytes, children } of fields) {
    size += 10 + (children === null ? bytes!.length : largestSize(children));
  }
  return size;
}

/** Writes fields so that they end at `end`; returns where they start. */
function put(out: Uint8Array, end: number, fields: readonly FuzzField[]): number {
  let at = end;
  for (let i = fields.length - 1; i >= 0; i--) {
    const { number, wire, bytes, children, lie } = fields[i]!;
    const stop = at;
    if (children === null) {
      at -= bytes!.length;
      out.set(bytes!, at);
    } else at = put(out, at, children);
    if (wire === 2) at = putVarint(out, at, Math.max(0, stop - at + lie));
    at = putVarint(out, at, number * 8 + wire);
  }
  return at;
}

/** Writes a varint of at most 5 bytes so that it ends at `end`. */
function putVarint(out: Uint8Array, end: number, value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  let rest = value;
  for (let at = end - size; at < end; at++) {
    out[at] = (rest % 128) | (at < end - 1 ? 128 : 0);
    rest = Math.floor(rest / 128);
  }
  return end - size;
}

const edges: readonly bigint[] = [
  0n,
  1n,
  2n,
  7n,
  8n,
  9n,
  16n,
  17n,
  26n,
  27n,
  100n,
  127n,
  128n,
  255n,
  256n,
  65535n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 2n,
  2n ** 64n - 1n,
];

/** A varint of an edge value, sometimes longer than need be. */
function edgeVarint({ below }: Random): Uint8Array {
  const bytes: number[] = [];
  let rest = edges[below(edges.length)]!;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  if (below(8) === 0) {
    const length = bytes.length + 1 + below(11);
    bytes[bytes.length - 1]! |= 0x80;
    while (bytes.length < length) bytes.push(0x80);
    bytes.push(below(3));
  }
  return new Uint8Array(bytes);
}

function randomBytes({ below }: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => below(256));
}

/** A mutated copy of one of the seeds, as bytes.
 *  @param limit  trees stay below about this many bytes */
export function mutate(
  seeds: readonly (readonly FuzzField[])[],
  random: Random,
  limit = 20_000,
): Uint8Array {
  const { below } = random;
  let tree = [...seeds[below(seeds.length)]!];
  for (let count = 1 + below(4); count > 0; count--) tree = mutateTree(tree, seeds, random, limit);
  return mutateBytes(writeTree(tree), random);
}

/** Copies the way down to a random list of fields and changes one thing in it; the seeds stay as they are. */
function mutateTree(
  tree: FuzzField[],
  seeds: readonly (readonly FuzzField[])[],
  random: Random,
  limit: number,
): FuzzField[] {
  const { below } = random;
  const root = [...tree];
  let list = root;
  for (let depth = 0; depth < deepest; depth++) {
    const inner = list.filter(({ children }) => children !== null);
    if (inner.length === 0 || below(4) === 0) break;
    const at = list.indexOf(inner[below(inner.length)]!);
    const copy = { ...list[at]!, children: [...list[at]!.children!] };
    list[at] = copy;
    list = copy.children;
  }
  const at = below(list.length + 1);
  const field = list[at];
  if (field === undefined) {
    list.push(anyField(seeds, random));
    return root;
  }
  switch (below(14)) {
    case 0:
      list.splice(at, 1);
      break;
    case 1:
      list.splice(below(list.length + 1), 0, field);
      break;
    case 2: {
      const other = below(list.length);
      [list[at], list[other]] = [list[other]!, field];
      break;
    }
    case 3:
      list.splice(at, 0, anyField(seeds, random));
      break;
    case 4:
      list[at] = anyField(seeds, random);
      break;
    case 5:
      list[at] = { ...field, number: 1 + below(30) };
      break;
    case 6:
      list[at] = {
        ...field,
        wire: wires[Math.min(below(8), below(8))]!,
        bytes: field.bytes ?? edgeVarint(random),
        children: null,
      };
      break;
    case 7:
      if (field.wire === 2)
        list[at] = { ...field, lie: below(2) === 0 ? below(7) - 3 : below(2 ** 30) };
      break;
    case 8: {
      // Nested in itself.
      let inner = field;
      for (let i = below(90); i > 0; i--)
        inner = { ...field, wire: 2, bytes: null, children: [inner], lie: 0 };
      list[at] = inner;
      break;
    }
    case 9: {
      const many = Math.min(2 ** below(11), Math.floor(limit / largestSize([field])));
      for (let i = 0; i < many; i++) list.splice(at, 0, field);
      break;
    }
    case 10:
      // A group around it, with or without its end.
      list.splice(at, 0, marker(1 + below(200), 3));
      if (below(4) > 0) list.splice(at + 2, 0, marker(list[at]!.number, 4));
      break;
    default:
      list[at] = { ...field, ...mutateContent(field, random) };
  }
  return root;
}

function marker(number: number, wire: number): FuzzField {
  return { number, wire, bytes: new Uint8Array(0), children: null, lie: 0 };
}

function mutateContent(field: FuzzField, random: Random): Pick<FuzzField, 'bytes' | 'children'> {
  const { below } = random;
  if (field.wire === 0) return { bytes: edgeVarint(random), children: null };
  const bytes = field.children === null ? field.bytes!.slice() : writeTree(field.children);
  switch (below(5)) {
    case 0:
      return { bytes: bytes.slice(0, below(bytes.length + 1)), children: null };
    case 1:
      return {
        bytes: new Uint8Array([...bytes, ...randomBytes(random, 1 + below(9))]),
        children: null,
      };
    case 2:
      return { bytes: new Uint8Array(0), children: null };
    case 3:
      return { bytes: edgeVarint(random), children: null };
    default:
      if (bytes.length > 0) bytes[below(bytes.length)] = below(256);
      return { bytes, children: null };
  }
}

/** A part of some seed, or something new. */
function anyField(seeds: readonly (readonly FuzzField[])[], random: Random): FuzzField {
  const { below } = random;
  if (below(3) === 0) {
    const wire = wires[below(4)]!;
    const bytes =
      wire === 0
        ? edgeVarint(random)
        : randomBytes(random, wire === 1 ? 8 : wire === 5 ? 4 : below(6));
    return { number: 1 + below(30), wire, bytes, children: null, lie: 0 };
  }
  let list = seeds[below(seeds.length)]!;
  for (;;) {
    const field = list[below(list.length)];
    if (field === undefined) return marker(1, 2);
    if (field.children === null || field.children.length === 0 || below(3) === 0) return field;
    list = field.children;
  }
}

/** Sometimes breaks the bytes themselves. */
function mutateBytes(bytes: Uint8Array, { below }: Random): Uint8Array {
  switch (below(12)) {
    case 0:
      return bytes.slice(0, below(bytes.length + 1));
    case 1:
      for (let i = 1 + below(4); i > 0 && bytes.length > 0; i--)
        bytes[below(bytes.length)] = below(256);
      return bytes;
    case 2:
      for (let i = 1 + below(4); i > 0 && bytes.length > 0; i--)
        bytes[below(bytes.length)]! ^= 1 << below(8);
      return bytes;
    default:
      return bytes;
  }
}
