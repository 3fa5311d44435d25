import { rangeError, typeError } from '../../core/errors.ts';
import type { BytesWriter } from './bytes-writer.ts';
import type { ScalarKind } from './schema.ts';

/** What a vector of a kind is as a typed array. */
export const arraysOfScalars: {
  readonly '?': Uint8ArrayConstructor;
  readonly b: Int8ArrayConstructor;
  readonly B: Uint8ArrayConstructor;
  readonly h: Int16ArrayConstructor;
  readonly H: Uint16ArrayConstructor;
  readonly i: Int32ArrayConstructor;
  readonly I: Uint32ArrayConstructor;
  readonly q: BigInt64ArrayConstructor;
  readonly Q: BigUint64ArrayConstructor;
  readonly f: Float32ArrayConstructor;
  readonly d: Float64ArrayConstructor;
} = {
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
};

/** Bits of integer kinds; below 0 for signed ones. */
const bits: Readonly<Partial<Record<ScalarKind, number>>> = {
  b: -8,
  B: 8,
  h: -16,
  H: 16,
  i: -32,
  I: 32,
  q: -64,
  Q: 64,
};

/** Bytes of a vector: of the kind's typed array, or of an array of numbers, bigints or booleans. */
export function elementsOf(kind: ScalarKind, value: unknown, name: string): Uint8Array {
  const type = arraysOfScalars[kind];
  if (value instanceof type) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  if (!Array.isArray(value)) throw typeError(name, `a ${type.name} or an array`, value);
  const values = value.map((item: unknown) => checked(kind, item, name));
  const made =
    kind === 'q' || kind === 'Q'
      ? arraysOfScalars[kind].from(values.map(BigInt))
      : new (type as Float64ArrayConstructor)(values.map(Number));
  return new Uint8Array(made.buffer);
}

/** Writes one scalar.
 *  @throws {TypeError | RangeError} the kind can't hold it */
export function putScalar(
  out: BytesWriter,
  kind: ScalarKind,
  at: number,
  given: unknown,
  name: string,
): void {
  const value = checked(kind, given, name);
  if (kind === 'q' || kind === 'Q') out.u64(at, BigInt(value));
  else if (kind === 'f') out.f32(at, Number(value));
  else if (kind === 'd') out.f64(at, Number(value));
  else if (kind === 'i' || kind === 'I') out.u32(at, Number(value));
  else if (kind === 'h' || kind === 'H') out.u16(at, Number(value));
  else out.u8(at, Number(value));
}

function checked(kind: ScalarKind, value: unknown, name: string): number | bigint {
  if (kind === '?') {
    if (typeof value === 'boolean' || value === 0 || value === 1) return Number(value);
    throw typeError(name, 'a boolean', value);
  }
  const width = bits[kind];
  const wide = kind === 'q' || kind === 'Q';
  if (typeof value !== 'number' && !(wide && typeof value === 'bigint'))
    throw typeError(name, wide ? 'a bigint or a number' : 'a number', value);
  if (width === undefined) return value;
  const least = width < 0 ? -(2 ** (-width - 1)) : 0;
  const end = width < 0 ? -least : 2 ** width;
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!isWhole || value < least || value >= end)
    throw rangeError(name, `an integer of ${Math.abs(width)} bits`, value);
  return value;
}
