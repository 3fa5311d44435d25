import { LimitError } from '../core/errors.ts';
import { Budget, type Limits } from '../core/limits.ts';
import { type Int64, WireReader, wireBytes, wireVarint } from './protobuf.ts';
import { Account, cost, Pieces, Strings } from './protobuf-memory.ts';
import type { Field, Message, MessageType } from './protobuf-schema.ts';

interface Frame {
  message: Message;
  type: MessageType;
  end: number;
  /** Field being read, and its index if repeated: the path for messages. */
  field: Field | null;
  index: number;
  /** Repeated fields that began in this frame. */
  lists: string[];
  /** Unknown fields seen last, a range of the input not yet appended. */
  unknownStart: number;
  unknownEnd: number;
}

/** Decodes a message by its table.
 *  Time is linear and memory within `limits.decodedBytes`: everything made is charged before it is made.
 *  Nesting costs no call stack. `bytes` fields, lazy numbers and unknown fields are views of the input where
 *  they lie in one piece.
 *  @param format  names the format in messages
 *  @throws {FormatError} not a message of this type
 *  @throws {LimitError} more than a limit allows */
export function decodeMessage(
  type: MessageType,
  bytes: Uint8Array,
  limits: Limits,
  format: string,
): Message {
  return new Decoder(type, bytes, limits, format).run();
}

class Decoder {
  readonly #wire: WireReader;
  readonly #limits: Limits;
  readonly #format: string;
  readonly #memory: Account;
  readonly #counts: { nodes: Account; tensors: Account };
  readonly #strings: Strings;
  readonly #pieces: Pieces;
  readonly #frames: Frame[] = [];
  #depth = 0;

  constructor(type: MessageType, bytes: Uint8Array, limits: Limits, format: string) {
    // A view of a plain kind, so that fields of a Node Buffer are no Buffers.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#wire = new WireReader(plain, () => this.#place());
    this.#limits = limits;
    this.#format = format;
    const account = (limit: 'decodedBytes' | 'nodes' | 'tensors'): Account =>
      new Account(new Budget(limit, limits), () => this.#wire.where(this.#wire.pos));
    this.#memory = account('decodedBytes');
    this.#counts = { nodes: account('nodes'), tensors: account('tensors') };
    this.#strings = new Strings(plain, this.#memory);
    this.#pieces = new Pieces(plain, this.#memory);
    this.#open(type, {}, plain.length);
  }

  run(): Message {
    const wire = this.#wire;
    for (;;) {
      const frame = this.#frames[this.#depth - 1]!;
      if (wire.pos < frame.end) {
        this.#field(frame);
        continue;
      }
      this.#close(frame);
      if (this.#depth === 0) break;
      wire.end = this.#frames[this.#depth - 1]!.end;
    }
    this.#pieces.finish();
    return this.#frames[0]!.message;
  }

  #open(type: MessageType, message: Message, end: number): void {
    if (this.#depth > this.#limits.depth) {
      throw new LimitError('depth', this.#limits.depth, this.#depth, {
        where: this.#wire.where(this.#wire.pos),
      });
    }
    if (type.counted !== null) this.#counts[type.counted].charge(1);
    const frame = this.#frames[this.#depth++];
    this.#wire.end = end;
    if (frame === undefined) {
      const fresh = { field: null, index: 0, lists: [], unknownStart: 0, unknownEnd: 0 };
      this.#frames.push({ message, type, end, ...fresh });
      return;
    }
    frame.message = message;
    frame.type = type;
    frame.end = end;
    frame.field = null;
    frame.unknownStart = 0;
    frame.unknownEnd = 0;
  }

  #close(frame: Frame): void {
    this.#flushUnknown(frame);
    // A list that grew has room to spare; a list of the right size is worth one copy.
    for (const name of frame.lists) {
      const list = frame.message[name] as unknown[];
      if (list.length > 1) frame.message[name] = list.slice();
    }
    frame.lists.length = 0;
    this.#depth--;
  }

  #field(frame: Frame): void {
    const wire = this.#wire;
    const start = wire.pos;
    const tag = wire.tag();
    const field = frame.type.numbers[tag >>> 3];
    const kind = tag & 7;
    // A known number with another wire type is kept as unknown, as protobuf does.
    if (
      field === undefined ||
      !(kind === field.wire || (kind === wireBytes && isPackable(field)))
    ) {
      wire.skip(tag, this.#limits.depth);
      this.#unknown(frame, start, wire.pos);
      return;
    }
    frame.field = field;
    frame.index = 0;
    if (field.message !== null) this.#message(frame, field, field.message);
    else if (field.type === 'floats' || field.type === 'doubles' || field.type === 'varints') {
      this.#lazy(frame, field, kind);
    } else if (!field.repeated) this.#scalar(frame, field);
    else if (field.type === 'string' || field.type === 'bytes')
      this.#item(frame, field, this.#value(field));
    else this.#numbers(frame, field, kind, start);
  }

  #message(frame: Frame, field: Field, type: MessageType): void {
    const length = this.#wire.length();
    let message: Message | undefined;
    if (!field.repeated) {
      this.#dropRivals(frame, field);
      message = frame.message[field.name] as Message | undefined;
    }
    if (message === undefined) {
      this.#memory.charge(cost.message);
      message = {};
      if (field.repeated) this.#item(frame, field, message);
      else this.#set(frame, field, message);
    }
    this.#open(type, message, this.#wire.pos + length);
  }

  #scalar(frame: Frame, field: Field): void {
    const value = this.#value(field);
    this.#dropRivals(frame, field);
    this.#set(frame, field, value);
  }

  #set(frame: Frame, field: Field, value: unknown): void {
    if (frame.message[field.name] === undefined) this.#memory.charge(cost.field);
    frame.message[field.name] = value;
  }

  #dropRivals(frame: Frame, field: Field): void {
    for (const rival of field.rivals) {
      if (frame.message[rival] === undefined) continue;
      this.#memory.charge(cost.dictionary);
      delete frame.message[rival];
    }
  }

  #value(field: Field): unknown {
    switch (field.type) {
      case 'string':
        return this.#string();
      case 'bytes':
        this.#memory.charge(cost.view);
        return this.#wire.view();
      default:
        return this.#number(field);
    }
  }

  #number(field: Field): Int64 {
    if (field.type === 'int32') return this.#wire.int32();
    if (field.type === 'int64') {
      const value = this.#wire.int64();
      if (typeof value === 'bigint') this.#memory.charge(cost.boxed);
      return value;
    }
    this.#memory.charge(cost.boxed);
    return field.type === 'float' ? this.#wire.float() : this.#wire.double();
  }

  /** One more element of a repeated field. */
  #item(frame: Frame, field: Field, value: unknown): void {
    const list = frame.message[field.name] as unknown[] | undefined;
    if (list === undefined) {
      this.#memory.charge(cost.list);
      frame.message[field.name] = [value];
      frame.lists.push(field.name);
    } else {
      this.#memory.charge(list.length < cost.shortList ? cost.item : cost.longItem);
      list.push(value);
    }
    frame.index = list === undefined ? 0 : list.length - 1;
    if (field.rank) this.#checkRank(frame.index + 1);
  }

  /** Repeated numbers. A run of them is counted first, so that the list has the right size at once: it may
   *  be long (tree ensembles keep their trees in attributes). */
  #numbers(frame: Frame, field: Field, kind: number, start: number): void {
    const wire = this.#wire;
    const packed = kind === wireBytes;
    const end = wire.end;
    const stop = packed ? wire.length() + wire.pos : end;
    const count = packed ? this.#packedCount(field, stop) : this.#runLength(field, start);
    let list = frame.message[field.name] as Int64[] | undefined;
    const known = list?.length ?? 0;
    if (field.rank) this.#checkRank(known + count);
    let at = 0;
    if (list === undefined) {
      this.#memory.charge(cost.list + cost.number * count);
      list = count === 1 && !packed ? [0] : new Array<Int64>(count);
      frame.message[field.name] = list;
    } else {
      this.#memory.charge(cost.longItem * count);
      at = known;
    }
    wire.end = stop;
    const tagBytes = wire.pos - start;
    for (let i = 0; i < count; i++) {
      if (i > 0 && !packed) wire.pos += tagBytes;
      frame.index = at;
      list[at++] = this.#element(field);
    }
    wire.end = end;
  }

  /** Elements of a list of floats are stored unboxed. */
  #element(field: Field): Int64 {
    return field.type === 'float' ? this.#wire.float() : this.#number(field);
  }

  /** How often the field that starts at `start` comes in a row. Reading checks what this only counts. */
  #runLength(field: Field, start: number): number {
    const { bytes, pos, end } = this.#wire;
    const tagBytes = pos - start;
    let count = 0;
    let at = start;
    while (at + tagBytes < end && sameBytes(bytes, start, at, tagBytes)) {
      count++;
      at += tagBytes;
      if (field.wire === wireVarint) {
        while (at < end && bytes[at]! >= 0x80) at++;
        at++;
      } else at += field.type === 'double' ? 8 : 4;
    }
    return Math.max(count, 1);
  }

  /** Numbers in a packed field that ends at `stop`. */
  #packedCount(field: Field, stop: number): number {
    const { bytes, pos } = this.#wire;
    if (field.wire === wireVarint) {
      let count = 0;
      for (let at = pos; at < stop; at++) if (bytes[at]! < 0x80) count++;
      if (stop > pos && bytes[stop - 1]! >= 0x80) {
        throw this.#wire.fail('E_PROTOBUF_PACKED', 'a packed integer is cut off', stop);
      }
      return count;
    }
    const width = field.type === 'doubles' || field.type === 'double' ? 8 : 4;
    if ((stop - pos) % width !== 0) {
      throw this.#wire.fail(
        'E_PROTOBUF_PACKED',
        `packed numbers of ${width} bytes take ${stop - pos} bytes`,
        pos,
      );
    }
    return (stop - pos) / width;
  }

  /** Numbers that stay on the wire: a view if they come packed in one piece, else gathered. */
  #lazy(frame: Frame, field: Field, kind: number): void {
    const wire = this.#wire;
    if (kind === wireBytes) {
      const length = wire.length();
      const stop = wire.pos + length;
      this.#packedCount(field, stop);
      this.#pieces.append(frame.message, field.name, wire.pos, stop, true);
      wire.pos = stop;
      return;
    }
    const start = wire.pos;
    wire.skip(kind | 8, 0);
    this.#pieces.append(frame.message, field.name, start, wire.pos, false);
  }

  #unknown(frame: Frame, start: number, end: number): void {
    if (frame.unknownEnd !== start || frame.unknownStart === frame.unknownEnd) {
      this.#flushUnknown(frame);
      frame.unknownStart = start;
    }
    frame.unknownEnd = end;
  }

  #flushUnknown(frame: Frame): void {
    if (frame.unknownEnd > frame.unknownStart) {
      this.#pieces.append(frame.message, 'unknown', frame.unknownStart, frame.unknownEnd, true);
    }
    frame.unknownStart = frame.unknownEnd;
  }

  #string(): string {
    const wire = this.#wire;
    const length = wire.length();
    const start = wire.pos;
    if (length > this.#limits.stringBytes) {
      throw new LimitError('stringBytes', this.#limits.stringBytes, length, {
        where: wire.where(start),
      });
    }
    wire.pos = start + length;
    return this.#strings.read(start, start + length);
  }

  #checkRank(rank: number): void {
    const allowed = this.#limits.rank;
    if (rank > allowed) {
      throw new LimitError('rank', allowed, rank, { where: this.#wire.where(this.#wire.pos) });
    }
  }

  /** `onnx: graph.node[12] "conv_3".attribute[0] "pads"` */
  #place(): string {
    let path = '';
    for (let i = 0; i < this.#depth; i++) {
      const { message, field, index } = this.#frames[i]!;
      if (i > 0 && typeof message.name === 'string' && message.name.length <= 80) {
        path += ` ${JSON.stringify(message.name)}`;
      }
      if (field === null) break;
      path += `${path === '' ? '' : '.'}${field.name}${field.repeated ? `[${index}]` : ''}`;
    }
    return `${this.#format}: ${path === '' ? this.#frames[0]?.type.name : path}`;
  }
}

function isPackable(field: Field): boolean {
  if (field.type === 'floats' || field.type === 'doubles' || field.type === 'varints') return true;
  return field.repeated && field.wire !== wireBytes;
}

function sameBytes(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
