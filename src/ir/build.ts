import type { Constant } from './constant.ts';
import { type Graph, linkOutput, Node, type NodeSpec, Value } from './graph.ts';
import { tensorType, type ValueType } from './types.ts';

/** Fills a graph that is being made; callers add nodes in topological order. */
export class Builder {
  readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
  }

  input(name: string, type: ValueType | null): Value {
    const value = new Value(this.graph, name, type);
    this.graph.inputs.push(value);
    return value;
  }

  constant(name: string, constant: Constant): Value {
    const value = new Value(this.graph, name, tensorType(constant.dtype, constant.shape));
    value.constant = constant;
    this.graph.constants.add(value);
    return value;
  }

  /** @param outputs  a name for each output; '' for one that nobody reads */
  node(spec: NodeSpec, outputs: readonly string[]): Node {
    const node = new Node(this.graph, spec);
    for (const name of outputs) {
      const value = new Value(this.graph, name, null);
      value.producer = node;
      node.outputs.push(value);
    }
    this.graph.nodes.push(node);
    return node;
  }

  output(value: Value): void {
    linkOutput(this.graph, this.graph.outputs.length, value);
  }
}
