import { FormatError, rangeError, typeError } from '../../core/errors.ts';
import { type ByteSink, type ByteSource, copySource } from '../../core/source.ts';
import { encodeUtf8 } from '../utf8.ts';
import { BytesWriter } from './bytes-writer.ts';
import type { TableRecord } from './decode.ts';
import { largestBuffer } from './image.ts';
import { Repeated } from './repeated.ts';
import { elementsOf, putScalar } from './scalars.ts';
import { type FieldSchema, type Schema, type TableSchema, tableOf } from './schema.ts';

/** A buffer that is laid out and not yet written. */
export interface Encoded {
  readonly size: number;
  /** What it consists of, in order: tables, then large vectors and what lies between them. */
  readonly parts: readonly (Uint8Array | ByteSource)[];
}

/** Vectors of bytes from this size on lie behind the tables and are passed on, not copied. */
export const largeBytes = 1024;
/** More levels than any reader takes. */
const deepest = 127;

interface LargeVector {
  readonly content: Uint8Array | ByteSource;
  readonly size: number;
  /** Elements. */
  readonly count: number;
  align: number;
  /** Where the offsets to it are. */
  readonly from: number[];
}

/** Lays out records (see `decodeTables`) as a FlatBuffers buffer: tables depth first, equal vtables shared, fields that
 *  are present written even where they have their default, large vectors of bytes at the end. A vector of bytes may be
 *  a ByteSource; one that comes twice is written once, and so are equal strings and equal vectors of numbers. The same records give the same bytes. Cost: linear; vectors of
 *  1 kB or more are not copied.
 *  @param options.identifier  four letters for bytes 4 to 7
 *  @param options.limit  most bytes; by default the 2 GiB that offsets reach
 *  @throws {FormatError} E_TOO_LARGE: more than the limit
 *  @throws {TypeError | RangeError} a property that the schema does not have, a value that its kind can't hold */
export function encodeTables(
  record: TableRecord,
  schema: Schema,
  root: string,
  { identifier = '', limit = largestBuffer }: { identifier?: string; limit?: number } = {},
): Encoded {
  return new Encoder().run(record, tableOf(schema, root), identifier, limit);
}

/** Writes a laid-out buffer; sources are read in pieces. */
export async function writeEncoded({ parts }: Encoded, sink: ByteSink): Promise<void> {
  for (const part of parts) {
    if (part instanceof Uint8Array) await sink.write(part);
    else await copySource(part, sink);
  }
}

/** A laid-out buffer in one array.
 *  @throws {TypeError} a part of it is a source
 *  @throws {FormatError} E_TOO_LARGE: more than one array can hold everywhere (2 GiB) */
export function joinEncoded({ size, parts }: Encoded): Uint8Array {
  if (size > largestBuffer)
    throw new FormatError(`${size} bytes in one array`, { code: 'E_TOO_LARGE' });
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    if (!(part instanceof Uint8Array)) throw typeError('record', 'vectors in memory', part);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

interface Layout {
  readonly fields: readonly FieldSchema[];
  /** From the table's start, by slot. */
  readonly offsets: readonly (number | undefined)[];
  readonly size: number;
  readonly align: number;
  /** Where its vtable is; below 0 until it is written. */
  vtable: number;
}

/** A table starts 4 before a multiple of its largest alignment, and its fields, largest first, 4 after its start:
 *  nothing is lost to alignment. */
function layOut(fields: readonly FieldSchema[]): Layout {
  const entries = fields
    .flatMap((field) => {
      const { slot, inline } = field;
      const entry = { slot, size: inline, align: inlineAlign(field) };
      // A union's type is a byte, its value an offset in the next slot.
      return field.kind === '|' ? [entry, { slot: slot + 1, size: 4, align: 4 }] : [entry];
    })
    .sort((a, b) => b.align - a.align || a.slot - b.slot);
  const offsets: number[] = [];
  let size = 4;
  for (const entry of entries) {
    offsets[entry.slot] = size;
    size += entry.size;
  }
  return { fields, offsets, size, align: Math.max(4, entries[0]?.align ?? 4), vtable: -1 };
}

class Encoder {
  private readonly out = new BytesWriter();
  private readonly vtables = new Map<string, number>();
  /** By table and by which of its fields are there. */
  private readonly layouts = new Map<TableSchema, Map<string, Layout>>();
  private readonly large = new Map<unknown, LargeVector>();
  private readonly shared = new Map<string, LargeVector>();
  private repeated: Repeated | null = null;

  run(record: TableRecord, root: TableSchema, identifier: string, limit: number): Encoded {
    const { out } = this;
    this.repeated = new Repeated(record);
    out.add(4 + identifier.length);
    for (let i = 0; i < identifier.length; i++) out.u8(4 + i, identifier.charCodeAt(i));
    this.table(record, root, 0, 1);
    return this.finish(limit);
  }

  /** Puts the large vectors behind the tables and adds all up. */
  private finish(limit: number): Encoded {
    const { out } = this;
    out.alignTo(4);
    let size = out.size;
    const parts: (Uint8Array | ByteSource)[] = [];
    // The widest first: less is lost to alignment.
    const shared = [...this.shared.values()].sort((a, b) => b.align - a.align);
    for (const { content, size: length, count, align, from } of [
      ...shared,
      ...this.large.values(),
    ]) {
      const start = Math.ceil((size + 4) / align) * align;
      const head = new DataView(new ArrayBuffer(start - size));
      head.setUint32(head.byteLength - 4, count, true);
      for (const at of from) out.u32(at, start - 4 - at);
      parts.push(new Uint8Array(head.buffer), content);
      size = start + length;
    }
    if (size % 4 !== 0) {
      parts.push(new Uint8Array(4 - (size % 4)));
      size += 4 - (size % 4);
    }
    if (size > limit) {
      throw new FormatError(`${size} bytes, more than the ${limit} that a buffer may have`, {
        code: 'E_TOO_LARGE',
      });
    }
    return { size, parts: [out.bytes(), ...parts] };
  }

  /** @param from  where the offset to it is */
  private table(record: TableRecord, table: TableSchema, from: number, depth: number): void {
    if (depth > deepest) throw rangeError('record', `at most ${deepest} levels of tables`, depth);
    const { out } = this;
    const layout = this.layout(record, table);
    const { fields, offsets, size } = layout;
    if (layout.vtable < 0) layout.vtable = this.vtable(layout);
    out.alignTo(layout.align, 4);
    const start = out.add(size);
    out.u32(from, start - from);
    out.u32(start, start - layout.vtable);
    for (const field of fields) this.field(record[field.name], field, start, offsets, depth);
  }

  /** The layout of a record's table: the same for all that have the same fields. */
  private layout(record: TableRecord, table: TableSchema): Layout {
    let layouts = this.layouts.get(table);
    if (layouts === undefined) {
      layouts = new Map();
      this.layouts.set(table, layouts);
    }
    let key = '';
    let count = 0;
    for (const { name } of table.fields) {
      const isThere = record[name] !== undefined;
      key += isThere ? '1' : '0';
      if (isThere) count++;
    }
    const names = Object.keys(record);
    if (names.length !== count) this.checkNames(names, table);
    let layout = layouts.get(key);
    if (layout === undefined) {
      layout = layOut(table.fields.filter(({ name }) => record[name] !== undefined));
      layouts.set(key, layout);
    }
    return layout;
  }

  private checkNames(names: readonly string[], table: TableSchema): void {
    for (const name of names) {
      if (!table.fields.some((field) => field.name === name))
        throw typeError(table.name, 'fields of the schema', name);
    }
  }

  /** Where the vtable of a layout is; equal ones are written once. */
  private vtable({ offsets, size }: Layout): number {
    const key = `${size} ${offsets.join()}`;
    const known = this.vtables.get(key);
    if (known !== undefined) return known;
    const { out } = this;
    out.alignTo(2);
    const at = out.add(4 + 2 * offsets.length);
    out.u16(at, 4 + 2 * offsets.length);
    out.u16(at + 2, size);
    offsets.forEach((offset, slot) => {
      out.u16(at + 4 + 2 * slot, offset ?? 0);
    });
    this.vtables.set(key, at);
    return at;
  }

  private field(
    value: unknown,
    field: FieldSchema,
    start: number,
    offsets: readonly (number | undefined)[],
    depth: number,
  ): void {
    const { kind } = field;
    const at = start + offsets[field.slot]!;
    const name = field.path;
    if (field.isVector) this.vector(value, name, field, at, depth);
    else if (kind === 's') this.text(value, name, at);
    else if (kind === '@') this.table(asRecord(value, name), field.table!, at, depth + 1);
    else if (kind === '|') {
      const union = asRecord(value, name);
      const type = field.members.findIndex((member) => member.name === union.type);
      const member = field.members[type];
      if (member === undefined) throw typeError(name, 'a member of the union', union.type);
      this.out.u8(at, type + 1);
      const place = start + offsets[field.slot + 1]!;
      this.table(asRecord(union.value, name), member, place, depth + 1);
    } else if (kind === '#') this.out.set(at, structBytes(value, name, field.size));
    else putScalar(this.out, kind, at, value, name);
  }

  private vector(
    value: unknown,
    name: string,
    field: FieldSchema,
    from: number,
    depth: number,
  ): void {
    const { kind } = field;
    if (kind === '@' || kind === 's') {
      if (!Array.isArray(value)) throw typeError(name, 'an array', value);
      const start = this.start(from, value.length, 4 * value.length, 4);
      value.forEach((item: unknown, i) => {
        const at = start + 4 * i;
        if (kind === 's') this.text(item, name, at);
        else this.table(asRecord(item, name), field.table!, at, depth + 1);
      });
      return;
    }
    const align = Math.max(4, field.align);
    if (kind === 'B' && isSource(value)) {
      later(
        this.large,
        value,
        { content: value, size: value.size, count: value.size, align },
        from,
      );
      return;
    }
    const bytes =
      kind === '#' ? structBytes(value, name, 0) : elementsOf(kind as never, value, name);
    const vector = { content: bytes, size: bytes.length, count: bytes.length / field.size, align };
    const key = this.repeated!.keyOf(value);
    if (field.size === 1 && bytes.length >= largeBytes) {
      later(this.large, value, vector, from);
      return;
    }
    if (key !== null) {
      later(this.shared, key, vector, from);
      return;
    }
    const start = this.start(from, bytes.length / field.size, bytes.length, align);
    this.out.set(start, bytes);
  }

  /** Makes room for a vector; says where its elements start. */
  private start(from: number, count: number, bytes: number, align: number): number {
    const { out } = this;
    out.alignTo(align, 4);
    const at = out.add(4 + bytes);
    out.u32(from, at - from);
    out.u32(at, count);
    return at + 4;
  }

  private text(value: unknown, name: string, from: number): void {
    if (typeof value !== 'string') throw typeError(name, 'a string', value);
    const bytes = encodeUtf8(value);
    const key = this.repeated!.keyOf(value);
    if (key !== null) {
      const content = new Uint8Array(bytes.length + 1);
      content.set(bytes);
      const vector = { content, size: content.length, count: bytes.length, align: 4 };
      later(this.shared, key, vector, from);
      return;
    }
    const start = this.start(from, bytes.length, bytes.length + 1, 4);
    this.out.set(start, bytes);
  }
}

/** Remembers a vector that is written behind the tables, and where the offset to it is. */
function later<K>(
  vectors: Map<K, LargeVector>,
  key: K,
  vector: Omit<LargeVector, 'from'>,
  from: number,
): void {
  const known = vectors.get(key);
  if (known === undefined) vectors.set(key, { ...vector, from: [from] });
  else {
    known.align = Math.max(known.align, vector.align);
    known.from.push(from);
  }
}

function inlineAlign(field: FieldSchema): number {
  if (field.kind === '#' && !field.isVector) return field.align;
  return field.inline;
}

function isSource(value: unknown): value is ByteSource {
  return typeof value === 'object' && value !== null && 'read' in value && 'size' in value;
}

function asRecord(value: unknown, name: string): TableRecord {
  if (typeof value === 'object' && value !== null) return value as TableRecord;
  throw typeError(name, 'a record', value);
}

/** @param size  bytes of one; 0 for a vector of them */
function structBytes(value: unknown, name: string, size: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw typeError(name, 'the bytes of a struct', value);
  if (size > 0 && value.length !== size) throw rangeError(name, `${size} bytes`, value.length);
  return value;
}
