import { byteLengthOf, type DType, dtypes } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import { type ByteSource, bufferSource, type MaybePromise } from '../core/source.ts';
import { bytesOf, Tensor, typedArrayOf } from '../core/tensor.ts';
import type { Value } from './graph.ts';

/** An immutable tensor whose bytes are read when they are needed.
 *  `data` gives row-major little-endian elements, sub-byte types packed low bits first (ONNX's raw_data);
 *  for `string` it is empty and `strings` holds the elements. */
export interface Constant {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ByteSource;
  readonly strings?: readonly Uint8Array[];
  /** The format's own record of it, to write an untouched tensor back as it was. */
  readonly origin?: unknown;
  /** What this is with its axes in another order (`permutedConstant`). */
  readonly permuted?: { readonly base: Constant; readonly perm: readonly number[] };
}

/** A constant over bytes in memory or anywhere else.
 *  @throws {ShapeError} the number of bytes does not fit dtype and shape */
export function constantOf(
  dtype: DType,
  shape: readonly number[],
  data: Uint8Array | ByteSource,
  origin?: unknown,
): Constant {
  const expected = byteLengthOf(dtype, volume(shape));
  const source = data instanceof Uint8Array ? bufferSource(data) : data;
  if (source.size !== expected) {
    throw new ShapeError(
      `${dtype} [${shape.join(', ')}] takes ${expected} bytes, got ${source.size}`,
      { code: 'E_TENSOR_SIZE' },
    );
  }
  return { dtype, shape, data: source, ...(origin === undefined ? {} : { origin }) };
}

/** A constant of a tensor's elements (no copy). */
export function constantOfTensor(tensor: Tensor): Constant {
  if (tensor.type === 'string') {
    const encoder = new TextEncoder();
    const strings = (tensor.data as string[]).map((text) => encoder.encode(text));
    return { dtype: 'string', shape: tensor.dims, data: bufferSource(new Uint8Array(0)), strings };
  }
  const data = tensor.data as Exclude<Tensor['data'], string[]>;
  return constantOf(tensor.type, tensor.dims, bytesOf(data));
}

/** A rank-1 int64 constant: axes, shapes. */
export function int64Constant(
  values: readonly (number | bigint)[],
  shape?: readonly number[],
): Constant {
  const data = BigInt64Array.from(values, (value) => BigInt(value));
  return constantOf('int64', shape ?? [values.length], bytesOf(data));
}

/** The constant that a value is: an initializer, or the output of a Constant node. */
export function constantOfValue(value: Value): Constant | null {
  if (value.constant !== null) return value.constant;
  const node = value.producer;
  if (node?.op !== 'Constant' || node.domain !== '') return null;
  const tensor = node.attributes.get('value');
  return tensor?.type === 'tensor' ? tensor.value : null;
}

/** Number of elements. */
export function sizeOf(constant: Constant): number {
  return volume(constant.shape);
}

/** All bytes of a constant; they may be a view. */
export function readConstant(constant: Constant): MaybePromise<Uint8Array> {
  return constant.data.read(0, constant.data.size);
}

/** The constant as a Tensor. */
export async function tensorOf(constant: Constant): Promise<Tensor> {
  if (constant.strings !== undefined) {
    const decoder = new TextDecoder();
    return new Tensor(
      'string',
      constant.strings.map((bytes) => decoder.decode(bytes)),
      constant.shape,
    );
  }
  const bytes = await readConstant(constant);
  return new Tensor(constant.dtype, typedArrayOf(constant.dtype, bytes), constant.shape);
}

/** The elements of a float32 constant (a view), or null where it is of another type or its bytes can't be had without
 *  waiting. */
export function floatsNow(constant: Constant): Float32Array | null {
  const bytes = constant.dtype === 'float32' ? readConstant(constant) : null;
  return bytes instanceof Uint8Array ? (typedArrayOf('float32', bytes) as Float32Array) : null;
}

/** The same of a value that is a constant and not quantized. */
export function realsNow(value: Value | null): Float32Array | null {
  const constant = value === null || value.quantization !== null ? null : constantOfValue(value);
  return constant === null ? null : floatsNow(constant);
}

/** The elements of a small integer, bool or float constant as numbers, or null when it is large, of another
 *  type, or its bytes can't be had without waiting. For shape rules, which need axes and sizes. */
export function smallValues(constant: Constant, maxElements = 4096): (number | bigint)[] | null {
  const { dtype } = constant;
  if (constant.strings !== undefined || dtypes[dtype].bits < 8) return null;
  if (dtypes[dtype].kind === 'float' && dtype !== 'float32' && dtype !== 'float64') return null;
  if (dtypes[dtype].kind === 'complex' || sizeOf(constant) > maxElements) return null;
  const bytes = readConstant(constant);
  if (!(bytes instanceof Uint8Array)) return null;
  const values: (number | bigint)[] = [];
  for (const value of typedArrayOf(dtype, bytes)) {
    const small = typeof value === 'bigint' && Number.isSafeInteger(Number(value));
    values.push(small ? Number(value) : value);
  }
  return values;
}
