import { constantOfValue } from '../../ir/constant.ts';
import { Node, type Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { type Role, roleOf, type TargetRuntime } from './roles.ts';

/** Which values of the main graph become integers, and for which nodes. */
export interface Selection {
  /** Nodes that are to run on integers, in order. */
  readonly nodes: readonly Node[];
  /** Values with the same levels are one group; in order. */
  readonly groups: readonly Group[];
}

export interface Group {
  readonly values: readonly Value[];
  /** What the one value of it is always within; null where samples must tell. */
  readonly fixed: { readonly min: number; readonly max: number } | null;
}

export interface SelectOptions {
  target: TargetRuntime;
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
    else if (role === 'clamp') this.#clamp(node, computed, outputs[0]!);
    else if (computed.every((value) => this.#values.has(value)))
      this.#other(node, role, computed, outputs);
  }

  #linear(node: Node, computed: readonly Value[], outputs: readonly Value[]): void {
    const { hasRange, isWeighted } = this.#options;
    const [x] = computed;
    if (computed.length !== 1 || x === undefined || x !== node.inputs[0]) return;
    if (!hasRange(x) || !isWeighted(node)) return;
    this.#add(node, [x, ...outputs]);
  }

  #clamp(node: Node, computed: readonly Value[], y: Value): void {
    const [x] = computed;
    if (x === undefined || computed.length !== 1 || !this.#values.has(x)) return;
    const { producer } = x;
    const role = producer === null ? null : roleOf(producer, this.#options.target);
    const isPart = role === 'linear' || role === 'pairwise';
    if (isPart && x.uses.size === 1) this.#values.delete(x);
    this.#add(node, [y]);
  }

  #other(node: Node, role: Role, computed: readonly Value[], outputs: readonly Value[]): void {
    const { isLevels, isFloat } = this.#options;
    const constants = node.inputs.filter(
      (value): value is Value => value !== null && isFloat(value) && !computed.includes(value),
    );
    // What an operator pads or resizes with is a parameter, not an operand.
    const isOperand = role === 'pairwise' || role === 'join';
    if (isOperand && !constants.every(isLevels)) return;
    if (role === 'join' && constants.length > 0) return;
    if (role === 'keep' && computed.length > 1) return;
    this.#add(node, outputs);
    const [y] = outputs;
    if (typeof role === 'object') this.#fixed.set(y!, role);
    if (role === 'keep' || role === 'join')
      for (const value of [...computed.slice(1), ...outputs]) this.#unite(computed[0]!, value);
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
      groups: [...groups.values()].map((values) => ({ values, fixed: this.#fixedOf(values) })),
    };
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
