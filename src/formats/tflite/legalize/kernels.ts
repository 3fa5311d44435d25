import type { DType } from '../../../core/dtype.ts';
import type { Quantization } from '../../../ir/types.ts';
import { sameQuantization } from '../../../passes/quantization-of.ts';

interface Kernel {
  /** Types of integers that the kernel takes. */
  readonly types: readonly DType[];
  /** Whether operands and results must have the same scale and zero point. */
  readonly keeps: boolean;
}

/** Those that a runtime of 2.11 has. */
const kernels: ReadonlyMap<string, Kernel> = new Map([
  ...rows(['uint8', 'int8', 'int16'], false, [
    ...['CONV_2D', 'DEPTHWISE_CONV_2D', 'TRANSPOSE_CONV', 'FULLY_CONNECTED', 'ADD', 'SUB', 'MUL'],
    ...['MEAN', 'SUM', 'SOFTMAX', 'LOGISTIC', 'TANH', 'LEAKY_RELU', 'RELU', 'SHAPE'],
  ]),
  ...rows(['uint8', 'int8'], false, [
    ...['LOG_SOFTMAX', 'L2_NORMALIZATION', 'RELU6', 'RELU_N1_TO_1', 'PRELU', 'HARD_SWISH'],
    ...['GELU', 'EQUAL', 'NOT_EQUAL', 'LESS', 'LESS_EQUAL', 'GREATER', 'GREATER_EQUAL'],
    ...['ARG_MAX', 'ARG_MIN'],
  ]),
  ...rows(['int8', 'int16'], false, ['BATCH_MATMUL', 'ABS', 'RSQRT']),
  ...rows(['int8'], false, ['ELU', 'SQUARED_DIFFERENCE']),
  ...rows(['uint8'], false, ['DIV']),
  ...rows(['uint8', 'int8', 'int16'], true, [
    ...['AVERAGE_POOL_2D', 'MAX_POOL_2D', 'CONCATENATION', 'RESHAPE', 'TRANSPOSE', 'SQUEEZE'],
    ...['EXPAND_DIMS', 'PAD', 'MIRROR_PAD', 'SLICE', 'STRIDED_SLICE', 'SPLIT', 'SPLIT_V', 'PACK'],
    ...['UNPACK', 'GATHER', 'GATHER_ND', 'TILE', 'BROADCAST_TO', 'RESIZE_BILINEAR'],
    ...['RESIZE_NEAREST_NEIGHBOR', 'MAXIMUM', 'MINIMUM', 'SELECT', 'SELECT_V2', 'REDUCE_MAX'],
    ...['REDUCE_MIN', 'REVERSE_V2'],
  ]),
  ...rows(['uint8', 'int8'], true, ['SPACE_TO_DEPTH', 'DEPTH_TO_SPACE', 'TOPK_V2']),
  ...rows(['uint8', 'int8'], true, ['REVERSE_SEQUENCE', 'SPACE_TO_BATCH_ND', 'BATCH_TO_SPACE_ND']),
]);

function rows(
  types: readonly DType[],
  keeps: boolean,
  names: readonly string[],
): [string, Kernel][] {
  return names.map((name) => [name, { types, keeps }]);
}

/** An operand, as the check sees it. */
export interface Checked {
  readonly dtype: DType;
  readonly quantization: Quantization | null;
}

/** Whether an operator has a kernel on integers for its operands: every real number is quantized, in a type that it
 *  takes, and with one scale where it only moves. Source: Prepare of tflite/kernels. */
export function hasIntegerKernel(
  name: string,
  inputs: readonly (Checked | null)[],
  outputs: readonly Checked[],
): boolean {
  const kernel = kernels.get(name);
  const reals = [...inputs, ...outputs].filter((item) => item?.dtype === 'float32');
  if (reals.length === 0) return true;
  if (kernel === undefined) return false;
  const [first] = reals;
  if (first?.quantization == null || !kernel.types.includes(first.quantization.storage))
    return false;
  return reals.every((item) => {
    if (item?.quantization == null) return false;
    return !kernel.keeps || sameQuantization(item.quantization, first.quantization);
  });
}
