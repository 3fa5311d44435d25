import { byteLengthOf, type DType } from '../core/dtype.ts';
import { FormatError, UnsupportedError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import { bytesOf, Tensor, typedArrayOf } from '../core/tensor.ts';

const descriptors: Readonly<Record<string, DType>> = {
  f4: 'float32',
  f8: 'float64',
  f2: 'float16',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  b1: 'bool',
};

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** What the header of an .npy file says. */
export interface NpyHeader {
  dtype: DType;
  dims: number[];
  /** Where the elements begin, bytes. */
  start: number;
}

/** Bytes from which `npyHeaderBytes` knows how long a header is. */
export const npyPreamble = 12;

/** Bytes of the header and what is before it, which the first 12 of a file say.
 *  @throws {FormatError} not an .npy file */
export function npyHeaderBytes(bytes: Uint8Array, where: string): number {
  if (bytes.length < npyPreamble || magic.some((byte, i) => bytes[i] !== byte))
    throw new FormatError('this is no .npy file', { code: 'E_NPY', where });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (bytes[6] ?? 0) >= 2 ? 12 + view.getUint32(8, true) : 10 + view.getUint16(8, true);
}

/** @param bytes  from the beginning of a file, at least its header
 *  @throws as `readNpy` */
export function readNpyHeader(bytes: Uint8Array, where: string): NpyHeader {
  const fail = (message: string): FormatError => new FormatError(message, { code: 'E_NPY', where });
  const start = npyHeaderBytes(bytes, where);
  if (start > bytes.length) throw fail('the header is cut off');
  const header = new TextDecoder('latin1').decode(bytes.subarray(10, start));
  const descriptor = /'descr':\s*'([<>|=])(\w+)'/.exec(header);
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header);
  if (descriptor === null || shape === null) throw fail('the header has no descr or shape');
  const [, order, name = ''] = descriptor;
  const dtype = Object.hasOwn(descriptors, name) ? descriptors[name] : undefined;
  if (dtype === undefined || order === '>') {
    throw new UnsupportedError(`elements of type ${order}${name}`, { code: 'E_NPY_TYPE', where });
  }
  if (/'fortran_order':\s*True/.test(header)) {
    throw new UnsupportedError('Fortran order', {
      code: 'E_NPY_ORDER',
      where,
      hint: 'save numpy.ascontiguousarray(x)',
    });
  }
  const dims = (shape[1] ?? '')
    .split(',')
    .filter((text) => text.trim() !== '')
    .map(Number);
  if (dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0))
    throw fail('a size is no whole number');
  return { dtype, dims, start };
}

/** Reads a NumPy .npy file (versions 1 to 3, C order, little-endian).
 *  @throws {FormatError} not an .npy file, or cut off
 *  @throws {UnsupportedError} Fortran order, big-endian, or a type without numbers
 *  Source: numpy.lib.format. */
export function readNpy(bytes: Uint8Array, where = 'npy'): Tensor {
  const { dtype, dims, start } = readNpyHeader(bytes, where);
  const size = byteLengthOf(dtype, volume(dims));
  if (bytes.length - start < size)
    throw new FormatError('the data are cut off', { code: 'E_NPY', where });
  const data = bytes.slice(start, start + size);
  return new Tensor(dtype, typedArrayOf(dtype, data), dims);
}

/** Writes a NumPy .npy file (version 1, C order).
 *  @throws {UnsupportedError} a type that NumPy does not have: strings, bfloat16, 8-bit floats, 4-bit integers
 *  Source: numpy.lib.format. */
export function writeNpy({ type, data, dims }: Tensor): Uint8Array {
  const name = Object.keys(descriptors).find((key) => descriptors[key] === type);
  if (name === undefined || Array.isArray(data)) {
    throw new UnsupportedError(`.npy files have no ${type}`, { code: 'E_NPY_TYPE' });
  }
  const order = name.endsWith('1') ? '|' : '<';
  const shape = `(${dims.join(', ')}${dims.length === 1 ? ',' : ''})`;
  const header = `{'descr': '${order}${name}', 'fortran_order': False, 'shape': ${shape}, }`;
  // With the 10 bytes before it and a newline the header ends at a multiple of 64.
  const length = Math.ceil((10 + header.length + 1) / 64) * 64 - 10;
  const prefix = Uint8Array.of(...magic, 1, 0, length & 255, length >> 8);
  const elements = bytesOf(data);
  const bytes = new Uint8Array(prefix.length + length + elements.length);
  bytes.set(prefix);
  bytes.set(new TextEncoder().encode(`${header.padEnd(length - 1)}\n`), prefix.length);
  bytes.set(elements, prefix.length + length);
  return bytes;
}
