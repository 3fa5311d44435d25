import type { Constant } from '../ir/constant.ts';
import type { Graph, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { allGraphs } from '../ir/walk.ts';

/** The constant that a value is: an initializer, or the output of a Constant node. */
export function constantOfValue(value: Value): Constant | null {
  if (value.constant !== null) return value.constant;
  const node = value.producer;
  if (node?.op !== 'Constant' || node.domain !== '') return null;
  const tensor = node.attributes.get('value');
  return tensor?.type === 'tensor' ? tensor.value : null;
}

export interface Held {
  value: Value;
  constant: Constant;
  graph: Graph;
}

/** Every constant of a model that a node or an output may use: those of inner graphs too, in order. */
export function* allConstants(model: Model): Generator<Held> {
  for (const graph of allGraphs(model.graph)) {
    for (const value of graph.constants) {
      if (value.constant !== null) yield { value, constant: value.constant, graph };
    }
    for (const node of graph.nodes) {
      const value = node.outputs[0];
      const constant = value === undefined ? null : constantOfValue(value);
      if (value !== undefined && constant !== null) yield { value, constant, graph };
    }
  }
}
