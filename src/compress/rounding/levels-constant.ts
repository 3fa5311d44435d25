import { bytesOf } from '../../core/tensor.ts';
import { type Constant, constantOf } from '../../ir/constant.ts';
import { bitsOf, type Scheme } from '../scheme.ts';

/** A constant of integers of a storage type; of 4 bits two in a byte, the first in its low half. */
export function levelsConstant(
  { storage }: Pick<Scheme, 'storage'>,
  shape: readonly number[],
  levels: Int16Array,
): Constant {
  if (bitsOf[storage] === 8) return constantOf(storage, shape, bytesOf(Int8Array.from(levels)));
  const bytes = new Uint8Array(Math.ceil(levels.length / 2));
  levels.forEach((level, i) => {
    bytes[i >> 1]! |= (level & 15) << ((i & 1) * 4);
  });
  return constantOf(storage, shape, bytes);
}
