import { eachElement, type ReferencesFor } from './types.ts';

/** To the nearest integer, ties to even. */
export function rint(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** ONNX QuantizeLinear of one element; NaN becomes the lowest level. */
export function quantizeOne(
  x: number,
  scale: number,
  zero: number,
  lo: number,
  hi: number,
): number {
  const ratio = Math.fround(x / scale);
  if (Number.isNaN(ratio)) return lo;
  if (Math.abs(ratio) >= 2 ** 24) return ratio < 0 ? lo : hi;
  return Math.max(lo, Math.min(hi, rint(ratio) + zero));
}

export function dequantizeOne(q: number, scale: number, zero: number): number {
  return Math.fround(Math.fround((q - zero) | 0) * scale);
}

interface View {
  outer: number;
  length: number;
  block: number;
  unit?: number;
  shared?: number;
}

type Numbers = Uint8Array | Uint16Array | Int32Array | Float32Array;

interface Operands {
  scales: Float32Array;
  zeros: Int32Array;
}

function quantize(
  { x, y, scales, zeros }: Operands & { x: Float32Array; y: Numbers },
  view: View & { lo: number; hi: number },
): void {
  eachElement(view, (i, cell) => {
    y[i] = quantizeOne(x[i]!, scales[cell]!, zeros[cell]!, view.lo, view.hi);
  });
}

function dequantize(
  { q, y, scales, zeros }: Operands & { q: Numbers; y: Float32Array },
  view: View & { unsigned?: number },
): void {
  const bits = 8 * q.BYTES_PER_ELEMENT;
  eachElement(view, (i, cell) => {
    const raw = q[i]!;
    const signed = bits < 32 && !view.unsigned && raw >= 2 ** (bits - 1) ? raw - 2 ** bits : raw;
    y[i] = dequantizeOne(signed, scales[cell]!, zeros[cell]!);
  });
}

export const quantizeReferences: ReferencesFor<
  | 'f32_q8_runs'
  | 'f32_q16_runs'
  | 'f32_q8_rows'
  | 'f32_q16_rows'
  | 'q8_f32_runs'
  | 'q16_f32_runs'
  | 'q32_f32_runs'
  | 'q8_f32_rows'
  | 'q16_f32_rows'
  | 'q32_f32_rows'
> = {
  f32_q8_runs: quantize,
  f32_q16_runs: quantize,
  f32_q8_rows: quantize,
  f32_q16_rows: quantize,
  q8_f32_runs: dequantize,
  q16_f32_runs: dequantize,
  q32_f32_runs: dequantize,
  q8_f32_rows: dequantize,
  q16_f32_rows: dequantize,
  q32_f32_rows: dequantize,
};
