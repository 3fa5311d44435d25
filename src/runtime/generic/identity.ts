import type { Evaluator } from './evaluator.ts';

export const identityEvaluators: readonly Evaluator[] = [
  { op: 'Identity', evaluate: (c) => [c.inputs[0]] },
];
