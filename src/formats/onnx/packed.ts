import { FormatError, rangeError } from '../../core/errors.ts';
import type { ByteSource } from '../../core/source.ts';
import { type Int64, sizeOfInt64 } from '../protobuf.ts';

/** The varints of a typed data field as fixed-width little-endian numbers, converted when read. */

const checkpointEvery = 2 ** 16;

export interface VarintSource extends ByteSource {
  /** Varints in the field. */
  readonly count: number;
}

/** What a field's varints become: `width` bytes each, and the values allowed. Below 8 bytes the low 32 bits
 *  count: a sloppy writer's 5-byte negative int32 is one too. */
export interface VarintTarget {
  width: 1 | 2 | 4 | 8;
  min: number;
  max: number;
  /** Allow 0 … 2^32-1 and refuse more, rather than keep the low 32 bits. */
  unsigned32?: boolean;
}

/** @param wire  varints one after another
 *  @param where  names the tensor in messages
 *  @throws {FormatError} not whole varints of at most 64 bits; a read throws it for a value out of range
 *  Making it costs one pass over the bytes; a read costs O(length + 65536 elements). */
export function varintSource(wire: Uint8Array, target: VarintTarget, where: string): VarintSource {
  const starts = [0];
  const count = scan(wire, starts, where);
  const { width } = target;
  let nextElement = 0;
  let nextAt = 0;

  /** Start of an element's varint. */
  function seek(element: number): number {
    let at = nextAt;
    let left = element - nextElement;
    if (left < 0 || left > checkpointEvery) {
      const checkpoint = Math.floor(element / checkpointEvery);
      at = starts[checkpoint]!;
      left = element - checkpoint * checkpointEvery;
    }
    for (; left > 0; at++) if (wire[at]! < 0x80) left--;
    return at;
  }

  return {
    size: count * width,
    count,
    name: where,
    read(offset, length) {
      if (!(offset >= 0 && length >= 0 && offset + length <= count * width)) {
        throw rangeError(
          'offset, length',
          `a range within ${count * width} bytes`,
          `${offset}, ${length}`,
        );
      }
      const first = Math.floor(offset / width);
      const last = Math.ceil((offset + length) / width);
      const bytes = new Uint8Array((last - first) * width);
      nextAt = convert(wire, seek(first), new DataView(bytes.buffer), target, where);
      nextElement = last;
      return bytes.subarray(offset - first * width, offset - first * width + length);
    },
  };
}

/** Number of varints; notes where every 65536th starts. */
function scan(wire: Uint8Array, starts: number[], where: string): number {
  let count = 0;
  let run = 0;
  for (let i = 0; i < wire.length; i++) {
    const byte = wire[i]!;
    if (byte < 0x80) {
      if (run === 9 && byte > 1) throw badVarint(where, 'longer than 64 bits');
      run = 0;
      if (++count % checkpointEvery === 0) starts.push(i + 1);
    } else if (++run === 10) throw badVarint(where, 'longer than 64 bits');
  }
  if (run > 0) throw badVarint(where, 'cut off');
  return count;
}

/** Converts varints from `at` until `out` is full; returns where the next one starts. */
function convert(
  wire: Uint8Array,
  at: number,
  out: DataView,
  target: VarintTarget,
  where: string,
): number {
  const { width, min, max } = target;
  for (let to = 0; to < out.byteLength; to += width) {
    let low = 0;
    let high = 0;
    let byte = 0x80;
    for (let shift = 0; byte >= 0x80; shift += 7) {
      byte = wire[at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
    }
    if (width === 8) {
      out.setInt32(to, low, true);
      out.setInt32(to + 4, high, true);
    } else if (target.unsigned32 === true) {
      if (high !== 0) throw outOfRange(where, high * 2 ** 32 + (low >>> 0), 0, 2 ** 32 - 1);
      out.setInt32(to, low, true);
    } else {
      if (low < min || low > max) throw outOfRange(where, low, min, max);
      if (width === 4) out.setInt32(to, low, true);
      else if (width === 2) out.setInt16(to, low, true);
      else out.setInt8(to, low);
    }
  }
  return at;
}

/** The wire form of integers: varints one after another, negative ones in 10 bytes.
 *  @param values  safe integers or 64-bit bigints */
export function packVarints(values: ArrayLike<Int64>): Uint8Array {
  let size = 0;
  for (let i = 0; i < values.length; i++) size += sizeOfInt64(values[i]!);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    let rest = BigInt.asUintN(64, BigInt(values[i]!));
    for (; rest >= 0x80n; rest >>= 7n) bytes[at++] = Number(rest & 0x7fn) | 0x80;
    bytes[at++] = Number(rest);
  }
  return bytes;
}

function badVarint(where: string, what: string): FormatError {
  return new FormatError(`an integer of a data field is ${what}`, {
    code: 'E_PROTOBUF_VARINT',
    where,
  });
}

function outOfRange(where: string, value: number, min: number, max: number): FormatError {
  return new FormatError(`the element ${value} is outside ${min}..${max}`, {
    code: 'E_ONNX_VALUE',
    where,
  });
}
