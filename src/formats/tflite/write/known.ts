import { dtypes } from '../../../core/dtype.ts';
import { isStatic } from '../../../core/shape.ts';
import { typedArrayOf } from '../../../core/tensor.ts';
import { type Constant, readConstant } from '../../../ir/constant.ts';
import type { Emitter } from './emitter.ts';
import { floatsOf } from './floats.ts';
import type { Operand } from './operand.ts';

/** Elements of a constant as numbers; null for strings and types that are no numbers. */
export function numbersOf(constant: Constant): number[] | null {
  const { kind, bits } = dtypes[constant.dtype];
  if (constant.strings !== undefined || bits < 8 || kind === 'complex') return null;
  const bytes = readConstant(constant) as Uint8Array;
  if (kind === 'float') return [...floatsOf(constant.dtype, bytes)];
  return Array.from(typedArrayOf(constant.dtype, bytes) as ArrayLike<number | bigint>, Number);
}

/** Sizes of a shape that is known.
 *  @throws {UnsupportedError} some are not */
export function knownSizes(e: Emitter, operand: Operand): readonly number[] {
  if (isStatic(operand.shape)) return operand.shape;
  throw e.fail(
    'SHAPE',
    `the sizes of "${operand.name}" are not known`,
    'give the model fixed input sizes before it is converted',
  );
}

/** The number of axes.
 *  @throws {UnsupportedError} it is not known */
export function knownRank(e: Emitter, operand: Operand): number {
  if (operand.shape !== null) return operand.shape.length;
  throw e.fail('SHAPE', `the rank of "${operand.name}" is not known`);
}
