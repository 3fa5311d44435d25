import { copyStep, rowMajor, type StridedCopy } from '../copy.ts';
import type { LowerContext, Lowered, Lowering } from '../lowering.ts';
import { frontAxis, product } from '../operands.ts';
import { levelTable } from './level-table.ts';
import { meaningOf } from './levels.ts';

/** Levels of several meanings side by side: each becomes the result's by a table. */
const concat: Lowering = {
  op: 'Concat',
  lower(c: LowerContext): Lowered | null {
    const [y] = c.outputs;
    if (y == null || meaningOf(y) === null) return null;
    if (c.inputs.some((operand) => meaningOf(operand) === null)) return null;
    const axis = frontAxis(c.attributes.int('axis'), y.dims.length);
    const to = rowMajor(y.dims);
    const isContiguous = product(y.dims.slice(0, axis)) === 1;
    const { simd } = c.backend;
    let start = 0;
    let scratchBytes = 0;
    const parts = c.inputs.flatMap((operand, index) => {
      const { dims, size } = operand!;
      const toOffset = start * to[axis]!;
      start += dims[axis]!;
      const copy: StridedCopy = { sizes: dims, from: rowMajor(dims), to, toOffset };
      const table = levelTable(c, operand!, y);
      if (table !== null && !isContiguous) scratchBytes = Math.max(scratchBytes, size);
      return size === 0 ? [] : [{ index, copy, table, size }];
    });
    return {
      kernel: 'x8_lookup, x8_copy',
      reads: parts.map(({ index }) => index),
      scratchBytes,
      bind(at) {
        const target = at.output(0);
        const steps = parts.map(({ index, copy, table, size }) => {
          const source = at.input(index);
          if (table === null) return copyStep(c.backend, 1, copy, source, target);
          const entries = table.address;
          const place = isContiguous ? target + copy.toOffset! : at.scratch;
          const look = (): void => simd.x8_lookup(source, place, entries, size);
          if (isContiguous) return look;
          const move = copyStep(c.backend, 1, copy, place, target);
          return () => {
            look();
            move();
          };
        });
        return () => {
          for (const step of steps) step();
        };
      },
    };
  },
};

export const int8MoveLowerings: readonly Lowering[] = [concat];
