import { random } from '../../../core/random.ts';
import { Tensor, typedArrayOf } from '../../../core/tensor.ts';
import { evaluators, findEvaluator } from '../../generic/index.ts';
import { realOf, storedOf } from '../../real.ts';
import { tensorBytes } from '../../weights.ts';
import { callsOf, stepOf } from '../binary.ts';
import type { LowerContext, Lowered, Lowering } from '../lowering.ts';
import { meaningOf } from './levels.ts';
import { levelLimits } from './limits.ts';

type Zeros = [number, number, number];

/** Sum or product of 8-bit levels. */
function pairwise(op: 'Add' | 'Mul', domain: string): Lowering {
  return {
    op,
    domain,
    lower(c): Lowered | null {
      const [a, b] = c.inputs;
      const [y] = c.outputs;
      const [p, q, z] = [meaningOf(a), meaningOf(b), meaningOf(y)];
      if (a == null || b == null || y == null || y.size === 0) return null;
      if (p === null || q === null || z === null) return null;
      if (p.unsigned !== q.unsigned || p.unsigned !== z.unsigned) return null;
      const limits = domain === 'mp' ? levelLimits(c.attributes, z) : z;
      const calls = callsOf(a, b);
      if (calls === null || limits === null) return null;
      const { simd } = c.backend;
      const unsigned = p.unsigned ? 1 : 0;
      // Kernels take zero points of levels that were made signed.
      const [pz, qz, zz] = [p, q, z].map(({ zero }) => zero - 128 * unsigned) as Zeros;
      const [fa, fb] = [Math.fround(p.scale / z.scale), Math.fround(q.scale / z.scale)];
      const factor = Math.fround((p.scale * q.scale) / z.scale);
      const make = stepOf(
        op === 'Add'
          ? (l, r, out, outer, count, mode) =>
              simd.q8_add(l, r, out, outer, count, mode, pz, qz, zz, fa, fb, unsigned)
          : (l, r, out, outer, count, mode) =>
              simd.q8_mul(l, r, out, outer, count, mode, pz, qz, zz, factor, unsigned),
        calls,
        1,
        1,
      );
      const isLimited = limits.min > z.min || limits.max < z.max;
      const table = isLimited ? limitTable(c, limits) : null;
      return {
        kernel: op === 'Add' ? 'q8_add' : 'q8_mul',
        bind(at) {
          const to = at.output(0);
          const step = make(at.input(0), at.input(1), to);
          if (table === null) return step;
          const entries = table.address;
          return () => {
            step();
            simd.x8_lookup(to, to, entries, y.size);
          };
        },
      };
    },
  };
}

/** Levels held within limits. */
function limitTable(c: LowerContext, { min, max }: { min: number; max: number }) {
  const unsigned = c.outputs[0]!.storage === 'uint8';
  return c.pack(`levels ${min} ${max} ${unsigned}`, [limitOwner], 256, (address) => {
    const { u8 } = c.backend.arena.views();
    for (let i = 0; i < 256; i++) {
      const level = unsigned || i < 128 ? i : i - 256;
      u8[address + i] = Math.min(Math.max(level, min), max) & 255;
    }
  });
}

const limitOwner = {};

/** Functions of one number, on 8-bit levels by a table of all 256: what the evaluator gives for each. */
function byTable(op: string): Lowering {
  return {
    op,
    lower(c): Lowered | null {
      const [x] = c.inputs;
      const [y] = c.outputs;
      if (x == null || y == null || meaningOf(x) === null || meaningOf(y) === null) return null;
      const others = c.inputs
        .slice(1)
        .map((operand, i) => operand === null || c.known(i + 1) !== null);
      if (others.includes(false)) return null;
      const { simd } = c.backend;
      const table = c.pack(
        `table ${c.node.id}`,
        [x.quantization!, y.quantization!],
        256,
        (address) => {
          // Making it may grow the memory that a view is of.
          const entries = tableOf(c);
          c.backend.arena.views().u8.set(entries, address);
        },
      );
      return {
        kernel: 'x8_lookup',
        reads: [0],
        inPlace: [0],
        bind(at) {
          const [from, to, entries] = [at.input(0), at.output(0), table.address];
          return () => simd.x8_lookup(from, to, entries, x.size);
        },
      };
    },
  };
}

function tableOf(c: LowerContext): Uint8Array {
  const [x] = c.inputs;
  const [y] = c.outputs;
  const levels = Uint8Array.from({ length: 256 }, (_, i) => i);
  const stored = new Tensor(x!.storage, typedArrayOf(x!.storage, levels), [256]);
  const results = findEvaluator(evaluators, c.node.domain, c.node.op)!.evaluate({
    node: c.node,
    attributes: c.attributes,
    inputs: c.inputs.map((operand, i) =>
      i === 0 ? realOf(stored, x!.quantization!) : operand === null ? undefined : c.known(i)!,
    ),
    random: random(0),
    runBody: () => [],
  });
  return tensorBytes(storedOf(results[0] as Tensor, y!.quantization!));
}

/** Elementwise functions whose other inputs, if any, are constants. */
const functions = [
  ...['Relu', 'Clip', 'LeakyRelu', 'Elu', 'Selu', 'Celu', 'Sigmoid', 'HardSigmoid', 'HardSwish'],
  ...['Tanh', 'Softplus', 'Softsign', 'Gelu', 'Mish', 'Swish', 'Exp', 'Log', 'Sqrt', 'Reciprocal'],
  ...['Abs', 'Neg', 'Erf', 'Sin', 'Cos', 'ThresholdedRelu', 'Shrink', 'Floor', 'Ceil', 'Round'],
];

export const int8ElementwiseLowerings: readonly Lowering[] = [
  pairwise('Add', ''),
  pairwise('Add', 'mp'),
  pairwise('Mul', ''),
  pairwise('Mul', 'mp'),
  ...functions.map(byTable),
];
