import { dtypes } from '../../core/dtype.ts';
import { type Graph, Node, type Use, type Value } from '../../ir/graph.ts';
import { shapeOf } from '../../ir/types.ts';
import { FlowGraph } from './min-cut.ts';
import { type Layout, otherLayout } from './permutation.ts';
import type { NodeState, States } from './states.ts';

/** What is asked of the values where a graph begins and ends. */
export interface Boundary {
  input(value: Value): Layout;
  output(value: Value): Layout;
}

export type Weights = 'bytes' | 'count';

/** One array, however many layouts of it there are: a value and what Transposes between layouts make of it. */
export interface LogicalTensor {
  readonly root: Value;
  readonly weight: number;
  /** The layout that its producer makes, or the node that decides. */
  readonly made: Layout | NodeState;
  readonly wanted: Set<Layout | NodeState>;
  /** Transposes that there are. */
  turns: number;
}

export interface Assignment {
  readonly tensors: ReadonlyMap<Value, LogicalTensor>;
  /** Of nodes that are free. */
  readonly layouts: ReadonlyMap<NodeState, Layout>;
  /** Uses of the graph's values inside a node's bodies. */
  readonly captures: ReadonlyMap<Node, readonly Use[]>;
  /** Total weight of the tensors that are needed in both layouts: the least there can be. */
  readonly cost: number;
  /** Whether the graph as it is has no forced node in the wrong layout and costs as little. */
  readonly isSettled: boolean;
}

/** Chooses a layout for every node that may have either: the minimum cut. */
export function assign(
  graph: Graph,
  states: States,
  target: Layout,
  boundary: Boundary,
  weights: Weights,
): Assignment {
  const { tensors, captures } = tensorsOf(graph, states, target, boundary, weights);
  const flow = new FlowGraph();
  const terminals = { [otherLayout(target)]: flow.vertex(), [target]: flow.vertex() } as Record<
    Layout,
    number
  >;
  const vertices = new Map<Layout | NodeState, number>([
    ['first', terminals.first],
    ['last', terminals.last],
  ]);
  const vertexOf = (end: Layout | NodeState): number => {
    let vertex = vertices.get(end);
    if (vertex === undefined) {
      vertex = flow.vertex();
      vertices.set(end, vertex);
    }
    return vertex;
  };
  for (const state of states.nodes) if (!isFixed(state)) vertexOf(state);
  const all = new Set(tensors.values());
  for (const { made, wanted, weight } of all)
    connect(flow, vertexOf(made), [...wanted].map(vertexOf), weight);
  const { capacity, sinkSide } = flow.cut(terminals[otherLayout(target)], terminals[target]);
  const layouts = new Map<NodeState, Layout>();
  for (const state of states.nodes) {
    if (!state.isFree) continue;
    const isTarget = isFixed(state) || sinkSide[vertexOf(state)] === true;
    layouts.set(state, isTarget ? target : otherLayout(target));
  }
  let current = 0;
  let isMoved = false;
  for (const { root, made, turns, weight } of all) {
    current += turns * weight;
    isMoved ||= typeof made === 'string' && made !== states.layouts.get(root);
  }
  const isForced = states.nodes.some((state) => state.isFree && state.rule?.forced === true);
  const isOutputMoved = graph.outputs.some((value) => {
    const layout = states.layouts.get(value);
    return layout !== undefined && layout !== boundary.output(value);
  });
  const isSettled = !isForced && !isMoved && !isOutputMoved && capacity >= current;
  return { tensors, layouts, captures, cost: capacity, isSettled };
}

/** Forced nodes have the target's layout. */
function isFixed(state: NodeState): boolean {
  return !state.isFree || state.rule?.forced === true;
}

/** One price, whether one reader or many are on the other side than the producer. */
function connect(flow: FlowGraph, from: number, readers: readonly number[], weight: number): void {
  const others = readers.filter((reader) => reader !== from);
  if (others.length === 0) return;
  if (others.length === 1) {
    flow.edge(from, others[0]!, weight, weight);
    return;
  }
  const [there, back] = [flow.vertex(), flow.vertex()];
  flow.edge(from, there, weight);
  flow.edge(back, from, weight);
  for (const reader of others) {
    flow.edge(there, reader, Infinity);
    flow.edge(reader, back, Infinity);
  }
}

function tensorsOf(
  graph: Graph,
  states: States,
  target: Layout,
  boundary: Boundary,
  weights: Weights,
): { tensors: Map<Value, LogicalTensor>; captures: Map<Node, Use[]> } {
  const tensors = new Map<Value, LogicalTensor>();
  const captures = new Map<Node, Use[]>();
  const layoutOf = (value: Value): Layout => states.layouts.get(value)!;
  const add = (root: Value, made: Layout | NodeState): void => {
    const weight = weights === 'count' ? 1 : bytesOf(root);
    tensors.set(root, { root, weight, made, wanted: new Set(), turns: 0 });
  };
  const decided = (state: NodeState): Layout | NodeState =>
    state.rule?.forced === true ? target : state;
  for (const value of graph.inputs)
    if (states.layouts.has(value)) add(value, boundary.input(value));
  for (const value of states.layouts.keys()) if (value.graph !== graph) add(value, layoutOf(value));
  for (const state of states.nodes) {
    const { node, isFree, following, isTurn } = state;
    node.inputs.forEach((value, index) => {
      const tensor = value === null ? undefined : tensors.get(value);
      if (value === null || tensor === undefined) return;
      if (isTurn) {
        tensor.turns++;
        tensors.set(node.outputs[0]!, tensor);
      } else {
        const goesAlong = isFree && following.inputs.includes(index);
        tensor.wanted.add(goesAlong ? decided(state) : layoutOf(value));
      }
    });
    node.outputs.forEach((value, index) => {
      if (!states.layouts.has(value) || tensors.has(value)) return;
      const goesAlong = isFree && following.outputs.includes(index);
      add(value, goesAlong ? decided(state) : layoutOf(value));
    });
  }
  for (const [value, tensor] of tensors) {
    if (value.graph !== graph) continue;
    for (const use of value.uses) {
      const inner = use.user instanceof Node ? use.user.graph : use.user;
      if (inner === graph) {
        if (!(use.user instanceof Node)) tensor.wanted.add(boundary.output(value));
        continue;
      }
      tensor.wanted.add(layoutOf(value));
      const owner = ownerIn(graph, inner);
      if (owner === null) continue;
      const list = captures.get(owner);
      if (list === undefined) captures.set(owner, [use]);
      else list.push(use);
    }
  }
  return { tensors, captures };
}

/** The node of a graph that has another graph somewhere inside it. */
function ownerIn(graph: Graph, inner: Graph): Node | null {
  let owner = inner.owner;
  while (owner !== null && owner.graph !== graph) owner = owner.graph.owner;
  return owner;
}

/** Sizes that are not known count as 1. */
function bytesOf(value: Value): number {
  let bytes = 1;
  for (const dim of shapeOf(value.type) ?? []) if (typeof dim === 'number' && dim > 0) bytes *= dim;
  const dtype = value.type?.kind === 'tensor' ? value.type.dtype : null;
  return Math.ceil((bytes * dtypes[dtype ?? 'float32'].bits) / 8) || 1;
}
