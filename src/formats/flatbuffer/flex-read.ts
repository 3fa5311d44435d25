import { FormatError } from '../../core/errors.ts';
import { decodeUtf8 } from '../utf8.ts';

/** FlexBuffers as plain data. A typed vector is a typed array, a blob the bytes in a `FlexBlob`. */
export type FlexValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | FlexBlob
  | FlexNumbers
  | readonly FlexValue[]
  | { readonly [key: string]: FlexValue };

export type FlexNumbers =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** Bytes that are no vector of numbers. */
export class FlexBlob {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** Types by number, in FlexBuffers' enumeration. */
export const flexTypes = {
  null: 0,
  int: 1,
  uint: 2,
  float: 3,
  key: 4,
  string: 5,
  indirectInt: 6,
  indirectUint: 7,
  indirectFloat: 8,
  map: 9,
  vector: 10,
  vectorInt: 11,
  vectorUint: 12,
  vectorFloat: 13,
  vectorKey: 14,
  vectorString: 15,
  pairInt: 16,
  quadFloat: 24,
  blob: 25,
  bool: 26,
  vectorBool: 36,
} as const;

const deepest = 64;

type NumbersConstructor = new (buffer: ArrayBuffer) => FlexNumbers;

/** Arrays of signed, unsigned and real numbers, by bytes of one. */
const numberTypes: readonly Readonly<Record<number, NumbersConstructor>>[] = [
  { 1: Int8Array, 2: Int16Array, 4: Int32Array, 8: BigInt64Array },
  { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array },
  { 4: Float32Array, 8: Float64Array },
];

/** Reads a FlexBuffers value (custom options of TFLite, attributes of composites). Integers above 2^53 are bigints; a
 *  whole float comes as a number like an integer. Values that are shared are read again for each use, within a bound.
 *  @throws {FormatError} E_FLEXBUFFERS: out of range, nested over 64 levels, or more shared content than fits 64 × its size */
export function decodeFlex(bytes: Uint8Array): FlexValue {
  if (bytes.length < 3) throw broken(`${bytes.length} bytes are no value`);
  const width = bytes[bytes.length - 1]!;
  const packed = bytes[bytes.length - 2]!;
  if (![1, 2, 4, 8].includes(width)) throw broken(`a root of ${width} bytes`);
  return new FlexReader(bytes).value(bytes.length - 2 - width, width, packed, 1);
}

class FlexReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private work: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.work = 64 * bytes.length + 4096;
  }

  /** @param width  bytes of the slot at `at`
   *  @param packed  type and width of what it is or leads to */
  value(at: number, width: number, packed: number, depth: number): FlexValue {
    this.spend(1);
    if (depth > deepest) throw broken('values nested too deep');
    const type = packed >> 2;
    const inner = 1 << (packed & 3);
    switch (type) {
      case flexTypes.null:
        return null;
      case flexTypes.int:
        return small(this.int(at, width));
      case flexTypes.uint:
        return small(this.uint(at, width));
      case flexTypes.float:
        return this.float(at, width);
      case flexTypes.bool:
        return this.uint(at, width) !== 0n;
    }
    const to = this.follow(at, width);
    switch (type) {
      case flexTypes.key:
        return this.key(to);
      case flexTypes.string:
        return this.string(to, inner);
      case flexTypes.indirectInt:
        return small(this.int(to, inner));
      case flexTypes.indirectUint:
        return small(this.uint(to, inner));
      case flexTypes.indirectFloat:
        return this.float(to, inner);
      case flexTypes.map:
        return this.map(to, inner, depth);
      case flexTypes.vector:
        return this.vector(to, inner, depth);
      case flexTypes.blob: {
        const length = this.length(to, inner, 1);
        this.spend(length);
        return new FlexBlob(this.bytes.subarray(to, to + length));
      }
      case flexTypes.vectorKey: {
        const count = this.length(to, inner, inner);
        return Array.from({ length: count }, (_, i) => {
          this.spend(1);
          return this.key(this.follow(to + i * inner, inner));
        });
      }
      case flexTypes.vectorString: {
        const count = this.length(to, inner, inner);
        return Array.from({ length: count }, (_, i) => {
          this.spend(1);
          return this.string(this.follow(to + i * inner, inner), 1);
        });
      }
      case flexTypes.vectorBool: {
        const count = this.length(to, inner, inner);
        this.spend(count);
        return Array.from({ length: count }, (_, i) => this.uint(to + i * inner, inner) !== 0n);
      }
    }
    if (type >= flexTypes.vectorInt && type <= flexTypes.vectorFloat)
      return this.numbers(to, inner, this.length(to, inner, inner), type - flexTypes.vectorInt);
    if (type >= flexTypes.pairInt && type <= flexTypes.quadFloat) {
      const place = type - flexTypes.pairInt;
      return this.numbers(to, inner, 2 + Math.floor(place / 3), place % 3);
    }
    throw broken(`a value of type ${type}`);
  }

  private vector(at: number, width: number, depth: number): FlexValue[] {
    const count = this.length(at, width, width + 1);
    return Array.from({ length: count }, (_, i) =>
      this.value(at + i * width, width, this.bytes[at + count * width + i]!, depth + 1),
    );
  }

  private map(at: number, width: number, depth: number): FlexValue {
    const keys = this.follow(at - 3 * width, width);
    const keyWidth = Number(this.uint(at - 2 * width, width));
    if (![1, 2, 4, 8].includes(keyWidth)) throw broken(`keys of ${keyWidth} bytes`);
    const values = this.vector(at, width, depth);
    if (this.length(keys, keyWidth, keyWidth) !== values.length)
      throw broken('a map with more keys than values');
    // As own properties: a key may be `__proto__`.
    return Object.fromEntries(
      values.map((value, i) => [this.key(this.follow(keys + i * keyWidth, keyWidth)), value]),
    );
  }

  /** @param kind  0 signed, 1 unsigned, 2 float */
  private numbers(at: number, width: number, count: number, kind: number): FlexNumbers {
    this.check(at, count * width);
    this.spend(count * width);
    const type = numberTypes[kind]![width];
    if (type === undefined) throw broken(`floats of ${width} bytes`);
    return new type(this.bytes.slice(at, at + count * width).buffer);
  }

  /** Elements of what starts at `at`, all of which are in the buffer. */
  private length(at: number, width: number, each: number): number {
    const count = Number(this.uint(at - width, width));
    this.check(at, count * each);
    return count;
  }

  private string(at: number, width: number): string {
    const length = this.length(at, width, 1);
    this.spend(length);
    return decodeUtf8(this.bytes, at, at + length);
  }

  private key(at: number): string {
    let end = at;
    while (this.bytes[end] !== 0) if (++end > this.bytes.length) throw broken('a key without end');
    this.spend(end - at);
    return decodeUtf8(this.bytes, at, end);
  }

  /** Offsets lead back; by 0 to an empty vector whose place is the slot's. */
  private follow(at: number, width: number): number {
    const offset = Number(this.uint(at, width));
    if (offset > at) throw broken('an offset that leads out of the buffer');
    return at - offset;
  }

  private int(at: number, width: number): bigint {
    return BigInt.asIntN(8 * width, this.uint(at, width));
  }

  private uint(at: number, width: number): bigint {
    this.check(at, width);
    const { view } = this;
    if (width === 1) return BigInt(view.getUint8(at));
    if (width === 2) return BigInt(view.getUint16(at, true));
    return width === 4 ? BigInt(view.getUint32(at, true)) : view.getBigUint64(at, true);
  }

  private float(at: number, width: number): number {
    this.check(at, width);
    if (width === 4) return this.view.getFloat32(at, true);
    if (width === 8) return this.view.getFloat64(at, true);
    throw broken(`a float of ${width} bytes`);
  }

  private check(at: number, size: number): void {
    if (!(at >= 0 && at + size <= this.bytes.length))
      throw broken('something outside of the buffer');
  }

  private spend(work: number): void {
    this.work -= work;
    if (this.work < 0) throw broken('too much that is shared');
  }
}

function small(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function broken(what: string): FormatError {
  return new FormatError(`FlexBuffers: ${what}`, { code: 'E_FLEXBUFFERS' });
}
