import type { Node } from '../../../ir/graph.ts';
import { activationOf } from '../../../ops/activation.ts';

/** Whether TFLite's operators can apply a node's activation to integers: clamp them. */
export function fusesActivation(node: Node): boolean {
  const { kind, min, max } = activationOf(node);
  if (kind === 'none' || kind === 'Relu') return true;
  if (kind !== 'Clip') return false;
  return isClamp(min, max);
}

/** RELU, RELU6 and RELU_N1_TO_1. */
export function isClamp(min: number, max: number): boolean {
  return (min === 0 && (max === 6 || max === Infinity)) || (min === -1 && max === 1);
}
