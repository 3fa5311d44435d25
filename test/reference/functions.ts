// Plain f64 functions for references: the engine's own where there are some, written out where not.

/** erf by its power series and, from 2.5 on, by the continued fraction of erfc. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a > 6.5) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 300 && term > 1e-19 * sum; n++) {
      term *= (2 * a * a) / (2 * n + 1);
      sum += term;
    }
    return (x < 0 ? -1 : 1) * (2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * sum || x;
  }
  let fraction = 0;
  for (let k = 120; k > 0; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

export const sigmoid = (x: number): number =>
  x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x));

/** x · gate with 0 · ∞ = 0. */
const gated = (x: number, gate: number): number => (gate === 0 ? 0 : x * gate);

export const silu = (x: number): number => gated(x, sigmoid(x));
export const mish = (x: number): number => gated(x, Math.tanh(softplus(x)));
export const gelu = (x: number): number => gated(x, (1 + erf(x * Math.SQRT1_2)) / 2);
export const geluTanh = (x: number): number =>
  gated(x, sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** One unit in the last place of f32 at a number. */
export function ulp32(value: number): number {
  const a = Math.abs(value);
  if (!(a >= 2 ** -126)) return 2 ** -149;
  const bits = new Uint32Array(Float32Array.of(Math.min(a, 3e38)).buffer);
  return 2 ** ((bits[0]! >>> 23) - 150);
}

/** One unit in the last place of f64 at a number. */
export function ulp64(value: number): number {
  const bits = new Uint32Array(Float64Array.of(Math.abs(value)).buffer)[1]!;
  return 2 ** (Math.min(Math.max(bits >>> 20, 1), 2046) - 1075);
}

/** Nearest whole number, ties to even, keeping the sign of zero. */
export function nearest(x: number): number {
  if (!(Math.abs(x) < 2 ** 23)) return x;
  const floor = Math.floor(x);
  const rest = x - floor;
  const rounded = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
  return rounded === 0 && (x < 0 || Object.is(x, -0)) ? -0 : rounded;
}
