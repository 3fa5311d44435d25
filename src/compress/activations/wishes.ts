import type { Node, Value } from '../../ir/graph.ts';
import type { Decisions } from '../pipeline/decide.ts';
import type { RoundedWeight, Wish } from '../rounding/sequential.ts';
import type { LinearWeight } from './weights.ts';

/** Chooses levels of weights, by name; those that are not among the results get their nearest ones. */
export type FindLevels = (
  wishes: ReadonlyMap<string, Wish>,
) => Promise<ReadonlyMap<string, RoundedWeight>>;

/** How the weights of products are stored, by name. */
export function wishesOf(
  nodes: readonly Node[],
  weights: ReadonlyMap<Value, LinearWeight | string>,
  decisions: Decisions,
): Map<string, Wish> {
  const wishes = new Map<string, Wish>();
  for (const node of nodes) {
    const weight = node.inputs[1] == null ? undefined : weights.get(node.inputs[1]);
    if (weight === undefined || typeof weight === 'string') continue;
    const rounding = decisions.of(node).settings?.rounding ?? 'nearest';
    const { value, scheme, measured } = weight;
    wishes.set(value.name, { scheme, parameters: measured.parameters, rounding });
  }
  return wishes;
}
