import { byteLengthOf, dtypes } from '../../../core/dtype.ts';
import { FormatError, UnsupportedError } from '../../../core/errors.ts';
import { volume } from '../../../core/shape.ts';
import { type ByteSource, bufferSource, readSync } from '../../../core/source.ts';
import { type Constant, constantOf } from '../../../ir/constant.ts';
import type { TensorRecord } from '../records.ts';
import { denseSource } from '../sparsity.ts';
import { dtypeOf } from '../tensor-types.ts';
import type { Reading } from './reading.ts';

/** The constant that a tensor is, or null: its buffer is empty, though it has elements.
 *  @throws {FormatError} the buffer does not fit the type and shape
 *  @throws {UnsupportedError} the tensor's data are stored in a way that is not known */
export function constantOfTensor(
  tensor: TensorRecord,
  reading: Reading,
  where: string,
): Constant | null {
  const outside = reading.external.get(tensor.externalBuffer ?? 0);
  const data = outside ?? bufferAt(tensor.buffer ?? 0, reading, where);
  if (data === null) {
    const shape = shapeOf(tensor, reading, where);
    const dtype = dtypeOf(tensor.type);
    if (!shape.includes(0) || dtype === null) return null;
    return constantOf(dtype, shape, new Uint8Array(0));
  }
  const dtype = dtypeOf(tensor.type);
  const shape = shapeOf(tensor, reading, where);
  if (dtype === null) {
    throw new UnsupportedError(`a constant of type ${tensor.type}`, {
      code: 'E_TFLITE_TYPE',
      where,
    });
  }
  if (dtype === 'string')
    return { dtype, shape, data: bufferSource(new Uint8Array(0)), strings: strings(data, where) };
  if (tensor.sparsity !== undefined) {
    const itemBytes = dtypes[dtype].bits / 8;
    if (!Number.isInteger(itemBytes)) {
      throw new UnsupportedError(`a sparse tensor of type ${dtype}`, {
        code: 'E_TFLITE_SPARSE',
        where,
      });
    }
    const form = { shape, itemBytes };
    return {
      dtype,
      shape,
      data: denseSource(tensor.sparsity, form, data, reading.limits, where),
    };
  }
  const expected = byteLengthOf(dtype, volume(shape));
  if (data.size !== expected) {
    throw new FormatError(
      `${dtype} [${shape.join(', ')}] takes ${expected} bytes, its buffer has ${data.size}`,
      { code: 'E_TFLITE_TENSOR_SIZE', where },
    );
  }
  return { dtype, shape, data };
}

/** A tensor's sizes, as its constant has them.
 *  @throws {FormatError} a negative size, or more axes than the limit */
export function shapeOf(tensor: TensorRecord, { limits }: Reading, where: string): number[] {
  const shape = [...(tensor.shape ?? [])];
  if (shape.length > limits.rank || shape.some((size) => size < 0)) {
    throw new FormatError(`a tensor of shape [${shape.join(', ')}]`, {
      code: 'E_TFLITE_SHAPE',
      where,
    });
  }
  return shape;
}

function bufferAt(index: number, { buffers }: Reading, where: string): ByteSource | null {
  const buffer = buffers[index];
  if (buffer !== undefined) return buffer.size === 0 ? null : buffer;
  if (index === 0) return null;
  throw new FormatError(`there is no buffer ${index}`, { code: 'E_TFLITE_BUFFER', where });
}

/** int32 count, count + 1 offsets from the start, then the bytes (tflite/string_util.h). */
function strings(data: ByteSource, where: string): Uint8Array[] {
  const bytes = readSync(data, 0, data.size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const broken = (): FormatError =>
    new FormatError('a buffer of strings is broken', { code: 'E_TFLITE_STRINGS', where });
  const count = bytes.length < 4 ? 0 : view.getInt32(0, true);
  if (count < 0 || 4 * (count + 2) > bytes.length) throw broken();
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [view.getInt32(4 + 4 * i, true), view.getInt32(8 + 4 * i, true)];
    if (from < 0 || to < from || to > bytes.length) throw broken();
    return bytes.subarray(from, to);
  });
}

/** Whether elements of this type can stand for reals. */
export function holdsLevels(tensor: TensorRecord): boolean {
  const dtype = dtypeOf(tensor.type);
  if (dtype === null) return false;
  const { kind, bits } = dtypes[dtype];
  return (kind === 'int' || kind === 'uint') && bits <= 16;
}
