import { type DType, dtypes } from '../../../core/dtype.ts';

/** Operators that only move or pick elements: any type that holds all values of another can stand for it. */
const movers: ReadonlySet<string> = new Set(
  (
    'Concat DepthToSpace Expand Flatten Gather GatherElements GatherND Identity Pad Reshape ScatterElements ScatterND ' +
    'Scatter Slice SpaceToDepth Split Squeeze Tile Transpose Unsqueeze Where Compress ReverseSequence ' +
    'Greater Less Equal Max Min Clip ReduceMax ReduceMin ArgMax ArgMin TopK Relu Abs Sign NonZero Unique'
  ).split(' '),
);
/** Operators whose sums wrap: the low bits of a wider integer are those of a narrower one. */
const wrapping: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Neg', 'Sum']);

/** Types that hold every value of a type, nearest first. */
const wider: Partial<Record<DType, readonly DType[]>> = {
  bool: ['uint8', 'int32', 'float32'],
  int8: ['int32', 'int64', 'float32'],
  uint8: ['int32', 'int64', 'float32'],
  int16: ['int32', 'int64', 'float32'],
  uint16: ['int32', 'int64', 'float32'],
  int32: ['int64', 'float64'],
  uint32: ['int64', 'float64'],
  float16: ['float32'],
  bfloat16: ['float32'],
};

/** A type in which an operator can do exactly what it does in another one; null if there is none.
 *  @param fits  whether the operator and Cast take a candidate */
export function carrierOf(
  op: string,
  dtype: DType,
  fits: (candidate: DType) => boolean,
): DType | null {
  const isWrapping = wrapping.has(op) && /^u?int/.test(dtype);
  if (!movers.has(op) && !isWrapping) return null;
  const found = wider[dtype]?.find(
    (candidate) => (!isWrapping || candidate.startsWith('int')) && fits(candidate),
  );
  return found ?? null;
}

const numbers: readonly DType[] = Object.keys(dtypes) as DType[];

/** TensorProto.DataType of an element type. `dtypes` is in its order, from FLOAT = 1 on. */
export function numberOf(dtype: DType): number {
  return numbers.indexOf(dtype) + 1;
}
