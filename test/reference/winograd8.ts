import { rint } from './quantize.ts';
import type { ReferencesFor } from './types.ts';
import { both, square } from './winograd.ts';

type Matrix = readonly (readonly number[])[];

/** The transforms of Lavin & Gray 2016 at 0, ±1, ±2 and ∞, with the signs of two rows turned around and with each row of G
 *  times 24 over the greatest factor that leaves it whole; A has these factors. */
const B: Matrix = [
  [4, 0, -5, 0, 1, 0],
  [0, 4, 4, -1, -1, 0],
  [0, -4, 4, 1, -1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];
const G: Matrix = [
  [6, 0, 0],
  [1, 1, 1],
  [1, -1, 1],
  [1, 2, 4],
  [1, -2, 4],
  [0, 0, 6],
];
const A: Matrix = [
  [1, 4, 4, 1, 1, 0],
  [0, 4, -4, 2, -2, 0],
  [0, 4, 4, 4, 4, 0],
  [0, 4, -4, 8, -8, 4],
];

const by =
  (matrix: Matrix) =>
  (x: readonly number[]): number[] =>
    matrix.map((row) => row.reduce((sum, factor, i) => sum + factor * x[i]!, 0));

const clamp = (value: number, lo: number, hi: number): number => Math.max(lo, Math.min(hi, value));

/** x / 9 modulo 2³², by search of the multiple that is divisible. */
function ninth(x: number): number {
  let multiple = BigInt(x);
  while (multiple % 9n !== 0n) multiple += 1n << 32n;
  return Number(BigInt.asIntN(32, multiple / 9n));
}

export const winograd8References: ReferencesFor<
  'q8_winograd_weights' | 'q8_winograd_input' | 'i16_gemms' | 'q8_winograd_output'
> = {
  q8_winograd_weights({ w, packed }, { channels, n, ld }) {
    const pairs = Math.ceil(channels / 2);
    for (let o = 0; o < Math.ceil(n / 8) * 8; o++) {
      for (let channel = 0; channel < 2 * pairs; channel++) {
        const exists = o < n && channel < channels;
        const own = square(3, (row, i) =>
          exists ? w[(o * 9 + row * 3 + i) * channels + channel]! : 0,
        );
        const at = (((o >> 3) * pairs + (channel >> 1)) * 8 + (o & 7)) * 2 + (channel & 1);
        both(own, by(G)).forEach((line, row) => {
          line.forEach((value, i) => {
            packed[(row * 6 + i) * ld + at] = value;
          });
        });
      }
    }
  },

  q8_winograd_input({ x, out }, { first, tiles, across, channels, line, ld }) {
    for (let tile = 0; tile < tiles; tile++) {
      const y = Math.floor((first + tile) / across) * 4;
      const z = ((first + tile) % across) * 4;
      for (let channel = 0; channel < channels; channel++) {
        const patch = square(6, (row, i) => x[(y + row) * line + (z + i) * channels + channel]!);
        both(patch, by(B)).forEach((values, row) => {
          values.forEach((value, i) => {
            out[(row * 6 + i) * ld + tile * channels + channel] = value;
          });
        });
      }
    }
  },

  i16_gemms({ a, b, c }, { count, m, n, k, lda, ldb, ldc }) {
    const pairs = Math.ceil(k / 2);
    const wide = Math.ceil(n / 8) * 8;
    for (let f = 0; f < count; f++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < wide; j++) {
          let sum = 0;
          for (let q = 0; q < 2 * pairs; q++) {
            const at = (((j >> 3) * pairs + (q >> 1)) * 8 + (j & 7)) * 2 + (q & 1);
            sum = (sum + Math.imul(a[f * lda + i * k + q]!, b[f * ldb + at]!)) | 0;
          }
          c[f * ldc + i * wide + j] = sum;
        }
      }
    }
  },

  q8_winograd_output({ m, bias, scales, y }, values) {
    const { first, tiles, across, height, width, n, ld, zero, lo, hi } = values;
    const wide = Math.ceil(n / 8) * 8;
    for (let tile = 0; tile < tiles; tile++) {
      const top = Math.floor((first + tile) / across) * 4;
      const left = ((first + tile) % across) * 4;
      for (let channel = 0; channel < n; channel++) {
        const products = square(6, (row, i) => m[(row * 6 + i) * ld + tile * wide + channel]!);
        both(products, by(A)).forEach((line, row) => {
          line.forEach((value, i) => {
            if (top + row >= height || left + i >= width) return;
            const whole = BigInt(value) + 576n * BigInt(bias[channel]!);
            const sum = ninth(Number(BigInt.asIntN(32, whole))) >> 6;
            const scaled = Math.fround(Math.fround(sum) * scales[channel]!);
            const level = rint(clamp(scaled, lo - zero, hi - zero)) + zero;
            y[((top + row) * width + left + i) * n + channel] = clamp(level, lo, hi);
          });
        });
      }
    }
  },
};
