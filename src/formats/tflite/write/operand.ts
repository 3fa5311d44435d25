import type { DType } from '../../../core/dtype.ts';
import { isStatic, type Shape } from '../../../core/shape.ts';
import type { Constant } from '../../../ir/constant.ts';
import type { Quantization } from '../../../ir/types.ts';
import type { TensorRecord } from '../records.ts';

/** A tensor that operators of a subgraph read or make. It gets its place in the file when the first of them does. */
export interface Operand {
  name: string;
  /** Of the elements in the file; for a quantized tensor that of what they stand for. */
  readonly dtype: DType;
  readonly shape: Shape;
  readonly constant: Constant | null;
  readonly quantization: Quantization | null;
  /** Its number in the subgraph; −1 until something in the file names it. */
  index: number;
  /** A variable tensor: the subgraph's state. */
  isVariable: boolean;
  /** What a file that was read says of it, and what its buffer holds: written as they are. */
  record?: TensorRecord;
  data?: Uint8Array | null;
}

/** An operand that has no place in the file yet. */
export function makeOperand(
  name: string,
  dtype: DType,
  shape: Shape,
  constant: Constant | null = null,
  quantization: Quantization | null = null,
): Operand {
  return { name, dtype, shape, constant, quantization, index: -1, isVariable: false };
}

/** The sizes, where all are known. */
export function sizesOf(operand: Operand): readonly number[] | null {
  return isStatic(operand.shape) ? operand.shape : null;
}

/** Types that are computed with as float32. */
const computedAsFloat: ReadonlySet<DType> = new Set(['float16', 'bfloat16', 'float64']);

/** The type in which a file computes what the graph has in another: real numbers are float32. */
export function computedType(dtype: DType): DType {
  return computedAsFloat.has(dtype) ? 'float32' : dtype;
}
