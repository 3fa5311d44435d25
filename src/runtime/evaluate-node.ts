import { ModelpressError } from '../core/errors.ts';
import { random } from '../core/random.ts';
import { Tensor } from '../core/tensor.ts';
import type { Node } from '../ir/graph.ts';
import { findOp, ops, readAttributes } from '../ops/index.ts';
import { evaluators, findEvaluator } from './generic/index.ts';

/** Runs one node without bodies in plain TypeScript: the evaluator that constant folding is given.
 *  @returns null where there is no evaluator, it does not take the operands, or a result is no tensor
 *  Cost: that of the operator. Deterministic. */
export function evaluateNode(node: Node, inputs: readonly (Tensor | undefined)[]): Tensor[] | null {
  const evaluator = findEvaluator(evaluators, node.domain, node.op);
  const op = findOp(ops, node.domain, node.op);
  if (evaluator === null || op === null) return null;
  try {
    const results = evaluator.evaluate({
      node,
      attributes: readAttributes(op, node),
      inputs,
      random: random(0),
      runBody: () => [],
    });
    return results.every((data) => data instanceof Tensor) ? (results as Tensor[]) : null;
  } catch (error) {
    if (error instanceof ModelpressError || error instanceof RangeError) return null;
    throw error;
  }
}
