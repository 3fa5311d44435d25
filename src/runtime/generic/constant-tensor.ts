import { readSync } from '../../core/source.ts';
import { Tensor, typedArrayOf } from '../../core/tensor.ts';
import type { Constant } from '../../ir/constant.ts';

/** The constant as a Tensor, which may be a view of its bytes: don't write to it.
 *  @throws {UnsupportedError} its bytes can only be read asynchronously */
export function constantTensor(constant: Constant): Tensor {
  if (constant.strings !== undefined) {
    const decoder = new TextDecoder();
    const texts = constant.strings.map((bytes) => decoder.decode(bytes));
    return new Tensor('string', texts, constant.shape);
  }
  const bytes = readSync(constant.data, 0, constant.data.size);
  return new Tensor(constant.dtype, typedArrayOf(constant.dtype, bytes), constant.shape);
}
