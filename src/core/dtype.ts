import { rangeError } from './errors.ts';

/** Element types. Names follow onnxruntime-common (`float32`, `int64`, `bool` …); every ONNX type has one. */

export type DType =
  | 'float32'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'bool'
  | 'float16'
  | 'float64'
  | 'uint32'
  | 'uint64'
  | 'complex64'
  | 'complex128'
  | 'bfloat16'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'uint4'
  | 'int4'
  | 'float4e2m1'
  | 'float8e8m0'
  | 'uint2'
  | 'int2';

export type TypedArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigInt64Array
  | BigUint64Array;

type TypedArrayConstructor = new (
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
) => TypedArray;

export interface DTypeInfo {
  /** Bits of one element; below 8, elements are packed low bits first. 0: not a fixed size (string). */
  bits: number;
  kind: 'float' | 'int' | 'uint' | 'bool' | 'complex' | 'string';
  /** Array that holds the elements, or their bit patterns where JavaScript has no such number. */
  array: TypedArrayConstructor | null;
  /** Array elements per element: 2 for complex. */
  lanes: number;
}

const info = (
  bits: number,
  kind: DTypeInfo['kind'],
  array: TypedArrayConstructor | null,
  lanes = 1,
): DTypeInfo => ({ bits, kind, array, lanes });

export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  float32: info(32, 'float', Float32Array),
  uint8: info(8, 'uint', Uint8Array),
  int8: info(8, 'int', Int8Array),
  uint16: info(16, 'uint', Uint16Array),
  int16: info(16, 'int', Int16Array),
  int32: info(32, 'int', Int32Array),
  int64: info(64, 'int', BigInt64Array),
  string: info(0, 'string', null),
  bool: info(8, 'bool', Uint8Array),
  float16: info(16, 'float', Uint16Array),
  float64: info(64, 'float', Float64Array),
  uint32: info(32, 'uint', Uint32Array),
  uint64: info(64, 'uint', BigUint64Array),
  complex64: info(64, 'complex', Float32Array, 2),
  complex128: info(128, 'complex', Float64Array, 2),
  bfloat16: info(16, 'float', Uint16Array),
  float8e4m3fn: info(8, 'float', Uint8Array),
  float8e4m3fnuz: info(8, 'float', Uint8Array),
  float8e5m2: info(8, 'float', Uint8Array),
  float8e5m2fnuz: info(8, 'float', Uint8Array),
  uint4: info(4, 'uint', Uint8Array),
  int4: info(4, 'int', Uint8Array),
  float4e2m1: info(4, 'float', Uint8Array),
  float8e8m0: info(8, 'float', Uint8Array),
  uint2: info(2, 'uint', Uint8Array),
  int2: info(2, 'int', Uint8Array),
};

/** Whether a name is that of an element type. */
export function isDType(name: string): name is DType {
  return Object.hasOwn(dtypes, name);
}

/** Bytes of `count` elements, the last byte padded for sub-byte types. Not defined for strings (0). */
export function byteLengthOf(dtype: DType, count: number): number {
  return Math.ceil((count * dtypes[dtype].bits) / 8);
}

/** Smallest and largest value of an integer type of at most 32 bits. */
export function integerRange(dtype: DType): { min: number; max: number } {
  const { bits, kind } = dtypes[dtype];
  if (kind === 'uint' && bits <= 32) return { min: 0, max: 2 ** bits - 1 };
  if (kind === 'int' && bits <= 32) return { min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 };
  throw rangeError('dtype', 'an integer type of at most 32 bits', dtype);
}
