import type { LowerContext, Operand } from './lowering.ts';

/** Whether it is float32 as it is. */
export function isFloat(operand: Operand | null | undefined): operand is Operand {
  return operand != null && operand.storage === 'float32' && operand.quantization === null;
}

/** Whether all inputs that are there and all outputs that are used are float32. */
export function allFloat({ inputs, outputs }: LowerContext): boolean {
  const fine = (operand: Operand | null): boolean => operand === null || isFloat(operand);
  return inputs.every(fine) && outputs.every(fine) && inputs.length > 0;
}

/** Numbers of an input that the plan knows, or null: of an absent one too. */
export function numbersOf(c: LowerContext, input: number): number[] | null {
  const tensor = c.known(input);
  return tensor === null ? null : Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** Product of sizes. */
export function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}

/** An axis counted from the front. */
export function frontAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Elements before, along and after an axis. */
export function around(
  dims: readonly number[],
  axis: number,
): { outer: number; length: number; unit: number } {
  return {
    outer: product(dims.slice(0, axis)),
    length: dims[axis] ?? 1,
    unit: product(dims.slice(axis + 1)),
  };
}

/** Bytes up to where the next 64-byte aligned thing may begin. */
export function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
