import { dtypes } from '../../../core/dtype.ts';
import type { Constant } from '../../../ir/constant.ts';
import type { Quantization } from '../../../ir/types.ts';
import { widened } from '../legalize/weights.ts';
import type { Operand } from './operand.ts';

/** Half floats, and integers that stand for reals, stay what they are in the file from this size on, in bytes. */
export const worthHalf = 1024;

/** The operand with whole bytes: half ones want a runtime of 2.18. */
export function wholeBytes(operand: Operand): Operand {
  const { constant, quantization } = operand;
  if (constant === null || quantization === null || dtypes[constant.dtype].bits >= 8)
    return operand;
  return { ...operand, ...widened(constant, quantization), index: -1 };
}

/** Whether quantized numbers that are computed with as real ones stay integers in the file: DEQUANTIZE takes them, and
 *  they are many. */
export function isWorth({ storage, view, blockSize }: Quantization, { data }: Constant): boolean {
  const isKnown = storage === 'int16' || dtypes[storage].bits <= 8;
  return isKnown && view === null && blockSize === null && data.size >= worthHalf;
}
