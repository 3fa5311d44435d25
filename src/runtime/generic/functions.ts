import { cos, erf, exp, log, sin, tanh } from '../../kernels/math.ts';
import { libraryBackend } from '../../wasm/library.ts';

/** Real functions of float64 arrays, made of the kernels' exp, log, tanh, erf, sin, cos and pow. */

export type RealFunction = (x: Float64Array) => Float64Array;

export { cos, erf, exp, log, sin, tanh };

/** x^y element by element.
 *  @param y  as many as `x` */
export function powEach(x: Float64Array, y: Float64Array): Float64Array {
  const { arena, simd } = libraryBackend();
  const result = new Float64Array(x.length);
  const part = 4096;
  for (let at = 0; at < x.length; at += part) {
    const count = Math.min(part, x.length - at);
    arena.withScratch([8 * count, 8 * count, 8 * count], (a, b, to) => {
      arena.views().f64.set(x.subarray(at, at + count), a >>> 3);
      arena.views().f64.set(y.subarray(at, at + count), b >>> 3);
      simd.f64_pow(a, b, to, count);
      result.set(arena.views().f64.subarray(to >>> 3, (to >>> 3) + count), at);
    });
  }
  return result;
}

/** x^y for one y. */
export function powTo(x: Float64Array, y: number): Float64Array {
  return powEach(x, new Float64Array(x.length).fill(y));
}

/** tan x = sin x / cos x */
export const tan: RealFunction = (x) => {
  const cosine = cos(x);
  return sin(x).map((sine, i) => sine / cosine[i]!);
};

/** atan x of one number: the angle is halved twice, atan x = 2·atan(x / (1 + √(1 + x²))), then the power series,
 *  whose 12 terms leave less than 1e-17 below tan(π/16). */
function atanOf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a > 1) return (x < 0 ? -1 : 1) * (Math.PI / 2 - atanOf(1 / a));
  const half = x / (1 + Math.sqrt(1 + x * x));
  const t = half / (1 + Math.sqrt(1 + half * half));
  const square = t * t;
  let sum = 0;
  for (let k = 23; k >= 1; k -= 2) sum = (k % 4 === 1 ? 1 : -1) / k + square * sum;
  return 4 * t * sum;
}

export const atan: RealFunction = (x) => x.map(atanOf);
export const asin: RealFunction = (x) =>
  x.map((v) => (Math.abs(v) > 1 ? Number.NaN : atanOf(v / Math.sqrt((1 - v) * (1 + v)))));
export const acos: RealFunction = (x) =>
  x.map((v) => (Math.abs(v) > 1 ? Number.NaN : 2 * atanOf(Math.sqrt((1 - v) / (1 + v)))));

/** ln(1 + x) = ln(u)·x / (u − 1) with u = 1 + x as rounded (Kahan). */
export const log1p: RealFunction = (x) => {
  const ln = log(x.map((v) => 1 + v));
  return x.map((v, i) => {
    const u = 1 + v;
    return u === 1 ? v : u === Number.POSITIVE_INFINITY ? u : (ln[i]! * v) / (u - 1);
  });
};

/** e^x − 1 = 2t / (1 − t) with t = tanh(x / 2), where e^x is near 1. */
export const expm1: RealFunction = (x) => {
  const near = tanh(x.map((v) => v / 2));
  return exp(x).map((e, i) => (Math.abs(x[i]!) < 1 ? (2 * near[i]!) / (1 - near[i]!) : e - 1));
};

export const sinh: RealFunction = (x) => {
  const near = tanh(x.map((v) => v / 2));
  const far = exp(x.map((v) => Math.abs(v) / 2));
  return x.map((v, i) => {
    const [t, e] = [near[i]!, far[i]!];
    if (Math.abs(v) < 1) return (2 * t) / ((1 - t) * (1 + t));
    const size = 0.5 * e * e - 0.5 / e / e;
    return v < 0 ? -size : size;
  });
};
export const cosh: RealFunction = (x) =>
  exp(x.map((v) => Math.abs(v) / 2)).map((e) => 0.5 * e * e + 0.5 / e / e);

export const asinh: RealFunction = (x) => {
  const magnitudes = x.map(Math.abs);
  const near = log1p(magnitudes.map((a) => a + (a * a) / (1 + Math.sqrt(a * a + 1))));
  const far = log(magnitudes);
  return x.map((v, i) => {
    const value = Math.abs(v) > 2 ** 28 ? far[i]! + Math.LN2 : near[i]!;
    return v < 0 ? -value : value;
  });
};
export const acosh: RealFunction = (x) => {
  const near = log1p(x.map((v) => v - 1 + Math.sqrt((v - 1) * (v + 1))));
  const far = log(x);
  return x.map((v, i) => (v < 1 ? Number.NaN : v > 2 ** 28 ? far[i]! + Math.LN2 : near[i]!));
};
export const atanh: RealFunction = (x) =>
  log1p(x.map((v) => (2 * Math.abs(v)) / (1 - Math.abs(v)))).map((y, i) => {
    const a = Math.abs(x[i]!);
    return a > 1 ? Number.NaN : (x[i]! < 0 ? -0.5 : 0.5) * y;
  });

export const sigmoid: RealFunction = (x) =>
  exp(x.map((v) => -Math.abs(v))).map((e, i) => (x[i]! < 0 ? e / (1 + e) : 1 / (1 + e)));
/** ln(1 + e^x) */
export const softplus: RealFunction = (x) =>
  log1p(exp(x.map((v) => -Math.abs(v)))).map((y, i) => Math.max(x[i]!, 0) + y);

/** x · gate, 0 where the gate is 0: also for infinite x. */
export function gated(x: Float64Array, gate: Float64Array): Float64Array {
  return x.map((v, i) => (gate[i] === 0 ? 0 : v * gate[i]!));
}
export const mish: RealFunction = (x) => gated(x, tanh(softplus(x)));
export const gelu: RealFunction = (x) => {
  const e = erf(x.map((v) => v * Math.SQRT1_2));
  return gated(
    x,
    e.map((v) => (1 + v) / 2),
  );
};
export const geluTanh: RealFunction = (x) =>
  gated(x, sigmoid(x.map((v) => 2 * Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v))));
