import { constantOfValue } from '../../../ir/constant.ts';
import { Edit } from '../../../ir/edit.ts';
import { Node, type Value } from '../../../ir/graph.ts';
import { realsOf } from '../../../ir/levels.ts';
import type { Model } from '../../../ir/model.ts';
import { allGraphs } from '../../../ir/walk.ts';
import { quantizationOf } from '../../../passes/quantization-of.ts';
import { quantizedRules } from './rules.ts';

/** Operators with weights or values that TFLite has on integers, before layouts are chosen. */
const linear: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm']);

/** Constants that are dequantized only for operators without a form of integers become the real numbers that they
 *  stand for: statistics of a BatchNormalization, which can then be folded. Constants must be in memory. */
export function realConstants(model: Model): void {
  const edit = new Edit(model, {
    pass: 'legalize',
    rule: 'real-constants',
    reason: 'the operator that reads it has no form of integers',
  });
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) {
      if (node.op !== 'DequantizeLinear' || node.domain !== '') continue;
      const [constant, output] = [constantOfValue(node.inputs[0]!), node.outputs[0]!];
      if (constant === null || node.inputs[0]!.quantization !== null || hasIntegerReader(output))
        continue;
      const levels = quantizationOf(node, constant.dtype);
      if (levels === null) continue;
      const real = edit.addConstant(graph, output.name, realsOf(constant, levels));
      edit.replaceUses(output, real);
      edit.removeNode(node);
      count++;
    }
  }
  if (count > 0) edit.commit();
}

function hasIntegerReader({ uses }: Value): boolean {
  for (const { user } of uses) {
    if (!(user instanceof Node)) return true;
    const isKnown = linear.has(user.op) || quantizedRules.has(user.op) || user.op === 'Identity';
    if (isKnown || user.domain !== '' || user.op.endsWith('Linear')) return true;
  }
  return uses.size === 0;
}
