import { FormatError, LimitError, ModelpressError } from '../core/errors.ts';
import protobuf from './protobuf/minimal.ts';

/** Protocol-buffers wire format on protobufjs' minimal Reader and Writer: they need no code generation, so
 *  they work under a strict content security policy. 64-bit integers are read here, because protobufjs
 *  returns rounded numbers where no Long class is configured.
 *  Source: protobuf.dev/programming-guides/encoding. */

/** An integer of up to 64 bits: a bigint only where a number would not be exact. */
export type Int64 = number | bigint;

export const wireVarint = 0;
export const wireFixed64 = 1;
export const wireBytes = 2;
export const wireGroup = 3;
export const wireGroupEnd = 4;
export const wireFixed32 = 5;

/** Largest message: sizes on the wire are signed 32-bit everywhere. */
export const maxMessageBytes: number = 2 ** 31 - 1;

/** Bounds-checked reading of one message at a time within `pos`..`end`. Every failure is a FormatError
 *  with the place and the byte offset. */
export class WireReader {
  readonly bytes: Uint8Array;
  readonly #reader: protobuf.Reader;
  readonly #place: () => string;
  #low = 0;
  #high = 0;

  /** @param place  names the current place for messages; called only on failure */
  constructor(bytes: Uint8Array, place: () => string) {
    this.bytes = bytes;
    this.#reader = new protobuf.Reader(bytes);
    this.#place = place;
  }

  get pos(): number {
    return this.#reader.pos;
  }

  set pos(pos: number) {
    this.#reader.pos = pos;
  }

  /** Where the current message ends. */
  get end(): number {
    return this.#reader.len;
  }

  set end(end: number) {
    this.#reader.len = end;
  }

  where(offset: number): string {
    return `${this.#place()}, byte ${offset}`;
  }

  fail(code: string, message: string, offset: number, hint?: string): FormatError {
    return new FormatError(message, {
      code,
      where: this.where(offset),
      ...(hint === undefined ? {} : { hint }),
    });
  }

  /** Field number · 8 + wire type.
   *  @throws {FormatError} field number 0, wire type 6 or 7, cut off */
  tag(): number {
    const start = this.#reader.pos;
    let tag: number;
    try {
      tag = this.#reader.tag();
    } catch (cause) {
      throw this.#failed(cause, 'a field tag', start);
    }
    if (tag >>> 3 === 0 || (tag & 7) > wireFixed32) {
      throw this.fail(
        'E_PROTOBUF_TAG',
        `no field has number ${tag >>> 3} and wire type ${tag & 7}`,
        start,
      );
    }
    return tag;
  }

  /** Length prefix of what lies wholly within the current message. */
  length(): number {
    const start = this.#reader.pos;
    let length: number;
    try {
      length = this.#reader.size();
    } catch (cause) {
      throw this.#failed(cause, 'a length', start);
    }
    const left = this.#reader.len - this.#reader.pos;
    if (length > left) throw this.#truncated(`a field of ${length} bytes has ${left} left`, start);
    return length;
  }

  /** A signed 64-bit integer, exact. */
  int64(): Int64 {
    this.#varint();
    const value = (this.#high | 0) * 2 ** 32 + this.#low;
    if (Number.isSafeInteger(value)) return value;
    return (BigInt(this.#high | 0) << 32n) | BigInt(this.#low);
  }

  /** A signed 32-bit integer or enum; wider values keep their low 32 bits, as the format rules. */
  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  float(): number {
    this.#need(4);
    return this.#reader.float();
  }

  double(): number {
    this.#need(8);
    return this.#reader.double();
  }

  /** A length-delimited field, as a view. */
  view(): Uint8Array {
    const length = this.length();
    const start = this.#reader.pos;
    this.#reader.pos = start + length;
    return this.bytes.subarray(start, start + length);
  }

  /** Passes over the value of a field that is not known; groups must be balanced.
   *  @param tag  as `tag()` gave it
   *  @param depth  groups may nest this deep
   *  @throws {LimitError} nested deeper */
  skip(tag: number, depth: number): void {
    const open: number[] = [];
    let start = this.#reader.pos;
    for (;;) {
      const wire = tag & 7;
      if (wire === wireVarint) this.#varint();
      else if (wire === wireFixed64) this.#pass(8);
      else if (wire === wireFixed32) this.#pass(4);
      else if (wire === wireBytes) this.#pass(this.length());
      else if (wire === wireGroup) {
        if (open.length >= depth) {
          throw new LimitError('depth', depth, open.length + 1, { where: this.where(start) });
        }
        open.push(tag >>> 3);
      } else if (open.pop() !== tag >>> 3) {
        throw this.fail('E_PROTOBUF_GROUP', `the end of group ${tag >>> 3} has no start`, start);
      }
      if (open.length === 0) return;
      if (this.#reader.pos >= this.#reader.len) {
        throw this.fail('E_PROTOBUF_GROUP', `group ${open.at(-1)} has no end`, start);
      }
      start = this.#reader.pos;
      tag = this.tag();
    }
  }

  #pass(length: number): void {
    this.#need(length);
    this.#reader.pos += length;
  }

  #need(length: number): void {
    const left = this.#reader.len - this.#reader.pos;
    if (length > left) {
      throw this.#truncated(`a field of ${length} bytes has ${left} left`, this.#reader.pos);
    }
  }

  /** Reads a varint into #low and #high. */
  #varint(): void {
    const { bytes } = this;
    const start = this.#reader.pos;
    const end = this.#reader.len;
    let at = start;
    let low = 0;
    let high = 0;
    for (let shift = 0; at < end; shift += 7) {
      const byte = bytes[at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else if (byte > 1)
        throw this.fail('E_PROTOBUF_VARINT', 'an integer is longer than 64 bits', start);
      else high |= bits << 31;
      if (byte < 0x80) {
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        this.#reader.pos = at;
        return;
      }
    }
    throw this.#truncated('an integer is cut off', start);
  }

  #truncated(message: string, offset: number): FormatError {
    const hint = 'the file may be incomplete: compare its size with the original';
    return this.fail('E_PROTOBUF_TRUNCATED', message, offset, hint);
  }

  /** What protobufjs threw (it has no error classes of its own), as ours. */
  #failed(cause: unknown, what: string, offset: number): ModelpressError {
    if (cause instanceof ModelpressError) return cause;
    if (cause instanceof RangeError) return this.#truncated(`${what} is cut off`, offset);
    return this.fail('E_PROTOBUF_VARINT', `${what} is longer than 32 bits`, offset);
  }
}

/** Gathers small fields; `take` hands over what has been gathered. Sizes of messages are known beforehand. */
export class WireWriter {
  readonly #writer: protobuf.Writer = new protobuf.Writer();

  /** Bytes gathered since the last `take`. */
  get gathered(): number {
    return this.#writer.pos;
  }

  take(): Uint8Array {
    const chunk = this.#writer.finish();
    this.#writer.pos = 0;
    return chunk;
  }

  uint32(value: number): void {
    this.#writer.uint32(value);
  }

  int64(value: Int64): void {
    if (typeof value === 'number') {
      this.#writer.int64(value);
      return;
    }
    const low = Number(BigInt.asIntN(32, value));
    const high = Number(BigInt.asIntN(32, value >> 32n));
    this.#writer.int64({ low, high, unsigned: false } as Parameters<protobuf.Writer['int64']>[0]);
  }

  /** A NaN is written in one form, since its bits differ between engines. */
  float(value: number): void {
    if (Number.isNaN(value)) this.#writer.fixed32(0x7fc00000);
    else this.#writer.float(value);
  }

  double(value: number): void {
    if (Number.isNaN(value)) this.#writer.fixed32(0).fixed32(0x7ff80000);
    else this.#writer.double(value);
  }

  raw(bytes: Uint8Array): void {
    this.#writer.raw(bytes);
  }
}

/** Bytes of a varint of at most 32 bits. */
export function sizeOfUint32(value: number): number {
  if (value < 2 ** 7) return 1;
  if (value < 2 ** 14) return 2;
  if (value < 2 ** 21) return 3;
  return value < 2 ** 28 ? 4 : 5;
}

/** Bytes of a 64-bit varint; a negative one takes 10. */
export function sizeOfInt64(value: Int64): number {
  if (value < 0) return 10;
  if (value < 2 ** 28) return sizeOfUint32(Number(value));
  let size = 5;
  for (let limit = 2 ** 35; size < 9 && value >= limit; limit *= 128) size++;
  return size;
}
