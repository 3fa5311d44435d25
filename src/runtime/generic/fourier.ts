import { cos, sin } from './functions.ts';

/** Discrete Fourier transforms of float64. */

/** Transforms real and imaginary parts in place: X_k = Σ x_j·e^(−2πi·jk/n), without a factor. */
export type Fourier = (re: Float64Array, im: Float64Array) => void;

/** The transform of n numbers. Cost of a run: O(n log n) for any n; tables of O(n) are made once. */
export function fourier(n: number): Fourier {
  return (n & (n - 1)) === 0 ? powerOfTwo(n) : bluestein(n);
}

/** e^(−2πi·j/n) of each j < count, cosines and sines. */
function roots(n: number, steps: Float64Array): { re: Float64Array; im: Float64Array } {
  const angles = steps.map((step) => (-2 * Math.PI * step) / n);
  return { re: cos(angles), im: sin(angles) };
}

/** Radix 2 on numbers in bit-reversed order (Cooley and Tukey 1965). */
function powerOfTwo(n: number): Fourier {
  const { re: c, im: s } = roots(
    n,
    Float64Array.from({ length: n / 2 }, (_, j) => j),
  );
  return (re, im) => {
    for (let i = 1, j = 0; i < n; i++) {
      let bit = n >> 1;
      for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i >= j) continue;
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
    for (let half = 1; half < n; half *= 2) {
      const stride = n / (2 * half);
      for (let start = 0; start < n; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const [a, b] = [start + k, start + k + half];
          const [wr, wi] = [c[k * stride]!, s[k * stride]!];
          const tr = re[b]! * wr - im[b]! * wi;
          const ti = re[b]! * wi + im[b]! * wr;
          re[b] = re[a]! - tr;
          im[b] = im[a]! - ti;
          re[a] = re[a]! + tr;
          im[a] = im[a]! + ti;
        }
      }
    }
  };
}

/** Any length as a circular convolution with a chirp (Bluestein 1970): jk = (j² + k² − (k − j)²) / 2. */
function bluestein(n: number): Fourier {
  let size = 1;
  while (size < 2 * n - 1) size *= 2;
  const transform = powerOfTwo(size);
  // Squares modulo 2n, exact beyond 2^53 too: (j + 1)² = j² + 2j + 1.
  const squares = new Float64Array(n);
  for (let j = 1; j < n; j++) squares[j] = (squares[j - 1]! + 2 * j - 1) % (2 * n);
  const { re: c, im: s } = roots(2 * n, squares);
  const [br, bi] = [new Float64Array(size), new Float64Array(size)];
  for (let j = 0; j < n; j++) {
    br[j] = c[j]!;
    bi[j] = -s[j]!;
    if (j === 0) continue;
    br[size - j] = c[j]!;
    bi[size - j] = -s[j]!;
  }
  transform(br, bi);
  const [ar, ai] = [new Float64Array(size), new Float64Array(size)];
  return (re, im) => {
    ar.fill(0);
    ai.fill(0);
    for (let j = 0; j < n; j++) {
      ar[j] = re[j]! * c[j]! - im[j]! * s[j]!;
      ai[j] = re[j]! * s[j]! + im[j]! * c[j]!;
    }
    transform(ar, ai);
    // The inverse is the transform of the conjugate, conjugated.
    for (let j = 0; j < size; j++) {
      const real = ar[j]! * br[j]! - ai[j]! * bi[j]!;
      ai[j] = -(ar[j]! * bi[j]! + ai[j]! * br[j]!);
      ar[j] = real;
    }
    transform(ar, ai);
    for (let k = 0; k < n; k++) {
      const [real, imaginary] = [ar[k]! / size, -ai[k]! / size];
      re[k] = real * c[k]! - imaginary * s[k]!;
      im[k] = real * s[k]! + imaginary * c[k]!;
    }
  };
}
