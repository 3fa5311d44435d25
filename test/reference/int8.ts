import { rint } from './quantize.ts';
import type { ReferencesFor } from './types.ts';

interface Product {
  pointers: Uint32Array;
  a: Int16Array | Uint8Array;
  b: Int8Array;
  init: Int32Array;
  c: Int32Array;
  rows: Int32Array;
  columns: Int32Array;
}

interface Sizes {
  offset: number;
  m: number;
  n: number;
  taps: number;
  k: number;
  ldc: number;
  corrected: number;
}

/** Weights of a panel format [ceil(n/8)][taps][ceil(k/group)][8][group]. */
function panelIndex(j: number, tap: number, k: number, taps: number, steps: number, group: number) {
  const step = Math.floor(k / group);
  return (
    (((Math.floor(j / 8) * taps + tap) * steps + step) * 8 + (j % 8)) * group + (k - step * group)
  );
}

const product =
  (group: number) =>
  (
    { pointers, a, b, init, c, rows, columns }: Product,
    { offset, m, n, taps, k, ldc, corrected }: Sizes,
  ): void => {
    const steps = Math.ceil(k / group);
    const padded = Math.ceil(n / 8) * 8;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = init[j]!;
        if (corrected === 1) {
          sum += Math.imul(rows[i]!, columns[j]!) + Math.imul(rows[m + i]!, columns[padded + j]!);
        }
        for (let tap = 0; tap < taps; tap++) {
          const from = pointers[i * taps + tap]! + offset / a.BYTES_PER_ELEMENT;
          // Past k, weights meet what follows in memory; packing makes them 0.
          for (let q = 0; q < steps * group; q++) {
            sum = (sum + a[from + q]! * b[panelIndex(j, tap, q, taps, steps, group)]!) | 0;
          }
        }
        c[i * ldc + j] = sum;
      }
    }
  };

interface ToLevels extends Omit<Product, 'c' | 'rows' | 'columns'> {
  scales: Float32Array;
  y: Uint8Array;
}

interface LevelSizes extends Omit<Sizes, 'ldc' | 'corrected'> {
  ldy: number;
  zero: number;
  lo: number;
  hi: number;
}

const productLevels =
  (group: number) =>
  (buffers: ToLevels, sizes: LevelSizes): void => {
    const { m, n, ldy, zero, lo, hi } = sizes;
    const c = new Int32Array(m * n);
    const none = new Int32Array(0);
    const whole = { ...sizes, ldc: n, corrected: 0 };
    product(group)({ ...buffers, c, rows: none, columns: none }, whole);
    for (let i = 0; i < c.length; i++) {
      const scaled = Math.fround(Math.fround(c[i]!) * buffers.scales[i % n]!);
      const level = clamp(rint(clamp(scaled, lo - zero, hi - zero)) + zero, lo, hi);
      buffers.y[Math.floor(i / n) * ldy + (i % n)] = level;
    }
  };

/** TFLite's reference arithmetic, in big integers as the C++ has it in 64 bits. */
export function multiplyByQuantizedMultiplier(
  x: number,
  multiplier: number,
  shift: number,
): number {
  const shifted = BigInt(x << Math.max(shift, 0)) * BigInt(multiplier);
  const nudge = shifted >= 0n ? 1n << 30n : 1n - (1n << 30n);
  const high = Number((shifted + nudge) / (1n << 31n));
  const exponent = Math.max(-shift, 0);
  const mask = BigInt.asIntN(32, (1n << BigInt(exponent)) - 1n);
  const remainder = BigInt(high) & mask;
  const threshold = (mask >> 1n) + (high < 0 ? 1n : 0n);
  return Number(BigInt(high) >> BigInt(exponent)) + (remainder > threshold ? 1 : 0);
}

const clamp = (value: number, lo: number, hi: number): number => Math.max(lo, Math.min(hi, value));

export const int8References: ReferencesFor<
  | 'q8_igemm_i16'
  | 'q8_igemm_dot'
  | 'q8_levels_i16'
  | 'q8_levels_dot'
  | 'q8_depthwise_dot'
  | 'q8_depthwise'
  | 'q8_flip'
  | 'q8_widen_rows'
  | 'q8_pack_panels'
  | 'i32_f32_scaled'
  | 'i32_q8_requantize'
  | 'i32_q8_requantize_double'
> = {
  q8_igemm_i16: product(2),
  q8_igemm_dot: product(4),
  q8_levels_i16: productLevels(2),
  q8_levels_dot: productLevels(4),
  q8_depthwise({ x, offsets, w, init, c }, { pixels, step, pairs, channels }) {
    for (let i = 0; i < pixels; i++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = init[channel]!;
        for (let tap = 0; tap < 2 * pairs; tap++) {
          const level = x[i * step + offsets[tap]! + channel]!;
          const weight = w[panelIndex(channel, 0, tap, 1, pairs, 2)]!;
          sum = (sum + level * weight) | 0;
        }
        c[i * channels + channel] = sum;
      }
    }
  },
  q8_depthwise_dot({ x, offsets, w, init, scales, y }, values) {
    const { rows, lineStep, height, rowStep, width, step, taps, channels, line } = values;
    const { zero, lo, hi } = values;
    /** Byte of the interleaved lines of an output row. */
    const byteAt = (row: number, at: number): number => {
      const group = Math.floor(at / (4 * line));
      const own = Math.min(4 * group + (at & 3), height - 1);
      return x[row * lineStep + own * rowStep + Math.floor(at / 4 - group * line)]!;
    };
    for (let i = 0; i < rows * width * channels; i++) {
      const channel = i % channels;
      const pixel = Math.floor(i / channels) % width;
      const row = Math.floor(i / channels / width);
      let sum = init[channel]!;
      for (let tap = 0; tap < taps; tap++) {
        for (let part = 0; part < 4; part++) {
          const at = 4 * (pixel * step + channel) + offsets[tap]! + part;
          const weight = w[((channel >> 3) * taps + tap) * 32 + (channel & 7) * 4 + part]!;
          sum = (sum + weight * byteAt(row, at)) | 0;
        }
      }
      const scaled = Math.fround(Math.fround(sum) * scales[channel]!);
      y[i] = clamp(rint(clamp(scaled, lo - zero, hi - zero)) + zero, lo, hi);
    }
  },
  q8_flip({ x, y }) {
    for (let i = 0; i < x.length; i++) y[i] = x[i]! ^ 128;
  },
  q8_widen_rows({ x, y, zeros }, { rows, count, unsigned }) {
    for (let i = 0; i < rows * count; i++) {
      const level = unsigned === 1 ? x[i]! : (x[i]! << 24) >> 24;
      y[i] = level - zeros[Math.floor(i / count)]!;
    }
  },
  q8_pack_panels({ source, target, sums }, values) {
    const { n, k, taps, strideN, strideK, strideTap, group, flip } = values;
    const steps = Math.ceil(k / group);
    target.fill(0);
    sums.fill(0);
    for (let j = 0; j < n; j++) {
      for (let tap = 0; tap < taps; tap++) {
        for (let q = 0; q < k; q++) {
          const level = source[j * strideN + tap * strideTap + q * strideK]!;
          const weight = flip === 1 ? level - 128 : (level << 24) >> 24;
          target[panelIndex(j, tap, q, taps, steps, group)] = weight;
          sums[j]! += weight;
        }
      }
    }
  },
  i32_f32_scaled({ c, y, rows, columns, bias }, { n, step }) {
    for (let i = 0; i < c.length; i++) {
      const factor = Math.fround(rows[Math.floor(i / n) * step]! * columns[i % n]!);
      y[i] = Math.fround(Math.fround(c[i]!) * factor) + bias[i % n]!;
    }
  },
  i32_q8_requantize({ c, y, scales }, { n, zero, lo, hi }) {
    for (let i = 0; i < c.length; i++) {
      const scaled = Math.fround(Math.fround(c[i]!) * scales[i % n]!);
      y[i] = clamp(rint(clamp(scaled, lo - zero, hi - zero)) + zero, lo, hi);
    }
  },
  i32_q8_requantize_double({ c, y, multipliers, shifts }, { n, zero, lo, hi }) {
    for (let i = 0; i < c.length; i++) {
      const value = multiplyByQuantizedMultiplier(c[i]!, multipliers[i % n]!, shifts[i % n]!);
      y[i] = clamp(value + zero, lo, hi);
    }
  },
};
