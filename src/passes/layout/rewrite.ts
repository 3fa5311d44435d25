import { VerifyError } from '../../core/errors.ts';
import type { Shape } from '../../core/shape.ts';
import { type Constant, int64Constant } from '../../ir/constant.ts';
import type { Edit, Place } from '../../ir/edit.ts';
import { type Graph, Node, type NodeSpec, type Value } from '../../ir/graph.ts';
import { shapeOf, type ValueType } from '../../ir/types.ts';
import { freshName } from '../../ir/walk.ts';
import type { Assignment, Boundary, LogicalTensor } from './assign.ts';
import {
  type Layout,
  otherLayout,
  type Permutation,
  permutationTo,
  permutedQuantization,
  permutedType,
} from './permutation.ts';
import type { NodeView, RewriteContext } from './rule.ts';
import type { NodeState, States } from './states.ts';

export interface Rewritten {
  /** Transposes between layouts that the graph now has. */
  transposes: number;
  /** Their total weight. */
  cost: number;
}

/** Gives the graph the layouts that were chosen. */
export function rewrite(
  edit: Edit,
  graph: Graph,
  states: States,
  assignment: Assignment,
  boundary: Boundary,
  names: Set<string>,
): Rewritten {
  return new Rewriter(edit, graph, states, assignment, boundary, names).run();
}

class Rewriter {
  readonly #edit: Edit;
  readonly #graph: Graph;
  readonly #states: States;
  readonly #assignment: Assignment;
  readonly #boundary: Boundary;
  readonly #names: Set<string>;
  /** What there is of each array by now. */
  readonly #made: Map<LogicalTensor, Partial<Record<Layout, Value>>> = new Map();
  readonly #done: Rewritten = { transposes: 0, cost: 0 };

  constructor(
    edit: Edit,
    graph: Graph,
    states: States,
    assignment: Assignment,
    boundary: Boundary,
    names: Set<string>,
  ) {
    this.#edit = edit;
    this.#graph = graph;
    this.#states = states;
    this.#assignment = assignment;
    this.#boundary = boundary;
    this.#names = names;
  }

  run(): Rewritten {
    const { tensors, captures } = this.#assignment;
    for (const [value, tensor] of tensors) {
      if (value !== tensor.root || value.producer?.graph === this.#graph) continue;
      const layout = tensor.made as Layout;
      if (layout !== this.#layoutOf(value)) {
        const perm = permutationTo(layout, shapeOf(value.type)!.length);
        value.type = permutedType(value.type, perm);
        value.quantization = permutedQuantization(value.quantization, perm);
        value.origin = null;
      }
      this.#made.set(tensor, { [layout]: value });
    }
    for (const state of this.#states.nodes) {
      for (const use of captures.get(state.node) ?? []) {
        const value =
          use.user instanceof Node ? use.user.inputs[use.index]! : use.user.outputs[use.index]!;
        const now = this.#realize(value, this.#layoutOf(value), { before: state.node });
        if (now !== value) this.#edit.replaceUses(value, now, (other) => other === use);
      }
      if (state.isTurn) this.#turn(state);
      else this.#rewriteNode(state);
    }
    this.#outputs();
    return this.#done;
  }

  #layoutOf(value: Value): Layout {
    return this.#states.layouts.get(value)!;
  }

  #newLayout(state: NodeState): Layout {
    return this.#assignment.layouts.get(state) ?? state.layout;
  }

  /** The value in a layout, transposed at a place unless that has been done. */
  #realize(value: Value, layout: Layout, place: Place): Value {
    const tensor = this.#assignment.tensors.get(value);
    if (tensor === undefined) return value;
    const made = this.#made.get(tensor)!;
    const known = made[layout];
    if (known !== undefined) return known;
    const from = made[otherLayout(layout)]!;
    const perm = permutationTo(layout, shapeOf(from.type)!.length);
    const isAsItWas = this.#layoutOf(tensor.root) === layout && from !== tensor.root;
    const name = isAsItWas
      ? tensor.root.name
      : freshName(this.#names, `${tensor.root.name}_${layout}`);
    const spec = {
      op: 'Transpose',
      inputs: [from],
      attributes: [['perm', { type: 'ints', value: perm }]],
    } as const;
    const node = this.#edit.addNode(place, spec, [{ name, type: permutedType(from.type, perm) }]);
    const output = node.outputs[0]!;
    output.quantization = permutedQuantization(from.quantization, perm);
    made[layout] = output;
    this.#count(tensor);
    return output;
  }

  #count(tensor: LogicalTensor): void {
    this.#done.transposes++;
    this.#done.cost += tensor.weight;
  }

  /** A Transpose that is there stays if what it makes is needed and not there yet. */
  #turn({ node }: NodeState): void {
    const [before, after] = [node.inputs[0]!, node.outputs[0]!];
    const tensor = this.#assignment.tensors.get(after)!;
    const made = this.#made.get(tensor)!;
    const layout = this.#layoutOf(after);
    const input = made[otherLayout(layout)];
    const isNeeded = [...tensor.wanted].some(
      (end) => (typeof end === 'string' ? end : this.#newLayout(end)) === layout,
    );
    if (!isNeeded || made[layout] !== undefined || input === undefined) {
      this.#edit.removeNode(node);
      return;
    }
    if (input !== before) this.#edit.setInput(node, 0, input);
    made[layout] = after;
    this.#count(tensor);
  }

  #rewriteNode(state: NodeState): void {
    const { node, following, isFree, layout: from } = state;
    const to = this.#newLayout(state);
    const inputs = node.inputs.map((value, index) => {
      if (value === null || !this.#assignment.tensors.has(value)) return value;
      const goesAlong = isFree && following.inputs.includes(index);
      return this.#realize(value, goesAlong ? to : this.#layoutOf(value), { before: node });
    });
    if (isFree && to !== from) this.#replace(state, inputs, to);
    else {
      inputs.forEach((value, index) => {
        if (value !== node.inputs[index]) this.#edit.setInput(node, index, value);
      });
      for (const value of node.outputs) this.#settle(value, value, this.#layouts(value));
    }
  }

  #layouts(value: Value): Layout | undefined {
    return this.#states.layouts.get(value);
  }

  #settle(old: Value, value: Value, layout: Layout | undefined): void {
    const tensor = this.#assignment.tensors.get(old);
    if (tensor !== undefined && layout !== undefined) this.#made.set(tensor, { [layout]: value });
    else if (old !== value) this.#edit.replaceUses(old, value);
  }

  #replace(state: NodeState, inputs: readonly (Value | null)[], to: Layout): void {
    const { node, following, rule } = state;
    const edit = this.#edit;
    // Nodes of one record have one name, which is no longer theirs once they are written each by itself.
    const isPart = (node.origin?.nodes.length ?? 1) > 1;
    const base = node.name || node.outputs[0]!.name;
    const place = { node, base, to, edit, graph: this.#graph, names: this.#names };
    const spec = rule!.rewrite(new Context(state.view!, state.layout, inputs, place));
    // The second output of a pool that nobody reads has no place in domain `mp`.
    const kept = rule!.forced === true ? node.outputs.slice(0, 1) : node.outputs;
    const outputs = kept.map((value, index) => {
      const isMoved = following.outputs.includes(index);
      const perm = permutationTo(to, shapeOf(value.type)?.length ?? 0);
      return {
        name: isMoved ? freshName(this.#names, `${value.name}_${to}`) : value.name,
        type: isMoved ? permutedType(value.type, perm) : value.type,
        quantization: isMoved ? permutedQuantization(value.quantization, perm) : value.quantization,
        layout: isMoved ? to : this.#layouts(value),
      };
    });
    const made = edit.addNode({ before: node }, isPart ? { ...spec, name: '' } : spec, outputs);
    made.metadata = node.metadata;
    edit.removeNode(node);
    made.outputs.forEach((value, index) => {
      value.quantization = outputs[index]!.quantization;
      this.#settle(node.outputs[index]!, value, outputs[index]!.layout);
    });
  }

  /** Outputs keep their names, each a value of its own. */
  #outputs(): void {
    const graph = this.#graph;
    const taken = new Set<Value>(graph.inputs);
    graph.outputs.forEach((old, index) => {
      if (!this.#assignment.tensors.has(old)) {
        taken.add(old);
        return;
      }
      const layout = this.#boundary.output(old);
      const now = this.#realize(old, layout, { endOf: graph });
      if (now === old && !taken.has(now)) {
        taken.add(now);
        return;
      }
      let value = now;
      if (now !== old) {
        if (taken.has(now) || now.graph !== graph || now.constant !== null) {
          const spec = { op: 'Identity', inputs: [now] };
          const type = { name: old.name, type: now.type };
          value = this.#edit.addNode({ endOf: graph }, spec, [type]).outputs[0]!;
        } else if (now.name !== old.name) this.#rename(now, old);
        this.#edit.replaceUses(old, value, (use) => use.user === graph && use.index === index);
      }
      taken.add(value);
    });
  }

  /** What else had the name gets another one. */
  #rename(value: Value, old: Value): void {
    const tensor = this.#assignment.tensors.get(old)!;
    const { name } = old;
    for (const other of Object.values(this.#made.get(tensor)!)) {
      if (other !== value && other.name === name)
        this.#edit.rename(other, freshName(this.#names, `${name}_as_was`));
    }
    this.#edit.rename(value, name);
  }
}

interface ContextPlace {
  node: Node;
  /** What new values are named after. */
  base: string;
  to: Layout;
  edit: Edit;
  graph: Graph;
  names: Set<string>;
}

/** What a rule sees of its node, and adds beside it. */
class Context implements RewriteContext {
  readonly node: Node;
  readonly attributes: RewriteContext['attributes'];
  readonly from: Layout;
  readonly to: Layout;
  readonly inputs: readonly (Value | null)[];
  readonly #view: NodeView;
  readonly #place: ContextPlace;

  constructor(
    view: NodeView,
    from: Layout,
    inputs: readonly (Value | null)[],
    place: ContextPlace,
  ) {
    this.node = place.node;
    this.attributes = view.attributes;
    this.from = from;
    this.to = place.to;
    this.inputs = inputs;
    this.#view = view;
    this.#place = place;
  }

  shape(input: number): Shape {
    return this.#view.shape(input);
  }

  outputShape(output: number): Shape {
    return this.#view.outputShape(output);
  }

  constant(input: number): Constant | null {
    return this.#view.constant(input);
  }

  numbers(input: number): readonly number[] | null {
    return this.#view.numbers(input);
  }

  permutation(rank: number): Permutation {
    return permutationTo(this.to, rank);
  }

  addConstant(constant: Constant): Value {
    const { edit, graph, names, base, to } = this.#place;
    return edit.addConstant(graph, freshName(names, `${base}_${to}`), constant);
  }

  addInts(values: readonly number[], shape?: readonly number[]): Value {
    return this.addConstant(int64Constant(values, shape));
  }

  addNode(part: NodeSpec, type: ValueType | null): Value {
    const { edit, names, base, node } = this.#place;
    const name = freshName(names, `${base}_${part.op}`);
    return edit.addNode({ before: node }, part, [{ name, type }]).outputs[0]!;
  }

  setInput(user: Node, index: number, value: Value): void {
    this.#place.edit.setInput(user, index, value);
  }
}

/** @throws {VerifyError} more was transposed than the cut allows: a bug in a rule */
export function checkCost(done: Rewritten, cost: number, graph: Graph): void {
  if (done.cost === cost) return;
  throw new VerifyError(`the layouts cost ${done.cost}, their minimum cut is ${cost}`, {
    code: 'E_LAYOUT_CUT',
    where: `graph "${graph.name}"`,
  });
}
