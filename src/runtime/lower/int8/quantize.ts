import { quantizationOf, sameWhole } from '../../../passes/quantization-of.ts';
import { operandOf } from '../../plan/operand.ts';
import { dequantizeStep, levelKind, packParameters, quantizeStep } from '../levels-step.ts';
import type { LowerContext, Lowered, Lowering, Operand } from '../lowering.ts';
import { isFloat } from '../operands.ts';
import { levelTable } from './level-table.ts';
import { meaningOf } from './levels.ts';

/** float32 → integers with one scale, or integers that are the value's own already. */
const quantize: Lowering = {
  op: 'QuantizeLinear',
  lower(c): Lowered | null {
    const [x] = c.inputs;
    const [y] = c.outputs;
    if (x == null || y == null || y.quantization !== null) return null;
    const quantization = quantizationOf(c.node, y.storage);
    if (quantization === null || quantization.axis !== null) return null;
    if (sameWhole(x.quantization, quantization)) return { kernel: 'alias', alias: 0, reads: [0] };
    const again = requantizing(c, x, operandOf('float32', y.dims, quantization, false));
    if (again !== null) return again;
    if (!isFloat(x)) return null;
    const kind = levelKind(y.storage);
    if (kind === null) return null;
    const parameters = packParameters(c, quantization);
    return {
      kernel: 'f32_q8_runs',
      reads: [0],
      bind: (at) => quantizeStep(c, kind, parameters, x.size, at.input(0), at.output(0)),
    };
  },
};

/** Integers with one scale → float32, or to a value that is stored as these integers. */
const dequantize: Lowering = {
  op: 'DequantizeLinear',
  lower(c): Lowered | null {
    const [x] = c.inputs;
    const [y] = c.outputs;
    if (x == null || y == null || x.quantization !== null) return null;
    const quantization = quantizationOf(c.node, x.storage);
    if (quantization === null || quantization.axis !== null) return null;
    if (sameWhole(y.quantization, quantization)) return { kernel: 'alias', alias: 0, reads: [0] };
    const again = requantizing(c, operandOf('float32', x.dims, quantization, false), y);
    if (again !== null) return again;
    const kind = levelKind(x.storage);
    if (!isFloat(y) || kind === null) return null;
    const parameters = packParameters(c, quantization);
    return {
      kernel: 'q8_f32_runs',
      reads: [0],
      bind: (at) => dequantizeStep(c, kind, parameters, x.size, at.input(0), at.output(0)),
    };
  },
};

/** Levels of one meaning as those of another. */
function requantizing(c: LowerContext, from: Operand, to: Operand): Lowered | null {
  if (meaningOf(from) === null || meaningOf(to) === null) return null;
  const table = levelTable(c, from, to);
  if (table === null) return null;
  const { simd } = c.backend;
  return {
    kernel: 'x8_lookup',
    reads: [0],
    inPlace: [0],
    bind(at) {
      const [source, target, entries] = [at.input(0), at.output(0), table.address];
      return () => simd.x8_lookup(source, target, entries, from.size);
    },
  };
}

/** A value by another name, or in another quantization. */
const identity: Lowering = {
  op: 'Identity',
  lower(c): Lowered | null {
    const [x] = c.inputs;
    const [y] = c.outputs;
    return x == null || y == null ? null : requantizing(c, x, y);
  },
};

export const quantizeLowerings: readonly Lowering[] = [quantize, dequantize, identity];
