import { clamp } from './gemm.ts';
import type { ReferencesFor } from './types.ts';

const { fround } = Math;
const [a, b] = [5 / 8, 3 / 2];
const [p, q] = [a * a, b * b];

/** Bᵀ, in float32. */
function forward(x: readonly number[]): number[] {
  const [x0, x1, x2, x3, x4, x5] = x as [number, number, number, number, number, number];
  const less = (y: number, z: number, factor: number): number => fround(y - fround(z * factor));
  const pair = (square: number, point: number): number[] => {
    const even = less(x4, x2, square);
    const odd = fround(less(x3, x1, square) * point);
    return [fround(even + odd), fround(even - odd)];
  };
  const end = (y0: number, y2: number, y4: number): number =>
    fround(less(fround(y0 * p * q), y2, p + q) + y4);
  return [end(x0, x2, x4), ...pair(q, a), ...pair(p, b), end(x1, x3, x5)];
}

/** Aᵀ, in float32. */
function backward(x: readonly number[]): number[] {
  const [x0, x1, x2, x3, x4, x5] = x as [number, number, number, number, number, number];
  const [e, d] = [fround(x1 + x2), fround(x3 + x4)];
  const [o, h] = [fround(fround(x1 - x2) * a), fround(fround(x3 - x4) * b)];
  return [
    fround(fround(x0 + e) + d),
    fround(o + h),
    fround(fround(e * p) + fround(d * q)),
    fround(fround(fround(o * p) + fround(h * q)) + x5),
  ];
}

/** G, in float64, with the factors multiplied as the kernel does. */
function weights(x: readonly number[]): number[] {
  const [x0, x1, x2] = x as [number, number, number];
  const pair = (square: number, other: number, point: number): number[] => {
    const divisor = 2 * square * (square - other);
    const even = (x0 + x2 * square) * (1 / divisor);
    const odd = x1 * (point / divisor);
    return [even + odd, even - odd];
  };
  return [x0 * (1 / (p * q)), ...pair(p, q, a), ...pair(q, p, b), x2];
}

/** A transform of each row, then of each column of what that gave. */
export function both(
  rows: readonly (readonly number[])[],
  transform: (x: readonly number[]) => number[],
): number[][] {
  const half = rows.map(transform);
  const columns = half[0]!.map((_, k) => transform(half.map((row) => row[k]!)));
  return columns[0]!.map((_, i) => columns.map((column) => column[i]!));
}

export const square = (size: number, value: (row: number, column: number) => number): number[][] =>
  Array.from({ length: size }, (_, row) => Array.from({ length: size }, (_, i) => value(row, i)));

export const winogradReferences: ReferencesFor<
  'f32_winograd_weights' | 'f32_winograd_input' | 'f32_winograd_output'
> = {
  f32_winograd_weights({ w, packed }, { channels, n, ld }) {
    for (let o = 0; o < Math.ceil(n / 8) * 8; o++) {
      for (let channel = 0; channel < channels; channel++) {
        const own = square(3, (row, i) =>
          o < n ? w[(o * 9 + row * 3 + i) * channels + channel]! : 0,
        );
        both(own, weights).forEach((line, row) => {
          line.forEach((value, i) => {
            const at = ((o >> 3) * channels + channel) * 8 + (o & 7);
            packed[(row * 6 + i) * ld + at] = o < n ? value : 0;
          });
        });
      }
    }
  },

  f32_winograd_input({ x, out }, values) {
    const { first, tiles, across, height, width, channels, top, left, ld } = values;
    for (let tile = 0; tile < tiles; tile++) {
      const y = Math.floor((first + tile) / across) * 4 - top;
      const z = ((first + tile) % across) * 4 - left;
      for (let channel = 0; channel < channels; channel++) {
        const patch = square(6, (row, i) => {
          const inside = y + row >= 0 && y + row < height && z + i >= 0 && z + i < width;
          return inside ? x[((y + row) * width + z + i) * channels + channel]! : 0;
        });
        both(patch, forward).forEach((line, row) => {
          line.forEach((value, i) => {
            out[(row * 6 + i) * ld + tile * channels + channel] = value;
          });
        });
      }
    }
  },

  f32_winograd_output({ m, bias, out }, values) {
    const { first, tiles, across, height, width, n, ld, low, high } = values;
    for (let tile = 0; tile < tiles; tile++) {
      const y = Math.floor((first + tile) / across) * 4;
      const x = ((first + tile) % across) * 4;
      for (let channel = 0; channel < n; channel++) {
        // Columns first here.
        const sums = square(6, (i, row) => m[(row * 6 + i) * ld + tile * n + channel]!);
        both(sums, backward).forEach((line, i) => {
          line.forEach((value, row) => {
            if (y + row >= height || x + i >= width) return;
            const sum = fround(value + bias[channel]!);
            out[((y + row) * width + x + i) * n + channel] = clamp(sum, low, high);
          });
        });
      }
    }
  },
};
