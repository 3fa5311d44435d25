import { NumericError, rangeError } from '../../core/errors.ts';
import { log } from './log.ts';
import { checkFloatArray, checkSize, descending, type FloatArray, magnitude } from './matrix.ts';

/** Σ of squares of all but the first r, for r = 0 … length. Summed from the small end, which loses nothing. */
function tails(s: FloatArray): Float64Array {
  checkFloatArray('s', s);
  const most = magnitude('s', s) || 1;
  const result = new Float64Array(s.length + 1);
  for (let i = s.length - 1; i >= 0; i--) {
    if (i > 0 && s[i]! > s[i - 1]!) throw rangeError('s', 'values from the largest down', s[i]);
    result[i] = result[i + 1]! + (s[i]! / most) * (s[i]! / most);
  }
  return result;
}

function firstBelow(tail: Float64Array, allowed: number): number {
  let rank = 1;
  while (rank < tail.length - 1 && tail[rank]! > allowed) rank++;
  return rank;
}

/** The smallest rank whose singular values hold a share of the energy: Σ_{i<r} s_i² ≥ energy · Σ s_i².
 *  @param s       singular values, from the largest down
 *  @param energy  share, 0..1
 *  @returns       from 1 up
 *  @throws {TypeError} s is no float array
 *  @throws {RangeError} energy out of range, s not in order
 *  @throws {NumericError} NaN or an infinity */
export function rankByEnergy(s: FloatArray, energy: number): number {
  if (!(energy >= 0 && energy <= 1)) throw rangeError('energy', '0..1', energy);
  const tail = tails(s);
  return firstBelow(tail, (1 - energy) * tail[0]!);
}

/** The smallest rank whose best approximation has no more than a relative error: ‖A − A_r‖ ≤ error · ‖A‖, Frobenius.
 *  @param s      singular values, from the largest down
 *  @param error  0..1
 *  @returns      from 1 up
 *  @throws {TypeError} s is no float array
 *  @throws {RangeError} error out of range, s not in order
 *  @throws {NumericError} NaN or an infinity */
export function rankByError(s: FloatArray, error: number): number {
  if (!(error >= 0 && error <= 1)) throw rangeError('error', '0..1', error);
  const tail = tails(s);
  return firstBelow(tail, error * error * tail[0]!);
}

/** What stands out of noise by empirical variational Bayesian matrix factorization: the singular values of a matrix
 *  taken for a low-rank one plus Gaussian noise of unknown variance.
 *  @param s  all min(m, n) singular values of the matrix [m, n], from the largest down
 *  @returns  rank: how many stand out, 0 when none does: then the matrix has no structure that a rank could
 *            keep, and should be left as it is. noiseVariance: per element.
 *            A starting point, not a verdict: it is far too strict on small matrices (below 100 or so)
 *  @throws {TypeError} s is no float array
 *  @throws {RangeError} sizes that don't fit
 *  @throws {NumericError} NaN or an infinity
 *  Cost O(min(m, n)·300). Deterministic.
 *  Source: Nakajima, Tomioka, Sugiyama & Babacan 2012, 2013. */
export function evbmf(
  s: FloatArray,
  m: number,
  n: number,
): { rank: number; noiseVariance: number } {
  checkFloatArray('s', s);
  checkSize('m', m);
  checkSize('n', n);
  const l = Math.min(m, n);
  const large = Math.max(m, n);
  if (s.length !== l) throw rangeError('s', `${l} values`, `${s.length} values`);
  const most = magnitude('s', s);
  if (most === 0) return { rank: 0, noiseVariance: 0 };
  const squares = Float64Array.from(descending(s), (i) => (s[i]! / most) * (s[i]! / most));
  const alpha = l / large;
  const tau = 2.5129 * Math.sqrt(alpha);
  const edge = (1 + tau) * (1 + alpha / tau);
  const total = squares.reduce((sum, value) => sum + value, 0);
  const signal = Math.min(Math.ceil(l / (1 + alpha)) - 1, l) - 1;
  const rest = squares.subarray(signal + 1).reduce((sum, value) => sum + value, 0);
  const most2 = total / (l * large);
  const mean = rest / ((l - signal - 1 || 1) * large);
  const least = Math.max((squares[signal + 1] ?? 0) / (large * edge), mean, most2 * 1e-12);
  const variance = minimize(
    (value) => freeEnergy(squares, value, large, alpha, edge),
    least,
    most2,
  );
  if (!(variance > 0)) throw new NumericError('no noise variance fits', { code: 'E_EVBMF' });
  const threshold = large * variance * edge;
  return {
    rank: squares.filter((value) => value > threshold).length,
    noiseVariance: variance * most * most,
  };
}

/** Ω(σ²) of the noise variance, up to a constant. */
function freeEnergy(
  squares: Float64Array,
  variance: number,
  large: number,
  alpha: number,
  edge: number,
): number {
  let sum = squares.length * log(variance);
  for (const square of squares) {
    const x = square / (large * variance);
    sum += x;
    if (x > edge) {
      const y = x - (1 + alpha);
      const t = 0.5 * (y + Math.sqrt(Math.max(0, y * y - 4 * alpha)));
      sum += log(t + 1) + alpha * log(t / alpha + 1) - t;
    }
  }
  return sum;
}

/** Least argument in [low, high]: a grid, as there are several minima, then golden section. */
function minimize(f: (x: number) => number, low: number, high: number): number {
  if (!(low < high)) return high;
  const points = 200;
  let best = 0;
  let least = Infinity;
  for (let i = 0; i <= points; i++) {
    const value = f(low + ((high - low) * i) / points);
    if (value < least) {
      least = value;
      best = i;
    }
  }
  let a = low + ((high - low) * Math.max(0, best - 1)) / points;
  let b = low + ((high - low) * Math.min(points, best + 1)) / points;
  const ratio = (Math.sqrt(5) - 1) / 2;
  for (let i = 0; i < 60; i++) {
    const p = b - ratio * (b - a);
    const q = a + ratio * (b - a);
    if (f(p) <= f(q)) b = q;
    else a = p;
  }
  return (a + b) / 2;
}
