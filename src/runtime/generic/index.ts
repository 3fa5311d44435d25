import type { Evaluator } from './evaluator.ts';
import { identityEvaluators } from './identity.ts';

export type { EvaluateContext, Evaluator } from './evaluator.ts';

/** Every operator that runs. */
export const evaluators: readonly Evaluator[] = [...identityEvaluators];

const tables = new WeakMap<readonly Evaluator[], Map<string, Evaluator>>();

/** The evaluator of an operator, or null. */
export function findEvaluator(
  table: readonly Evaluator[],
  domain: string,
  op: string,
): Evaluator | null {
  let byName = tables.get(table);
  if (byName === undefined) {
    byName = new Map(table.map((item) => [`${item.domain ?? ''}:${item.op}`, item]));
    tables.set(table, byName);
  }
  return byName.get(`${domain === 'ai.onnx' ? '' : domain}:${op}`) ?? null;
}
