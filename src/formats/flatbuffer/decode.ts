import { FormatError } from '../../core/errors.ts';
import { type FieldSchema, type ScalarKind, type Schema, sizeOfScalar } from './schema.ts';

/** A table as a plain object: fields that the file leaves out are absent. */
export type TableRecord = Record<string, unknown>;

/** Decodes a buffer's root table and everything it points to; vectors of scalars are views where alignment allows.
 *  @throws {FormatError} it points outside of the buffer */
export function decodeTables(bytes: Uint8Array, schema: Schema, root: string): TableRecord {
  return new Decoder(bytes, schema).table(root, 0, 0);
}

const arrays = {
  '?': Uint8Array,
  b: Int8Array,
  B: Uint8Array,
  h: Int16Array,
  H: Uint16Array,
  i: Int32Array,
  I: Uint32Array,
  q: BigInt64Array,
  Q: BigUint64Array,
  f: Float32Array,
  d: Float64Array,
} as const;

class Decoder {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly schema: Schema;
  private readonly text = new TextDecoder();

  constructor(bytes: Uint8Array, schema: Schema) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.schema = schema;
  }

  /** @param at  where the offset to the table is */
  table(name: string, at: number, depth: number): TableRecord {
    if (depth > 64) throw broken('tables are nested too deep');
    const start = this.follow(at);
    const vtable = start - this.int(start);
    const slots = (this.short(vtable) - 4) / 2;
    const record: TableRecord = {};
    for (const field of this.schema.tables.get(name)!.fields) {
      const place = (slot: number): number => {
        const offset = slot < slots ? this.short(vtable + 4 + 2 * slot) : 0;
        return offset === 0 ? 0 : start + offset;
      };
      const where = place(field.slot);
      if (where === 0) continue;
      if (field.kind === '|' && !field.isVector) {
        const value = place(field.slot + 1);
        const type = this.scalar('B', where) as number;
        const member = this.schema.unions.get(field.target)![type - 1];
        if (type === 0 || value === 0) continue;
        if (member === undefined) throw broken(`${field.name} is of an unknown type (${type})`);
        record[field.name] = { type: member, value: this.table(member, value, depth + 1) };
      } else record[field.name] = this.field(field, where, depth);
    }
    return record;
  }

  private field(field: FieldSchema, at: number, depth: number): unknown {
    const { kind, isVector } = field;
    if (!isVector) {
      if (kind === 's') return this.string(at);
      if (kind === '@') return this.table(field.target, at, depth + 1);
      return this.scalar(kind as ScalarKind, at);
    }
    const start = this.follow(at);
    const count = this.view.getUint32(start, true);
    if (kind === 's' || kind === '@') {
      this.check(start + 4, 4 * count);
      return Array.from({ length: count }, (_, i) =>
        kind === 's'
          ? this.string(start + 4 + 4 * i)
          : this.table(field.target, start + 4 + 4 * i, depth + 1),
      );
    }
    const size = sizeOfScalar[kind as ScalarKind];
    this.check(start + 4, size * count);
    const from = this.bytes.byteOffset + start + 4;
    const type = arrays[kind as ScalarKind];
    if (from % size === 0) return new type(this.bytes.buffer as ArrayBuffer, from, count);
    return new type(this.bytes.slice(start + 4, start + 4 + size * count).buffer);
  }

  private scalar(kind: ScalarKind, at: number): unknown {
    this.check(at, sizeOfScalar[kind]);
    const { view } = this;
    switch (kind) {
      case '?':
        return view.getUint8(at) !== 0;
      case 'b':
        return view.getInt8(at);
      case 'B':
        return view.getUint8(at);
      case 'h':
        return view.getInt16(at, true);
      case 'H':
        return view.getUint16(at, true);
      case 'i':
        return view.getInt32(at, true);
      case 'I':
        return view.getUint32(at, true);
      case 'q':
        return view.getBigInt64(at, true);
      case 'Q':
        return view.getBigUint64(at, true);
      case 'f':
        return view.getFloat32(at, true);
      case 'd':
        return view.getFloat64(at, true);
    }
  }

  private string(at: number): string {
    const start = this.follow(at);
    const count = this.view.getUint32(start, true);
    this.check(start + 4, count);
    return this.text.decode(this.bytes.subarray(start + 4, start + 4 + count));
  }

  private follow(at: number): number {
    this.check(at, 4);
    const to = at + this.view.getUint32(at, true);
    this.check(to, 4);
    return to;
  }

  private short(at: number): number {
    this.check(at, 2);
    return this.view.getUint16(at, true);
  }

  private int(at: number): number {
    this.check(at, 4);
    return this.view.getInt32(at, true);
  }

  private check(at: number, size: number): void {
    if (at < 0 || at + size > this.bytes.length) throw broken('an offset leads out of the file');
  }
}

function broken(message: string): FormatError {
  return new FormatError(message, { code: 'E_FLATBUFFER' });
}
