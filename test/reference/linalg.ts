import { tridiagonalReferences } from './tridiagonal.ts';
import type { ReferencesFor } from './types.ts';

const unit = 2 ** -52;

/** Difference of two numbers where it is more than allowed, as text. */
export function off(what: string, got: number, want: number, allowed: number): string | null {
  return Math.abs(got - want) <= allowed ? null : `${what} is ${got}, not ${want} ± ${allowed}`;
}

/** The first complaint. */
export function firstOf(complaints: Iterable<string | null>): string | null {
  for (const complaint of complaints) if (complaint !== null) return complaint;
  return null;
}

/** x ← H x for H = I − t v vᵀ, and the same on bounds of magnitudes. */
export function reflectPlain(x: number[], v: readonly number[], t: number, bound: number[]): void {
  let sum = 0;
  let size = 0;
  v.forEach((value, i) => {
    sum += value * x[i]!;
    size += Math.abs(value) * bound[i]!;
  });
  v.forEach((value, i) => {
    x[i] = x[i]! - t * sum * value;
    bound[i] = bound[i]! + Math.abs(t * value) * size;
  });
}

/** v_j of f64_qr: zeros, 1, then what is kept. */
function reflector(a: Float64Array, j: number, m: number): number[] {
  return Array.from({ length: m }, (_, i) => (i < j ? 0 : i === j ? 1 : a[j * m + i]!));
}

export const linalgReferences: ReferencesFor<
  | 'f64_matmul'
  | 'f64_gram'
  | 'f64_transpose'
  | 'f64_row_norms'
  | 'f64_divide_rows'
  | 'f64_row_signs'
  | 'f64_columns'
  | 'f64_take_columns'
  | 'f64_tridiagonalize'
  | 'f64_apply_reflectors'
  | 'f64_tridiagonal_ql'
  | 'f64_secular'
  | 'f64_panels'
  | 'f64_qr'
  | 'f64_qr_columns'
  | 'f64_cholesky'
  | 'f64_solve_triangular'
  | 'f64_jacobi'
> = {
  ...tridiagonalReferences,

  f64_matmul({ a, b, c }, { m, n, k, ldc, transposeA, transposeB, mode }) {
    const bounds: number[] = Array(m * ldc).fill(0);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        let size = Math.abs(c[i * ldc + j]!);
        for (let l = 0; l < k; l++) {
          const x = a[transposeA ? l * m + i : i * k + l]! * b[transposeB ? j * k + l : l * n + j]!;
          sum += x;
          size += Math.abs(x);
        }
        const before = mode === 0 ? 0 : c[i * ldc + j]!;
        c[i * ldc + j] = mode === 2 ? before - sum : before + sum;
        bounds[i * ldc + j] = (k + 2) * unit * size;
      }
    }
    return { c: bounds };
  },

  f64_gram({ a, c }, { n, k, transposed }) {
    const bounds: number[] = [];
    const at = (i: number, l: number): number => a[transposed ? l * n + i : i * k + l]!;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        let size = 0;
        for (let l = 0; l < k; l++) {
          sum += at(i, l) * at(j, l);
          size += Math.abs(at(i, l) * at(j, l));
        }
        c[i * n + j] = sum;
        bounds.push((k + 2) * unit * size);
      }
    }
    return { c: bounds };
  },

  f64_transpose({ x, y }, { m, n }) {
    for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) y[j * m + i] = x[i * n + j]!;
  },

  f64_row_norms({ x, norms }, { rows, n }) {
    for (let i = 0; i < rows; i++) {
      norms[i] = Math.sqrt(x.slice(i * n, (i + 1) * n).reduce((sum, value) => sum + value ** 2, 0));
    }
    return { norms: Array.from(norms, (norm) => (n + 2) * unit * norm) };
  },

  f64_divide_rows({ x, by }, { n }) {
    x.forEach((value, at) => {
      x[at] = value / by[Math.floor(at / n)]!;
    });
  },

  f64_row_signs({ x, signs }, { n }) {
    signs.forEach((_, i) => {
      const row = x.slice(i * n, (i + 1) * n);
      const most = row.reduce((top, value) => Math.max(top, Math.abs(value) || 0), 0);
      const first = row.find((value) => Math.abs(value) === most) ?? 0;
      signs[i] = first < 0 ? -1 : 1;
    });
  },

  f64_columns({ x, order, factors, y }, { count, n }) {
    for (let k = 0; k < n; k++) {
      order.forEach((row, i) => {
        y[k * count + i] = row < 0 ? 0 : factors[i]! * x[row * n + k]!;
      });
    }
  },

  f64_take_columns({ x, index, y }, { rows, n, count }) {
    for (let row = 0; row < rows; row++) {
      index.forEach((column, i) => {
        y[row * count + i] = column < 0 ? 0 : x[row * n + column]!;
      });
    }
  },

  f64_panels({ x, panels }, { rows, n, back }) {
    for (let at = 0; at < panels.length; at++) {
      const j = 8 * Math.floor(at / (8 * rows)) + (at % 8);
      const i = Math.floor(at / 8) % rows;
      if (back && j < n) x[i * n + j] = panels[at]!;
      if (!back) panels[at] = j < n ? x[i * n + j]! : 0;
    }
  },

  f64_qr(before, { n, m, pivot }, { a, tau, order }) {
    const steps = Math.min(m, n);
    const complaints = Array.from(order, (column, r) => {
      const x = Array.from({ length: m }, (_, i) => (i <= r ? a[r * m + i]! : 0));
      for (let j = Math.min(steps, r + 1) - 1; j >= 0; j--) {
        reflectPlain(x, reflector(a, j, m), tau[j]!, Array(m).fill(0));
      }
      return firstOf(
        x.map((got, i) => off(`A[${i}, ${column}]`, got, before.a[column * m + i]!, 1e-12)),
      );
    });
    if (String(Array.from(order).sort((p, q) => p - q)) !== String(Array.from(order, (_, i) => i)))
      return `order ${order} is no permutation`;
    if (!pivot && order.some((column, i) => column !== i)) return `order ${order} without pivoting`;
    for (let j = 1; pivot && j < steps; j++) {
      if (Math.abs(a[j * m + j]!) > Math.abs(a[(j - 1) * (m + 1)]!) * (1 + 1e-12))
        return `pivot ${j} is larger than the one before`;
    }
    for (let j = steps; j < n; j++) if (tau[j] !== before.tau[j]) return `tau[${j}] was written`;
    return firstOf(complaints);
  },

  f64_qr_columns({ a, tau }, { n, m, first, count }, { q }) {
    const complaints: (string | null)[] = [];
    for (let r = 0; r < count; r++) {
      const x = Array.from({ length: m }, (_, i) => (i === first + r ? 1 : 0));
      const bound = [...x];
      for (let j = Math.min(m, n) - 1; j >= 0; j--)
        reflectPlain(x, reflector(a, j, m), tau[j]!, bound);
      x.forEach((want, i) => {
        complaints.push(off(`q[${r}, ${i}]`, q[r * m + i]!, want, 1e-12 * bound[i]!));
      });
    }
    return firstOf(complaints);
  },

  f64_cholesky(before, { n }, { a }, result) {
    const rows = result === 0 ? n : result - 1;
    const complaints: (string | null)[] = [];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < n; j++) {
        if (j > i && a[i * n + j] !== 0) return `L[${i}, ${j}] is not 0`;
        if (j > i) continue;
        let sum = 0;
        let size = 1;
        for (let l = 0; l <= j; l++) {
          sum += a[i * n + l]! * a[j * n + l]!;
          size += Math.abs(a[i * n + l]! * a[j * n + l]!);
        }
        complaints.push(off(`A[${i}, ${j}]`, sum, before.a[i * n + j]!, size * 1e-13));
      }
    }
    if (result !== 0) {
      const row = a.subarray(rows * n, rows * n + rows);
      const pivot = before.a[rows * (n + 1)]! - row.reduce((sum, x) => sum + x * x, 0);
      if (!(pivot <= 1e-13)) return `stopped at pivot ${pivot}`;
    }
    return firstOf(complaints);
  },

  f64_solve_triangular({ t, x }, { n, columns, upper, transposed }, after) {
    const complaints: (string | null)[] = [];
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < columns; k++) {
        let sum = 0;
        let size = 0;
        for (let j = 0; j < n; j++) {
          const [row, column] = transposed ? [j, i] : [i, j];
          if (upper ? column < row : column > row) continue;
          const product = t[row * n + column]! * after.x[j * columns + k]!;
          sum += product;
          size += Math.abs(product);
        }
        const want = x[i * columns + k]!;
        complaints.push(
          off(`(T x)[${i}, ${k}]`, sum, want, (n + 2) * unit * (size + Math.abs(want))),
        );
      }
    }
    return firstOf(complaints);
  },

  f64_jacobi(before, { n, m, count }, after, result) {
    if (!(result <= 60)) return `${result} sweeps`;
    const dot = (
      x: Float64Array,
      i: number,
      y: Float64Array,
      j: number,
      length: number,
    ): number => {
      let sum = 0;
      for (let k = 0; k < length; k++) sum += x[i * length + k]! * y[j * length + k]!;
      return sum;
    };
    const complaints: (string | null)[] = [];
    for (let i = 0; i < n; i++) {
      complaints.push(off('squares', after.squares[i]!, dot(after.w, i, after.w, i, m), 1e-12));
      for (let j = 0; j < i; j++)
        complaints.push(off(`w[${i}]·w[${j}]`, dot(after.w, i, after.w, j, m), 0, 1e-12));
    }
    // A rotation of rows keeps xᵀ y for what both matrices hold.
    const cross = (
      x: Float64Array,
      p: number,
      columns: number,
      y: Float64Array,
      q: number,
    ): number => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += x[i * columns + p]! * y[i * m + q]!;
      return sum;
    };
    for (let q = 0; q < m; q++) {
      for (let p = 0; p < m; p++) {
        const want = cross(before.w, p, m, before.w, q);
        complaints.push(off(`(wᵀw)[${p}, ${q}]`, cross(after.w, p, m, after.w, q), want, 1e-11));
      }
      for (let p = 0; p < count; p++) {
        const want = cross(before.v, p, count, before.w, q);
        complaints.push(
          off(`(vᵀw)[${p}, ${q}]`, cross(after.v, p, count, after.w, q), want, 1e-11),
        );
      }
    }
    return firstOf(complaints);
  },
};
