import { ModelpressError, ShapeError } from '../../core/errors.ts';
import { describe } from '../../ir/edit.ts';
import type { Node } from '../../ir/graph.ts';
import type { Data } from '../data.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';

/** Evaluates a node. */
export function evaluate(
  { evaluate: run }: Evaluator,
  context: EvaluateContext,
): readonly (Data | undefined)[] {
  return guarded(context.node, () => run(context));
}

/** Does something with a node of a file. Operands that the operator can't have, as a file may declare them, end in our
 *  error, whatever they made the code do. */
export function guarded<T>(node: Node, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof ModelpressError || !isPlainFault(cause)) throw cause;
    throw new ShapeError(`it does not take these operands: ${cause.message}`, {
      code: 'E_RUN_NODE',
      where: describe(node),
      cause,
    });
  }
}

function isPlainFault(cause: unknown): cause is Error {
  return cause instanceof RangeError || cause instanceof TypeError || cause instanceof SyntaxError;
}
