import { Edit } from '../ir/edit.ts';
import type { Graph, Node, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { allGraphs, namedByRecords } from '../ir/walk.ts';
import { exportQuantization } from '../passes/export-quantization.ts';
import { foldBatchNorm } from '../passes/fold-batchnorm.ts';
import { shareConstants } from '../passes/share-constants.ts';

/** Makes a model smaller without changing what it computes. Returns what was done, one sentence each. */
export async function lossless(model: Model): Promise<string[]> {
  // Rewriting knows quantization of activations as nodes; a writer brings it into its own form.
  exportQuantization(model);
  return [
    ...fixConstants(model),
    ...(await foldBatchNorm(model)),
    ...(await shareConstants(model)),
    ...removeUnused(model),
  ];
}

/** Initializers that are listed as inputs too become constants: files before IR version 4 had to list them, and
 *  as inputs they block every folding. */
function fixConstants(model: Model): string[] {
  const listed = model.graph.inputs.filter((value) => value.constant !== null);
  if (listed.length === 0) return [];
  const reason = 'no caller overrides a weight';
  const edit = new Edit(model, { pass: 'lossless', rule: 'listed-constants', reason });
  for (const value of listed) edit.fixConstant(value);
  edit.commit();
  return [`${listed.length} constants no longer listed as inputs`];
}

/** Removes nodes whose outputs nobody reads and constants nobody uses. Inputs and outputs of the model, and nodes
 *  of unknown operators, stay. */
function removeUnused(model: Model): string[] {
  const edit = new Edit(model, {
    pass: 'lossless',
    rule: 'unused',
    reason: 'no output depends on it',
  });
  const graphs = [...allGraphs(model.graph)].reverse();
  const named = namedByRecords(model.graph);
  const isNeeded = (value: Value): boolean => value.uses.size > 0 || named.has(value);
  let nodes = 0;
  let constants = 0;
  for (const graph of graphs) nodes += removeNodes(edit, graph, isNeeded);
  for (const graph of graphs) {
    const inputs = new Set(graph.inputs);
    for (const value of [...graph.constants]) {
      if (isNeeded(value) || inputs.has(value)) continue;
      constants++;
      edit.removeConstant(value);
    }
  }
  if (nodes + constants === 0) return [];
  edit.commit();
  const done: string[] = [];
  if (nodes > 0) done.push(`${nodes} nodes that no output depends on removed`);
  if (constants > 0) done.push(`${constants} constants that nobody reads removed`);
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
