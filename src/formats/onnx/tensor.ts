import { byteLengthOf, type DType, dtypes, integerRange } from '../../core/dtype.ts';
import { FormatError, rangeError, UnsupportedError } from '../../core/errors.ts';
import { volume } from '../../core/shape.ts';
import { type ByteSource, bufferSource } from '../../core/source.ts';
import { decodeUtf8, encodeUtf8 } from '../utf8.ts';
import { type ExternalData, externalSource } from './external.ts';
import { type VarintTarget, varintSource } from './packed.ts';
import type { PayloadBytes, TensorProto } from './proto.ts';

/** TensorProto.DataType of every element type. */
export const dataTypes: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
};

const byNumber = new Map<number, DType>(
  (Object.keys(dataTypes) as DType[]).map((dtype) => [dataTypes[dtype], dtype]),
);

/** Element type of a TensorProto.DataType; null for 0 (undefined) and for numbers unknown here. */
export function dtypeOf(dataType: number | undefined): DType | null {
  return byNumber.get(dataType ?? 0) ?? null;
}

/** TensorProto.DataType of an element type. */
export function dataTypeOf(dtype: DType): number {
  return dataTypes[dtype];
}

/** Element type of a tensor.
 *  @throws {FormatError} none is given
 *  @throws {UnsupportedError} one that is not known here */
export function tensorType(tensor: TensorProto): DType {
  const dtype = dtypeOf(tensor.dataType);
  if (dtype !== null) return dtype;
  const where = tensorPlace(tensor);
  if ((tensor.dataType ?? 0) === 0) {
    throw new FormatError('the tensor has no element type', { code: 'E_ONNX_DATA_TYPE', where });
  }
  const names: Record<number, string> = { 27: ' (float6e2m3)', 28: ' (float6e3m2)' };
  throw new UnsupportedError(
    `element type ${tensor.dataType}${names[tensor.dataType!] ?? ''} is not known`,
    {
      code: 'E_ONNX_DATA_TYPE',
      where,
      hint: 'the tensor can be copied, but not computed with',
    },
  );
}

/** Sizes of a tensor.
 *  @throws {FormatError} a size below 0, or more than 2^53 elements */
export function tensorDims(tensor: TensorProto, place?: string): number[] {
  const dims = (tensor.dims ?? []).map(Number);
  checkDims(dims, place ?? tensorPlace(tensor));
  return dims;
}

/** Checks sizes and returns their product. Multiplies without rounding: past 2^53 it stops. */
export function checkDims(dims: readonly number[], where: string): number {
  let count = 1;
  for (const dim of dims) {
    if (!(dim >= 0))
      throw new FormatError(`the size ${dim} is negative`, { code: 'E_ONNX_DIMS', where });
  }
  if (dims.includes(0)) return 0;
  for (const dim of dims) {
    count *= dim;
    if (!Number.isSafeInteger(count * 16)) {
      throw new FormatError(`sizes [${dims.join(', ')}] are too many elements`, {
        code: 'E_ONNX_DIMS',
        where,
      });
    }
  }
  return count;
}

/** Elements of a tensor as packed little-endian bytes, row-major: the layout of raw_data. Nothing is copied:
 *  raw data are a view, external data a slice of their source, typed fields are converted when read.
 *  @param tensor  of any element type but string (see `tensorStrings`)
 *  @param external  opened files (see `openExternal`); needed for tensors stored outside
 *  @returns  a source of exactly ⌈product(dims) · bits / 8⌉ bytes
 *  @throws {FormatError} no element type, negative sizes, data of another size, in the wrong or in more than
 *    one field, or external data that are missing or cut off; a read throws it for a value out of range
 *  @throws {UnsupportedError} an element type that is not known, or segments */
export function tensorBytes(tensor: TensorProto, external?: ExternalData): ByteSource {
  const where = tensorPlace(tensor);
  const dtype = tensorType(tensor);
  const count = checkDims(tensorDims(tensor, where), where);
  if (dtype === 'string') {
    throw new UnsupportedError('strings have no packed bytes', {
      code: 'E_ONNX_DATA_FIELD',
      where,
    });
  }
  if (tensor.segment !== undefined) {
    throw new UnsupportedError('a tensor stored in segments', { code: 'E_ONNX_SEGMENT', where });
  }
  const size = byteLengthOf(dtype, count);
  const field = dataField(tensor, where);
  if (tensor.dataLocation === 1) {
    if (field !== null) throw wrongField(where, `it is external, but has ${field}, too`);
    return externalSource(tensor, size, external, where);
  }
  if (field === 'rawData' || field === null) {
    const raw = tensor.rawData ?? new Uint8Array(0);
    const source = raw instanceof Uint8Array ? bufferSource(raw, where) : raw;
    if (source.size !== size) throw wrongSize(tensor, dtype, source.size, size, where);
    return source;
  }
  if (field !== typedField(dtype))
    throw wrongField(where, `${dtype} elements are not stored in ${field}`);
  const source = typedSource(tensor[field]!, dtype, field, where);
  if (source.size !== size) throw wrongSize(tensor, dtype, source.size, size, where);
  return source;
}

/** Elements of a string tensor. Bytes that are not UTF-8 become lone surrogates (formats/utf8.ts).
 *  @throws {FormatError} another element type, or a number of strings that does not fit the sizes */
export function tensorStrings(tensor: TensorProto): string[] {
  const where = tensorPlace(tensor);
  const dtype = tensorType(tensor);
  const count = checkDims(tensorDims(tensor, where), where);
  if (dtype !== 'string') throw wrongField(where, `${dtype} elements are no strings`);
  const strings = tensor.stringData ?? [];
  const field = dataField(tensor, where);
  if (tensor.dataLocation === 1 || (field !== null && field !== 'stringData')) {
    throw wrongField(where, `strings are not stored in ${field ?? 'external files'}`);
  }
  if (strings.length !== count) throw wrongSize(tensor, dtype, strings.length, count, where);
  return strings.map((bytes) => decodeUtf8(bytes));
}

/** A TensorProto with raw_data.
 *  @param payload  packed little-endian elements; a source is read when the tensor is written
 *  @throws {RangeError} the payload's size does not fit the type and sizes */
export function makeTensor(
  name: string,
  dtype: DType,
  dims: readonly number[],
  payload: PayloadBytes,
): TensorProto {
  if (dtype === 'string') throw rangeError('dtype', 'an element type of fixed size', dtype);
  const size = payload instanceof Uint8Array ? payload.byteLength : payload.size;
  const expected = byteLengthOf(dtype, volume(dims));
  if (size !== expected) {
    throw rangeError('payload', `${expected} bytes for ${dtype} [${dims.join(', ')}]`, size);
  }
  return { dims: [...dims], dataType: dataTypes[dtype], name, rawData: payload };
}

/** A TensorProto of strings.
 *  @throws {RangeError} the number of strings does not fit the sizes */
export function makeStringTensor(
  name: string,
  dims: readonly number[],
  strings: readonly string[],
): TensorProto {
  if (strings.length !== volume(dims)) {
    throw rangeError('strings', `${volume(dims)} strings for [${dims.join(', ')}]`, strings.length);
  }
  return { dims: [...dims], dataType: dataTypes.string, stringData: strings.map(encodeUtf8), name };
}

/** `onnx: tensor "conv1.weight"` */
export function tensorPlace(tensor: TensorProto): string {
  const name = tensor.name ?? '';
  return `onnx: tensor ${JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)}`;
}

const typedFields = ['floatData', 'int32Data', 'int64Data', 'doubleData', 'uint64Data'] as const;
type TypedField = (typeof typedFields)[number];

/** The one field that holds data; null where none does. An empty field counts as none. */
function dataField(
  tensor: TensorProto,
  where: string,
): TypedField | 'rawData' | 'stringData' | null {
  const raw = tensor.rawData;
  const used: (TypedField | 'rawData' | 'stringData')[] = typedFields.filter(
    (field) => (tensor[field]?.length ?? 0) > 0,
  );
  if ((tensor.stringData?.length ?? 0) > 0) used.push('stringData');
  if (raw !== undefined && (raw instanceof Uint8Array ? raw.byteLength : raw.size) > 0)
    used.push('rawData');
  if (used.length > 1) throw wrongField(where, `it has data in ${used.join(' and ')}`);
  return used[0] ?? null;
}

/** Where the elements of a type are when they are not raw. */
function typedField(dtype: DType): TypedField {
  switch (dtype) {
    case 'float32':
    case 'complex64':
      return 'floatData';
    case 'float64':
    case 'complex128':
      return 'doubleData';
    case 'int64':
      return 'int64Data';
    case 'uint32':
    case 'uint64':
      return 'uint64Data';
    default:
      return 'int32Data';
  }
}

function typedSource(wire: Uint8Array, dtype: DType, field: TypedField, where: string): ByteSource {
  // Packed floats are little-endian on the wire already.
  if (field === 'floatData' || field === 'doubleData') return bufferSource(wire, where);
  return varintSource(wire, varintTarget(dtype), where);
}

function varintTarget(dtype: DType): VarintTarget {
  const { bits, kind } = dtypes[dtype];
  if (bits === 64) return { width: 8, min: 0, max: 0 };
  if (dtype === 'uint32') return { width: 4, min: 0, max: 0, unsigned32: true };
  if (dtype === 'bool') return { width: 1, min: 0, max: 1 };
  const width = bits === 32 ? 4 : bits === 16 ? 2 : 1;
  if (bits >= 8 && (kind === 'int' || kind === 'uint')) return { width, ...integerRange(dtype) };
  // Bit patterns, or several elements in a byte: some writers sign-extend them.
  return {
    width,
    min: width === 2 ? -(2 ** 15) : -(2 ** 7),
    max: width === 2 ? 2 ** 16 - 1 : 2 ** 8 - 1,
  };
}

function wrongField(where: string, what: string): FormatError {
  return new FormatError(`the tensor's data are ambiguous: ${what}`, {
    code: 'E_ONNX_DATA_FIELD',
    where,
  });
}

function wrongSize(
  tensor: TensorProto,
  dtype: DType,
  got: number,
  expected: number,
  where: string,
): FormatError {
  const unit = dtype === 'string' ? 'strings' : 'bytes';
  const dims = (tensor.dims ?? []).join(', ');
  return new FormatError(`${dtype} [${dims}] takes ${expected} ${unit}, the file has ${got}`, {
    code: 'E_ONNX_DATA_SIZE',
    where,
  });
}
