import { integerRange } from '../core/dtype.ts';
import { rangeError, typeError } from '../core/errors.ts';
import type { Views } from '../wasm/arena.ts';

/** Integer types that float32 is quantized to. */
export type QuantizedType = 'int8' | 'uint8' | 'int16' | 'uint16' | 'int4' | 'uint4';

/** The array that holds levels of a type; int4 and uint4 are packed, the first element in the low nibble. */
export type QuantizedArray<T extends QuantizedType> = T extends 'int8'
  ? Int8Array<ArrayBuffer>
  : T extends 'int16'
    ? Int16Array<ArrayBuffer>
    : T extends 'uint16'
      ? Uint16Array<ArrayBuffer>
      : Uint8Array<ArrayBuffer>;

/** Any integers; the elements' bits are not checked against a type. */
export type IntegerArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** Elements per pass through wasm memory: what is copied in is still in the second-level cache when it is used,
 *  and memory stays small however long the array. It also fixes the order of sums. */
export const partElements = 65536;

export interface IntegerFormat {
  /** Bytes of a level in wasm memory, 4-bit levels unpacked. */
  readonly bytes: 1 | 2 | 4;
  /** Whether two levels share a byte outside. */
  readonly packed: boolean;
  readonly unsigned: 0 | 1;
  readonly min: number;
  readonly max: number;
  readonly array: new (length: number) => IntegerArray & { readonly buffer: ArrayBufferLike };
  readonly view: keyof Views;
}

const format = (
  type: QuantizedType | 'int32',
  bytes: IntegerFormat['bytes'],
  array: IntegerFormat['array'],
  view: keyof Views,
): IntegerFormat => ({
  bytes,
  packed: type.endsWith('4'),
  unsigned: type.startsWith('u') ? 1 : 0,
  ...integerRange(type),
  array,
  view,
});

const formats: Readonly<Record<string, IntegerFormat>> = {
  int8: format('int8', 1, Int8Array, 'i8'),
  uint8: format('uint8', 1, Uint8Array, 'u8'),
  int16: format('int16', 2, Int16Array, 'i16'),
  uint16: format('uint16', 2, Uint16Array, 'u16'),
  int4: format('int4', 1, Uint8Array, 'u8'),
  uint4: format('uint4', 1, Uint8Array, 'u8'),
  int32: format('int32', 4, Int32Array, 'i32'),
};

export const quantizedTypes: readonly QuantizedType[] = [
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int4',
  'uint4',
];

/** @throws {RangeError} not one of `names` */
export function formatOf(type: string, names: readonly string[]): IntegerFormat {
  const found = formats[type];
  if (found === undefined || !names.includes(type))
    throw rangeError('type', names.join(' | '), type);
  return found;
}

/** @throws {TypeError} not a Float32Array */
export function checkFloats(name: string, x: unknown): asserts x is Float32Array {
  if (!(x instanceof Float32Array)) throw typeError(name, 'a Float32Array', x);
}

/** @throws {RangeError} an array of another length than `expected` */
export function checkLength(name: string, got: number, expected: number): void {
  if (got !== expected) throw rangeError(name, `${expected} elements`, `${got} elements`);
}

/** The caller's array for results if there is one, else a new one.
 *  @throws {TypeError} of another class
 *  @throws {RangeError} of another length */
export function resultArray<A extends { readonly length: number }>(
  given: unknown,
  array: new (length: number) => A,
  length: number,
): A {
  if (given === undefined) return new array(length);
  if (!(given instanceof array)) throw typeError('output', `a ${array.name}`, given);
  checkLength('output', given.length, length);
  return given;
}
