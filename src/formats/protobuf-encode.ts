import { FormatError, rangeError, typeError } from '../core/errors.ts';
import { type ByteSink, type ByteSource, copySource } from '../core/source.ts';
import { type Int64, maxMessageBytes, sizeOfInt64, sizeOfUint32, WireWriter } from './protobuf.ts';
import type { Field, Message, MessageType } from './protobuf-schema.ts';
import { encodeUtf8, utf8Length } from './utf8.ts';

/** Small fields are handed over in pieces of about this many bytes. */
const chunkBytes = 2 ** 19;
/** Bytes from here on are handed over as they are, not copied. */
const viewBytes = 2 ** 14;
/** Deeper nesting is a cycle, or unreadable for everyone. */
const deepest = 1000;

interface Frame {
  message: Message;
  type: MessageType;
  field: number;
  index: number;
  /** Place of this message's size in the list of sizes. */
  slot: number;
  size: number;
}

/** A message with the sizes of all messages in it, in the order of writing. */
export interface Measured {
  readonly type: MessageType;
  readonly message: Message;
  readonly sizes: readonly number[];
}

/** Checks a message and computes its sizes: O(fields), no bytes are made.
 *  @throws {TypeError | RangeError} a value that its field cannot hold; the field is named
 *  @throws {FormatError} nested deeper than 1000, or larger than the 2 GiB that one message can have */
export function measure(type: MessageType, message: Message): Measured {
  const sizes: number[] = [0];
  const stack: Frame[] = [{ message, type, field: 0, index: 0, slot: 0, size: 0 }];
  for (;;) {
    const frame = stack.at(-1)!;
    const field = frame.type.fields[frame.field];
    if (field === undefined) {
      const size = frame.size + (frame.message.unknown?.byteLength ?? 0);
      sizes[frame.slot] = size;
      if (size > maxMessageBytes) throw tooLarge(type.name, size);
      stack.pop();
      const outer = stack.at(-1);
      if (outer === undefined) return { type, message, sizes };
      outer.size += tagSize(outer.type.fields[outer.field]!) + sizeOfUint32(size) + size;
      if (outer.type.fields[outer.field]!.repeated) outer.index++;
      else outer.field++;
      continue;
    }
    const child = childAt(frame, field);
    if (child === null) {
      if (field.message === null) {
        const value = frame.message[field.name];
        if (value !== undefined) {
          checkRivals(frame, field);
          frame.size += valuesSize(frame.type, field, value);
        }
      }
      frame.field++;
      frame.index = 0;
      continue;
    }
    if (frame.index === 0) checkRivals(frame, field);
    if (typeof child !== 'object' || child === undefined)
      throw fieldType(frame.type, field, 'a message', child);
    if (stack.length > deepest) {
      throw new FormatError(`messages nest deeper than ${deepest}`, {
        code: 'E_PROTOBUF_DEPTH',
        where: `${frame.type.name}.${field.name}`,
        hint: 'a message must not contain itself',
      });
    }
    stack.push({
      message: child,
      type: field.message!,
      field: 0,
      index: 0,
      slot: sizes.length,
      size: 0,
    });
    sizes.push(0);
  }
}

/** The bytes of a measured message in order: gathered small fields, views of large ones, and sources. */
export function* pieces({ type, message, sizes }: Measured): Generator<Uint8Array | ByteSource> {
  const writer = new WireWriter();
  const stack: Frame[] = [{ message, type, field: 0, index: 0, slot: 0, size: 0 }];
  let slot = 0;
  for (;;) {
    const frame = stack.at(-1)!;
    const field = frame.type.fields[frame.field];
    if (field === undefined) {
      if (frame.message.unknown !== undefined) yield* block(writer, frame.message.unknown);
      stack.pop();
      const outer = stack.at(-1);
      if (outer === undefined) break;
      if (outer.type.fields[outer.field]!.repeated) outer.index++;
      else outer.field++;
      continue;
    }
    const child = childAt(frame, field);
    if (child !== null) {
      writer.uint32(tagOf(field));
      writer.uint32(sizes[++slot]!);
      stack.push({
        message: child as Message,
        type: field.message!,
        field: 0,
        index: 0,
        slot,
        size: 0,
      });
      if (writer.gathered >= chunkBytes) yield writer.take();
      continue;
    }
    const value = field.message === null ? frame.message[field.name] : undefined;
    frame.field++;
    frame.index = 0;
    if (value === undefined) continue;
    for (const item of field.repeated ? (value as unknown[]) : [value]) {
      writer.uint32(tagOf(field));
      switch (field.type) {
        case 'string': {
          const text = encodeUtf8(item as string);
          writer.uint32(text.length);
          yield* block(writer, text);
          break;
        }
        case 'float':
          writer.float(item as number);
          break;
        case 'double':
          writer.double(item as number);
          break;
        case 'int32':
        case 'int64':
          writer.int64(item as Int64);
          break;
        default: {
          const bytes = item as Uint8Array | ByteSource;
          writer.uint32(bytesOf(bytes));
          yield* block(writer, bytes);
        }
      }
      if (writer.gathered >= chunkBytes) yield writer.take();
    }
  }
  if (writer.gathered > 0) yield writer.take();
}

function* block(
  writer: WireWriter,
  bytes: Uint8Array | ByteSource,
): Generator<Uint8Array | ByteSource> {
  if (bytes instanceof Uint8Array && bytes.length < viewBytes) {
    writer.raw(bytes);
    return;
  }
  if (writer.gathered > 0) yield writer.take();
  yield bytes;
}

/** Streams a measured message: large fields are passed as views or read piece by piece, never copied whole. */
export async function writePieces(measured: Measured, sink: ByteSink): Promise<void> {
  for (const piece of pieces(measured)) {
    if (piece instanceof Uint8Array) await sink.write(piece);
    else await copySource(piece, sink);
  }
}

/** The bytes of a measured message in one array. Sources must have been read.
 *  @throws {TypeError} a payload is not in memory */
export function joinPieces(measured: Measured): Uint8Array {
  const bytes = new Uint8Array(measured.sizes[0]!);
  let at = 0;
  for (const piece of pieces(measured)) {
    if (!(piece instanceof Uint8Array)) throw typeError('payload', 'a Uint8Array', piece);
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Next message of the current field; null where there is none. */
function childAt(frame: Frame, field: Field): Message | null {
  if (field.message === null) return null;
  const value = frame.message[field.name];
  if (value === undefined) return null;
  if (!field.repeated) return value as Message;
  if (!Array.isArray(value)) throw fieldType(frame.type, field, 'an array', value);
  return frame.index < value.length ? (value[frame.index] as Message) : null;
}

function valuesSize(type: MessageType, field: Field, value: unknown): number {
  if (!field.repeated) return tagSize(field) + valueSize(type, field, value);
  if (!Array.isArray(value)) throw fieldType(type, field, 'an array', value);
  let size = tagSize(field) * value.length;
  for (const item of value) size += valueSize(type, field, item);
  return size;
}

function valueSize(type: MessageType, field: Field, value: unknown): number {
  switch (field.type) {
    case 'string': {
      if (typeof value !== 'string') throw fieldType(type, field, 'a string', value);
      const length = utf8Length(value);
      return sizeOfUint32(length) + length;
    }
    case 'float':
    case 'double':
      if (typeof value !== 'number') throw fieldType(type, field, 'a number', value);
      return field.type === 'float' ? 4 : 8;
    case 'int32':
    case 'int64':
      return integerSize(type, field, value);
    default: {
      const source =
        typeof value === 'object' && value !== null && 'read' in value && 'size' in value;
      if (!(value instanceof Uint8Array) && !(field.payload && source)) {
        throw fieldType(
          type,
          field,
          field.payload ? 'a Uint8Array or ByteSource' : 'a Uint8Array',
          value,
        );
      }
      const length = bytesOf(value as Uint8Array | ByteSource);
      if (length > maxMessageBytes) throw tooLarge(`${type.name}.${field.name}`, length);
      return sizeOfUint32(length) + length;
    }
  }
}

function integerSize(type: MessageType, field: Field, value: unknown): number {
  const bits = field.type === 'int32' ? 32 : 64;
  const exact = typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'bigint';
  if (!exact) throw fieldType(type, field, 'a safe integer or a bigint', value);
  const integer = value as Int64;
  const fits =
    bits === 32
      ? integer >= -(2 ** 31) && integer < 2 ** 31
      : typeof integer === 'number' || BigInt.asIntN(64, integer) === integer;
  if (!fits) throw rangeError(`${type.name}.${field.name}`, `an integer of ${bits} bits`, value);
  return sizeOfInt64(integer);
}

function checkRivals(frame: Frame, field: Field): void {
  for (const rival of field.rivals) {
    if (frame.message[rival] !== undefined) {
      throw rangeError(`${frame.type.name}.${field.name}`, `nothing beside "${rival}"`, 'both');
    }
  }
}

function fieldType(type: MessageType, field: Field, expected: string, got: unknown): TypeError {
  return typeError(`${type.name}.${field.name}`, expected, got);
}

function bytesOf(bytes: Uint8Array | ByteSource): number {
  return bytes instanceof Uint8Array ? bytes.byteLength : bytes.size;
}

function tagOf(field: Field): number {
  const lazy = field.type === 'floats' || field.type === 'doubles' || field.type === 'varints';
  return field.number * 8 + (lazy ? 2 : field.wire);
}

function tagSize(field: Field): number {
  return sizeOfUint32(field.number * 8);
}

function tooLarge(where: string, size: number): FormatError {
  return new FormatError(`${size} bytes, more than the 2 GiB that one protobuf message can have`, {
    code: 'E_TOO_LARGE',
    where,
    hint: 'store the weights as external data',
  });
}
