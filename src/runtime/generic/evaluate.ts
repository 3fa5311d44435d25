import { ModelpressError, ShapeError } from '../../core/errors.ts';
import { describe } from '../../ir/edit.ts';
import type { Data } from '../data.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';

/** Evaluates a node. Operands of types that the operator can't have, as a file may declare them, end in our error,
 *  whatever they made the evaluator do. */
export function evaluate(
  { evaluate: run }: Evaluator,
  context: EvaluateContext,
): readonly (Data | undefined)[] {
  try {
    return run(context);
  } catch (cause) {
    if (cause instanceof ModelpressError || !isPlainFault(cause)) throw cause;
    throw new ShapeError(`it does not take these operands: ${cause.message}`, {
      code: 'E_RUN_NODE',
      where: describe(context.node),
      cause,
    });
  }
}

function isPlainFault(cause: unknown): cause is Error {
  return cause instanceof RangeError || cause instanceof TypeError || cause instanceof SyntaxError;
}
