import { dtypes } from '../../../core/dtype.ts';
import { volume } from '../../../core/shape.ts';
import { type Constant, constantOf, readConstant } from '../../../ir/constant.ts';
import { isPermutable } from '../../../passes/layout/permutation.ts';

/** A part of a constant; null where its elements are no whole bytes. */
export function slicedConstant(
  constant: Constant,
  begin: readonly number[],
  sizes: readonly number[],
): Constant | null {
  if (!isPermutable(constant)) return null;
  const { dtype, shape } = constant;
  const width = dtypes[dtype].bits / 8;
  const bytes = readConstant(constant) as Uint8Array;
  const result = new Uint8Array(volume(sizes) * width);
  const row = (sizes.at(-1) ?? 1) * width;
  for (let to = 0; to < result.length; to += row) {
    let rest = to / row;
    let [from, stride] = [begin.at(-1) ?? 0, shape.at(-1) ?? 1];
    for (let axis = sizes.length - 2; axis >= 0; axis--) {
      from += ((rest % sizes[axis]!) + begin[axis]!) * stride;
      rest = Math.floor(rest / sizes[axis]!);
      stride *= shape[axis]!;
    }
    result.set(bytes.subarray(from * width, from * width + row), to);
  }
  return constantOf(dtype, sizes, result);
}
