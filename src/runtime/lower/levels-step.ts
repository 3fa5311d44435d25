import type { DType } from '../../core/dtype.ts';
import type { Quantization } from '../../ir/types.ts';
import type { LowerContext, Packed, Step } from './lowering.ts';

/** Integers that kernels convert from and to float32. */
export interface LevelKind {
  readonly bytes: 1 | 2;
  readonly unsigned: 0 | 1;
  readonly min: number;
  readonly max: number;
}

const kinds: Partial<Record<DType, LevelKind>> = {
  int8: { bytes: 1, unsigned: 0, min: -128, max: 127 },
  uint8: { bytes: 1, unsigned: 1, min: 0, max: 255 },
  int16: { bytes: 2, unsigned: 0, min: -32768, max: 32767 },
  uint16: { bytes: 2, unsigned: 1, min: 0, max: 65535 },
};

/** null for other types. */
export function levelKind(storage: DType): LevelKind | null {
  return kinds[storage] ?? null;
}

/** Scale and zero point of a whole tensor in kernel memory. */
export function packParameters(c: LowerContext, quantization: Quantization): Packed {
  return c.pack('scale and zero point', [quantization], 8, (address) => {
    const { f32, i32 } = c.backend.arena.views();
    f32[address >>> 2] = quantization.scale[0]!;
    i32[(address >>> 2) + 1] = quantization.zeroPoint?.[0] ?? 0;
  });
}

/** Levels at an address as float32 at another. */
export function dequantizeStep(
  { backend: { simd } }: Pick<LowerContext, 'backend'>,
  { bytes, unsigned }: LevelKind,
  { address: scale }: Packed,
  size: number,
  from: number,
  to: number,
): Step {
  const run = bytes === 1 ? simd.q8_f32_runs : simd.q16_f32_runs;
  return () => run(from, to, scale, scale + 4, 1, size, size, 0, unsigned);
}

/** The other way. */
export function quantizeStep(
  { backend: { simd } }: Pick<LowerContext, 'backend'>,
  { bytes, min, max }: LevelKind,
  { address: scale }: Packed,
  size: number,
  from: number,
  to: number,
): Step {
  const run = bytes === 1 ? simd.f32_q8_runs : simd.f32_q16_runs;
  return () => run(from, to, scale, scale + 4, 1, size, size, 0, min, max);
}
