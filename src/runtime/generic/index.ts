import { binaryEvaluators } from './binary.ts';
import { castEvaluators } from './cast.ts';
import { createEvaluators } from './create.ts';
import { elementwiseEvaluators } from './elementwise.ts';
import type { Evaluator } from './evaluator.ts';
import { gatherEvaluators } from './gather.ts';
import { identityEvaluators } from './identity.ts';
import { reduceEvaluators } from './reduce.ts';
import { reshapeEvaluators } from './reshape.ts';
import { scatterEvaluators } from './scatter.ts';
import { slicingEvaluators } from './slicing.ts';

export type { EvaluateContext, Evaluator } from './evaluator.ts';

/** Every operator that runs. */
export const evaluators: readonly Evaluator[] = [
  ...identityEvaluators,
  ...elementwiseEvaluators,
  ...binaryEvaluators,
  ...castEvaluators,
  ...slicingEvaluators,
  ...scatterEvaluators,
  ...reshapeEvaluators,
  ...reduceEvaluators,
  ...gatherEvaluators,
  ...createEvaluators,
];

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
