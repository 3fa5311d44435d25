import { Edit } from '../ir/edit.ts';
import type { Graph, Node, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { allGraphs } from '../ir/walk.ts';

/** Removes what no output depends on: nodes whose outputs nobody reads, constants nobody uses. Inputs and outputs
 *  of the model, and nodes of unknown operators, stay. Returns what it did, one sentence each. */
export function removeUnused(model: Model): string[] {
  const edit = new Edit(model, {
    pass: 'lossless',
    rule: 'unused',
    reason: 'no output depends on it',
  });
  let nodes = 0;
  let constants = 0;
  let bytes = 0;
  const graphs = [...allGraphs(model.graph)].reverse();
  const named = new Set<Value>();
  for (const graph of graphs) {
    for (const { origin } of graph.nodes)
      for (const value of origin?.unread.values() ?? []) named.add(value);
  }
  const isNeeded = (value: Value): boolean => value.uses.size > 0 || named.has(value);
  for (const graph of graphs) nodes += removeNodes(edit, graph, isNeeded);
  for (const graph of graphs) {
    for (const value of [...graph.constants]) {
      if (isNeeded(value) || value.constant === null || graph.inputs.includes(value)) continue;
      constants++;
      bytes += value.constant.data.size;
      edit.removeConstant(value);
    }
  }
  if (nodes + constants === 0) return [];
  edit.commit();
  const done: string[] = [];
  if (nodes > 0) done.push(`${nodes} nodes that no output depends on removed`);
  if (constants > 0) done.push(`${constants} unused constants removed (${bytes} bytes)`);
  return done;
}

/** Backwards, so that what only a removed node read goes too. */
function removeNodes(edit: Edit, graph: Graph, isNeeded: (value: Value) => boolean): number {
  let count = 0;
  for (const node of [...graph.nodes].reverse()) {
    if (!isPure(node) || node.outputs.some(isNeeded)) continue;
    edit.removeNode(node);
    count++;
  }
  return count;
}

/** Nodes of other domains may do something besides their outputs; bodies are left alone. */
function isPure(node: Node): boolean {
  return node.domain === '' && [...node.subgraphs()].length === 0;
}
