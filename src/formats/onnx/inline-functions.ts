import { FormatError } from '../../core/errors.ts';
import { Builder } from '../../ir/build.ts';
import { type Graph, Node, unlink, type Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { readNode } from './node.ts';
import { topological } from './order.ts';
import type { AttributeProto, FunctionProto, GraphProto, NodeProto } from './proto.ts';
import type { Reading } from './reading.ts';
import { nodeRecord } from './record.ts';
import { Scope } from './scope.ts';

/** Functions that call functions that call …: more are a circle, or hostile. */
const mostDepth = 32;

const keyOf = ({ domain, overload }: FunctionProto | NodeProto, name: string | undefined): string =>
  `${domain === 'ai.onnx' ? '' : (domain ?? '')}\n${name ?? ''}\n${overload ?? ''}`;

/** Puts the nodes of the model's own functions in the place of their calls, so that a copy of the model can run.
 *  @throws {FormatError} functions that call each other in a circle, or that grow beyond the limit of nodes
 *  Source: FunctionProto of onnx.proto. */
export function inlineFunctions(
  model: Model,
  functions: readonly FunctionProto[],
  reading: Reading,
): void {
  new Inlining(functions, reading).graph(model.graph, 0);
}

class Inlining {
  readonly #functions: Map<string, FunctionProto>;
  readonly #reading: Reading;
  #calls = 0;
  #nodes = 0;

  constructor(functions: readonly FunctionProto[], reading: Reading) {
    this.#functions = new Map(functions.map((item) => [keyOf(item, item.name), item]));
    this.#reading = reading;
  }

  graph(graph: Graph, depth: number): void {
    for (const node of graph.nodes.splice(0)) this.#place(node, depth);
  }

  /** Appends a node to its graph, or what it calls. */
  #place(node: Node, depth: number): void {
    const record = node.origin === null ? null : nodeRecord(node.origin.record);
    const called = record === null ? undefined : this.#functions.get(keyOf(record, record.opType));
    if (record === null || called === undefined) {
      for (const inner of node.subgraphs()) this.graph(inner, depth);
      node.graph.nodes.push(node);
      return;
    }
    this.#nodes += called.node?.length ?? 0;
    if (depth >= mostDepth || this.#nodes > this.#reading.limits.nodes) {
      throw new FormatError(`calls of the function "${called.name}" don't end`, {
        code: 'E_ONNX_FUNCTION',
        where: `onnx: node "${node.name}"`,
      });
    }
    this.#expand(node, record, called, depth);
  }

  #expand(call: Node, record: NodeProto, called: FunctionProto, depth: number): void {
    const { graph } = call;
    const scope = new Scope(null);
    const absent = new Set<string>();
    const prefix = `${record.name || call.outputs[0]?.name || called.name}/${this.#calls++}/`;
    (called.input ?? []).forEach((name, index) => {
      const value = call.inputs[index] ?? null;
      if (value === null) absent.add(name);
      else scope.define(prefix + name, value);
    });
    const attributes = new Map<string, AttributeProto>();
    for (const given of [...(called.attributeProto ?? []), ...(record.attribute ?? [])])
      attributes.set(given.name ?? '', given);
    const renamed = (name: string): string =>
      name === '' || absent.has(name) ? '' : prefix + name;
    const nodes = (called.node ?? []).map((node) => substituted(node, renamed, attributes));
    const opsets = new Map(this.#reading.opsets);
    for (const { domain = '', version } of called.opsetImport ?? [])
      opsets.set(domain === 'ai.onnx' ? '' : domain, Number(version ?? 1));
    const reading: Reading = { ...this.#reading, opsets };
    const where = `onnx: function "${called.name}"`;
    const builder = new Builder(graph);
    const start = graph.nodes.length;
    for (const node of topological(nodes, (name) => scope.own(name) !== undefined, where)) {
      for (const value of readNode(node, builder, scope, new Map(), reading, where))
        if (value.name !== '') scope.define(value.name, value);
    }
    for (const node of graph.nodes.splice(start)) this.#place(node, depth + 1);
    unlink(call);
    (called.output ?? []).forEach((name, index) => {
      const output = call.outputs[index];
      if (output !== undefined) this.#pass(graph, scope.find(prefix + name), output, where);
    });
  }

  /** Gives a value the name and the users of the call's output. */
  #pass(graph: Graph, value: Value | undefined, output: Value, where: string): void {
    if (value === undefined)
      throw new FormatError(`nothing makes the output "${output.name}"`, {
        code: 'E_ONNX_UNDEFINED',
        where,
      });
    const node = new Node(graph, { op: 'Identity', inputs: [value] });
    output.producer = node;
    output.type ??= value.type;
    node.outputs.push(output);
    graph.nodes.push(node);
  }
}

/** A node of a function with names of its own, and the attributes of the call where it refers to them. */
function substituted(
  node: NodeProto,
  renamed: (name: string) => string,
  given: ReadonlyMap<string, AttributeProto>,
): NodeProto {
  const attribute = (node.attribute ?? []).flatMap((item): AttributeProto[] => {
    if (item.refAttrName) {
      const found = given.get(item.refAttrName);
      return found === undefined ? [] : [{ ...found, name: item.name }];
    }
    if (item.g === undefined && item.graphs === undefined) return [item];
    const inner = (graph: GraphProto): GraphProto => substitutedGraph(graph, renamed, given);
    return [
      {
        ...item,
        ...(item.g === undefined ? {} : { g: inner(item.g) }),
        ...(item.graphs === undefined ? {} : { graphs: item.graphs.map(inner) }),
      },
    ];
  });
  return {
    ...node,
    input: (node.input ?? []).map(renamed),
    output: (node.output ?? []).map(renamed),
    attribute,
  };
}

function substitutedGraph(
  graph: GraphProto,
  renamed: (name: string) => string,
  given: ReadonlyMap<string, AttributeProto>,
): GraphProto {
  const named = <T extends { name?: string | undefined }>(items: readonly T[] | undefined): T[] =>
    (items ?? []).map((item) => ({ ...item, name: renamed(item.name ?? '') }));
  return {
    ...graph,
    node: (graph.node ?? []).map((node) => substituted(node, renamed, given)),
    input: named(graph.input),
    output: named(graph.output),
    initializer: named(graph.initializer),
    valueInfo: named(graph.valueInfo),
  };
}
