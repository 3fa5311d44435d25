import { constantOfValue } from '../../ir/constant.ts';
import { Node, type Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { isPair, type Role, roleOf, type TargetRuntime } from './roles.ts';

/** Which values of the main graph become integers, and for which nodes. */
export interface Selection {
  /** Nodes that are to run on integers, in order. */
  readonly nodes: readonly Node[];
  /** Values with the same levels are one group; in order. */
  readonly groups: readonly Group[];
}

export interface Group {
  readonly values: readonly Value[];
  /** Those whose ranges count. */
  readonly leaders: readonly Value[];
  /** What the one value of it is always within; null where samples must tell. */
  readonly fixed: { readonly min: number; readonly max: number } | null;
}

export interface SelectOptions {
  target: TargetRuntime;
  /** As TFLite's converter has it: everything that can be is on integers, what only moves has the levels of what comes,
   *  and what joins those of its result, whatever the ranges of the others. Else: from products with weights and inputs
   *  on, and values with the same levels have a range that holds them all. */
  directed: boolean;
  /** Whether what a clamp that is part of an operator reads is quantized, too, to the levels behind the clamp: as TFLite's
   *  files, which say a clamp apart, have it. */
  clampsKeep: boolean;
  /** Whether a value's elements are float32. */
  isFloat(value: Value): boolean;
  /** Whether a node's constant weights and bias can be integers. */
  isWeighted(node: Node): boolean;
  /** Whether a constant operand of an elementwise operator can be integers. */
  isLevels(value: Value): boolean;
  /** Whether something is known about the range of a value. */
  hasRange(value: Value): boolean;
}

/** Goes from products with constant weights, which gain most, along operators with kernels on integers: what nothing
 *  quantized comes to stays as it is. A clamp that alone reads a product or sum is part of it, so that the levels are
 *  those behind it. Linear in the number of nodes. */
export function select(model: Model, options: SelectOptions): Selection {
  const chosen = new Choice(options);
  for (const node of model.graph.nodes) chosen.visit(node);
  return chosen.result();
}

class Choice {
  readonly #options: SelectOptions;
  readonly #nodes: Set<Node> = new Set();
  /** In order; each with what it shares its levels with. */
  readonly #values: Map<Value, Value> = new Map();
  readonly #fixed: Map<Value, { min: number; max: number }> = new Map();

  /** Values that are clamped to the levels of others. */
  readonly #clamped: Set<Value> = new Set();

  constructor(options: SelectOptions) {
    this.#options = options;
  }

  visit(node: Node): void {
    const role = roleOf(node, this.#options.target);
    if (role === null || [...node.subgraphs()].length > 0) return;
    const { isFloat, hasRange } = this.#options;
    const outputs = node.outputs.filter(isFloat);
    if (outputs.length === 0 || outputs.length < node.outputs.length) return;
    const computed = node.inputs.filter(
      (value): value is Value =>
        value !== null && isFloat(value) && constantOfValue(value) === null,
    );
    if (computed.length === 0 || !outputs.every(hasRange)) return;
    if (role === 'linear') this.#linear(node, computed, outputs);
    else if (computed.every((value) => this.#values.has(value) || this.#canBegin(value))) {
      if (role === 'clamp') this.#clamp(node, computed[0]!, outputs[0]!);
      else if (this.#takes(node, role, computed)) this.#other(node, role, computed, outputs);
    }
  }

  /** Whether a value may be quantized though nothing that makes it is on integers. */
  #canBegin(value: Value): boolean {
    const { directed, target, hasRange } = this.#options;
    const mayBegin = directed || (target === 'tflite' && value.producer === null);
    return mayBegin && hasRange(value);
  }

  #linear(node: Node, computed: readonly Value[], outputs: readonly Value[]): void {
    const { hasRange, isWeighted } = this.#options;
    if (!computed.every(hasRange) || !isWeighted(node)) return;
    const isProduct = computed.length === 1 && computed[0] === node.inputs[0];
    if (isProduct || isPair(node)) this.#add(node, [...computed, ...outputs]);
  }

  #clamp(node: Node, x: Value, y: Value): void {
    const { producer } = x;
    const role = producer === null ? null : roleOf(producer, this.#options.target);
    const isPart = role === 'linear' || role === 'pairwise';
    this.#add(node, [x, y]);
    if (!isPart || x.uses.size !== 1) return;
    if (this.#options.clampsKeep) {
      this.#values.set(x, y);
      this.#clamped.add(x);
    } else this.#values.delete(x);
  }

  #takes(node: Node, role: Role, computed: readonly Value[]): boolean {
    const { isLevels, isFloat } = this.#options;
    const constants = node.inputs.filter(
      (value): value is Value => value !== null && isFloat(value) && !computed.includes(value),
    );
    // What an operator pads or resizes with is a parameter, not an operand.
    if (role === 'pairwise') return constants.every(isLevels);
    if (role === 'join') return constants.length === 0;
    return role !== 'keep' || computed.length === 1;
  }

  #other(node: Node, role: Role, computed: readonly Value[], outputs: readonly Value[]): void {
    this.#add(node, [...computed, ...outputs]);
    const [x, y] = [computed[0]!, outputs[0]!];
    if (typeof role === 'object') this.#fixed.set(y, role);
    if (role !== 'keep' && role !== 'join') return;
    if (!this.#options.directed)
      for (const value of [...computed.slice(1), ...outputs]) this.#unite(x, value);
    else if (role === 'keep') for (const value of outputs) this.#values.set(value, this.#root(x));
    else
      for (const value of computed) if (this.#isFree(value)) this.#values.set(this.#root(value), y);
  }

  /** Whether a value's levels can be those of the one that alone reads it: others are quantized anew. */
  #isFree(value: Value): boolean {
    for (let at = value; ; at = at.producer!.inputs[0]!) {
      const { producer, uses } = at;
      if (producer === null || uses.size !== 1 || this.#fixed.has(at)) return false;
      const role = roleOf(producer, this.#options.target);
      if (role !== 'keep') return role !== 'join' && this.#root(value) === at;
    }
  }

  #add(node: Node, values: readonly Value[]): void {
    this.#nodes.add(node);
    for (const value of values) if (!this.#values.has(value)) this.#values.set(value, value);
  }

  #unite(a: Value, b: Value): void {
    const [first, second] = [this.#root(a), this.#root(b)];
    if (first !== second) this.#values.set(second, first);
  }

  #root(value: Value): Value {
    let at = value;
    for (let next = this.#values.get(at)!; next !== at; next = this.#values.get(at)!) at = next;
    return at;
  }

  result(): Selection {
    const groups = new Map<Value, Value[]>();
    for (const value of this.#values.keys()) {
      const root = this.#root(value);
      const group = groups.get(root);
      if (group === undefined) groups.set(root, [value]);
      else group.push(value);
    }
    return {
      nodes: [...this.#nodes],
      groups: [...groups].map(([root, values]) => this.#groupOf(root, values)),
    };
  }

  #groupOf(root: Value, values: readonly Value[]): Group {
    if (!this.#options.directed) return { values, leaders: values, fixed: this.#fixedOf(values) };
    return { values, leaders: [root], fixed: this.#fixed.get(root) ?? null };
  }

  /** The range of the one value that is computed; moving its elements changes nothing about it. */
  #fixedOf(values: readonly Value[]): Group['fixed'] {
    const [first] = values;
    const isAlone = values.every((value) => value === first || isMoved(value));
    return isAlone ? (this.#fixed.get(first!) ?? null) : null;
  }
}

function isMoved({ producer }: Value): boolean {
  return producer instanceof Node && producer.op !== 'Concat';
}
