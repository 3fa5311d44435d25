import { Graph, link, linkOutput, Node, type Origin, type Use, Value } from './graph.ts';
import { Model } from './model.ts';
import type { Attribute } from './types.ts';

/** A copy of a model that can be edited without touching the original. Constants' bytes are shared:
 *  they are immutable. Linear in the number of nodes and values. */
export function clone(model: Model): Model {
  const copies: Copies = {
    values: new Map(),
    nodes: new Map(),
    graphs: new Map(),
    origins: new Map(),
  };
  const copy = new Model(copyGraph(model.graph, copies));
  copy.format = model.format;
  copy.sourceBytes = model.sourceBytes;
  copy.origin = model.origin;
  copy.inlineCalls = model.inlineCalls;
  for (const [domain, version] of model.opsets) copy.opsets.set(domain, version);
  for (const [key, value] of model.metadata) copy.metadata.set(key, value);
  copy.states.push(...model.states.map((state) => ({ ...state })));
  for (const kind of ['inputs', 'outputs'] as const)
    for (const [alias, name] of model.aliases[kind]) copy.aliases[kind].set(alias, name);
  copy.about.push(...model.about);
  copy.notes.push(...model.notes);
  copy.edits.push(...model.edits);
  for (const [origin, target] of copies.origins) fillOrigin(origin, target, copies);
  return copy;
}

interface Copies {
  values: Map<Value, Value>;
  nodes: Map<Node, Node>;
  graphs: Map<Graph, Graph>;
  origins: Map<Origin, Origin>;
}

function copyGraph(graph: Graph, copies: Copies): Graph {
  const copy = new Graph(graph.name);
  copies.graphs.set(graph, copy);
  copy.origin = graph.origin;
  for (const value of graph.inputs) copy.inputs.push(copyValue(value, copy, copies));
  for (const value of graph.constants) {
    copy.constants.add(copies.values.get(value) ?? copyValue(value, copy, copies));
  }
  for (const node of graph.nodes) copy.nodes.push(copyNode(node, copy, copies));
  graph.outputs.forEach((value, index) => {
    linkOutput(copy, index, mapped(copies, value));
  });
  return copy;
}

function copyValue(value: Value, graph: Graph, copies: Copies): Value {
  const copy = new Value(graph, value.name, value.type);
  copy.constant = value.constant;
  copy.quantization = value.quantization;
  copy.origin = value.origin;
  copies.values.set(value, copy);
  return copy;
}

function copyNode(node: Node, graph: Graph, copies: Copies): Node {
  const attributes: [string, Attribute][] = [];
  for (const [name, attribute] of node.attributes) {
    if (attribute.type === 'graph') {
      attributes.push([name, { type: 'graph', value: copyGraph(attribute.value, copies) }]);
    } else if (attribute.type === 'graphs') {
      attributes.push([
        name,
        { type: 'graphs', value: attribute.value.map((inner) => copyGraph(inner, copies)) },
      ]);
    } else attributes.push([name, attribute]);
  }
  const { domain, op, name } = node;
  const copy = new Node(graph, { domain, op, name, attributes, inputs: [] });
  copies.nodes.set(node, copy);
  node.inputs.forEach((value, index) => {
    link(copy, index, value === null ? null : mapped(copies, value));
  });
  for (const value of node.outputs) {
    const output = copyValue(value, graph, copies);
    output.producer = copy;
    copy.outputs.push(output);
  }
  copy.metadata = node.metadata;
  if (node.origin !== null) copy.origin = copyOrigin(node.origin, copies);
  return copy;
}

function copyOrigin(origin: Origin, copies: Copies): Origin {
  let copy = copies.origins.get(origin);
  if (copy === undefined) {
    const attributes = new Map(origin.attributes);
    copy = {
      record: origin.record,
      opset: origin.opset,
      attributes,
      nodes: [],
      inputs: [],
      outputs: [],
      unread: new Map(),
    };
    copies.origins.set(origin, copy);
  }
  return copy;
}

/** Done last: the nodes of one record are all copied by then. */
function fillOrigin(origin: Origin, copy: Origin, { nodes, graphs, values }: Copies): void {
  const attributes = copy.attributes as Map<string, Attribute>;
  for (const [name, attribute] of origin.attributes) {
    const inner = (graph: Graph): Graph => graphs.get(graph) ?? graph;
    if (attribute.type === 'graph')
      attributes.set(name, { type: 'graph', value: inner(attribute.value) });
    if (attribute.type === 'graphs')
      attributes.set(name, { type: 'graphs', value: attribute.value.map(inner) });
  }
  for (const node of origin.nodes) copy.nodes.push(nodes.get(node) ?? node);
  for (const [index, value] of origin.unread) copy.unread.set(index, values.get(value) ?? value);
  copy.inputs = origin.inputs.map((use) => {
    const node = use === null ? undefined : nodes.get(use.user as Node);
    return node === undefined || use === null
      ? null
      : ({ user: node, index: use.index } satisfies Use);
  });
  copy.outputs = origin.outputs.map((place) => {
    const node = place === null ? undefined : nodes.get(place.node);
    return node === undefined || place === null ? null : { node, index: place.index };
  });
}

/** Values of enclosing graphs are copied before the bodies that capture them. */
function mapped(copies: Copies, value: Value): Value {
  return copies.values.get(value) ?? value;
}
