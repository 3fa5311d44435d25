import { callsOf } from './binary.ts';
import type { LowerContext, Lowered, Lowering } from './lowering.ts';
import { numbersOf } from './operands.ts';

type Operation = (a: number, b: number) => number;

/** Two int32 operands, element by element, in place of the evaluator's copies. */
function pairwise(op: string, operation: Operation, isTruth: boolean): Lowering {
  return {
    op,
    lower(c): Lowered | null {
      const [a, b] = c.inputs;
      const [y] = c.outputs;
      if (a?.storage !== 'int32' || b?.storage !== 'int32' || y == null) return null;
      if (y.storage !== (isTruth ? 'bool' : 'int32') || c.inputs.length !== 2) return null;
      const calls = y.size === 0 ? null : callsOf(a, b);
      if (calls === null) return null;
      const { outer, count, mode, offsets } = calls;
      const { arena } = c.backend;
      // Steps from element to element and from row to row; see assembly/binary.ts for the mode.
      const [aStep, bStep] = [mode & 1 ? 0 : 1, mode & 2 ? 0 : 1];
      const aRow = mode & 4 ? 0 : mode & 1 ? 1 : count;
      const bRow = mode & 8 ? 0 : mode & 2 ? 1 : count;
      return {
        kernel: `i32 ${op.toLowerCase()}`,
        bind(at) {
          const [left, right, to] = [at.input(0) >>> 2, at.input(1) >>> 2, at.output(0)];
          return () => {
            const { i32, u8 } = arena.views();
            const target = isTruth ? u8 : i32;
            const start = isTruth ? to : to >>> 2;
            for (let call = 0; call < offsets.length; call += 3) {
              let out = start + offsets[call + 2]!;
              for (let row = 0; row < outer; row++) {
                let p = left + offsets[call]! + row * aRow;
                let q = right + offsets[call + 1]! + row * bRow;
                for (let i = 0; i < count; i++) {
                  target[out++] = operation(i32[p]!, i32[q]!);
                  p += aStep;
                  q += bStep;
                }
              }
            }
          };
        },
      };
    },
  };
}

/** int32 within limits that the plan knows. */
const clip: Lowering = {
  op: 'Clip',
  lower(c): Lowered | null {
    const [x] = c.inputs;
    if (x?.storage !== 'int32' || c.outputs[0]?.storage !== 'int32') return null;
    const [low, high] = [limit(c, 1, -(2 ** 31)), limit(c, 2, 2 ** 31 - 1)];
    if (low === null || high === null) return null;
    const { arena } = c.backend;
    return {
      kernel: 'i32 clip',
      reads: [0],
      inPlace: [0],
      bind(at) {
        const [from, to] = [at.input(0) >>> 2, at.output(0) >>> 2];
        return () => {
          const { i32 } = arena.views();
          for (let i = 0; i < x.size; i++)
            i32[to + i] = Math.min(Math.max(i32[from + i]!, low), high);
        };
      },
    };
  },
};

/** int32 or bool → float32. */
const cast: Lowering = {
  op: 'Cast',
  lower(c): Lowered | null {
    const [x] = c.inputs;
    const [y] = c.outputs;
    if (x == null || y == null || x.quantization !== null || y.quantization !== null) return null;
    const { arena } = c.backend;
    const { size } = x;
    const toFloat = x.storage === 'int32' && y.storage === 'float32';
    const fromBool = x.storage === 'bool' && y.storage === 'float32';
    if (!toFloat && !fromBool) return null;
    return {
      kernel: `${toFloat ? 'i32' : 'u8'}_f32`,
      ...(toFloat ? { inPlace: [0] } : {}),
      bind(at) {
        const [from, to] = [toFloat ? at.input(0) >>> 2 : at.input(0), at.output(0) >>> 2];
        return () => {
          const { i32, u8, f32 } = arena.views();
          const source = toFloat ? i32 : u8;
          for (let i = 0; i < size; i++) f32[to + i] = source[from + i]!;
        };
      },
    };
  },
};

function limit(c: LowerContext, input: number, otherwise: number): number | null {
  if (c.inputs[input] == null) return otherwise;
  return numbersOf(c, input)?.[0] ?? null;
}

export const integerLowerings: readonly Lowering[] = [
  pairwise('Add', (a, b) => (a + b) | 0, false),
  pairwise('Sub', (a, b) => (a - b) | 0, false),
  pairwise('Mul', (a, b) => Math.imul(a, b), false),
  pairwise('Equal', (a, b) => (a === b ? 1 : 0), true),
  pairwise('Less', (a, b) => (a < b ? 1 : 0), true),
  pairwise('LessOrEqual', (a, b) => (a <= b ? 1 : 0), true),
  pairwise('Greater', (a, b) => (a > b ? 1 : 0), true),
  pairwise('GreaterOrEqual', (a, b) => (a >= b ? 1 : 0), true),
  clip,
  cast,
];
