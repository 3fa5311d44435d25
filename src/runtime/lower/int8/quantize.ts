import { quantizationOf, sameWhole } from '../../../passes/import-quantization.ts';
import type { Lowered, Lowering } from '../lowering.ts';
import { isFloat } from '../operands.ts';

const bits8 = { int8: [-128, 127, 0], uint8: [0, 255, 1] } as const;
const bits16 = { int16: [-32768, 32767, 0], uint16: [0, 65535, 1] } as const;

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
    if (!isFloat(x)) return null;
    const kind =
      y.storage === 'int8' || y.storage === 'uint8'
        ? bits8[y.storage]
        : y.storage === 'int16' || y.storage === 'uint16'
          ? bits16[y.storage]
          : null;
    if (kind === null) return null;
    const { simd, arena } = c.backend;
    const parameters = c.pack('scale and zero point', [quantization], 8, (address) => {
      arena.views().f32[address >>> 2] = quantization.scale[0]!;
      arena.views().i32[(address >>> 2) + 1] = quantization.zeroPoint?.[0] ?? 0;
    });
    const run = y.storage.endsWith('16') ? simd.f32_q16_runs : simd.f32_q8_runs;
    const { size } = x;
    return {
      kernel: 'f32_q8_runs',
      reads: [0],
      bind(at) {
        const [from, to, scale] = [at.input(0), at.output(0), parameters.address];
        return () => run(from, to, scale, scale + 4, 1, size, size, 0, kind[0], kind[1]);
      },
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
    if (!isFloat(y) || !/^u?int(8|16)$/.test(x.storage)) return null;
    const { simd, arena } = c.backend;
    const parameters = c.pack('scale and zero point', [quantization], 8, (address) => {
      arena.views().f32[address >>> 2] = quantization.scale[0]!;
      arena.views().i32[(address >>> 2) + 1] = quantization.zeroPoint?.[0] ?? 0;
    });
    const run = x.storage.endsWith('16') ? simd.q16_f32_runs : simd.q8_f32_runs;
    const unsigned = x.storage.startsWith('u') ? 1 : 0;
    const { size } = x;
    return {
      kernel: 'q8_f32_runs',
      reads: [0],
      bind(at) {
        const [from, to, scale] = [at.input(0), at.output(0), parameters.address];
        return () => run(from, to, scale, scale + 4, 1, size, size, 0, unsigned);
      },
    };
  },
};

export const quantizeLowerings: readonly Lowering[] = [quantize, dequantize];
