import { byteLengthOf, type DType } from '../core/dtype.ts';
import { FormatError, UnsupportedError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import { Tensor, typedArrayOf } from '../core/tensor.ts';

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

/** Reads a NumPy .npy file (versions 1 to 3, C order, little-endian).
 *  @throws {FormatError} not an .npy file, or cut off
 *  @throws {UnsupportedError} Fortran order, big-endian, or a type without numbers
 *  Source: numpy.lib.format. */
export function readNpy(bytes: Uint8Array, where = 'npy'): Tensor {
  const fail = (message: string): FormatError => new FormatError(message, { code: 'E_NPY', where });
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte))
    throw fail('this is no .npy file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = (bytes[6] ?? 0) >= 2;
  const start = wide ? 12 : 10;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  if (start + length > bytes.length) throw fail('the header is cut off');
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
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
  const size = byteLengthOf(dtype, volume(dims));
  if (bytes.length - start - length < size) throw fail('the data are cut off');
  const data = bytes.slice(start + length, start + length + size);
  return new Tensor(dtype, typedArrayOf(dtype, data), dims);
}
