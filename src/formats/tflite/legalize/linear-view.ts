import { constantOfValue } from '../../../ir/constant.ts';
import type { Node, Value } from '../../../ir/graph.ts';

/** A product of a value with weights. */
export interface Linear {
  readonly weights: Value;
  /** Whether they are constant. */
  readonly isConstant: boolean;
  /** The weights' axis along which outputs are. */
  readonly axis: number;
  /** Input of the bias. */
  readonly bias: 2;
}

/** What a node multiplies with; null for other operators. */
export function linearOf(node: Node): Linear | null {
  const { domain, op, inputs } = node;
  const weights = inputs[1];
  if (weights == null) return null;
  const isConstant = constantOfValue(weights) !== null;
  const made = (axis: number): Linear => ({ weights, isConstant, axis, bias: 2 });
  if (domain === 'mp' && op === 'Conv') return made(0);
  if (domain === 'mp' && op === 'ConvTranspose') return made(1);
  if ((domain === 'mp' || domain === '') && op === 'MatMul')
    return made(flag(node, 'transB') ? 0 : 1);
  if (domain === '' && op === 'Gemm') return made(flag(node, 'transB') ? 0 : 1);
  return null;
}

/** An attribute that is 0 or 1. */
export function flag({ attributes }: Node, name: string): boolean {
  const attribute = attributes.get(name);
  return attribute?.type === 'int' && Number(attribute.value) !== 0;
}
