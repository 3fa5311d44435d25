import type { Constant } from '../ir/constant.ts';
import { Edit, type EditInfo, type Place } from '../ir/edit.ts';
import { type Graph, Node, type NodeSpec, type Use, type Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import type { Attribute, Quantization, ValueType } from '../ir/types.ts';
import { allGraphs } from '../ir/walk.ts';

/** An edit that tells which nodes have a new surrounding: what they are made of, or who reads them. */
export class WatchedEdit extends Edit {
  readonly #touch: (node: Node) => void;
  readonly #gone: Set<Node> = new Set();

  constructor(model: Model, info: EditInfo, touch: (node: Node) => void) {
    super(model, info);
    this.#touch = touch;
  }

  /** Whether a node is no longer part of the model. */
  isGone(node: Node): boolean {
    return this.#gone.has(node);
  }

  override addNode(
    place: Place,
    spec: NodeSpec,
    outputs: readonly { name: string; type: ValueType | null }[],
  ): Node {
    const node = super.addNode(place, spec, outputs);
    this.#touch(node);
    this.#touchSources(node.inputs);
    for (const body of node.subgraphs())
      for (const graph of allGraphs(body)) for (const inner of graph.nodes) this.#touch(inner);
    return node;
  }

  override setInput(node: Node, index: number, value: Value | null): void {
    const before = node.inputs[index];
    super.setInput(node, index, value);
    this.#touch(node);
    this.#touchSources([before, value]);
    this.#touchUsers(node.outputs);
  }

  override setAttribute(node: Node, name: string, attribute: Attribute | undefined): void {
    super.setAttribute(node, name, attribute);
    this.#touch(node);
    this.#touchUsers(node.outputs);
  }

  override replaceUses(old: Value, replacement: Value, where?: (use: Use) => boolean): number {
    const count = super.replaceUses(old, replacement, where);
    this.#touchSources([old, replacement]);
    this.#touchUsers([replacement]);
    for (const { user } of replacement.uses)
      if (user instanceof Node) this.#touchUsers(user.outputs);
    return count;
  }

  override removeNode(node: Node): void {
    if (this.#gone.has(node)) return;
    const captured = new Set<Value | null>(node.inputs);
    this.#gone.add(node);
    for (const body of node.subgraphs()) {
      for (const graph of allGraphs(body)) {
        for (const inner of graph.nodes) {
          this.#gone.add(inner);
          for (const value of inner.inputs) captured.add(value);
        }
        for (const value of graph.outputs) captured.add(value);
      }
    }
    super.removeNode(node);
    for (const value of captured) {
      this.#touchSources([value]);
      if (value !== null) this.#touchUsers([value]);
    }
  }

  override setConstant(value: Value, constant: Constant, quantization?: Quantization | null): void {
    super.setConstant(value, constant, quantization);
    this.#touchUsers([value]);
  }

  /** The graph of a node that is to be removed no longer holds this body: it lives on elsewhere. */
  release(node: Node, attribute: string): void {
    super.setAttribute(node, attribute, undefined);
  }

  #touchSources(values: readonly (Value | null | undefined)[]): void {
    for (const value of values) if (value?.producer != null) this.#touch(value.producer);
  }

  #touchUsers(values: readonly Value[]): void {
    for (const value of values)
      for (const { user } of value.uses) this.#touch(user instanceof Node ? user : ownerOf(user));
  }
}

/** A body's outputs concern the node that has the body. */
function ownerOf(graph: Graph): Node {
  return graph.owner as Node;
}
