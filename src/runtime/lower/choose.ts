import { UnsupportedError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { describe } from '../../ir/edit.ts';
import { type Evaluator, findEvaluator } from '../generic/index.ts';
import { generic } from './generic.ts';
import { findLowerings } from './index.ts';
import type { LowerContext, Lowered, Lowering } from './lowering.ts';
import { throughFloat } from './through-float.ts';

/** The tables that a session runs with. */
export interface RunTables {
  readonly lowerings: readonly Lowering[];
  readonly evaluators: readonly Evaluator[];
}

/** How a node runs: by the first lowering that takes its operands, by one for float32 with conversions around, or
 *  by its evaluator.
 *  @throws {UnsupportedError} nothing runs this operator */
export function chooseLowering(c: LowerContext, tables: RunTables, random: Random): Lowered {
  const { node } = c;
  const candidates = findLowerings(tables.lowerings, node.domain, node.op);
  for (const candidate of candidates) {
    const lowered = candidate.lower(c);
    if (lowered !== null) return lowered;
  }
  const converted = throughFloat(c, candidates);
  if (converted !== null) return converted;
  const evaluator = findEvaluator(tables.evaluators, node.domain, node.op);
  if (evaluator !== null) return generic(c, evaluator, random);
  throw notRunnable(c.node);
}

/** The error of an operator that nothing runs. */
export function notRunnable(node: LowerContext['node']): UnsupportedError {
  return new UnsupportedError(
    `operator ${node.domain}${node.domain && '.'}${node.op} doesn't run`,
    {
      code: 'E_RUN_OPERATOR',
      where: describe(node),
      hint: 'inspect lists the operators of a model; replace this one, or run another part of the graph',
    },
  );
}
