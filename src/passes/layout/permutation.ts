import { dtypes } from '../../core/dtype.ts';
import { run, wait } from '../../core/maybe.ts';
import { volume } from '../../core/shape.ts';
import type { ByteSource, MaybePromise } from '../../core/source.ts';
import { type Constant, constantOf, readConstant } from '../../ir/constant.ts';
import { reshapedConstant } from '../../ir/permute.ts';
import { permuteElements } from '../../ir/permute-elements.ts';
import type { Quantization, ValueType } from '../../ir/types.ts';

/** Where a value has its channels: [N, C, …] or [N, …, C]. */
export type Layout = 'first' | 'last';

/** Axis i of the result is axis perm[i] of the operand, as in Transpose. */
export type Permutation = readonly number[];

/** The permutation that brings a value from the other layout into this one. */
export function permutationTo(layout: Layout, rank: number): Permutation {
  const space = Array.from({ length: rank - 2 }, (_, i) => i + (layout === 'last' ? 2 : 1));
  return layout === 'last' ? [0, ...space, 1] : [0, rank - 1, ...space];
}

/** The one of the two that it is not. */
export function otherLayout(layout: Layout): Layout {
  return layout === 'last' ? 'first' : 'last';
}

/** Whether two lists are equal. */
export function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((axis, index) => axis === b[index]);
}

/** Whether axes come in ascending order: nothing moves. */
export function isInOrder(perm: readonly number[]): boolean {
  return perm.every((axis, index) => index === 0 || axis > perm[index - 1]!);
}

/** Items in the order of a permutation: one for each axis. */
export function permuted<T>(items: readonly T[], perm: Permutation): T[] {
  return perm.map((axis) => items[axis]!);
}

/** The type of a value after its axes changed places. */
export function permutedType(type: ValueType | null, perm: Permutation): ValueType | null {
  if (type?.kind !== 'tensor' || type.shape?.length !== perm.length) return type;
  return { ...type, shape: permuted(type.shape, perm) };
}

/** Whether a value's quantization can go along with its axes. */
export function canPermute(quantization: Quantization | null): boolean {
  if (quantization === null || quantization.axis === null) return true;
  return quantization.view === null && quantization.blockSize === null;
}

/** The quantization of a value after its axes changed places; `canPermute` must hold. */
export function permutedQuantization(
  quantization: Quantization | null,
  perm: Permutation,
): Quantization | null {
  if (quantization === null || quantization.axis === null) return quantization;
  return { ...quantization, axis: perm.indexOf(quantization.axis) };
}

/** Whether a constant's elements are whole bytes, so that it can be permuted. */
export function isPermutable(constant: Constant): boolean {
  return constant.strings === undefined && dtypes[constant.dtype].bits % 8 === 0;
}

/** A shape with leading axes of size 1 up to a rank, as broadcasting adds them. */
export function padded(shape: readonly number[], rank: number): number[] {
  return [...new Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape];
}

/** A constant with its axes permuted. Bytes are moved when they are first read, and only where the order of the
 *  elements changes. The constant must be permutable.
 *  @param shape  what to take the constant's shape for: the same number of elements */
export function permutedConstant(
  constant: Constant,
  perm: Permutation,
  shape: readonly number[] = constant.shape,
): Constant {
  const result = permuted(shape, perm);
  if (isInOrder(perm.filter((axis) => shape[axis] !== 1)))
    return reshapedConstant(constant, result);
  return moved(constant, result, (bytes, width) => permuteElements(bytes, shape, perm, width));
}

/** The elements of a vector at some places. The constant must be permutable. */
export function pickedConstant(constant: Constant, order: readonly number[]): Constant {
  return moved(constant, [order.length], (bytes, width) => {
    const result = new Uint8Array(order.length * width);
    order.forEach((from, to) => {
      result.set(bytes.subarray(from * width, (from + 1) * width), to * width);
    });
    return result;
  });
}

/** A constant whose bytes are made of another's when they are first read. */
function moved(
  constant: Constant,
  shape: readonly number[],
  move: (bytes: Uint8Array, width: number) => Uint8Array,
): Constant {
  const width = dtypes[constant.dtype].bits / 8;
  let made: Uint8Array | null = null;
  const source: ByteSource = {
    size: width * volume(shape),
    read: (offset, length) =>
      run(
        (function* (): Generator<MaybePromise<unknown>, Uint8Array, unknown> {
          made ??= move(yield* wait(readConstant(constant)), width);
          return made.subarray(offset, offset + length);
        })(),
      ),
  };
  return constantOf(constant.dtype, shape, source);
}
