import type { Constant } from '../ir/constant.ts';
import { constantOfValue } from '../ir/constant.ts';
import type { Graph, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { allGraphs } from '../ir/walk.ts';

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
