import type { Operand } from '../lowering.ts';

/** What the levels of a tensor mean. */
export interface Meaning {
  readonly scale: number;
  readonly zero: number;
  readonly unsigned: boolean;
  readonly min: number;
  readonly max: number;
}

/** The meaning of 8-bit levels with one scale for the whole tensor; null for anything else. */
export function meaningOf(operand: Operand | null | undefined): Meaning | null {
  const quantization = operand?.quantization;
  if (operand == null || quantization == null) return null;
  const { scale, zeroPoint, blockSize } = quantization;
  if (scale.length !== 1 || blockSize !== null) return null;
  const unsigned = operand.storage === 'uint8';
  if (!unsigned && operand.storage !== 'int8') return null;
  const [min, max] = unsigned ? [0, 255] : [-128, 127];
  return { scale: scale[0]!, zero: zeroPoint?.[0] ?? 0, unsigned, min, max };
}

/** The level of a number. */
export function levelOf(value: number, { scale, zero, min, max }: Meaning): number {
  const level = roundEven(Math.fround(Math.fround(value) / scale)) + zero;
  return Math.min(Math.max(level, min), max);
}

/** To the nearest integer, ties to even. */
export function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
