import type { UnaryRow } from '../../src/wasm/table/unary.ts';
import {
  erf,
  gelu,
  geluTanh,
  mish,
  nearest,
  sigmoid,
  silu,
  softplus,
  ulp32,
  ulp64,
} from './functions.ts';
import type { ReferencesFor } from './types.ts';

interface Pair {
  x: Float32Array;
  y: Float32Array;
}

const { fround } = Math;

/** Within 2 ulp, or another bound, of a function in f64. */
const within =
  (f: (x: number) => number, bound: (x: number, y: number) => number = (_, y) => 2 * ulp32(y)) =>
  ({ x, y }: Pair): Record<string, number[]> => {
    y.set(x.map(f));
    return { y: Array.from(x, (value) => bound(value, f(value))) };
  };

const exact =
  (f: (x: number) => number) =>
  ({ x, y }: Pair): void =>
    y.set(x.map(f));

const within64 =
  (f: (x: number) => number) =>
  ({ x, y }: { x: Float64Array; y: Float64Array }): Record<string, number[]> => {
    y.set(x.map(f));
    // An ulp of the engine's own, besides ours.
    return { y: Array.from(y, (value) => 3 * ulp64(value)) };
  };

const clip = (x: number, low: number, high: number): number => (x < low ? low : Math.min(x, high));

export const unaryReferences: ReferencesFor<UnaryRow['name']> = {
  f32_exp: within(Math.exp),
  f32_log: within(Math.log),
  f32_tanh: within(Math.tanh),
  f32_sigmoid: within(sigmoid),
  f32_erf: within(erf),
  f32_sin: within(Math.sin),
  f32_cos: within(Math.cos),
  f32_softplus: within(softplus),
  f32_mish: within(mish),
  f32_silu: within(silu),
  f32_gelu: within(gelu, (x, y) => Math.abs(x) * 2 ** -25 + ulp32(y)),
  f32_gelu_tanh: within(geluTanh),
  f32_elu: (buffers, { alpha }) => within((x) => (x > 0 ? x : alpha * Math.expm1(x)))(buffers),
  f32_selu: (buffers, { alpha, beta }) =>
    within((x) => (x > 0 ? fround(beta) * x : fround(alpha) * Math.expm1(x)))(buffers),

  f32_clip: (buffers, { alpha, beta }) => exact((x) => clip(x, alpha, beta))(buffers),
  f32_leaky_relu: (buffers, { alpha }) => exact((x) => (x < 0 ? x * fround(alpha) : x))(buffers),
  f32_hard_sigmoid: (buffers, { alpha, beta }) =>
    exact((x) => clip(fround(x * fround(alpha)) + fround(beta), 0, 1))(buffers),
  f32_hard_swish: exact((x) => x * clip(fround(fround(x * fround(1 / 6)) + 0.5), 0, 1)),
  f32_softsign: exact((x) => x / fround(1 + Math.abs(x))),
  f32_abs: exact(Math.abs),
  f32_neg: exact((x) => -x),
  f32_sqrt: exact(Math.sqrt),
  f32_reciprocal: exact((x) => 1 / x),
  f32_floor: exact(Math.floor),
  f32_ceil: exact(Math.ceil),
  f32_round: exact(nearest),
  f32_sign: exact(Math.sign),

  f64_exp: within64(Math.exp),
  f64_log: within64(Math.log),
  f64_tanh: within64(Math.tanh),
  f64_erf: ({ x, y }) => {
    y.set(x.map(erf));
    return { y: Array.from(y, (value) => 20 * ulp64(value)) };
  },
  f64_sin: within64(Math.sin),
  f64_cos: within64(Math.cos),
  f64_pow: ({ a, b, y }) => {
    y.set(a.map((base, i) => power(base, b[i]!)));
    return { y: Array.from(y, (value) => 3 * ulp64(value)) };
  },
};

/** IEEE 754 differs from JavaScript where |x| is 1 and y is not finite. */
export function power(x: number, y: number): number {
  if (x === 1) return 1;
  if (x === -1 && Math.abs(y) === Infinity) return 1;
  return x ** y;
}
