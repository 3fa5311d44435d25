import type { DType } from '../../core/dtype.ts';
import { ShapeError } from '../../core/errors.ts';
import { volume } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  bigintsOf,
  isIntegerType,
  isWide,
  numbersOf,
  tensorOf,
  tensorOfBigints,
} from './elements.ts';
import { stridesOf, viewOffsets } from './indexing.ts';

/** Sums of products over shared axes: matrix products and Einsum are this. */

/** A tensor with a name for each of its axes; an axis that comes twice is a diagonal. */
export interface Named {
  readonly tensor: Tensor;
  readonly axes: readonly string[];
}

/** Where an operand's elements lie for each element of the result, and from there for each term of its sum. */
interface Places {
  readonly starts: Float64Array;
  readonly steps: Float64Array;
}

/** Sizes of all axes; those of size 1 broadcast.
 *  @throws {ShapeError} sizes that differ */
function sizesOf(operands: readonly Named[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { tensor, axes } of operands) {
    axes.forEach((axis, index) => {
      const size = tensor.dims[index]!;
      const known = sizes.get(axis) ?? 1;
      if (known !== 1 && size !== 1 && known !== size)
        throw new ShapeError(`sizes ${known} and ${size} of one axis differ`, {
          code: 'E_SHAPE_MISMATCH',
        });
      sizes.set(axis, known === 1 ? size : known);
    });
  }
  return sizes;
}

/** result[output axes] = Σ over all other axes of the operands' product. Integers of up to 32 bits wrap around,
 *  floats are summed in float64 in the order of the axes and rounded once.
 *  @throws {ShapeError} sizes of one axis that differ */
export function contract(
  operands: readonly Named[],
  output: readonly string[],
  type: DType,
): Tensor {
  const sizes = sizesOf(operands);
  const summed = [...sizes.keys()].filter((axis) => !output.includes(axis));
  const dims = output.map((axis) => sizes.get(axis)!);
  const inner = summed.map((axis) => sizes.get(axis)!);
  const offsets = operands.map(({ tensor, axes }): Places => {
    const strides = stridesOf(tensor.dims);
    const along = (axis: string): number =>
      axes.reduce(
        (sum, name, at) => (name === axis && tensor.dims[at] !== 1 ? sum + strides[at]! : sum),
        0,
      );
    return {
      starts: viewOffsets(dims, output.map(along)),
      steps: viewOffsets(inner, summed.map(along)),
    };
  });
  const count = volume(dims);
  const terms = volume(inner);
  if (isWide(type)) {
    const values = operands.map(({ tensor }) => bigintsOf(tensor));
    const result = Array.from({ length: count }, (_, i) => {
      let sum = 0n;
      for (let t = 0; t < terms; t++)
        sum += offsets.reduce(
          (product, { starts, steps }, o) => product * values[o]![starts[i]! + steps[t]!]!,
          1n,
        );
      return sum;
    });
    return tensorOfBigints(type, result, dims);
  }
  const multiply = isIntegerType(type) ? Math.imul : (a: number, b: number): number => a * b;
  const values = operands.map(({ tensor }) => numbersOf(tensor));
  const [a, b, ...rest] = values as [Float64Array, Float64Array | undefined];
  const [atA, atB, ...atRest] = offsets as [Places, Places | undefined];
  const result = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const firstA = atA.starts[i]!;
    const firstB = atB?.starts[i] ?? 0;
    let sum = 0;
    for (let t = 0; t < terms; t++) {
      let product = a[firstA + atA.steps[t]!]!;
      if (b !== undefined) product = multiply(product, b[firstB + atB!.steps[t]!]!);
      for (let o = 0; o < rest.length; o++) {
        const { starts, steps } = atRest[o]!;
        product = multiply(product, (rest as Float64Array[])[o]![starts[i]! + steps[t]!]!);
      }
      sum += product;
    }
    result[i] = sum;
  }
  return tensorOf(type, result, dims);
}

/** numpy's matmul: vectors are a row on the left and a column on the right. */
export function multiplied(a: Tensor, b: Tensor, type: DType): Tensor {
  if (a.dims.length === 0 || b.dims.length === 0)
    throw new ShapeError('an operand of a matrix product is a scalar', { code: 'E_SHAPE_RANK' });
  const batch = Math.max(a.dims.length, b.dims.length, 2) - 2;
  const names = Array.from({ length: batch }, (_, axis) => `batch ${axis}`);
  const own = (dims: readonly number[]): string[] =>
    names.slice(batch - Math.max(0, dims.length - 2));
  const left = a.dims.length === 1 ? ['k'] : [...own(a.dims), 'm', 'k'];
  const right = b.dims.length === 1 ? ['k'] : [...own(b.dims), 'k', 'n'];
  if (a.dims.at(-1) !== (b.dims.length === 1 ? b.dims[0] : b.dims.at(-2)))
    throw new ShapeError(`[${a.dims}] and [${b.dims}] have different inner sizes`, {
      code: 'E_SHAPE_MISMATCH',
    });
  const output = [...names];
  if (a.dims.length > 1) output.push('m');
  if (b.dims.length > 1) output.push('n');
  return contract(
    [
      { tensor: a, axes: left },
      { tensor: b, axes: right },
    ],
    output,
    type,
  );
}
