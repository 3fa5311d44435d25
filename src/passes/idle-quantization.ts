import { constantOfValue } from '../ir/constant.ts';
import { Edit } from '../ir/edit.ts';
import { Node, type Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import type { Quantization } from '../ir/types.ts';
import { allGraphs } from '../ir/walk.ts';
import { saidQuantization, sameQuantization } from './quantization-of.ts';
import { isMover } from './quantized-moves.ts';

/** Takes away QuantizeLinear and DequantizeLinear behind operators that only moved elements which had just the same
 *  levels: rounding them once more changes nothing. What rewrites moves then sees them side by side, and
 *  importQuantization (to store) finds the levels again. */
export function dropIdleQuantization(model: Model): void {
  const edit = new Edit(model, {
    pass: 'idle-quantization',
    rule: 'drop',
    reason: 'elements that were only moved have the same levels still',
  });
  const levels = new Map<Value, Quantization>();
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) {
      const [input, output] = [node.inputs[0], node.outputs[0]];
      if (input == null || output === undefined) continue;
      if (node.domain === '' && node.op === 'DequantizeLinear') {
        const said = saidQuantization(node);
        if (said === null || said.axis !== null || constantOfValue(input) !== null) continue;
        const source = input.producer;
        const x = source?.op === 'QuantizeLinear' && source.domain === '' ? source.inputs[0] : null;
        const known = x == null ? undefined : levels.get(x);
        const isIdle = known !== undefined && sameQuantization(known, said);
        if (isIdle && sameQuantization(saidQuantization(source!), said)) {
          edit.replaceUses(output, x!, ({ user }) => user instanceof Node);
          count++;
        }
        levels.set(output, said);
      } else if (isMover(node)) {
        const own = levels.get(input);
        if (own !== undefined) for (const value of node.outputs) levels.set(value, own);
      }
    }
    for (const node of count > 0 ? [...graph.nodes].reverse() : []) {
      const isPair = node.op === 'DequantizeLinear' || node.op === 'QuantizeLinear';
      if (isPair && node.outputs.every(({ uses }) => uses.size === 0)) edit.removeNode(node);
    }
  }
  if (count > 0) edit.commit();
}
