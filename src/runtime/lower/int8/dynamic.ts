import type { Levels } from '../../../kernels/int8/bytes.ts';
import { engine } from '../../../kernels/int8/engine.ts';
import { packPanels, panelBytes, placePanels, storedZeros } from '../../../kernels/int8/panels.ts';
import {
  activationZeros,
  prepareActivations,
  product as readyProduct,
  slackBytes,
} from '../../../kernels/int8/product.ts';
import { tensorBytes } from '../../weights.ts';
import type { LowerContext, Lowered, Lowering } from '../lowering.ts';
import { isFloat, numbersOf, product } from '../operands.ts';
import { dynamicParameters } from './dynamic-levels.ts';
import { packObject } from './weights.ts';

const is8 = (storage: string | undefined): boolean => storage === 'int8' || storage === 'uint8';

/** Integers times a constant matrix of integers, as int32. The zero point of a is read at every run. */
function lowerMatMulInteger(c: LowerContext): Lowered | null {
  const [a, b, aZero, bZero] = c.inputs;
  const [y] = c.outputs;
  if (a == null || b == null || y == null || !b.constant || b.dims.length !== 2) return null;
  if (!is8(a.storage) || !is8(b.storage) || y.size === 0 || a.dims.length < 1) return null;
  if (aZero != null && aZero.size !== 1) return null;
  const [k, n] = b.dims as [number, number];
  const given = bZero == null ? [0] : numbersOf(c, 3);
  if (given === null || (given.length !== 1 && given.length !== n) || k === 0) return null;
  const m = product(a.dims) / k;
  const chosen = engine();
  const isUnsigned = b.storage === 'uint8';
  const weightZeros = Int32Array.from({ length: n }, (_, i) => given[given.length === 1 ? 0 : i]!);
  const zeros = storedZeros(weightZeros, n, isUnsigned);
  const size = { n, taps: 1, k };
  const bytes = panelBytes(chosen, n, 1, k) + panelBytes(chosen, 1, 1, k) + 128;
  const { arena } = chosen.backend;
  const packed = packObject(c, `integer ${given.join(' ')}`, 1, bytes, (take) => {
    const place = placePanels(chosen, take, size, zeros);
    const levels = tensorBytes(c.known(1)!) as Uint8Array & Levels;
    return arena.withScratch([levels.length + slackBytes], (source) => {
      arena.views().u8.set(levels, source);
      return packPanels(chosen, place, source!, size, { n: 1, k: n, tap: 0 }, isUnsigned, zeros);
    });
  });
  const unsigned = a.storage === 'uint8';
  const width = chosen.activationBytes;
  const sizes = [m * k + slackBytes, width === 2 ? 2 * m * k + slackBytes : 0, 4 * m];
  return {
    kernel: `q8_gemm ${chosen.mode}`,
    reads: aZero == null ? [0] : [0, 2],
    bind(at) {
      const [source, target] = [at.input(0), at.output(0)];
      const zeroAt = aZero == null ? null : at.input(2);
      const panels = packed();
      return () => {
        const { u8, i8 } = arena.views();
        const zero = zeroAt === null ? 0 : (unsigned ? u8 : i8)[zeroAt]!;
        const levels = Int32Array.of(zero);
        const own = activationZeros(chosen, levels, unsigned);
        arena.withScratch(sizes, (raw, wide, pointers) => {
          arena.views().u8.copyWithin(raw!, source, source + m * k);
          const rows = prepareActivations(chosen, raw!, wide!, 1, m * k, levels, unsigned);
          const ready = readyProduct(panels, own[0]!, m, null, 0);
          const { i32 } = arena.views();
          for (let i = 0; i < m; i++) i32[(pointers! >>> 2) + i] = rows + i * k * width;
          ready.run(pointers!, 0, target, m, n, own);
        });
      };
    },
  };
}

/** float32 → uint8 whose scale and zero point are of its own range. */
const dynamicQuantize: Lowering = {
  op: 'DynamicQuantizeLinear',
  lower(c): Lowered | null {
    const [x] = c.inputs;
    if (!isFloat(x) || x.size === 0) return null;
    const { simd, arena } = c.backend;
    const { size } = x;
    return {
      kernel: 'f32_fold_extreme, f32_q8_runs',
      scratchBytes: 64,
      bind(at) {
        const from = at.input(0);
        const [y, scaleTo, zeroTo] = c.outputs.map((operand, i) =>
          operand == null ? null : at.output(i),
        );
        const { scratch } = at;
        return () => {
          simd.f32_fold_extreme(from, scratch, 1, size, 1, 1);
          simd.f32_fold_extreme(from, scratch + 4, 1, size, 1, 0);
          const { f32, i32, u8 } = arena.views();
          const { scale, zero } = dynamicParameters(f32[scratch >>> 2]!, f32[(scratch >>> 2) + 1]!);
          f32[(scratch >>> 2) + 2] = scale;
          i32[(scratch >>> 2) + 3] = zero;
          if (scaleTo != null) f32[scaleTo >>> 2] = scale;
          if (zeroTo != null) u8[zeroTo] = zero;
          if (y != null)
            simd.f32_q8_runs(from, y, scratch + 8, scratch + 12, 1, size, size, 0, 0, 255);
        };
      },
    };
  },
};

export const int8DynamicLowerings: readonly Lowering[] = [
  { op: 'MatMulInteger', lower: lowerMatMulInteger },
  dynamicQuantize,
];
