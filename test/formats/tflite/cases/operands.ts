import { Tensor } from '../../../../src/core/tensor.ts';
import type { BuiltinOptions } from '../../../../src/formats/tflite/records.ts';
import {
  bools,
  integers,
  type OneOperator,
  type Operand,
  type Result,
  reals,
} from '../one-operator.ts';

/** Operands and results of cases. */

export const x = (...dims: number[]): Operand => ({ tensor: reals(dims, dims.length + 1) });
export const y = (...dims: number[]): Operand => ({ tensor: reals(dims, 77) });
export const positive = (...dims: number[]): Operand => {
  const { data } = reals(dims, 5);
  return {
    tensor: new Tensor(
      'float32',
      (data as Float32Array).map((v) => Math.abs(v) + 0.25),
      dims,
    ),
  };
};
export const weights = (...dims: number[]): Operand => ({
  tensor: reals(dims, 3),
  isConstant: true,
});
export const i32 = (dims: number[], low = -50, high = 50, seed = 1): Operand => ({
  tensor: integers('int32', dims, low, high, seed),
});
export const fedInts = (values: number[], dims: number[] = [values.length]): Operand => ({
  tensor: new Tensor('int32', Int32Array.from(values), dims),
});
export const flags = (...dims: number[]): Operand => {
  const { data } = reals(dims, 9);
  return {
    tensor: bools(
      Array.from(data as Float32Array, (v) => v > 0),
      dims,
    ),
  };
};
export const scalar = (value: number): Operand => ({
  tensor: new Tensor('float32', Float32Array.of(value), []),
  isConstant: true,
});
export const float: Result[] = [{ type: 'float32' }];
export const int32: Result[] = [{ type: 'int32' }];
export const bool: Result[] = [{ type: 'bool' }];

export const of = (
  op: string,
  inputs: (Operand | null)[],
  outputs: readonly Result[] = float,
  options?: BuiltinOptions,
): OneOperator => ({ op, inputs, outputs, ...(options === undefined ? {} : { options }) });
