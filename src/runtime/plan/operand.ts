import { byteLengthOf, type DType } from '../../core/dtype.ts';
import { volume } from '../../core/shape.ts';
import type { Quantization } from '../../ir/types.ts';
import type { Operand } from '../lower/lowering.ts';

/** An operand of a type and sizes. */
export function operandOf(
  dtype: DType,
  dims: readonly number[],
  quantization: Quantization | null,
  constant: boolean,
): Operand {
  const storage = quantization?.storage ?? dtype;
  const size = volume(dims);
  return { dtype, storage, dims, size, bytes: byteLengthOf(storage, size), quantization, constant };
}
