import type { Dim, Shape } from '../../core/shape.ts';
import { type Constant, constantOfValue, smallValues } from '../../ir/constant.ts';
import { type Graph, Node, type Value } from '../../ir/graph.ts';
import { shapeOf } from '../../ir/types.ts';
import { type AttributeReader, findOp, type Op, ops, readAttributes } from '../../ops/index.ts';
import { canPermute, isSame, type Layout, otherLayout, permutationTo } from './permutation.ts';
import type { Following, LayoutRule, LayoutTarget, NodeView } from './rule.ts';
import { anchored } from './spatial.ts';

/** What is known of one node. */
export interface NodeState {
  readonly node: Node;
  readonly view: NodeView | null;
  readonly rule: LayoutRule | null;
  /** The layout that operands which follow have now. */
  layout: Layout;
  following: Following;
  /** Whether the node can have the other layout. */
  isFree: boolean;
  /** What the rule said so far. */
  readonly answers: Partial<Record<Layout, Following | null>>;
  /** A Transpose from one layout to the other: it vanishes where both are one. */
  isTurn: boolean;
}

export interface States {
  readonly nodes: readonly NodeState[];
  /** Which layout values of rank 3 to 5 have now. */
  readonly layouts: ReadonlyMap<Value, Layout>;
  /** Values whose layout follows from a spatial operator. */
  readonly certain: ReadonlySet<Value>;
}

const nobody: Following = { inputs: [], outputs: [] };

/** Whether a value has a layout: computed, of rank 3 to 5. */
function hasLayout(value: Value, overridable: ReadonlySet<Value>): boolean {
  const rank = shapeOf(value.type)?.length ?? 0;
  return rank >= 3 && rank <= 5 && (overridable.has(value) || constantOfValue(value) === null);
}

/** Finds out which layout each value has: from spatial operators along those that keep it, a Transpose between
 *  the layouts changing it. What no spatial operator reaches counts as channels first. Linear.
 *  @param values  elements of small values as far as shape inference knows them */
export function statesOf(
  graph: Graph,
  target: LayoutTarget,
  values: ReadonlyMap<Value, readonly Dim[]>,
): States {
  return new Spreading(graph, target, values).run();
}

class Spreading {
  readonly #graph: Graph;
  readonly #states: Map<Node, NodeState> = new Map();
  readonly #layouts: Map<Value, Layout> = new Map();
  readonly #pending: Value[] = [];
  readonly #overridable: ReadonlySet<Value>;

  constructor(graph: Graph, target: LayoutTarget, values: ReadonlyMap<Value, readonly Dim[]>) {
    this.#graph = graph;
    this.#overridable = overridableIn(graph);
    for (const node of graph.nodes) {
      const rule = target.rules.get(`${node.domain}:${node.op}`) ?? null;
      this.#states.set(node, {
        node,
        view: viewOf(node, this.#overridable, values),
        rule,
        layout: 'first',
        following: nobody,
        isFree: false,
        isTurn: false,
        answers: {},
      });
    }
  }

  run(): States {
    const states = [...this.#states.values()];
    for (const state of states) {
      const anchor = state.rule?.anchor;
      if (anchor === undefined || state.view === null) continue;
      for (const value of this.#operands(state.node, anchored(state.view)))
        this.#set(value, anchor);
    }
    this.#spread();
    const certain = new Set(this.#layouts.keys());
    for (const { node } of states) {
      for (const value of [...node.inputs, ...node.outputs]) {
        if (value === null) continue;
        this.#set(value, 'first');
        this.#spread();
      }
    }
    for (const value of this.#graph.inputs) this.#set(value, 'first');
    for (const state of states) this.#settle(state);
    return { nodes: states, layouts: this.#layouts, certain };
  }

  #set(value: Value, layout: Layout): void {
    if (this.#layouts.has(value) || !hasLayout(value, this.#overridable)) return;
    this.#layouts.set(value, layout);
    this.#pending.push(value);
  }

  #spread(): void {
    for (let value = this.#pending.pop(); value !== undefined; value = this.#pending.pop()) {
      if (value.producer !== null) this.#spreadOver(value.producer, value);
      for (const { user } of value.uses) if (user instanceof Node) this.#spreadOver(user, value);
    }
  }

  #spreadOver(node: Node, value: Value): void {
    const state = this.#states.get(node);
    if (state === undefined || state.view === null || state.rule?.anchor !== undefined) return;
    const layout = this.#layouts.get(value)!;
    const isInput = value.producer !== node;
    const turned = turnOf(state.view);
    const before = isInput ? layout : otherLayout(layout);
    if (turned?.(before)) {
      const other = isInput ? node.outputs[0]! : node.inputs[0]!;
      this.#set(other, otherLayout(layout));
      return;
    }
    const following = this.#following(state, layout) ?? nobody;
    const operands = this.#operands(node, following);
    if (operands.includes(value)) for (const operand of operands) this.#set(operand, layout);
  }

  /** Asked once for each operand, answered once. */
  #following(state: NodeState, layout: Layout): Following | null {
    if (state.view === null || state.rule === null) return null;
    let answer = state.answers[layout];
    if (answer === undefined) {
      answer = state.rule.following(state.view, layout);
      state.answers[layout] = answer;
    }
    return answer;
  }

  #operands(node: Node, { inputs, outputs }: Following): Value[] {
    return [...inputs.map((i) => node.inputs[i]), ...outputs.map((i) => node.outputs[i])].filter(
      (value) => value != null,
    );
  }

  /** What the node can do with the layouts that its operands turned out to have. */
  #settle(state: NodeState): void {
    const { node, view, rule } = state;
    if (view === null || rule === null) return;
    const [input, output] = [node.inputs[0], node.outputs[0]];
    const inputLayout = input == null ? undefined : this.#layouts.get(input);
    const outputLayout = output === undefined ? undefined : this.#layouts.get(output);
    const isTurn = inputLayout !== undefined && turnOf(view)?.(inputLayout) === true;
    if (isTurn && outputLayout === otherLayout(inputLayout)) {
      state.isTurn = canPermute(input!.quantization) && canPermute(output!.quantization);
      return;
    }
    for (const layout of ['first', 'last'] as const) {
      const following = this.#following(state, layout);
      if (following === null) continue;
      const operands = this.#operands(node, following);
      const fits = operands.every(
        (value) => this.#layouts.get(value) === layout && canPermute(value.quantization),
      );
      if (!fits || operands.length === 0) continue;
      Object.assign(state, { layout, following, isFree: true });
      return;
    }
  }
}

/** Values that callers give: constants among them are only defaults. */
function overridableIn(graph: Graph): Set<Value> {
  const values = new Set<Value>();
  for (let at: Graph | undefined = graph; at !== undefined; at = at.owner?.graph)
    for (const value of at.inputs) values.add(value);
  return values;
}

/** For a Transpose: whether it brings its operand, in a layout, into the other one. */
function turnOf(view: NodeView): ((before: Layout) => boolean) | null {
  if (view.node.op !== 'Transpose' || view.node.domain !== '') return null;
  const rank = view.shape(0)?.length ?? 0;
  const perm = view.attributes.ints('perm');
  if (perm === null || perm.length !== rank || rank < 3 || rank > 5) return null;
  return (before) => isSame(perm, permutationTo(otherLayout(before), rank));
}

/** null for an operator that is not known. */
function viewOf(
  node: Node,
  overridable: ReadonlySet<Value>,
  known: ReadonlyMap<Value, readonly Dim[]>,
): NodeView | null {
  const op = findOp(ops, node.domain, node.op);
  return op === null ? null : new View(node, op, overridable, known);
}

/** Values are re-linked while the pass runs: shapes are what they were. */
class View implements NodeView {
  readonly node: Node;
  readonly #op: Op;
  readonly #overridable: ReadonlySet<Value>;
  readonly #known: ReadonlyMap<Value, readonly Dim[]>;
  readonly #inputs: readonly Shape[];
  readonly #outputs: readonly Shape[];
  #attributes: AttributeReader | null = null;

  constructor(
    node: Node,
    op: Op,
    overridable: ReadonlySet<Value>,
    known: ReadonlyMap<Value, readonly Dim[]>,
  ) {
    this.node = node;
    this.#op = op;
    this.#overridable = overridable;
    this.#known = known;
    this.#inputs = node.inputs.map((value) => shapeOf(value?.type ?? null));
    this.#outputs = node.outputs.map((value) => shapeOf(value.type));
  }

  get attributes(): AttributeReader {
    this.#attributes ??= readAttributes(this.#op, this.node);
    return this.#attributes;
  }

  shape(input: number): Shape {
    return this.#inputs[input] ?? null;
  }

  outputShape(output: number): Shape {
    return this.#outputs[output] ?? null;
  }

  constant(input: number): Constant | null {
    const value = this.node.inputs[input];
    return value == null || this.#overridable.has(value) ? null : constantOfValue(value);
  }

  numbers(input: number): readonly number[] | null {
    const found = this.constant(input);
    const value = this.node.inputs[input];
    const inferred = value == null ? undefined : this.#known.get(value);
    const values = found === null ? inferred : smallValues(found);
    return values?.every((item) => typeof item === 'number') === true ? values : null;
  }
}
