// Matrices with known decompositions from ../shared/data/peer-cases, and measures of a decomposition.
import { readNpy } from '../../src/formats/npy.ts';
import { sharedFile } from '../shared.ts';

/** An array of the folder, as float64. */
export function peerArray(path: string): { data: Float64Array; dims: number[] } {
  const tensor = readNpy(sharedFile(`peer-cases/${path}.npy`)!);
  return { data: Float64Array.from(tensor.data as ArrayLike<number>), dims: [...tensor.dims] };
}

/** One of the folder's lists of what to expect, or null where the folder is missing. */
export function peerExpected<T>(folder: string): T[] | null {
  const bytes = sharedFile(`peer-cases/${folder}/expected.json`);
  return bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as T[]);
}

/** Seeded numbers in (−1, 1). */
export function uniform(length: number, seed: number): Float64Array {
  let state = seed;
  return Float64Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** ‖x‖, Frobenius. */
export function norm(x: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!;
  return Math.sqrt(sum);
}

/** a [m, k] b [k, n]. */
export function times(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  m: number,
  k: number,
  n: number,
): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const x = a[i * k + l]!;
      for (let j = 0; j < n; j++) c[i * n + j] = c[i * n + j]! + x * b[l * n + j]!;
    }
  }
  return c;
}

/** xᵀ of x [m, n]. */
export function transposed(x: ArrayLike<number>, m: number, n: number): Float64Array {
  return Float64Array.from({ length: m * n }, (_, at) => x[(at % m) * n + Math.floor(at / m)]!);
}

/** ‖x − y‖. */
export function distance(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return norm(Float64Array.from({ length: x.length }, (_, i) => x[i]! - y[i]!));
}

/** ‖UᵀU − I‖ of u [m, r]. */
export function orthogonality(u: Float64Array, m: number, r: number): number {
  const square = times(transposed(u, m, r), u, r, m, r);
  for (let i = 0; i < r; i++) square[i * (r + 1)] = square[i * (r + 1)]! - 1;
  return norm(square);
}

/** Whether the largest component of each column of u [m, r] is positive. */
export function signsByRule(u: Float64Array, m: number, r: number): boolean {
  for (let j = 0; j < r; j++) {
    let most = 0;
    for (let i = 0; i < m; i++) {
      if (Math.abs(u[i * r + j]!) > Math.abs(most)) most = u[i * r + j]!;
    }
    if (most <= 0) return false;
  }
  return true;
}
