import type { DType } from '../../core/dtype.ts';

/** Our element types by TFLite's numbers; null for those that hold no numbers (RESOURCE, VARIANT). */
const byNumber: readonly (DType | null)[] = [
  'float32',
  'float16',
  'int32',
  'uint8',
  'int64',
  'string',
  'bool',
  'int16',
  'complex64',
  'int8',
  'float64',
  'complex128',
  'uint64',
  null,
  null,
  'uint32',
  'uint16',
  'int4',
  'bfloat16',
  'int2',
  'uint4',
  'float8e4m3fn',
  'float8e5m2',
];

/** The element type of a TFLite tensor, or null: it has none, or none that is known.
 *  @param number  TensorType; absent means FLOAT32 */
export function dtypeOf(number: number | undefined): DType | null {
  return byNumber[number ?? 0] ?? null;
}

/** TFLite's number for an element type, or null: it has none. */
export function numberOf(dtype: DType): number | null {
  const found = byNumber.indexOf(dtype);
  return found < 0 ? null : found;
}
