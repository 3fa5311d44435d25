import { rangeError, typeError } from '../../core/errors.ts';
import { encodeUtf8 } from '../utf8.ts';
import { BytesWriter } from './bytes-writer.ts';
import { FlexBlob, type FlexNumbers, type FlexValue, flexTypes } from './flex-read.ts';

const deepest = 64;

/** A value that stands in its parent's slot, or that an offset there leads to. */
interface Item {
  readonly type: number;
  /** Bytes of each part of what it leads to; of an inline value, those that it needs. */
  readonly width: number;
  /** Of an inline value. */
  readonly bits: bigint;
  /** Where an offset leads; null for an inline value. */
  readonly at: number | null;
}

/** Writes a FlexBuffers value: integers as small as they can be, numbers that are not whole as floats, keys of a map
 *  sorted by their bytes. The same value gives the same bytes.
 *  @throws {TypeError} a value that is no plain data
 *  @throws {RangeError} over 64 levels, or an integer over 64 bits */
export function encodeFlex(value: FlexValue): Uint8Array {
  const writer = new FlexWriter();
  const root = writer.item(value, 1);
  return writer.finish(root);
}

class FlexWriter {
  private readonly out = new BytesWriter();
  private readonly keys = new Map<string, number>();

  finish(root: Item): Uint8Array {
    const { out } = this;
    const width = this.slotWidth(root, 0);
    out.alignTo(width);
    this.slot(root, width);
    const at = out.add(2);
    out.u8(at, this.packed(root, width));
    out.u8(at + 1, width);
    return out.bytes().slice();
  }

  item(value: FlexValue, depth: number): Item {
    if (depth > deepest) throw rangeError('value', `at most ${deepest} levels`, depth);
    if (value === null) return inline(flexTypes.null, 1, 0n);
    if (typeof value === 'boolean') return inline(flexTypes.bool, 1, value ? 1n : 0n);
    if (typeof value === 'bigint') return integer(value);
    if (typeof value === 'number') return numberItem(value);
    if (typeof value === 'string') return this.bytes(flexTypes.string, encodeUtf8(value), 1);
    if (value instanceof FlexBlob) return this.bytes(flexTypes.blob, value.bytes, 0);
    if (ArrayBuffer.isView(value)) return this.numbers(value as FlexNumbers);
    if (Array.isArray(value)) {
      const items = value.map((inner: FlexValue) => this.item(inner, depth + 1));
      return this.vector(flexTypes.vector, items, null);
    }
    if (typeof value !== 'object') throw typeError('value', 'plain data', value);
    return this.map(value as Readonly<Record<string, FlexValue>>, depth);
  }

  private map(value: Readonly<Record<string, FlexValue>>, depth: number): Item {
    const entries = Object.entries(value)
      .map(([key, inner]) => ({ key: encodeUtf8(key), inner }))
      .sort((a, b) => compareBytes(a.key, b.key));
    const keys = entries.map(({ key }) => this.key(key));
    const items = entries.map(({ inner }) => this.item(inner, depth + 1));
    const keyVector = this.vector(flexTypes.vectorKey, keys, null);
    return this.vector(flexTypes.map, items, keyVector);
  }

  /** A vector, or a map's values behind the place and the width of its keys. */
  private vector(type: number, items: readonly Item[], keys: Item | null): Item {
    const { out } = this;
    const ahead = keys === null ? 1 : 3;
    let width = widthOf(BigInt(items.length));
    if (keys !== null) width = Math.max(width, this.slotWidth(keys, 0));
    items.forEach((item, i) => {
      width = Math.max(width, this.slotWidth(item, ahead + i));
    });
    out.alignTo(width);
    if (keys !== null) {
      this.slot(keys, width);
      this.put(BigInt(keys.width), width);
    }
    this.put(BigInt(items.length), width);
    const at = out.size;
    for (const item of items) this.slot(item, width);
    if (type !== flexTypes.vectorKey) {
      const types = out.add(items.length);
      items.forEach((item, i) => {
        out.u8(types + i, this.packed(item, width));
      });
    }
    return { type, width, bits: 0n, at };
  }

  private numbers(values: FlexNumbers): Item {
    const { out } = this;
    const float = values instanceof Float32Array || values instanceof Float64Array;
    const signed = /^(?:Big)?Int/.test(values.constructor.name);
    const type = float
      ? flexTypes.vectorFloat
      : signed
        ? flexTypes.vectorInt
        : flexTypes.vectorUint;
    const each = values.BYTES_PER_ELEMENT;
    const width = Math.max(each, widthOf(BigInt(values.length)));
    // A length may need more bytes than the elements have: then these are widened.
    if (width > each) {
      const wide = Array.from(values as ArrayLike<number | bigint>, BigInt);
      out.alignTo(width);
      this.put(BigInt(values.length), width);
      const at = out.size;
      for (const value of wide) this.put(value, width);
      return { type, width, bits: 0n, at };
    }
    out.alignTo(width);
    this.put(BigInt(values.length), width);
    const at = out.add(values.byteLength);
    out.set(at, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    return { type, width, bits: 0n, at };
  }

  /** @param ends  zeros after the content */
  private bytes(type: number, content: Uint8Array, ends: number): Item {
    const { out } = this;
    const width = widthOf(BigInt(content.length));
    out.alignTo(width);
    this.put(BigInt(content.length), width);
    const at = out.add(content.length + ends);
    out.set(at, content);
    return { type, width, bits: 0n, at };
  }

  private key(content: Uint8Array): Item {
    if (content.includes(0)) throw typeError('key', 'a key without zeros', 'one with a zero');
    const known = content.join();
    let at = this.keys.get(known);
    if (at === undefined) {
      at = this.out.add(content.length + 1);
      this.out.set(at, content);
      this.keys.set(known, at);
    }
    return { type: flexTypes.key, width: 1, bits: 0n, at };
  }

  /** Bytes that a slot needs for an item when it is the `index`th of slots that start next. */
  private slotWidth({ at, width, bits, type }: Item, index: number): number {
    if (at === null) return type === flexTypes.float ? width : Math.max(width, widthOf(bits, type));
    for (const size of [1, 2, 4]) {
      const slot = Math.ceil(this.out.size / size) * size + index * size;
      if (widthOf(BigInt(slot - at)) <= size) return size;
    }
    return 8;
  }

  private slot({ at, bits, type, width: own }: Item, width: number): void {
    const { out } = this;
    if (at !== null) this.put(BigInt(out.size - at), width);
    else if (type === flexTypes.float && width !== own) {
      const to = out.add(width);
      out.f64(to, floatOf(bits));
    } else this.put(bits, width);
  }

  private put(value: bigint, width: number): void {
    const to = this.out.add(width);
    const bits = BigInt.asUintN(64, value);
    for (let i = 0; i < width; i++) this.out.u8(to + i, Number((bits >> BigInt(8 * i)) & 0xffn));
  }

  private packed({ type, width, at }: Item, slot: number): number {
    return (type << 2) | (31 - Math.clz32(at === null ? slot : width));
  }
}

function inline(type: number, width: number, bits: bigint): Item {
  return { type, width, bits, at: null };
}

function integer(value: bigint): Item {
  if (BigInt.asIntN(64, value) !== value) {
    if (BigInt.asUintN(64, value) === value) return inline(flexTypes.uint, 8, value);
    throw rangeError('value', 'an integer of 64 bits', value);
  }
  return inline(flexTypes.int, widthOf(value, flexTypes.int), value);
}

const scratch = new DataView(new ArrayBuffer(8));

function numberItem(value: number): Item {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return integer(BigInt(value));
  const isShort = Math.fround(value) === value || Number.isNaN(value);
  if (isShort) {
    scratch.setFloat32(0, value, true);
    return inline(flexTypes.float, 4, BigInt(scratch.getUint32(0, true)));
  }
  scratch.setFloat64(0, value, true);
  return inline(flexTypes.float, 8, scratch.getBigUint64(0, true));
}

/** The number of a float of 4 bytes. */
function floatOf(bits: bigint): number {
  scratch.setUint32(0, Number(bits), true);
  return scratch.getFloat32(0, true);
}

/** Bytes that a number needs: signed as an integer, else unsigned. */
function widthOf(value: bigint, type: number = flexTypes.uint): number {
  for (const width of [1, 2, 4]) {
    const bits = 8 * width;
    const fits =
      type === flexTypes.int
        ? BigInt.asIntN(bits, value) === value
        : BigInt.asUintN(bits, value) === value;
    if (fits) return width;
  }
  return 8;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
