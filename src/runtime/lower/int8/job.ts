import type { Geometry } from '../../../kernels/geometry.ts';
import type { ConvWeights } from '../../../kernels/int8/conv-weights.ts';
import type { Engine } from '../../../kernels/int8/engine.ts';
import type { Requantization } from '../../../kernels/int8/requantize.ts';
import type { LowerContext, Packed, Step } from '../lowering.ts';
import type { Meaning } from './levels.ts';

/** A convolution of 8-bit levels. */
export interface Int8Job {
  readonly c: LowerContext;
  readonly engine: Engine;
  readonly geometry: Geometry;
  readonly from: Meaning;
  readonly rule: Requantization;
  readonly bias: Int32Array | null;
  /** Of the weights, one for each output channel. */
  readonly zeros: Int32Array;
  /** Whether weights have no zero points once unsigned ones are stored as signed. */
  readonly isCentered: boolean;
  weights(): ConvWeights;
}

/** How a kind of convolution runs. */
export interface Int8Kind {
  readonly kernel: string;
  readonly scratchBytes: number;
  bind(x: number, y: number, scratch: number): Step;
}

/** Numbers in kernel memory that belong to an object. */
export function packNumbers(
  c: LowerContext,
  key: string,
  owner: object | number,
  values: Float32Array | Int32Array,
): Packed {
  return c.pack(key, [owner], values.byteLength, (address) => {
    const { f32, i32 } = c.backend.arena.views();
    if (values instanceof Float32Array) f32.set(values, address >>> 2);
    else i32.set(values, address >>> 2);
  });
}

/** What turns sums into levels: fixed addresses, nothing to set up at a run. */
export function requantizeStep({
  c,
  rule,
}: Int8Job): (sums: number, y: number, pixels: number, n: number) => void {
  const { simd } = c.backend;
  const { scales, multipliers, shifts, zero, lo, hi } = rule;
  if (scales !== null) {
    const packed = packNumbers(c, 'scales', scales, scales);
    return (sums, y, pixels, n) =>
      simd.i32_q8_requantize(sums, y, packed.address, pixels, n, zero, lo, hi);
  }
  const [m, s] = [
    packNumbers(c, 'multipliers', multipliers, multipliers),
    packNumbers(c, 'shifts', shifts, shifts),
  ];
  return (sums, y, pixels, n) =>
    simd.i32_q8_requantize_double(sums, y, m.address, s.address, pixels, n, zero, lo, hi);
}
