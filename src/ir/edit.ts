import { VerifyError } from '../core/errors.ts';
import type { Constant } from './constant.ts';
import {
  type Graph,
  link,
  linkOutput,
  Node,
  type NodeSpec,
  type Use,
  unlink,
  unlinkGraph,
  Value,
} from './graph.ts';
import type { Model } from './model.ts';
import { type Attribute, type Quantization, tensorType, type ValueType } from './types.ts';
import { allGraphs } from './walk.ts';

/** What an Edit did: plain data for reports. */
export interface EditRecord {
  pass: string;
  rule: string;
  reason: string;
  removed: string[];
  added: string[];
  changed: string[];
}

export interface EditInfo {
  pass: string;
  rule: string;
  /** Why: one sentence for the reader of a report. */
  reason: string;
}

export type Place = { before: Node } | { after: Node } | { startOf: Graph } | { endOf: Graph };

/** The only way to change a graph. Links change at once; nodes enter and leave the node list at `commit`,
 *  which costs O(nodes) per touched graph however many changes there are. */
export class Edit {
  readonly #model: Model;
  #record: EditRecord;
  readonly #records: EditRecord[] = [];
  readonly #removed: Set<Node> = new Set();
  readonly #before: Map<Node, Node[]> = new Map();
  readonly #after: Map<Node, Node[]> = new Map();
  readonly #start: Map<Graph, Node[]> = new Map();
  readonly #end: Map<Graph, Node[]> = new Map();
  readonly #touched: Set<Graph> = new Set();
  #committed = false;

  constructor(model: Model, info: EditInfo) {
    this.#model = model;
    this.#record = { ...info, removed: [], added: [], changed: [] };
    this.#records.push(this.#record);
  }

  /** What is changed from here on is logged under another rule. Nodes still enter and leave at `commit`: many small
   *  rewrites cost one pass over the node list. */
  turnTo(info: EditInfo): void {
    const known = this.#records.find(
      (record) => record.pass === info.pass && record.rule === info.rule,
    );
    if (known === undefined) this.#records.push({ ...info, removed: [], added: [], changed: [] });
    this.#record = known ?? this.#records.at(-1)!;
  }

  /** @param outputs  name and type of each output */
  addNode(
    place: Place,
    spec: NodeSpec,
    outputs: readonly { name: string; type: ValueType | null }[],
  ): Node {
    const graph =
      'before' in place
        ? place.before.graph
        : 'after' in place
          ? place.after.graph
          : 'startOf' in place
            ? place.startOf
            : place.endOf;
    const node = new Node(graph, spec);
    for (const { name, type } of outputs) {
      const value = new Value(graph, name, type);
      value.producer = node;
      node.outputs.push(value);
    }
    if ('before' in place) push(this.#before, place.before, node);
    else if ('after' in place) push(this.#after, place.after, node);
    else if ('startOf' in place) push(this.#start, graph, node);
    else push(this.#end, graph, node);
    this.#touched.add(graph);
    this.#record.added.push(describe(node));
    return node;
  }

  addConstant(graph: Graph, name: string, constant: Constant): Value {
    const value = new Value(graph, name, tensorType(constant.dtype, constant.shape));
    value.constant = constant;
    graph.constants.add(value);
    this.#record.added.push(`constant ${name}`);
    return value;
  }

  /** An input that the node did not have makes its format record void. */
  setInput(node: Node, index: number, value: Value | null): void {
    if (index >= node.inputs.length) node.origin = null;
    link(node, index, value);
    this.#record.changed.push(`${describe(node)} input ${index}`);
  }

  /** The node's format record no longer holds after this. */
  setAttribute(node: Node, name: string, attribute: Attribute | undefined): void {
    if (attribute === undefined) node.attributes.delete(name);
    else node.attributes.set(name, attribute);
    node.origin = null;
    this.#record.changed.push(`${describe(node)} attribute ${name}`);
  }

  /** Redirects uses of a value; returns how many.
   *  @param where  which uses; default all */
  replaceUses(old: Value, replacement: Value, where: (use: Use) => boolean = () => true): number {
    let count = 0;
    for (const use of [...old.uses]) {
      if (!where(use)) continue;
      if (use.user instanceof Node) link(use.user, use.index, replacement);
      else linkOutput(use.user, use.index, replacement);
      count++;
    }
    if (count > 0) this.#record.changed.push(`uses of ${old.name}`);
    return count;
  }

  /** Its outputs must be unused by the time of `commit`. Its bodies go with it. */
  removeNode(node: Node): void {
    if (this.#removed.has(node)) return;
    this.#removed.add(node);
    unlink(node);
    for (const body of node.subgraphs()) for (const graph of allGraphs(body)) unlinkGraph(graph);
    node.origin = null;
    this.#touched.add(node.graph);
    this.#record.removed.push(describe(node));
  }

  /** Removes an unused constant, also from the inputs that repeat it. */
  removeConstant(value: Value): void {
    if (value.uses.size > 0) {
      throw new VerifyError(`constant "${value.name}" is removed while in use`, {
        code: 'E_EDIT_IN_USE',
      });
    }
    value.graph.constants.delete(value);
    const index = value.graph.inputs.indexOf(value);
    if (index >= 0) value.graph.inputs.splice(index, 1);
    this.#record.removed.push(`constant ${value.name}`);
  }

  /** Takes a constant out of the graph's inputs: callers can no longer override it. */
  fixConstant(value: Value): void {
    const index = value.graph.inputs.indexOf(value);
    if (index < 0) return;
    value.graph.inputs.splice(index, 1);
    this.#record.changed.push(`input ${value.name} becomes a constant`);
  }

  /** Replaces the bytes of a constant; its type stays what the graph computes with. */
  setConstant(value: Value, constant: Constant, quantization: Quantization | null = null): void {
    value.constant = constant;
    value.quantization = quantization;
    this.#record.changed.push(`constant ${value.name}`);
  }

  /** A further input of a graph, the last. */
  addInput(graph: Graph, name: string, type: ValueType | null): Value {
    const value = new Value(graph, name, type);
    graph.inputs.push(value);
    this.#record.added.push(`input ${name}`);
    return value;
  }

  /** Makes a value of the graph one of its outputs, the last. */
  addOutput(value: Value): void {
    linkOutput(value.graph, value.graph.outputs.length, value);
    this.#record.changed.push(`output ${value.name}`);
  }

  /** The value's declaration in the file goes with its old name. */
  rename(value: Value, name: string): void {
    value.name = name;
    value.origin = null;
  }

  /** What a value is declared as, where that changes: the declaration that it was read with goes. */
  setType(value: Value, type: ValueType): void {
    value.type = type;
    value.origin = null;
    this.#record.changed.push(`type of ${value.name}`);
  }

  /** For nodes that were read as parts of one, and go on without each other. */
  renameNode(node: Node, name: string): void {
    node.name = name;
    node.origin = null;
  }

  /** Ends the edit: puts nodes in their places and logs the record on the model.
   *  @throws {VerifyError} a removed node is still in use (a bug in the rule) */
  commit(): EditRecord {
    if (this.#committed)
      throw new VerifyError('an edit is committed twice', { code: 'E_EDIT_TWICE' });
    this.#committed = true;
    for (const node of this.#removed) {
      const used = node.outputs.find((value) => value.uses.size > 0);
      if (used !== undefined) {
        throw new VerifyError(`${describe(node)} is removed while "${used.name}" is in use`, {
          code: 'E_EDIT_IN_USE',
          where: `${this.#record.pass}/${this.#record.rule}`,
        });
      }
    }
    for (const graph of this.#touched) graph.nodes = this.#ordered(graph);
    const isOnly = this.#records.length === 1;
    this.#model.edits.push(...this.#records.filter((record) => isOnly || hasChanges(record)));
    return this.#record;
  }

  #ordered(graph: Graph): Node[] {
    const nodes: Node[] = [];
    const visit = (node: Node): void => {
      for (const earlier of this.#before.get(node) ?? []) visit(earlier);
      if (!this.#removed.has(node)) nodes.push(node);
      for (const later of this.#after.get(node) ?? []) visit(later);
    };
    for (const node of this.#start.get(graph) ?? []) visit(node);
    for (const node of graph.nodes) visit(node);
    for (const node of this.#end.get(graph) ?? []) visit(node);
    return nodes;
  }
}

function hasChanges({ removed, added, changed }: EditRecord): boolean {
  return removed.length + added.length + changed.length > 0;
}

function push<K>(map: Map<K, Node[]>, key: K, node: Node): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [node]);
  else list.push(node);
}

/** `Conv "conv_3"`, or by its first output where it has no name. */
export function describe(node: Node): string {
  const name = node.name || node.outputs[0]?.name || `#${node.id}`;
  return `${node.domain === '' ? '' : `${node.domain}.`}${node.op} "${name}"`;
}
