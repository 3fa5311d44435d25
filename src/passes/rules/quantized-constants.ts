import type { Value } from '../../ir/graph.ts';
import { permutedConstant } from '../../ir/permute.ts';
import { canPermute, permutedQuantization } from '../layout/permutation.ts';
import type { Rule } from '../rule.ts';

/** Weights that a file dequantizes, and perhaps turns, before they are used. */
export const quantizedConstants: Rule = {
  name: 'quantized-constant',
  reason: 'integers with a scale are the real numbers that they stand for, in any order',
  roots: ['Identity', 'Transpose'],
  find: (node, c) => {
    const [input] = node.inputs as [Value];
    const [output] = node.outputs as [Value];
    const { constant, quantization } = input;
    if (constant === null || quantization === null || output.quantization !== null) return null;
    if (c.isOutput(output)) return 'it is an output of the graph';
    if (node.op === 'Identity') return () => c.edit.replaceUses(output, input);
    const rank = constant.shape.length;
    const perm =
      c.attributes(node).ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
    if (!canPermute(quantization)) return 'its scales are of blocks';
    return () => {
      const made = c.addConstant(node.graph, input.name, permutedConstant(constant, perm));
      made.type = output.type;
      made.quantization = permutedQuantization(quantization, perm);
      c.edit.replaceUses(output, made);
    };
  },
};
