import type { Dim } from '../../../core/shape.ts';
import { tensorType, type ValueType } from '../../../ir/types.ts';
import { freshName } from '../../../ir/walk.ts';
import type { TensorRecord } from '../records.ts';
import { dtypeOf } from '../tensor-types.ts';
import { isQuantized } from './quantization.ts';

/** The type that operators compute with: real for a quantized tensor. */
export function realType(tensor: TensorRecord): ValueType | null {
  const dtype = isQuantized(tensor) ? 'float32' : dtypeOf(tensor.type);
  const sizes = tensor.shapeSignature?.length ? tensor.shapeSignature : tensor.shape;
  // No sizes: a scalar where the file says that the rank is known, else nothing is.
  if (sizes === undefined || sizes.length === 0)
    return tensorType(dtype, tensor.hasRank === true ? [] : null);
  return tensorType(
    dtype,
    Array.from(sizes, (size): Dim => (size < 0 ? null : size)),
  );
}

/** The type of an input of the model: what the file has. Sizes that a caller chooses are symbols; that of the first
 *  axis is a batch, which inputs share. */
export function interfaceType(tensor: TensorRecord, names: Set<string>): ValueType {
  const sizes = tensor.shapeSignature?.length ? tensor.shapeSignature : (tensor.shape ?? []);
  const shape = Array.from(sizes, (size, axis): Dim => {
    if (size >= 0) return size;
    return axis === 0 ? 'batch' : freshName(names, `dim_${axis}`);
  });
  return tensorType(dtypeOf(tensor.type), shape);
}
