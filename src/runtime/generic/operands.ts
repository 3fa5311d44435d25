import type { DType } from '../../core/dtype.ts';
import { ShapeError, UnsupportedError } from '../../core/errors.ts';
import { Tensor } from '../../core/tensor.ts';
import { describe } from '../../ir/edit.ts';
import { dtypeOfNumber } from '../../ops/data-types.ts';
import { numbersOf } from './elements.ts';
import type { EvaluateContext } from './evaluator.ts';

/** What evaluators read their operands and attributes with. */

/** An operand or attribute that can't be right. */
export function invalid(c: EvaluateContext, code: string, message: string): ShapeError {
  return new ShapeError(`${describe(c.node)}: ${message}`, { code, where: describe(c.node) });
}

/** A variant that is not there. */
export function unsupported(c: EvaluateContext, message: string): UnsupportedError {
  return new UnsupportedError(`${describe(c.node)}: ${message}`, {
    code: 'E_OP_VARIANT',
    where: describe(c.node),
  });
}

/** A tensor operand.
 *  @throws {ShapeError} it is absent, a sequence or an empty optional */
export function tensorAt(c: EvaluateContext, input: number): Tensor {
  const data = c.inputs[input];
  if (data instanceof Tensor) return data;
  throw invalid(c, 'E_OPERAND_KIND', `input ${input} is no tensor`);
}

/** A tensor operand that may be absent. */
export function optionalAt(c: EvaluateContext, input: number): Tensor | undefined {
  return c.inputs[input] == null ? undefined : tensorAt(c, input);
}

/** All operands from `first` on, which must be tensors. */
export function tensorsFrom(c: EvaluateContext, first = 0): Tensor[] {
  return c.inputs.slice(first).map((_, index) => tensorAt(c, first + index));
}

/** Elements of an operand as numbers: sizes, axes, indices. */
export function integersAt(c: EvaluateContext, input: number): number[] {
  return [...numbersOf(tensorAt(c, input))];
}

/** Elements of an operand that may be absent. */
export function optionalIntegersAt(c: EvaluateContext, input: number): number[] | undefined {
  return c.inputs[input] == null ? undefined : integersAt(c, input);
}

/** The first element of an operand, or `fallback` where it is absent or empty. */
export function scalarAt(c: EvaluateContext, input: number, fallback?: number): number {
  const value = c.inputs[input] == null ? undefined : numbersOf(tensorAt(c, input))[0];
  if (value !== undefined) return value;
  if (fallback !== undefined) return fallback;
  throw invalid(c, 'E_OPERAND_KIND', `input ${input} is no number`);
}

/** 0..rank-1 of an axis that may count from the end. */
export function axisIn(c: EvaluateContext, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(normal) || normal < 0 || normal >= rank)
    throw invalid(c, 'E_SHAPE_AXIS', `axis ${axis} is not within rank ${rank}`);
  return normal;
}

/** Different axes within a rank. */
export function axesIn(c: EvaluateContext, axes: readonly number[], rank: number): number[] {
  const normal = axes.map((axis) => axisIn(c, axis, rank));
  if (new Set(normal).size !== normal.length)
    throw invalid(c, 'E_SHAPE_AXIS', `axes [${axes.join(', ')}] name one twice`);
  return normal;
}

/** An index along an axis that may count from the end. */
export function indexIn(c: EvaluateContext, index: number, size: number): number {
  const normal = index < 0 ? index + size : index;
  if (!Number.isInteger(normal) || normal < 0 || normal >= size)
    throw invalid(c, 'E_INDEX', `index ${index} is outside of ${size} elements`);
  return normal;
}

/** The element type that an attribute names, or null where it is absent or 0. */
export function dtypeIn(c: EvaluateContext, attribute: string): DType | null {
  const number = c.attributes.int(attribute, 0);
  if (number === 0) return null;
  const dtype = dtypeOfNumber(number);
  if (dtype === null)
    throw invalid(c, 'E_OP_ATTRIBUTE', `${attribute} = ${number} is no element type`);
  return dtype;
}

/** Items of a `floats` attribute, or null. */
export function floatsIn(c: EvaluateContext, attribute: string): readonly number[] | null {
  const found = c.node.attributes.get(attribute);
  return found?.type === 'floats' ? found.value : null;
}

/** Items of a `strings` attribute, or null. */
export function stringsIn(c: EvaluateContext, attribute: string): readonly string[] | null {
  const found = c.node.attributes.get(attribute);
  return found?.type === 'strings' ? found.value : null;
}
