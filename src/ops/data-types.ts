import { type DType, dtypes } from '../core/dtype.ts';

const ordered = Object.keys(dtypes) as DType[];

/** Element type of ONNX's TensorProto.DataType number, as `to` and `dtype` attributes hold it; null for
 *  numbers that name none. The table of types is in ONNX's order, from 1. */
export function dtypeOfNumber(number: number): DType | null {
  return ordered[number - 1] ?? null;
}

/** ONNX's TensorProto.DataType number of an element type. */
export function numberOfDtype(dtype: DType): number {
  return ordered.indexOf(dtype) + 1;
}
