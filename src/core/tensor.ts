import { byteLengthOf, type DType, dtypes, isDType, type TypedArray } from './dtype.ts';
import { rangeError, typeError } from './errors.ts';
import { volume } from './shape.ts';

export type TensorData = TypedArray | string[];

/** A tensor in memory. Structurally compatible with onnxruntime-common's Tensor (`type`, `data`, `dims`).
 *  Types without a JavaScript array hold bit patterns (float16 in a Uint16Array); sub-byte types are
 *  packed, first element in the low bits. */
export class Tensor {
  readonly type: DType;
  readonly data: TensorData;
  readonly dims: readonly number[];

  /** @param type  element type
   *  @param data  row-major elements: the type's array, an array of strings for `string`, or plain numbers
   *  @param dims  sizes; default one axis
   *  @throws {TypeError} the data's kind does not fit the type
   *  @throws {RangeError} the length does not fit the dims */
  constructor(
    type: DType,
    data: TensorData | readonly number[] | readonly bigint[] | readonly boolean[],
    dims?: readonly number[],
  ) {
    if (!isDType(type)) throw typeError('type', 'an element type such as "float32"', type);
    this.type = type;
    this.data = toData(type, data);
    const sizes = dims ?? [elementCount(type, this.data)];
    for (const dim of sizes) {
      if (!Number.isInteger(dim) || dim < 0) throw rangeError('dims', 'sizes ≥ 0', dim);
    }
    this.dims = [...sizes];
    const count = volume(this.dims);
    const expected = expectedLength(type, count);
    if (this.data.length !== expected) {
      throw rangeError(
        'data',
        `${expected} elements for dims [${this.dims.join(', ')}]`,
        this.data.length,
      );
    }
  }

  /** Number of elements. */
  get size(): number {
    return volume(this.dims);
  }
}

function expectedLength(type: DType, count: number): number {
  const { array, bits, lanes } = dtypes[type];
  if (array === null) return count;
  return bits < 8 ? byteLengthOf(type, count) : count * lanes;
}

function elementCount(type: DType, data: TensorData): number {
  const { bits, lanes } = dtypes[type];
  return bits > 0 && bits < 8 ? (data.length * 8) / bits : data.length / lanes;
}

function toData(type: DType, data: unknown): TensorData {
  const { array } = dtypes[type];
  if (array === null) {
    if (Array.isArray(data) && data.every((item) => typeof item === 'string'))
      return data as string[];
    throw typeError('data', 'an array of strings', data);
  }
  if (data instanceof array) return data as TypedArray;
  if (Array.isArray(data)) {
    const from = array as unknown as { from(items: readonly unknown[]): TypedArray };
    const wide = type === 'int64' || type === 'uint64';
    return from.from(wide ? data.map((item) => BigInt(item)) : data.map(Number));
  }
  throw typeError('data', `a ${array.name} for ${type}`, data);
}

/** The typed array of a tensor's type over little-endian bytes, copied only if they are misaligned.
 *  @param bytes  exactly `byteLengthOf(type, count)` bytes */
export function typedArrayOf(type: DType, bytes: Uint8Array): TypedArray {
  const array = dtypes[type].array;
  if (array === null) throw typeError('type', 'a type of fixed size', type);
  const width = (array as unknown as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  return new array(aligned.buffer, aligned.byteOffset, Math.floor(bytes.byteLength / width));
}

/** The bytes of a typed array, as a view. */
export function bytesOf(data: TypedArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
