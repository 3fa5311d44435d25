import type { LowerContext, Lowered, Lowering, Operand } from './lowering.ts';
import { sameQuantization } from './move.ts';

/** Whether elements are as many as the result's, or one for all. */
const isWholeOrOne = (operand: Operand, y: Operand): boolean =>
  operand.size === 1 || operand.size === y.size;

/** Elements of one of two operands; 1 and 4 bytes wide. */
const where: Lowering = {
  op: 'Where',
  lower(c: LowerContext): Lowered | null {
    const [condition, a, b] = c.inputs;
    const [y] = c.outputs;
    if (condition == null || a == null || b == null || y == null || y.size === 0) return null;
    const isWide = /^(float32|u?int32)$/.test(y.storage);
    if (!isWide && !/^(u?int8|bool)$/.test(y.storage)) return null;
    if (a.storage !== y.storage || b.storage !== y.storage || condition.storage !== 'bool')
      return null;
    if (!sameQuantization([a, b, y])) return null;
    if (![condition, a, b].every((operand) => isWholeOrOne(operand, y))) return null;
    const { arena } = c.backend;
    const [t, p, q] = [condition, a, b].map(({ size }) => (size === 1 ? 0 : 1)) as [
      number,
      number,
      number,
    ];
    const shift = isWide ? 2 : 0;
    return {
      kernel: isWide ? 'x32_where' : 'x8_where',
      bind(at) {
        const [truth, left, right] = [at.input(0), at.input(1) >>> shift, at.input(2) >>> shift];
        const to = at.output(0) >>> shift;
        return () => {
          const { u8, u32 } = arena.views();
          const elements = isWide ? u32 : u8;
          for (let i = 0; i < y.size; i++)
            elements[to + i] =
              u8[truth + i * t] !== 0 ? elements[left + i * p]! : elements[right + i * q]!;
        };
      },
    };
  },
};

/** Two truths, each for every element or one for all. */
function logical(op: string, operation: (a: number, b: number) => number): Lowering {
  return {
    op,
    lower(c): Lowered | null {
      const [a, b] = c.inputs;
      const [y] = c.outputs;
      if (a?.storage !== 'bool' || b?.storage !== 'bool' || y == null || y.size === 0) return null;
      if (!isWholeOrOne(a, y) || !isWholeOrOne(b, y)) return null;
      const { arena } = c.backend;
      const [p, q] = [a.size === 1 ? 0 : 1, b.size === 1 ? 0 : 1];
      return {
        kernel: `x8_${op.toLowerCase()}`,
        bind(at) {
          const [left, right, to] = [at.input(0), at.input(1), at.output(0)];
          return () => {
            const { u8 } = arena.views();
            for (let i = 0; i < y.size; i++)
              u8[to + i] = operation(u8[left + i * p]!, u8[right + i * q]!);
          };
        },
      };
    },
  };
}

const not: Lowering = {
  op: 'Not',
  lower(c): Lowered | null {
    const [x] = c.inputs;
    if (x?.storage !== 'bool') return null;
    const { arena } = c.backend;
    return {
      kernel: 'x8_not',
      inPlace: [0],
      bind(at) {
        const [from, to] = [at.input(0), at.output(0)];
        return () => {
          const { u8 } = arena.views();
          for (let i = 0; i < x.size; i++) u8[to + i] = u8[from + i] === 0 ? 1 : 0;
        };
      },
    };
  },
};

export const selectLowerings: readonly Lowering[] = [
  where,
  not,
  logical('And', (a, b) => (a !== 0 && b !== 0 ? 1 : 0)),
  logical('Or', (a, b) => (a !== 0 || b !== 0 ? 1 : 0)),
  logical('Xor', (a, b) => ((a !== 0) !== (b !== 0) ? 1 : 0)),
];
