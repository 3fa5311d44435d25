import type { Graph, Node, Value } from './graph.ts';

/** A graph and all graphs inside it, outer first. Iterative: nesting is not bounded by the stack. */
export function* allGraphs(graph: Graph): Generator<Graph> {
  const pending = [graph];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield next;
    for (const node of next.nodes) pending.push(...node.subgraphs());
  }
}

/** Every node, those of inner graphs included. */
export function* allNodes(graph: Graph): Generator<Node> {
  for (const inner of allGraphs(graph)) yield* inner.nodes;
}

/** Whether `value` can be read in `graph`: it belongs to it or to a graph around it. */
export function isVisible(value: Value, graph: Graph): boolean {
  for (let at: Graph | undefined = graph; at !== undefined; at = at.owner?.graph) {
    if (value.graph === at) return true;
  }
  return false;
}

/** Values that a format's records of nodes name besides the inputs that the nodes have: while the records are, they stay. */
export function namedByRecords(graph: Graph): Set<Value> {
  const named = new Set<Value>();
  for (const { origin } of allNodes(graph))
    for (const value of origin?.unread.values() ?? []) named.add(value);
  return named;
}

/** Names in use in a graph, in the graphs around it and in those inside it: a new name must be none of them. */
export function namesAround(graph: Graph): Set<string> {
  const names = new Set<string>();
  let top = graph;
  while (top.owner !== null) top = top.owner.graph;
  for (const inner of allGraphs(top)) {
    for (const value of inner.inputs) names.add(value.name);
    for (const value of inner.constants) names.add(value.name);
    for (const node of inner.nodes) for (const value of node.outputs) names.add(value.name);
  }
  return names;
}

/** Makes names that say little and take little: `q`, `q1`, `q2` …, none of them taken; adds them to `names`. For the many
 *  values around quantized ones, whose long names would take more bytes of a file than their numbers do. */
export function shortNames(names: Set<string>): (prefix: string) => string {
  const counts = new Map<string, number>();
  return (prefix) => {
    let count = counts.get(prefix) ?? 0;
    const made = (): string => (count === 0 ? prefix : `${prefix}${count.toString(36)}`);
    while (names.has(made())) count++;
    counts.set(prefix, count + 1);
    const name = made();
    names.add(name);
    return name;
  };
}

/** `base`, or `base_1`, `base_2` … if it is taken; adds the result to `names`. */
export function freshName(names: Set<string>, base: string): string {
  let name = base;
  for (let n = 1; names.has(name) || name === ''; n++) name = `${base}_${n}`;
  names.add(name);
  return name;
}
