import type { Lowering } from './lowering.ts';
import { sameQuantization } from './move.ts';

/** Operators that give the same elements in the same order. */
const sameOrder = ['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'];

export const reshapeLowerings: readonly Lowering[] = sameOrder.map((op) => ({
  op,
  lower: (c) =>
    c.inputs[0] != null && sameQuantization([c.inputs[0], c.outputs[0] ?? null])
      ? { kernel: 'alias', alias: 0, reads: [0] }
      : null,
}));
