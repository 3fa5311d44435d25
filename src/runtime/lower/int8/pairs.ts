import { random } from '../../../core/random.ts';
import { bytesOf, Tensor, typedArrayOf } from '../../../core/tensor.ts';
import { evaluators, findEvaluator } from '../../generic/index.ts';
import { realOf, storedOf } from '../../real.ts';
import { callsOf, stepOf } from '../binary.ts';
import type { LowerContext, Lowered, Lowering, Operand } from '../lowering.ts';
import { meaningOf } from './levels.ts';

/** A function of two levels, by a table of all pairs: what the evaluator gives for each. */
function byPairs(op: string): Lowering {
  return {
    op,
    lower(c): Lowered | null {
      const [a, b] = c.inputs;
      const [y] = c.outputs;
      if (a == null || b == null || y == null || c.inputs.length !== 2 || y.size === 0) return null;
      if ([a, b, y].some((operand) => meaningOf(operand) === null)) return null;
      const calls = callsOf(a, b);
      if (calls === null) return null;
      const { simd, arena } = c.backend;
      const owners = [a.quantization!, b.quantization!, y.quantization!];
      const table = c.pack(`pairs ${c.node.id}`, owners, 65536, (address) => {
        // Making it may grow the memory that a view is of.
        const entries = entriesOf(c, a, b, y);
        arena.views().u8.set(entries, address);
      });
      return {
        kernel: 'x8_lookup2',
        bind(at) {
          const entries = table.address;
          const make = stepOf(
            (l, r, out, outer, count, mode) =>
              simd.x8_lookup2(l, r, out, entries, outer, count, mode),
            calls,
            1,
            1,
          );
          return make(at.input(0), at.input(1), at.output(0));
        },
      };
    },
  };
}

function entriesOf(c: LowerContext, a: Operand, b: Operand, y: Operand): Uint8Array {
  // Both are spelled out: not every operator broadcasts both ways.
  const real = ({ storage, quantization }: Operand, level: (i: number) => number): Tensor => {
    const bytes = Uint8Array.from({ length: 65536 }, (_, i) => level(i));
    return realOf(new Tensor(storage, typedArrayOf(storage, bytes), [65536]), quantization!);
  };
  const results = findEvaluator(evaluators, c.node.domain, c.node.op)!.evaluate({
    node: c.node,
    attributes: c.attributes,
    inputs: [real(a, (i) => i >> 8), real(b, (i) => i & 255)],
    random: random(0),
    runBody: () => [],
  });
  const { data } = storedOf(results[0] as Tensor, y.quantization!);
  return bytesOf(data as Uint8Array);
}

const operators = ['Max', 'Min', 'Sum', 'Mean', 'Div', 'Pow', 'PRelu'];

export const int8PairwiseLowerings: readonly Lowering[] = operators.map(byPairs);
