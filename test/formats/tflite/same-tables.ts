import { ByteBuffer } from 'flatbuffers';
import type { FieldSchema, TableSchema } from '../../../src/formats/flatbuffer/schema.ts';
import { tfliteSchema } from '../../../src/formats/tflite/codec.ts';

/** The published one reads zeros past the end. */
class StrictBuffer extends ByteBuffer {
  override readUint8(at: number): number {
    this.#check(at, 1);
    return super.readUint8(at);
  }

  override readInt16(at: number): number {
    this.#check(at, 2);
    return super.readInt16(at);
  }

  override readInt32(at: number): number {
    this.#check(at, 4);
    return super.readInt32(at);
  }

  override readInt64(at: number): bigint {
    this.#check(at, 8);
    return super.readInt64(at);
  }

  #check(at: number, size: number): void {
    if (!(at >= 0 && at + size <= this.capacity())) throw new Error(`read at byte ${at}`);
  }
}

/** Paths at which two TFLite files differ, read with the published FlatBuffers runtime: a scalar that is left out is
 *  its default; anything else that is there in one must be there in the other. `Buffer.data` are compared by
 *  the caller where `withBuffers` is false. */
export function differences(a: Uint8Array, b: Uint8Array, withBuffers = true): string[] {
  const [left, right] = [new StrictBuffer(a), new StrictBuffer(b)];
  const found: string[] = [];
  const start = (bb: ByteBuffer): number => bb.readInt32(0);
  tables(left, start(left), right, start(right), 'Model', 'Model');
  return found;

  function tables(
    x: ByteBuffer,
    xAt: number,
    y: ByteBuffer,
    yAt: number,
    name: string,
    path: string,
  ): void {
    const table = tfliteSchema().tables.get(name)!;
    const skipped = withBuffers
      ? []
      : ['Buffer', 'customOptions', 'largeCustomOptionsOffset', 'largeCustomOptionsSize'];
    if (skipped.includes(name)) return;
    for (let slot = table.slots; slot < slotsOf(x, xAt); slot++)
      if (place(x, xAt, slot) !== 0) found.push(`${path}: fields beyond the schema`);
    for (const field of table.fields) {
      if (skipped.includes(field.name)) continue;
      compare(x, place(x, xAt, field.slot), y, place(y, yAt, field.slot), field, table, path, [
        xAt,
        yAt,
      ]);
    }
  }

  function compare(
    x: ByteBuffer,
    xAt: number,
    y: ByteBuffer,
    yAt: number,
    field: FieldSchema,
    table: TableSchema,
    path: string,
    [xTable, yTable]: [number, number],
  ): void {
    const here = `${path}.${field.name}`;
    if (field.kind === '|') {
      const [typeX, typeY] = [xAt === 0 ? 0 : x.readUint8(xAt), yAt === 0 ? 0 : y.readUint8(yAt)];
      if (typeX !== typeY) found.push(here);
      else if (typeX !== 0) {
        const [valueX, valueY] = [
          place(x, xTable, field.slot + 1),
          place(y, yTable, field.slot + 1),
        ];
        const member = field.members[typeX - 1]!.name;
        if (valueX === 0 || valueY === 0) found.push(`${here}: no value`);
        else tables(x, x.__indirect(valueX), y, y.__indirect(valueY), member, here);
      }
      return;
    }
    const inTable = field.isVector || field.kind === 's' || field.kind === '@';
    if (!inTable) {
      const value = (bb: ByteBuffer, at: number): string =>
        at === 0 ? `${Number(field.default)}` : scalar(bb, at, field.kind);
      if (value(x, xAt) !== value(y, yAt)) found.push(here);
      return;
    }
    if ((xAt === 0) !== (yAt === 0)) found.push(`${here}: in one only`);
    if (xAt === 0 || yAt === 0) return;
    if (!field.isVector) {
      if (field.kind === 's') {
        if (text(x, xAt) !== text(y, yAt)) found.push(here);
      } else tables(x, x.__indirect(xAt), y, y.__indirect(yAt), field.table!.name, here);
      return;
    }
    const count = vectorLength(x, xAt);
    if (count !== vectorLength(y, yAt)) {
      found.push(`${here}: lengths`);
      return;
    }
    const [xs, ys] = [vectorStart(x, xAt), vectorStart(y, yAt)];
    for (let i = 0; i < count; i++) {
      const [p, q] = [xs + i * field.size, ys + i * field.size];
      if (field.kind === 's') {
        if (text(x, p) !== text(y, q)) found.push(`${here}[${i}]`);
      } else if (field.kind === '@') {
        tables(x, x.__indirect(p), y, y.__indirect(q), field.table!.name, `${here}[${i}]`);
      } else {
        const bytes = count * field.size;
        if (count > 0) {
          x.readUint8(xs + bytes - 1);
          y.readUint8(ys + bytes - 1);
        }
        const [u, v] = [x.bytes().subarray(xs, xs + bytes), y.bytes().subarray(ys, ys + bytes)];
        if (Buffer.compare(u, v) !== 0) found.push(here);
        const aligned = `${table.name}.${field.name}` !== 'Buffer.data' || ys % 16 === 0;
        if (ys % field.size !== 0 || !aligned) found.push(`${here}: not aligned`);
        break;
      }
    }
  }
}

function slotsOf(bb: ByteBuffer, at: number): number {
  return (bb.readInt16(at - bb.readInt32(at)) - 4) / 2;
}

function place(bb: ByteBuffer, at: number, slot: number): number {
  const offset = bb.__offset(at, 4 + 2 * slot);
  return offset === 0 ? 0 : at + offset;
}

function vectorStart(bb: ByteBuffer, at: number): number {
  return bb.__vector(at);
}

function vectorLength(bb: ByteBuffer, at: number): number {
  return bb.__vector_len(at);
}

function text(bb: ByteBuffer, at: number): string {
  const start = at + bb.readInt32(at);
  const length = bb.readInt32(start);
  bb.readUint8(start + 4 + length);
  return Buffer.from(bb.bytes().subarray(start + 4, start + 4 + length)).toString('latin1');
}

function scalar(bb: ByteBuffer, at: number, kind: FieldSchema['kind']): string {
  switch (kind) {
    case '?':
      return bb.readUint8(at) === 0 ? '0' : '1';
    case 'B':
      return `${bb.readUint8(at)}`;
    case 'b':
      return `${bb.readInt8(at)}`;
    case 'h':
      return `${bb.readInt16(at)}`;
    case 'H':
      return `${bb.readUint16(at)}`;
    case 'i':
      return `${bb.readInt32(at)}`;
    case 'I':
      return `${bb.readUint32(at)}`;
    case 'q':
      return `${bb.readInt64(at)}`;
    case 'Q':
      return `${bb.readUint64(at)}`;
    case 'f':
      return `${bb.readFloat32(at)}`;
    default:
      return `${bb.readFloat64(at)}`;
  }
}
