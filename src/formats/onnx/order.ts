import { FormatError } from '../../core/errors.ts';
import type { GraphProto, NodeProto } from './proto.ts';

/** Nodes in topological order: the list itself if it is in order, else a stable sort.
 *  @param visible  whether a name is known before the first node runs
 *  @throws {FormatError} nodes that need each other */
export function topological(
  nodes: readonly NodeProto[],
  visible: (name: string) => boolean,
  where: string,
): readonly NodeProto[] {
  const producer = new Map<string, number>();
  nodes.forEach((node, index) => {
    for (const name of node.output ?? []) if (name !== '') producer.set(name, index);
  });
  const needs = nodes.map((node) => {
    const before = new Set<number>();
    for (const name of readNames(node)) {
      const index = producer.get(name);
      if (index !== undefined && !visible(name)) before.add(index);
    }
    return before;
  });
  const ordered = needs.every((before, index) => [...before].every((earlier) => earlier < index));
  return ordered ? nodes : sort(nodes, needs, where);
}

function sort(
  nodes: readonly NodeProto[],
  needs: readonly Set<number>[],
  where: string,
): NodeProto[] {
  const users: number[][] = nodes.map(() => []);
  const missing = needs.map((before, index) => {
    for (const earlier of before) users[earlier]?.push(index);
    return before.size;
  });
  const ready = new MinHeap();
  missing.forEach((count, index) => {
    if (count === 0) ready.push(index);
  });
  const result: NodeProto[] = [];
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    const node = nodes[next];
    if (node !== undefined) result.push(node);
    for (const user of users[next] ?? []) {
      missing[user] = (missing[user] ?? 0) - 1;
      if (missing[user] === 0) ready.push(user);
    }
  }
  if (result.length === nodes.length) return result;
  const stuck = nodes[missing.findIndex((count) => count > 0)];
  throw new FormatError('the graph has a cycle', {
    code: 'E_ONNX_CYCLE',
    where: `${where} node "${stuck?.name ?? ''}" (${stuck?.opType ?? '?'})`,
  });
}

/** Names that a node reads, those that its bodies capture included. */
function* readNames(node: NodeProto): Generator<string> {
  const pending: { graph: GraphProto; outer: ReadonlySet<string> }[] = [];
  const open = (of: NodeProto, outer: ReadonlySet<string>): void => {
    for (const attribute of of.attribute ?? []) {
      if (attribute.g !== undefined) pending.push({ graph: attribute.g, outer });
      for (const graph of attribute.graphs ?? []) pending.push({ graph, outer });
    }
  };
  for (const name of node.input ?? []) if (name !== '') yield name;
  open(node, new Set());
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { graph, outer } = next;
    const inner = new Set(outer);
    for (const { name } of graph.input ?? []) inner.add(name ?? '');
    for (const { name } of graph.initializer ?? []) inner.add(name ?? '');
    for (const sparse of graph.sparseInitializer ?? []) inner.add(sparse.values?.name ?? '');
    for (const of of graph.node ?? []) for (const name of of.output ?? []) inner.add(name);
    for (const of of graph.node ?? []) {
      for (const name of of.input ?? []) if (name !== '' && !inner.has(name)) yield name;
      open(of, inner);
    }
    for (const { name } of graph.output ?? [])
      if (name !== undefined && !inner.has(name)) yield name;
  }
}

/** Smallest index first: the sort is stable. */
class MinHeap {
  readonly #items: number[] = [];

  push(item: number): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((items[parent] ?? 0) <= item) break;
      items[at] = items[parent] ?? 0;
      at = parent;
    }
    items[at] = item;
  }

  pop(): number | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if ((items[child + 1] ?? Number.POSITIVE_INFINITY) < (items[child] ?? 0)) child++;
      if ((items[child] ?? 0) >= last) break;
      items[at] = items[child] ?? 0;
      at = child;
    }
    items[at] = last;
    return top;
  }
}
