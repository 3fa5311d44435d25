import { dtypes } from '../core/dtype.ts';
import { volume } from '../core/shape.ts';
import { bytesOf, typedArrayOf } from '../core/tensor.ts';
import { type Constant, constantOf, readConstant } from './constant.ts';
import type { Quantization } from './types.ts';

/** Elements of a constant as numbers; sub-byte ones unpacked. The constant must be in memory. */
export function elementsOf(constant: Constant): Float64Array {
  const bytes = readConstant(constant) as Uint8Array;
  const { bits, kind } = dtypes[constant.dtype];
  const count = volume(constant.shape);
  if (bits >= 8)
    return Float64Array.from(
      typedArrayOf(constant.dtype, bytes) as ArrayLike<number | bigint>,
      Number,
    );
  const perByte = 8 / bits;
  return Float64Array.from({ length: count }, (_, i) => {
    const level = (bytes[Math.floor(i / perByte)]! >> ((i % perByte) * bits)) & (2 ** bits - 1);
    return kind === 'int' && level >= 2 ** (bits - 1) ? level - 2 ** bits : level;
  });
}

/** The real numbers that integers stand for: (level − zero point) · scale in float32. */
export function realsOf(constant: Constant, quantization: Quantization): Constant {
  const { scale, zeroPoint } = quantization;
  const index = scaleIndex(constant.shape, quantization);
  const reals = Float32Array.from(elementsOf(constant), (level, i) => {
    const at = index(i);
    return (level - (zeroPoint?.[at] ?? 0)) * scale[at]!;
  });
  return constantOf('float32', constant.shape, bytesOf(reals));
}

/** Which scale an element has. */
export function scaleIndex(
  own: readonly number[],
  quantization: Quantization,
): (i: number) => number {
  const { axis, blockSize } = quantization;
  const shape = quantization.view ?? own;
  if (axis === null) return () => 0;
  const inner = volume(shape.slice(axis + 1));
  const size = shape[axis]!;
  if (blockSize === null) return (i) => Math.floor(i / inner) % size;
  const blocks = Math.ceil(size / blockSize);
  return (i) => {
    const outer = Math.floor(i / (inner * size));
    const block = Math.floor((Math.floor(i / inner) % size) / blockSize);
    return (outer * blocks + block) * inner + (i % inner);
  };
}
