export {
  type EvaluatedOutput,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  Reference,
} from './evaluate.ts';
