import { dtypes } from '../core/dtype.ts';
import { volume } from '../core/shape.ts';
import { type ByteSource, bufferSource } from '../core/source.ts';
import { type Constant, readConstant } from './constant.ts';
import { permuteElements } from './permute-elements.ts';

/** A constant with its axes in another order; its bytes are computed as they are read. Permuting back gives the
 *  constant itself, so what only passes through costs nothing. Reading a part costs in proportion to the part, if the
 *  constant is in memory.
 *  @param perm  axis `i` of the result is axis `perm[i]` of the constant, as in Transpose */
export function permutedConstant(constant: Constant, perm: readonly number[]): Constant {
  const base = constant.permuted?.base ?? constant;
  const inner = constant.permuted?.perm;
  const whole = inner === undefined ? [...perm] : perm.map((axis) => inner[axis]!);
  if (whole.every((axis, at) => axis === at)) return base;
  const { dtype } = base;
  const shape = whole.map((axis) => base.shape[axis]!);
  const origin = base.origin === undefined ? {} : { origin: base.origin };
  const permuted = { base, perm: whole };
  const moving = whole.filter((axis) => base.shape[axis] !== 1);
  if (moving.every((axis, at) => at === 0 || axis > moving[at - 1]!))
    return { ...base, shape, permuted };
  if (base.strings !== undefined) {
    const offsets = offsetsOf(base.shape, whole, 0, volume(shape));
    const strings = Array.from(offsets, (offset) => base.strings![offset]!);
    return { dtype, shape, data: base.data, strings, ...origin, permuted };
  }
  return { dtype, shape, data: permutedSource(base, whole), ...origin, permuted };
}

/** The same elements in another shape: no longer a permutation of anything. */
export function reshapedConstant(constant: Constant, shape: readonly number[]): Constant {
  const { permuted: _before, ...rest } = constant;
  return { ...rest, shape };
}

/** The same constant with its bytes in memory, those of what it is a permutation of included. */
export async function heldConstant(constant: Constant): Promise<Constant> {
  if (constant.strings !== undefined) return constant;
  const { permuted } = constant;
  if (permuted !== undefined) {
    const base = await heldConstant(permuted.base);
    return base === permuted.base ? constant : permutedConstant(base, permuted.perm);
  }
  const bytes = readConstant(constant);
  return bytes instanceof Uint8Array ? constant : { ...constant, data: bufferSource(await bytes) };
}

function permutedSource(base: Constant, perm: readonly number[]): ByteSource {
  const { size } = base.data;
  const bits = dtypes[base.dtype].bits;
  const count = volume(base.shape);
  const part = (bytes: Uint8Array, offset: number, length: number): Uint8Array => {
    if (bits >= 8 && offset === 0 && length === size)
      return permuteElements(bytes, base.shape, perm, bits / 8);
    const perByte = Math.max(1, 8 / bits);
    const width = Math.max(1, bits / 8);
    const first = Math.floor(offset / width) * perByte;
    const last = Math.min(count, Math.ceil((offset + length) / width) * perByte);
    const offsets = offsetsOf(base.shape, perm, first, last);
    if (bits < 8) return packedAt(bytes, offsets, bits, length);
    const result = new Uint8Array(offsets.length * width);
    copyElements(bytes, offsets, width, result);
    const start = offset % width;
    return result.length === length ? result : result.subarray(start, start + length);
  };
  return {
    size,
    ...(base.data.name === undefined ? {} : { name: base.data.name }),
    read(offset, length) {
      const bytes = readConstant(base);
      if (bytes instanceof Uint8Array) return part(bytes, offset, length);
      return bytes.then((found) => part(found, offset, length));
    },
  };
}

function copyElements(from: Uint8Array, offsets: Int32Array, width: number, to: Uint8Array): void {
  const isAligned = from.byteOffset % width === 0;
  if (width === 4 && isAligned) {
    const source = new Uint32Array(from.buffer, from.byteOffset, from.byteLength >> 2);
    const target = new Uint32Array(to.buffer, to.byteOffset, offsets.length);
    for (let i = 0; i < offsets.length; i++) target[i] = source[offsets[i]!]!;
  } else if (width === 1) {
    for (let i = 0; i < offsets.length; i++) to[i] = from[offsets[i]!]!;
  } else {
    for (let i = 0; i < offsets.length; i++) {
      const at = offsets[i]! * width;
      for (let byte = 0; byte < width; byte++) to[i * width + byte] = from[at + byte]!;
    }
  }
}

/** Elements of less than a byte, packed low bits first. */
function packedAt(from: Uint8Array, offsets: Int32Array, bits: number, length: number): Uint8Array {
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  const result = new Uint8Array(length);
  for (let i = 0; i < offsets.length; i++) {
    const at = offsets[i]!;
    const level = (from[Math.floor(at / perByte)]! >> ((at % perByte) * bits)) & mask;
    result[Math.floor(i / perByte)]! |= level << ((i % perByte) * bits);
  }
  return result;
}

/** Where elements `first` to `last` of the permuted tensor are in the tensor. */
function offsetsOf(
  shape: readonly number[],
  perm: readonly number[],
  first: number,
  last: number,
): Int32Array {
  const rank = shape.length;
  const own = new Array<number>(rank).fill(1);
  for (let axis = rank - 2; axis >= 0; axis--) own[axis] = own[axis + 1]! * shape[axis + 1]!;
  const dims = perm.map((axis) => shape[axis]!);
  const strides = perm.map((axis) => own[axis]!);
  const at = new Array<number>(rank).fill(0);
  let rest = first;
  let offset = 0;
  for (let axis = rank - 1; axis >= 0; axis--) {
    at[axis] = dims[axis]! === 0 ? 0 : rest % dims[axis]!;
    rest = dims[axis]! === 0 ? 0 : Math.floor(rest / dims[axis]!);
    offset += at[axis]! * strides[axis]!;
  }
  const result = new Int32Array(Math.max(0, last - first));
  for (let i = 0; i < result.length; i++) {
    result[i] = offset;
    for (let axis = rank - 1; axis >= 0; axis--) {
      offset += strides[axis]!;
      at[axis]!++;
      if (at[axis]! < dims[axis]!) break;
      offset -= strides[axis]! * dims[axis]!;
      at[axis] = 0;
    }
  }
  return result;
}
