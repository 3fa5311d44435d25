import type { TargetRuntime } from './activations/roles.ts';

/** What runtimes have kernels for, as far as quantization is concerned: a file must load where it is meant to run. */

/** A kind of kernel. Types are `u8`, `s4` …: of both operands of a product (`u8×s8`), or of what is stored; with `channel` or
 *  `blocks` where scales are not of the whole tensor, and `level 4` where activations of MatMulNBits are rounded. */
export interface KernelRow {
  readonly operator: string;
  readonly types: readonly string[];
  readonly runtimes: readonly TargetRuntime[];
}

const ort = ['onnxruntime', 'onnxruntime-web'] as const;
const onnx = [...ort, 'modelpress'] as const;

const row = (
  operator: string,
  types: string,
  runtimes: readonly TargetRuntime[] = onnx,
): KernelRow => ({ operator, types: types.split(', '), runtimes });

/** One table for all runtimes; what is not in it, no runtime has.
 *  onnxruntime and onnxruntime-web: version 1.30; tflite: what tfjs-tflite (TensorFlow 2.8) and LiteRT have in common.
 *  test/compress/targets.test.ts loads a model of every row in every one of them. */
export const kernelRows: readonly KernelRow[] = [
  row('QuantizeLinear', 'u8, s8, u16, s16, u4, s4'),
  row('DequantizeLinear', 'u8, s8, u16, s16, u4, s4'),
  row('DequantizeLinear', 'u8 channel, s8 channel, s16 channel, u4 channel, s4 channel'),
  row('DequantizeLinear', 'u8 blocks, s8 blocks, u4 blocks, s4 blocks'),
  row('DequantizeLinear', 'u2, s2, u2 blocks, s2 blocks', ort),
  row('DequantizeLinear → Conv', 'u8, s8, s16, u4, s4'),
  row('DequantizeLinear → Conv', 's2', ort),
  row('DynamicQuantizeLinear', 'u8'),
  row('MatMulInteger', 'u8×u8, u8×s8, s8×s8, s8×u8'),
  row('ConvInteger', 'u8×u8, u8×s8, s8×s8, s8×u8'),
  row('QLinearConv', 'u8×u8, u8×s8, s8×s8'),
  row('QLinearMatMul', 'u8×u8, u8×s8, s8×s8'),
  row('com.microsoft.MatMulNBits', '2, 4, 8, 4 level 4, 8 level 4'),
  row('com.microsoft.DynamicQuantizeMatMul', 'u8, s8'),
  row('com.microsoft.QLinearAdd', 'u8, s8'),
  row('com.microsoft.QLinearMul', 'u8, s8'),
  row('com.microsoft.QLinearSigmoid', 'u8, s8'),
  row('com.microsoft.QLinearLeakyRelu', 'u8, s8'),
  row('com.microsoft.QLinearSoftmax', 'u8, s8'),
  row('com.microsoft.QLinearConcat', 'u8, s8'),
  row('com.microsoft.QLinearGlobalAveragePool', 'u8, s8'),
  row('FULLY_CONNECTED', 'f32×s8', ['tflite', 'modelpress']),
  row('CONV_2D', 'f32×s8 channel', ['tflite', 'modelpress']),
  row('DEPTHWISE_CONV_2D', 'f32×s8 channel', ['tflite', 'modelpress']),
  // By row from TensorFlow 2.17 on: later than tfjs-tflite.
  row('FULLY_CONNECTED', 'f32×s8 channel', ['modelpress']),
];

/** What no runtime of ONNX files loads, for the same tests: what must not be written. */
export const missingRows: readonly KernelRow[] = [
  row('MatMulInteger', 's16×s8', []),
  row('QLinearConv', 'u16×s8', []),
  row('QLinearMatMul', 's16×s8', []),
  row('com.microsoft.QLinearAdd', 'u16, s16', []),
  row('com.microsoft.MatMulNBits', '3', []),
];

/** Whether a runtime has a kernel.
 *  @param types  one of a row, as it stands there */
export function hasKernel(target: TargetRuntime, operator: string, types: string): boolean {
  return kernelRows.some(
    (item) =>
      item.operator === operator && item.types.includes(types) && item.runtimes.includes(target),
  );
}
