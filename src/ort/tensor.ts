import { dtypes } from '../core/dtype.ts';
import { rangeError, typeError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import { Tensor as OwnTensor, type TensorData } from '../core/tensor.ts';

/** Arrays by element type. float16 is in a Float16Array where there is one, else bits in a Uint16Array. */
export interface DataTypeMap {
  float32: Float32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  string: string[];
  bool: Uint8Array;
  float16: Uint16Array;
  float64: Float64Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  uint4: Uint8Array;
  int4: Int8Array;
}

export type TensorType = keyof DataTypeMap;
export type TensorDataType = DataTypeMap[TensorType];

/** A tensor whose element type is known. */
export interface TypedTensor<T extends TensorType> extends Tensor {
  readonly type: T;
  readonly data: DataTypeMap[T];
}

/** What a tensor may be made of. */
export type TensorSource =
  | TensorDataType
  | Uint8ClampedArray
  | readonly number[]
  | readonly bigint[]
  | readonly string[]
  | readonly boolean[];

const wide = new Set<string>(['int64', 'uint64']);
const packed = new Set<string>(['uint4', 'int4']);

/** The engine's Float16Array, which TypeScript's libraries don't have everywhere. */
const { Float16Array } = globalThis as { Float16Array?: typeof Uint16Array };

/** A tensor as onnxruntime-common has it, on the CPU. */
export class Tensor {
  readonly type: TensorType;
  readonly dims: readonly number[];
  /** Number of elements. */
  readonly size: number;
  #data: TensorDataType | null;

  /** A tensor of a type; numbers and booleans in plain arrays are converted. Without dims it has one axis.
   *  @throws {TypeError} the data don't fit the type
   *  @throws {RangeError} the length doesn't fit the dims */
  constructor(type: TensorType, data: TensorSource, dims?: readonly number[]);
  /** A tensor whose type follows from the data. */
  constructor(data: TensorSource, dims?: readonly number[]);
  constructor(
    first: TensorType | TensorSource,
    second?: TensorSource | readonly number[],
    third?: readonly number[],
  ) {
    const [type, source, dims] =
      typeof first === 'string'
        ? [first, second as TensorSource, third]
        : [typeOfData(first), first, second as readonly number[] | undefined];
    if (!Object.hasOwn(arrays, type))
      throw typeError('type', Object.keys(arrays).join(' | '), type);
    const data = toData(type, source);
    if (dims !== undefined && !Array.isArray(dims)) throw typeError('dims', 'an array', dims);
    this.type = type;
    this.#data = data;
    this.dims = dims ?? [data.length];
    for (const dim of this.dims)
      if (!Number.isInteger(dim) || dim < 0) throw rangeError('dims', 'sizes ≥ 0', dim);
    this.size = volume(this.dims);
    const expected = packed.has(type) ? Math.ceil(this.size / 2) : this.size;
    if (data.length !== expected && data.length !== this.size)
      throw rangeError('data', `${expected} elements for dims [${this.dims}]`, data.length);
  }

  /** The elements, row-major.
   *  @throws {TypeError} the tensor was disposed of */
  get data(): TensorDataType {
    if (this.#data === null) throw typeError('tensor', 'one that lives', 'disposed');
    return this.#data;
  }

  /** Where the elements are; none after `dispose`. */
  get location(): 'cpu' | 'none' {
    return this.#data === null ? 'none' : 'cpu';
  }

  /** The elements.
   *  @param releaseData  let go of them */
  async getData(releaseData = false): Promise<TensorDataType> {
    const { data } = this;
    if (releaseData) this.dispose();
    return data;
  }

  /** Lets go of the elements. */
  dispose(): void {
    this.#data = null;
  }

  /** The same elements under other sizes. */
  reshape(dims: readonly number[]): Tensor {
    return new Tensor(this.type, this.data, dims);
  }
}

/** The names under which onnxruntime-common has these types. */
export declare namespace Tensor {
  export type { DataTypeMap, TensorDataType as DataType, TensorType as Type };
}

const arrays: Readonly<Record<TensorType, typeof Uint8Array | typeof Array>> = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  string: Array,
  bool: Uint8Array,
  float16: Float16Array ?? Uint16Array,
  float64: Float64Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  uint4: Uint8Array,
  int4: Int8Array,
} as unknown as Record<TensorType, typeof Uint8Array | typeof Array>;

/** Types that share an array with another one can't be told from it. */
const ambiguous = new Set<TensorType>(['bool', 'uint4', 'int4', 'string']);

function typeOfData(data: TensorSource): TensorType {
  if (data instanceof Uint8ClampedArray) return 'uint8';
  if (Array.isArray(data)) {
    if (typeof data[0] === 'string') return 'string';
    if (typeof data[0] === 'boolean') return 'bool';
    throw typeError('data', 'strings or booleans where no type is given', data[0]);
  }
  for (const [type, array] of Object.entries(arrays) as [TensorType, typeof Uint8Array][])
    if (!ambiguous.has(type) && data instanceof array) return type;
  throw typeError('data', 'a typed array', data);
}

function toData(type: TensorType, source: TensorSource): TensorDataType {
  if (type === 'string') {
    if (Array.isArray(source)) return source as string[];
    throw typeError('data', 'an array of strings', source);
  }
  const array = arrays[type] as unknown as {
    new (buffer: ArrayBufferLike, offset: number, length: number): TensorDataType;
    from(items: readonly unknown[], map?: (item: unknown) => unknown): TensorDataType;
    readonly name: string;
  };
  if (source instanceof array) return source as TensorDataType;
  if (Array.isArray(source)) {
    // Numbers would be taken for bits.
    if (packed.has(type) || (type === 'float16' && Float16Array === undefined))
      throw typeError('data', `a ${array.name} for ${type}`, source);
    return wide.has(type)
      ? array.from(source, (item) => BigInt(item as number))
      : array.from(source);
  }
  if (source instanceof Uint8ClampedArray && type === 'uint8') return Uint8Array.from(source);
  if (source instanceof Uint16Array && type === 'float16')
    return new array(source.buffer, source.byteOffset, source.length);
  throw typeError('data', `a ${array.name} for ${type}`, source);
}

/** Ours, over the same elements. */
export function toOwn({ type, data, dims }: Pick<Tensor, 'type' | 'data' | 'dims'>): OwnTensor {
  const { array } = dtypes[type];
  if (array === null || data instanceof array || Array.isArray(data))
    return new OwnTensor(type, data as TensorData, dims);
  const same = array as unknown as new (b: ArrayBufferLike, o: number, n: number) => Uint8Array;
  return new OwnTensor(type, new same(data.buffer, data.byteOffset, data.length), dims);
}

/** onnxruntime's, over the same elements.
 *  @throws {TypeError} a type that onnxruntime-common does not have */
export function fromOwn({ type, data, dims }: OwnTensor): Tensor {
  if (!Object.hasOwn(arrays, type))
    throw typeError('output', Object.keys(arrays).join(' | '), type);
  const known = type as TensorType;
  if (known === 'int4') {
    const { buffer, byteOffset, length } = data as Uint8Array;
    return new Tensor(known, new Int8Array(buffer, byteOffset, length), dims);
  }
  return new Tensor(known, data as TensorSource, dims);
}
