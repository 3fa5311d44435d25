import { rangeError } from '../core/errors.ts';
import { type MatmulOptions, matmul } from './matmul.ts';
import { limitsOf, sizeOf } from './sizes.ts';
import { checkFloats, checkLength } from './types.ts';

/** `matmul`'s options but for c; the transposes are of the last two axes. */
export type BatchedMatmulOptions = Pick<
  MatmulOptions,
  'transposeA' | 'transposeB' | 'alpha' | 'bias' | 'min' | 'max'
>;

interface Plan {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Sizes of the leading axes of the result, and the operands' own, 1 where they repeat. */
  readonly batch: readonly number[];
  readonly aBatch: readonly number[];
  readonly bBatch: readonly number[];
  readonly shape: number[];
}

/** The shape of `batchedMatmul`'s result.
 *  @throws {RangeError} no axis, inner sizes that differ, leading sizes that cannot be broadcast */
export function batchedMatmulShape(
  aShape: readonly number[],
  bShape: readonly number[],
  options: BatchedMatmulOptions = {},
): number[] {
  return planOf(aShape, bShape, options).shape;
}

/** Products of the matrices in the last two axes, leading axes broadcast: numpy's and ONNX's MatMul. One axis is a
 *  row on the left and a column on the right, and is not in the result.
 *  @param a        row-major
 *  @param aShape   […, m, k], or […, k, m] with transposeA
 *  @param b        row-major
 *  @param bShape   […, k, n], or […, n, k] with transposeB
 *  @param options  transposeA, transposeB, alpha, bias [n], min, max as in `matmul`
 *  @returns        row-major, of the shape that `batchedMatmulShape` gives
 *  @throws {TypeError} not Float32Arrays
 *  @throws {RangeError} shapes that don't fit each other or the arrays
 *  Cost and accuracy of `matmul` for each product. Deterministic. */
export function batchedMatmul(
  a: Float32Array,
  aShape: readonly number[],
  b: Float32Array,
  bShape: readonly number[],
  options: BatchedMatmulOptions = {},
): Float32Array<ArrayBuffer> {
  checkFloats('a', a);
  checkFloats('b', b);
  checkLength('a', a.length, sizeOf('aShape', ...aShape));
  checkLength('b', b.length, sizeOf('bShape', ...bShape));
  const plan = planOf(aShape, bShape, options);
  const { m, k, n, batch, aBatch, bBatch } = plan;
  limitsOf(options);
  if (bBatch.every((size) => size === 1) && !options.transposeA && equal(aBatch, batch)) {
    // One right operand: all rows at once.
    return matmul(a, b, sizeOf('aShape', ...batch, m), k, n, options);
  }
  const count = sizeOf('batch', ...batch);
  const output = new Float32Array(sizeOf('result', count, m, n));
  for (let i = 0; i < count; i++) {
    const left = indexOf(i, batch, aBatch) * m * k;
    const right = indexOf(i, batch, bBatch) * k * n;
    matmul(a.subarray(left, left + m * k), b.subarray(right, right + k * n), m, k, n, {
      ...options,
      output: output.subarray(i * m * n, (i + 1) * m * n),
    });
  }
  return output;
}

function planOf(
  aShape: readonly number[],
  bShape: readonly number[],
  { transposeA = false, transposeB = false }: BatchedMatmulOptions,
): Plan {
  if (aShape.length === 0) throw rangeError('aShape', 'at least one axis', '[]');
  if (bShape.length === 0) throw rangeError('bShape', 'at least one axis', '[]');
  const [a1, a0] = lastTwo(aShape, transposeA && aShape.length > 1);
  const [b0, b1] = lastTwo(bShape, transposeB || bShape.length === 1);
  if (a0 !== b0) throw rangeError('bShape', `${a0} rows for ${a0} columns of a`, b0);
  const rank = Math.max(aShape.length, bShape.length, 2) - 2;
  const aBatch = leading(aShape, rank);
  const bBatch = leading(bShape, rank);
  const batch = aBatch.map((size, axis) => {
    const other = bBatch[axis]!;
    if (size !== other && size !== 1 && other !== 1) {
      throw rangeError(
        'bShape',
        `leading sizes like [${aBatch.join(', ')}]`,
        `[${bBatch.join(', ')}]`,
      );
    }
    return size === 1 ? other : size;
  });
  const shape = [...batch, ...(aShape.length > 1 ? [a1] : []), ...(bShape.length > 1 ? [b1] : [])];
  return { m: a1, k: a0, n: b1, batch, aBatch, bBatch, shape };
}

/** Rows and columns; one axis is a row. */
function lastTwo(shape: readonly number[], transposed: boolean): [rows: number, columns: number] {
  const columns = shape.at(-1)!;
  const rows = shape.length > 1 ? shape.at(-2)! : 1;
  return transposed ? [columns, rows] : [rows, columns];
}

function leading(shape: readonly number[], rank: number): number[] {
  const own = shape.slice(0, -2);
  return [...new Array<number>(rank - own.length).fill(1), ...own];
}

/** Index in axes that repeat where their size is 1. */
function indexOf(flat: number, sizes: readonly number[], own: readonly number[]): number {
  let rest = flat;
  let index = 0;
  let stride = 1;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    const at = rest % sizes[axis]!;
    rest = (rest - at) / sizes[axis]!;
    if (own[axis] !== 1) index += at * stride;
    stride *= own[axis]!;
  }
  return index;
}

const equal = (a: readonly number[], b: readonly number[]): boolean =>
  a.every((size, axis) => size === b[axis]);
