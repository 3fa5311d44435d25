import type { ReferencesFor } from './types.ts';

/** The largest difference where it is more than allowed, as text. */
function farthest(
  what: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  allowed: number,
): string | null {
  for (let i = 0; i < want.length; i++) {
    if (!(Math.abs(got[i]! - want[i]!) <= allowed))
      return `${what}[${i}] is ${got[i]}, not ${want[i]} ± ${allowed}`;
  }
  return null;
}

/** How many eigenvalues of a tridiagonal matrix are below x (Sturm's count). */
function countBelow(d: Float64Array, e: Float64Array, x: number): number {
  let count = 0;
  let q = 1;
  d.forEach((value, i) => {
    const square = i === 0 ? 0 : e[i - 1]! * e[i - 1]!;
    q = value - x - square / q;
    if (q === 0) q = 1e-300;
    if (q < 0) count++;
  });
  return count;
}

export const tridiagonalReferences: ReferencesFor<
  'f64_tridiagonalize' | 'f64_apply_reflectors' | 'f64_tridiagonal_ql' | 'f64_secular'
> = {
  f64_tridiagonalize(before, { n }, { a, d, e, tau }) {
    // T ← H_1 T H_1, …, H_{n−1} T H_{n−1} gives A back.
    const t = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      t[i * n + i] = d[i]!;
      if (i > 0) t[i * n + i - 1] = t[(i - 1) * n + i] = e[i - 1]!;
    }
    for (let r = 1; r < n; r++) {
      const v = a.subarray(r * n, r * n + r);
      for (const [row, step] of [
        [n, 1],
        [1, n],
      ] as const) {
        for (let i = 0; i < n; i++) {
          let sum = 0;
          v.forEach((x, j) => {
            sum += x * t[i * row + j * step]!;
          });
          v.forEach((x, j) => {
            t[i * row + j * step] = t[i * row + j * step]! - tau[r]! * sum * x;
          });
        }
      }
    }
    if (n > 0 && e[n - 1] !== 0) return `e[${n - 1}] is ${e[n - 1]}`;
    const symmetric = t.map((_, at) => {
      const i = Math.floor(at / n);
      const j = at % n;
      return before.a[Math.max(i, j) * n + Math.min(i, j)]!;
    });
    return farthest('A', t, symmetric, 1e-14 * (n + 10));
  },

  f64_apply_reflectors({ z, v, tau }, { rows, n }, after) {
    for (let r = 0; r < rows; r++) {
      const x = z.slice(r * n, (r + 1) * n);
      const bound = x.map(Math.abs);
      for (let i = 0; i < n; i++) {
        let sum = 0;
        let size = 0;
        for (let j = 0; j < i; j++) {
          sum += x[j]! * v[i * n + j]!;
          size += bound[j]! * Math.abs(v[i * n + j]!);
        }
        for (let j = 0; j < i; j++) {
          x[j] = x[j]! - tau[i]! * sum * v[i * n + j]!;
          bound[j] = bound[j]! + Math.abs(tau[i]! * v[i * n + j]!) * size;
        }
      }
      const allowed = 1e-14 * (n + 2) * Math.max(0, ...bound);
      const complaint = farthest(`row ${r}`, after.z.subarray(r * n, (r + 1) * n), x, allowed);
      if (complaint !== null) return complaint;
    }
    return null;
  },

  f64_tridiagonal_ql({ d, e, z }, { n, panels }, after, result) {
    if (result !== 0) return `stuck at ${result - 1}`;
    const sorted = [...after.d].sort((x, y) => x - y);
    for (const [i, value] of sorted.entries()) {
      const below = countBelow(d, e, value - 1e-12);
      const upTo = countBelow(d, e, value + 1e-12);
      if (below > i || upTo <= i) return `eigenvalue ${i} is not ${value}`;
    }
    // z' = Sᵀ z and T = S D Sᵀ: zᵀ z = z'ᵀ z', zᵀ T z = z'ᵀ D z', zᵀ T² z = z'ᵀ D² z', column by column.
    for (let column = 0; column < 8 * panels; column++) {
      const take = (from: Float64Array): Float64Array =>
        Float64Array.from(
          { length: n },
          (_, i) => from[((column >> 3) * n + i) * 8 + (column & 7)]!,
        );
      const x = take(z);
      const y = take(after.z);
      const tx = x.map(
        (value, i) =>
          d[i]! * value + (i > 0 ? e[i - 1]! * x[i - 1]! : 0) + (i + 1 < n ? e[i]! * x[i + 1]! : 0),
      );
      const dot = (p: Float64Array, q: Float64Array): number =>
        p.reduce((sum, value, i) => sum + value * q[i]!, 0);
      const dy = y.map((value, i) => after.d[i]! * value);
      const complaint = farthest(
        'moments',
        [dot(y, y), dot(y, dy), dot(dy, dy)],
        [dot(x, x), dot(x, tx), dot(tx, tx)],
        1e-13 * (n + 10),
      );
      if (complaint !== null) return complaint;
    }
    return null;
  },

  f64_secular({ d, z }, { n, rho }, { lambda, s }) {
    const size =
      Math.abs(d[0] ?? 0) + Math.abs(d[n - 1] ?? 0) + rho * z.reduce((sum, x) => sum + x * x, 0);
    const dot = (p: Float64Array, q: Float64Array): number =>
      p.reduce((sum, value, i) => sum + value * q[i]!, 0);
    for (let j = 0; j < n; j++) {
      const row = s.subarray(j * n, (j + 1) * n);
      if (!(lambda[j]! >= d[j]! && (j === n - 1 || lambda[j]! <= d[j + 1]!)))
        return `lambda[${j}] is not between its poles`;
      const along = dot(row, z);
      const left = row.map((x, i) => d[i]! * x + rho * z[i]! * along);
      const right = row.map((x) => lambda[j]! * x);
      const off = farthest(`A s[${j}]`, left, right, 1e-14 * (n + 5) * size);
      if (off !== null) return off;
      const products = Array.from({ length: j + 1 }, (_, k) =>
        dot(row, s.subarray(k * n, (k + 1) * n)),
      );
      const unit = products.map((_, k) => (k === j ? 1 : 0));
      const skew = farthest(`s s[${j}]`, products, unit, 1e-15 * (n + 20));
      if (skew !== null) return skew;
    }
    return null;
  },
};
