/** The graph: values in single assignment, nodes in topological order, uses maintained.
 *  Readers build it through Builder; everything else changes it through an Edit. */

import type { Constant } from './constant.ts';
import type { Attribute, Attributes, Quantization, ValueType } from './types.ts';

/** A place where a value is consumed: input `index` of a node, or output `index` of a graph. */
export interface Use {
  readonly user: Node | Graph;
  readonly index: number;
}

let nextId = 1;

/** An edge of the graph: produced once, its uses maintained. */
export class Value {
  readonly id: number = nextId++;
  name: string;
  type: ValueType | null;
  /** The graph it belongs to: an input, a constant, or an output of one of the graph's nodes. */
  readonly graph: Graph;
  producer: Node | null = null;
  /** Nodes of inner graphs that capture the value count too. */
  readonly uses: Set<Use> = new Set();
  constant: Constant | null = null;
  quantization: Quantization | null = null;
  /** The format's own record of its declaration. */
  origin: unknown = null;

  constructor(graph: Graph, name: string, type: ValueType | null) {
    this.graph = graph;
    this.name = name;
    this.type = type;
  }
}

/** How a node stood in the file it was read from. One record may cover several nodes (an operator that has
 *  since been split up); a writer uses it only while all of them are as they were read. */
export interface Origin {
  /** The format's own record of the node. */
  readonly record: unknown;
  /** Version of the operator set it was written against. */
  readonly opset: number;
  /** Attributes as they were read, inner graphs included. */
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly nodes: Node[];
  /** Where the record's inputs and outputs went; null for an absent one. */
  inputs: (Use | null)[];
  outputs: ({ node: Node; index: number } | null)[];
  /** Inputs of the record that no node reads any more (the pinned operator has no such input), by their index:
   *  they stay, as the record names them. */
  readonly unread: Map<number, Value>;
}

export interface NodeSpec {
  op: string;
  /** '' is ai.onnx. */
  domain?: string;
  name?: string;
  attributes?: Iterable<readonly [string, Attribute]>;
  inputs: readonly (Value | null)[];
}

/** One operator applied to values. */
export class Node {
  readonly id: number = nextId++;
  readonly graph: Graph;
  readonly domain: string;
  readonly op: string;
  name: string;
  /** Change them through an Edit. */
  readonly attributes: Map<string, Attribute>;
  readonly inputs: (Value | null)[] = [];
  readonly outputs: Value[] = [];
  /** uses[i] is this node's entry in inputs[i].uses. */
  readonly inputUses: Use[] = [];
  /** Null once the node has been changed in a way its record does not show. */
  origin: Origin | null = null;
  metadata: ReadonlyMap<string, string> | null = null;

  constructor(graph: Graph, spec: NodeSpec) {
    this.graph = graph;
    this.domain = spec.domain ?? '';
    this.op = spec.op;
    this.name = spec.name ?? '';
    this.attributes = new Map(spec.attributes ?? []);
    for (let index = 0; index < spec.inputs.length; index++) link(this, index, spec.inputs[index]!);
    for (const attribute of this.attributes.values()) {
      if (attribute.type === 'graph') attribute.value.owner = this;
      else if (attribute.type === 'graphs') for (const inner of attribute.value) inner.owner = this;
    }
  }

  /** Graphs in the attributes: bodies of If, Loop, Scan. */
  *subgraphs(): Generator<Graph> {
    yield* subgraphsOf(this.attributes);
  }
}

/** The graphs held by attributes. */
export function* subgraphsOf(attributes: Attributes): Generator<Graph> {
  for (const attribute of attributes.values()) {
    if (attribute.type === 'graph') yield attribute.value;
    else if (attribute.type === 'graphs') yield* attribute.value;
  }
}

/** Nodes in topological order, with the values that enter and leave. */
export class Graph {
  name: string;
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly outputUses: Use[] = [];
  /** Initializers. One that is also an input is a default that callers may override. */
  readonly constants: Set<Value> = new Set();
  nodes: Node[] = [];
  /** The node whose body this is; null for a model's main graph. */
  owner: Node | null = null;
  /** The format's own record of what the IR does not model. */
  origin: unknown = null;

  constructor(name: string) {
    this.name = name;
  }
}

/** Makes `value` input `index` of `node`. Only for Builder and Edit. */
export function link(node: Node, index: number, value: Value | null): void {
  const use = node.inputUses[index] ?? { user: node, index };
  node.inputs[index]?.uses.delete(use);
  node.inputs[index] = value;
  node.inputUses[index] = use;
  value?.uses.add(use);
}

/** Makes `value` output `index` of `graph`. Only for Builder and Edit. */
export function linkOutput(graph: Graph, index: number, value: Value): void {
  const use = graph.outputUses[index] ?? { user: graph, index };
  graph.outputs[index]?.uses.delete(use);
  graph.outputs[index] = value;
  graph.outputUses[index] = use;
  value.uses.add(use);
}

/** Removes a node's links to its inputs. Only for Builder and Edit. */
export function unlink(node: Node): void {
  node.inputs.forEach((value, index) => {
    const use = node.inputUses[index];
    if (value !== null && use !== undefined) value.uses.delete(use);
  });
}

/** Removes the links of everything in a graph to values, which may be those of graphs around it. Only for Edit. */
export function unlinkGraph(graph: Graph): void {
  for (const node of graph.nodes) unlink(node);
  graph.outputs.forEach((value, index) => {
    const use = graph.outputUses[index];
    if (use !== undefined) value.uses.delete(use);
  });
}
