import { random } from '../../../core/random.ts';
import { Tensor, typedArrayOf } from '../../../core/tensor.ts';
import { evaluators, findEvaluator } from '../../generic/index.ts';
import { realOf, storedOf } from '../../real.ts';
import { tensorBytes } from '../../weights.ts';
import { callsOf, stepOf } from '../binary.ts';
import type { LowerContext, Lowered, Lowering, Operand } from '../lowering.ts';
import { meaningOf } from './levels.ts';
import { levelLimits } from './limits.ts';

type Zeros = [number, number, number];

/** Sum, difference or product of 8-bit levels. */
function pairwise(op: 'Add' | 'Sub' | 'Mul', domain: string): Lowering {
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
      const sign = op === 'Sub' ? -1 : 1;
      const [fa, fb] = [Math.fround(p.scale / z.scale), sign * Math.fround(q.scale / z.scale)];
      const factor = Math.fround((p.scale * q.scale) / z.scale);
      const make = stepOf(
        op !== 'Mul'
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
        kernel: op !== 'Mul' ? 'q8_add' : 'q8_mul',
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
  return { op, lower: (c) => throughTable(c, 0) };
}

/** The same of two operands, of which one is a number. */
function byTableOfNumber(op: string, domain = ''): Lowering {
  return {
    op,
    domain,
    lower(c): Lowered | null {
      const [a, b] = c.inputs;
      if (a == null || b == null || c.inputs.length !== 2) return null;
      const isNumber = (index: 0 | 1): boolean =>
        c.inputs[index]!.size === 1 && c.known(index) !== null;
      if (isNumber(1) && c.outputs[0]?.size === a.size) return throughTable(c, 0);
      return isNumber(0) && c.outputs[0]?.size === b.size ? throughTable(c, 1) : null;
    },
  };
}

/** @param varying  the input that is not known */
function throughTable(c: LowerContext, varying: 0 | 1): Lowered | null {
  const x = c.inputs[varying];
  const [y] = c.outputs;
  if (x == null || y == null || meaningOf(x) === null || meaningOf(y) === null) return null;
  const isKnown = (operand: Operand | null, i: number): boolean =>
    i === varying || operand === null || c.known(i) !== null;
  if (!c.inputs.every(isKnown)) return null;
  const { simd } = c.backend;
  const table = c.pack(`table ${c.node.id}`, [x.quantization!, y.quantization!], 256, (address) => {
    // Making it may grow the memory that a view is of.
    const entries = tableOf(c, varying);
    c.backend.arena.views().u8.set(entries, address);
  });
  return {
    kernel: 'x8_lookup',
    reads: [varying],
    inPlace: [varying],
    bind(at) {
      const [from, to, entries] = [at.input(varying), at.output(0), table.address];
      return () => simd.x8_lookup(from, to, entries, x.size);
    },
  };
}

function tableOf(c: LowerContext, varying: number): Uint8Array {
  const x = c.inputs[varying];
  const [y] = c.outputs;
  const levels = Uint8Array.from({ length: 256 }, (_, i) => i);
  const stored = new Tensor(x!.storage, typedArrayOf(x!.storage, levels), [256]);
  const results = findEvaluator(evaluators, c.node.domain, c.node.op)!.evaluate({
    node: c.node,
    attributes: c.attributes,
    inputs: c.inputs.map((operand, i) => {
      if (i === varying) return realOf(stored, x!.quantization!);
      if (operand === null) return undefined;
      const known = c.known(i)!;
      return operand.quantization === null ? known : realOf(known, operand.quantization);
    }),
    random: random(0),
    runBody: () => [],
  });
  return tensorBytes(storedOf(flat(results[0] as Tensor), y!.quantization!));
}

/** A number beside them may have given the levels more axes. */
const flat = ({ type, data }: Tensor): Tensor => new Tensor(type, data as Float32Array, [256]);

/** Elementwise functions whose other inputs, if any, are constants. */
const functions = [
  ...['Relu', 'Clip', 'LeakyRelu', 'Elu', 'Selu', 'Celu', 'Sigmoid', 'HardSigmoid', 'HardSwish'],
  ...['Tanh', 'Softplus', 'Softsign', 'Gelu', 'Mish', 'Swish', 'Exp', 'Log', 'Sqrt', 'Reciprocal'],
  ...['Abs', 'Neg', 'Erf', 'Sin', 'Cos', 'ThresholdedRelu', 'Shrink', 'Floor', 'Ceil', 'Round'],
];

export const int8ElementwiseLowerings: readonly Lowering[] = [
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'PRelu', 'Max', 'Min'].map((op) => byTableOfNumber(op)),
  ...['Add', 'Sub', 'Mul'].map((op) => byTableOfNumber(op, 'mp')),
  pairwise('Add', ''),
  pairwise('Add', 'mp'),
  pairwise('Sub', ''),
  pairwise('Sub', 'mp'),
  pairwise('Mul', ''),
  pairwise('Mul', 'mp'),
  ...functions.map(byTable),
];
