import * as kernels from 'modelpress/kernels';
import { gaussianLike } from './data.js';

const square = gaussianLike(48 * 48, 11);
const wide = gaussianLike(20 * 90, 12);
const tall = gaussianLike(90 * 40, 13);
/** Columns that shrink over 16 decades, and some that repeat. */
const graded = Float64Array.from({ length: 70 * 60 }, (_, i) => {
  const column = i % 60;
  return square[(i * 7) % 2048] * 2 ** -column + (column % 9 === 0 ? square[i % 70] : 0);
});
const conv = gaussianLike(24 * 16 * 3 * 3, 14);

const list = (parts) => Object.values(parts);

/** Decompositions in float64, as bytes. */
export const linalgCases = {
  'eigenvalues and vectors': () => list(kernels.eigh(square, 48)),
  'svd, auto, wide and small': () => list(kernels.svd(wide, 20, 90)),
  'svd, auto, tall': () => list(kernels.svd(tall, 90, 40)),
  'svd, gram, without full rank': () => list(kernels.svd(graded, 70, 60, { method: 'gram' })),
  'svd, jacobi': () => list(kernels.svd(graded, 70, 60, { method: 'jacobi' })),
  'svd, randomized': () =>
    list(kernels.svd(tall, 90, 40, { rank: 5, method: 'randomized', seed: 3 })),
  'qr, cholesky, triangular solve': () => {
    const { q, r } = kernels.qr(tall, 90, 40);
    const rows = Float64Array.from(r, (value, i) => value + (i % 41 === 0 ? 1 : 0));
    const x = kernels.solveTriangular(rows, tall.subarray(0, 80), 40, { columns: 2, upper: true });
    return [q, r, x, kernels.cholesky(gram(), 48)];
  },
  'rank by energy, error, evbmf': () => {
    const { s } = kernels.svd(tall, 90, 40);
    const { rank, noiseVariance } = kernels.evbmf(s, 90, 40);
    return [kernels.rankByEnergy(s, 0.9), kernels.rankByError(s, 0.3), rank, noiseVariance];
  },
  ...Object.fromEntries(
    ['hosvd', 'st-hosvd', 'hooi'].map((method) => [
      `tucker, ${method}`,
      () => {
        const parts = kernels.tucker(conv, [24, 16, 3, 3], [8, 6], { method, maxSweeps: 4 });
        return [parts.core, parts.error, ...parts.factors, kernels.tuckerReconstruct(parts)];
      },
    ]),
  ),
};

/** A positive definite matrix. */
function gram() {
  const a = new Float64Array(48 * 48);
  for (let i = 0; i < 48; i++) {
    for (let j = 0; j < 48; j++) {
      for (let k = 0; k < 48; k++) a[i * 48 + j] += square[i * 48 + k] * square[j * 48 + k];
    }
  }
  return a;
}
