import { type DType, dtypes, type TypedArray } from '../../core/dtype.ts';
import { volume } from '../../core/shape.ts';
import { Tensor, type TensorData } from '../../core/tensor.ts';
import { decodeTable, encodeSmall, isSmallFloat, type PowerRounding } from './small-floats.ts';

/** A tensor's elements as numbers, and numbers as a tensor of any element type. */

/** Whether integers of a type go beyond what a number holds exactly. */
export function isWide(dtype: DType): boolean {
  return dtype === 'int64' || dtype === 'uint64';
}

/** Integers of any width, bool not among them. */
export function isIntegerType(dtype: DType): boolean {
  return dtypes[dtype].kind === 'int' || dtypes[dtype].kind === 'uint';
}

/** Floating-point numbers of any width. */
export function isFloatType(dtype: DType): boolean {
  return dtypes[dtype].kind === 'float';
}

/** Array items as they are stored, one (for complex numbers two) an element: sub-byte types are unpacked, without
 *  their sign. Other data are not copied: don't write to them. */
export function itemsOf(tensor: Tensor): TensorData {
  const { bits } = dtypes[tensor.type];
  if (bits === 0 || bits >= 8) return tensor.data;
  const packed = tensor.data as Uint8Array;
  const items = new Uint8Array(tensor.size);
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  for (let i = 0; i < items.length; i++)
    items[i] = (packed[Math.floor(i / perByte)]! >> ((i % perByte) * bits)) & mask;
  return items;
}

/** The inverse of `itemsOf`. */
export function tensorOfItems(type: DType, items: TensorData, dims: readonly number[]): Tensor {
  const { bits } = dtypes[type];
  if (bits === 0 || bits >= 8) return new Tensor(type, items, dims);
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  const packed = new Uint8Array(Math.ceil(items.length / perByte));
  for (let i = 0; i < items.length; i++)
    packed[Math.floor(i / perByte)]! |=
      ((items as Uint8Array)[i]! & mask) << ((i % perByte) * bits);
  return new Tensor(type, packed, dims);
}

/** Room for `count` elements as `itemsOf` has them: zeros, or empty strings. */
export function itemsFor(type: DType, count: number): TensorData {
  const { array, lanes } = dtypes[type];
  if (array === null) return new Array<string>(count).fill('');
  const make = array as unknown as new (length: number) => TypedArray;
  return new make(count * lanes);
}

/** Items per element: 2 for complex numbers. */
export function lanesOf(type: DType): number {
  return dtypes[type].lanes;
}

/** Elements at the given places, in order.
 *  @param offsets  element numbers; a negative one leaves a zero (or `fill`'s only element) */
export function pick(
  tensor: Tensor,
  offsets: ArrayLike<number>,
  dims: readonly number[],
  fill?: Tensor,
): Tensor {
  const lanes = lanesOf(tensor.type);
  const from = itemsOf(tensor) as unknown[];
  const filler = fill === undefined ? null : (itemsOf(fill) as unknown[]);
  const to = itemsFor(tensor.type, offsets.length) as unknown[];
  for (let i = 0; i < offsets.length; i++) {
    const at = offsets[i]!;
    for (let lane = 0; lane < lanes; lane++) {
      if (at >= 0) to[i * lanes + lane] = from[at * lanes + lane];
      else if (filler !== null) to[i * lanes + lane] = filler[lane];
    }
  }
  return tensorOfItems(tensor.type, to as TensorData, dims);
}

/** The same elements with other sizes. */
export function withDims(tensor: Tensor, dims: readonly number[]): Tensor {
  return new Tensor(tensor.type, tensor.data, dims);
}

/** Elements as float64: exact for all types but the 64-bit integers, which are rounded. Of complex numbers, real and
 *  imaginary parts in turn. A copy, but for float64. */
export function numbersOf(tensor: Tensor): Float64Array {
  const { type } = tensor;
  const items = itemsOf(tensor);
  if (items instanceof Float64Array) return items;
  if (type === 'string') return Float64Array.from(items as string[], numberOfText);
  if (isWide(type)) return Float64Array.from(items as BigInt64Array, Number);
  const result = Float64Array.from(items as Uint8Array);
  if (isSmallFloat(type)) {
    const table = decodeTable(type);
    for (let i = 0; i < result.length; i++) result[i] = table[result[i]!]!;
  } else if (dtypes[type].kind === 'int' && dtypes[type].bits < 8) {
    const sign = 2 ** (dtypes[type].bits - 1);
    for (let i = 0; i < result.length; i++) if (result[i]! >= sign) result[i]! -= 2 * sign;
  }
  return result;
}

/** A number as ONNX's Cast reads it from a string. */
function numberOfText(text: string): number {
  const plain = text.trim();
  if (/^[+-]?inf(inity)?$/i.test(plain)) return plain.startsWith('-') ? -Infinity : Infinity;
  return plain === '' ? Number.NaN : Number(plain);
}

/** Elements of an integer (or bool) tensor, exactly. */
export function bigintsOf(tensor: Tensor): bigint[] {
  const items = isWide(tensor.type) ? (tensor.data as BigInt64Array) : numbersOf(tensor);
  return Array.from(items as ArrayLike<number>, (item) => BigInt(item));
}

/** The larger of two; Math.max has only numbers. */
export function largerBigint(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

/** The smaller of two. */
export function smallerBigint(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

export interface RoundingOptions {
  /** For float8, float8e8m0: whether what is too large becomes the largest number. Default no. */
  saturate?: boolean;
  /** For float8e8m0. */
  power?: PowerRounding;
}

/** A tensor of these numbers, each rounded once: to the nearest (ties to even) for floats; cut towards zero and
 *  wrapped around for integers; ≠ 0 for bool. Complex types take real and imaginary parts in turn. */
export function tensorOf(
  type: DType,
  values: ArrayLike<number>,
  dims: readonly number[],
  { saturate = false, power = 'up' }: RoundingOptions = {},
): Tensor {
  const { kind, bits } = dtypes[type];
  if (type === 'float64' && values instanceof Float64Array) return new Tensor(type, values, dims);
  if (isWide(type)) {
    const wide = Array.from(values, (value) =>
      Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n,
    );
    return tensorOfBigints(type, wide, dims);
  }
  const items = itemsFor(type, volume(dims)) as TypedArray as Float64Array;
  if (isSmallFloat(type)) {
    for (let i = 0; i < items.length; i++)
      items[i] = encodeSmall(type, values[i]!, saturate, power);
  } else if (kind === 'bool') {
    for (let i = 0; i < items.length; i++) items[i] = values[i] === 0 ? 0 : 1;
  } else if (bits < 8) {
    for (let i = 0; i < items.length; i++) items[i] = Math.trunc(values[i]!) & 255;
  } else {
    for (let i = 0; i < items.length; i++) items[i] = values[i]!;
  }
  return tensorOfItems(type, items, dims);
}

/** A tensor of these integers, wrapped around where they are out of range. */
export function tensorOfBigints(
  type: DType,
  values: readonly bigint[],
  dims: readonly number[],
): Tensor {
  if (type === 'int64') return new Tensor(type, BigInt64Array.from(values), dims);
  if (type === 'uint64') return new Tensor(type, BigUint64Array.from(values), dims);
  if (!isIntegerType(type)) return tensorOf(type, Float64Array.from(values, Number), dims);
  const low = Float64Array.from(values, (value) => Number(BigInt.asIntN(32, value)));
  return tensorOf(type, low, dims);
}

/** A bool tensor. */
export function tensorOfTruths(values: readonly boolean[], dims: readonly number[]): Tensor {
  return new Tensor('bool', Uint8Array.from(values, Number), dims);
}

/** An int64 tensor of sizes, axes, indices. */
export function tensorOfIntegers(values: ArrayLike<number>, dims?: readonly number[]): Tensor {
  const wide = BigInt64Array.from(Array.from(values), BigInt);
  return new Tensor('int64', wide, dims ?? [wide.length]);
}
