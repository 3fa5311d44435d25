import type { ByteSource } from '../../core/source.ts';
import { decodeUtf8 } from '../utf8.ts';
import { Image } from './image.ts';
import { arraysOfScalars } from './scalars.ts';
import {
  type FieldSchema,
  type ScalarKind,
  type Schema,
  type TableSchema,
  tableOf,
} from './schema.ts';
import { type UnknownField, type VerifyOptions, verifyImage } from './verify.ts';

/** A table as a plain object: fields that the file leaves out are absent. */
export type TableRecord = Record<string, unknown>;

export interface DecodeOptions extends VerifyOptions {
  /** Gets the fields that the schema does not know; they are in no record. */
  onUnknown?(field: UnknownField): void;
}

/** Verifies a buffer, then decodes its root table and everything it points to. Vectors of scalars are typed arrays,
 *  views of `bytes` where alignment allows; structs are their bytes; 64-bit integers are bigints; strings keep bytes
 *  that are no UTF-8 as lone surrogates (formats/utf8.ts); a union is `{ type, value }`.
 *  @throws as `verifyTables` does */
export function decodeTables(
  bytes: Uint8Array,
  schema: Schema,
  root: string,
  options: DecodeOptions = {},
): TableRecord {
  const image = new Image(bytes);
  const { unknown } = verifyImage(image, schema, root, options);
  for (const field of unknown) options.onUnknown?.(field);
  return decodeImage(image, schema, root);
}

/** Verifies and decodes a buffer of which only the tables are read, page by page; vectors of the field `lazy`
 *  (`Table.field`, of bytes) are ByteSources in the records.
 *  @throws as `verifyTables` does */
export async function decodeLazily(
  source: ByteSource,
  schema: Schema,
  root: string,
  lazy: string,
  options: DecodeOptions = {},
): Promise<TableRecord> {
  const image = new Image(source);
  // Each round gets further down, and a round that finds all it asks for is the last.
  for (;;) {
    const { unknown } = verifyImage(image, schema, root, options, lazy);
    if (image.missing.size === 0) {
      for (const field of unknown) options.onUnknown?.(field);
      return decodeImage(image, schema, root, lazy);
    }
    await image.load();
  }
}

/** Only after `verifyImage`: nothing is checked here. */
function decodeImage(image: Image, schema: Schema, root: string, lazy = ''): TableRecord {
  return new Decoder(image, lazy).table(tableOf(schema, root), image.u32(0));
}

class Decoder {
  private readonly image: Image;
  private readonly lazy: string;

  constructor(image: Image, lazy: string) {
    this.image = image;
    this.lazy = lazy;
  }

  table(table: TableSchema, start: number): TableRecord {
    const { image } = this;
    const vtable = start - image.i32(start);
    const slots = (image.u16(vtable) - 4) / 2;
    const record: TableRecord = {};
    for (const field of table.fields) {
      const offset = field.slot < slots ? image.u16(vtable + 4 + 2 * field.slot) : 0;
      if (offset === 0) continue;
      const at = start + offset;
      if (field.kind === '|') {
        const type = image.u8(at);
        if (type === 0) continue;
        const member = field.members[type - 1]!;
        const value = field.slot + 1 < slots ? image.u16(vtable + 6 + 2 * field.slot) : 0;
        record[field.name] = {
          type: member.name,
          value: value === 0 ? {} : this.table(member, this.follow(start + value)),
        };
      } else if (field.isVector) record[field.name] = this.vector(field, this.follow(at));
      else if (field.kind === 's') record[field.name] = this.text(at);
      else if (field.kind === '@') record[field.name] = this.table(field.table!, this.follow(at));
      else if (field.kind === '#') record[field.name] = image.bytes(at, field.size);
      else record[field.name] = this.scalar(field.kind, at);
    }
    return record;
  }

  private vector(field: FieldSchema, at: number): unknown {
    const { image } = this;
    const { kind, size } = field;
    const count = image.u32(at);
    const start = at + 4;
    if (kind === 's' || kind === '@') {
      return Array.from({ length: count }, (_, i) =>
        kind === 's'
          ? this.text(start + 4 * i)
          : this.table(field.table!, this.follow(start + 4 * i)),
      );
    }
    if (!image.whole && field.path === this.lazy) return image.later(start, count * size);
    if (count === 0 && kind !== '#') return new arraysOfScalars[kind as ScalarKind](0);
    const bytes = image.bytes(start, count * size);
    if (kind === '#') return bytes;
    const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
    return new arraysOfScalars[kind as ScalarKind](
      aligned.buffer as ArrayBuffer,
      aligned.byteOffset,
      count,
    );
  }

  private scalar(kind: ScalarKind, at: number): unknown {
    const view = this.image.page(at);
    const from = this.image.within(at);
    switch (kind) {
      case '?':
        return view.getUint8(from) !== 0;
      case 'b':
        return view.getInt8(from);
      case 'B':
        return view.getUint8(from);
      case 'h':
        return view.getInt16(from, true);
      case 'H':
        return view.getUint16(from, true);
      case 'i':
        return view.getInt32(from, true);
      case 'I':
        return view.getUint32(from, true);
      case 'q':
        return view.getBigInt64(from, true);
      case 'Q':
        return view.getBigUint64(from, true);
      case 'f':
        return view.getFloat32(from, true);
      case 'd':
        return view.getFloat64(from, true);
    }
  }

  private text(at: number): string {
    const start = this.follow(at);
    const length = this.image.u32(start);
    return decodeUtf8(this.image.bytes(start + 4, length));
  }

  private follow(at: number): number {
    return at + this.image.u32(at);
  }
}
