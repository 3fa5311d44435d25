import type { ReferencesFor } from './types.ts';

/** Limits that keep NaN. */
export function clamp(x: number, low: number, high: number): number {
  if (x < low) return low;
  if (x > high) return high;
  return x;
}

/** Panels [ceil(n/8)][k][8] of element(row, column), zeros of either sign beyond n. */
function pack(
  packed: Float32Array,
  { k, n, panel, factor }: { k: number; n: number; panel: number; factor: number },
  beyond: number,
  element: (row: number, column: number) => number,
): void {
  for (let column = 0; column < Math.ceil(n / 8) * 8; column++) {
    for (let row = 0; row < k; row++) {
      const at = (column >> 3) * panel + row * 8 + (column & 7);
      packed[at] = column < n ? element(row, column) * Math.fround(factor) : beyond;
    }
  }
}

export const gemmReferences: ReferencesFor<
  'f32_gemm' | 'f32_pack_columns' | 'f32_pack_rows' | 'f32_transpose_matrix' | 'f32_add_scaled'
> = {
  f32_gemm({ a, b, bias, out }, { m, n, k, lda, ldb, ldo, accumulate, low, high }) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = accumulate === 1 ? out[i * ldo + j]! : bias[j]!;
        for (let p = 0; p < k; p++) {
          const product = Math.fround(a[i * lda + p]! * b[(j >> 3) * ldb + p * 8 + (j & 7)]!);
          sum = Math.fround(sum + product);
        }
        out[i * ldo + j] = clamp(sum, low, high);
      }
    }
  },

  f32_pack_columns({ b, packed }, values) {
    pack(packed, values, 0 * values.factor, (row, column) => b[row * values.ldb + column]!);
  },

  f32_pack_rows({ b, packed }, values) {
    pack(packed, values, 0, (row, column) => b[column * values.ldb + row]!);
  },

  f32_transpose_matrix({ x, out }, { rows, columns, ldx, ldo }) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) out[j * ldo + i] = x[i * ldx + j]!;
    }
  },

  f32_add_scaled({ out, c }, { m, n, ldo, rowStep, columnStep, factor, low, high }) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const product = Math.fround(Math.fround(factor) * c[i * rowStep + j * columnStep]!);
        out[i * ldo + j] = clamp(Math.fround(out[i * ldo + j]! + product), low, high);
      }
    }
  },
};
