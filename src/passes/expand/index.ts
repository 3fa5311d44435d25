import { UnsupportedError } from '../../core/errors.ts';
import { Edit } from '../../ir/edit.ts';
import type { Node } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { allGraphs, namesAround } from '../../ir/walk.ts';
import { findFault } from '../../ops/attributes.ts';
import { findOp, ops } from '../../ops/index.ts';
import { inferShapes } from '../shapes.ts';
import { arrangeExpansions } from './arrange.ts';
import { attentionExpansions } from './attention.ts';
import { blockExpansions } from './blocks.ts';
import { resizeExpansions } from './computed-resize.ts';
import { einsumExpansions } from './einsum.ts';
import { integerProductExpansions } from './integer-products.ts';
import { linearExpansions } from './linear.ts';
import { loopExpansions } from './loops.ts';
import { lossExpansions } from './losses.ts';
import { poolExpansions } from './max-pool.ts';
import { normExpansions } from './norms.ts';
import { Parts } from './parts.ts';
import { quantizeExpansions } from './quantize.ts';
import { recurrentExpansions } from './recurrent.ts';
import { samplingExpansions } from './sampling.ts';
import { signalExpansions } from './signal.ts';
import { tfliteRecurrentExpansions } from './tflite-recurrent.ts';

/** What means the same as a node, in simpler operators of the pinned operator set. It needs known sizes.
 *  By operator, with its domain and a colon where that is not ai.onnx. */
export type Expansion = (p: Parts) => void;

const expansions: Readonly<Record<string, Expansion>> = {
  ...arrangeExpansions,
  ...attentionExpansions,
  ...blockExpansions,
  ...integerProductExpansions,
  ...linearExpansions,
  ...einsumExpansions,
  ...loopExpansions,
  ...lossExpansions,
  ...normExpansions,
  ...poolExpansions,
  ...quantizeExpansions,
  ...recurrentExpansions,
  ...resizeExpansions,
  ...samplingExpansions,
  ...signalExpansions,
  ...tfliteRecurrentExpansions,
};

/** Expansions made of expansions made of … */
const mostRounds = 6;

/** Writes operators in simpler ones, for formats that lack them. What can't be (sizes unknown, mostly) stays.
 *  Types are inferred before and after.
 *  @param keep  nodes that stay as they are */
export function expandOperators(model: Model, keep: (node: Node) => boolean): void {
  for (let round = 0; round < mostRounds; round++) {
    inferShapes(model, ops);
    if (!expandOnce(model, keep)) return;
  }
  inferShapes(model, ops);
}

function expandOnce(model: Model, keep: (node: Node) => boolean): boolean {
  const edit = new Edit(model, {
    pass: 'expand',
    rule: 'expand',
    reason: 'the operator is written in simpler ones',
  });
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    const names = namesAround(graph);
    for (const node of graph.nodes) {
      const domain = node.domain === 'ai.onnx' || node.domain === '' ? '' : `${node.domain}:`;
      const expansion = expansions[`${domain}${node.op}`];
      if (expansion === undefined || keep(node)) continue;
      const op = findOp(ops, node.domain, node.op);
      if (op === null || findFault(op, node) !== null) continue;
      const parts = new Parts(edit, node, names);
      try {
        expansion(parts);
      } catch (error) {
        parts.undo();
        if (error instanceof UnsupportedError && error.code === 'E_EXPAND') continue;
        throw error;
      }
      parts.finish();
      count++;
    }
  }
  if (count > 0) edit.commit();
  return count > 0;
}
