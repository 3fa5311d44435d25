// Functions of one f32 number, element by element; x and y may be the same. A NaN comes out as 0x7fc00000.
import { sine1 } from './circular64';
import { canonical, join, loadSome, lower, storeSome, upper } from './lanes';
import { erf2x, exp2x, expm1x2, log1px2, log2x, sine2x } from './math2';
import { exp4, tanh4 } from './math32';

const EXP = 0;
const LOG = 1;
const TANH = 2;
const SIGMOID = 3;
const ERF = 4;
const SIN = 5;
const COS = 6;
const SOFTPLUS = 7;
const MISH = 8;
const SILU = 9;
const GELU = 10;
const GELU_TANH = 11;
const ELU = 12;
const SELU = 13;
const CLIP = 14;
const LEAKY = 15;
const HARD_SIGMOID = 16;
const HARD_SWISH = 17;
const SOFTSIGN = 18;
const ABS = 19;
const NEG = 20;
const SQRT = 21;
const RECIPROCAL = 22;
const FLOOR = 23;
const CEIL = 24;
const ROUND = 25;
const SIGN = 26;

// @ts-ignore: decorator
@inline
function f2(x: f64): v128 {
  return f64x2.splat(x);
}

/** ln(1 + e^x) = max(x, 0) + ln(1 + e^−|x|). */
function softplus2(x: v128): v128 {
  const above = f64x2.pmax(x, f2(0));
  return f64x2.add(above, log1px2(exp2x(f64x2.neg(f64x2.abs(x)))));
}

/** x · tanh(softplus x) = x · n / (n + 2), n = w · (w + 2), w = e^x. */
function mish2(x: v128): v128 {
  const w = exp2x(x);
  const n = f64x2.mul(w, f64x2.add(w, f2(2)));
  return f64x2.mul(f64x2.pmax(x, f2(-110)), f64x2.div(n, f64x2.add(n, f2(2))));
}

function sigmoid2(x: v128): v128 {
  return f64x2.div(f2(1), f64x2.add(f2(1), exp2x(f64x2.neg(x))));
}

/** x / (1 + e^−s): below −110 the result is −0 in f32. */
function gate2(x: v128, s: v128): v128 {
  return f64x2.div(f64x2.pmax(x, f2(-110)), f64x2.add(f2(1), exp2x(f64x2.neg(s))));
}

function gelu2(x: v128): v128 {
  const half = f64x2.mul(f64x2.pmax(x, f2(-110)), f2(0.5));
  return f64x2.mul(half, f64x2.add(f2(1), erf2x(f64x2.mul(x, f2(0.7071067811865476)))));
}

/** x / 2 · (1 + tanh u) = x / (1 + e^−2u), u = √(2/π) · (x + 0.044715 x³). */
function geluTanh2(x: v128): v128 {
  const cubic = f64x2.add(f2(1.5957691216057308), f64x2.mul(f64x2.mul(x, x), f2(0.07135481627260025)));
  return gate2(x, f64x2.mul(x, cubic));
}

/** Lanes from 2^20 on, where the short reduction does not hold. */
function sineLarge(x: v128, y: v128, quarter: i64): v128 {
  if (abs(f32x4.extract_lane(x, 0)) >= 1048576) {
    y = f32x4.replace_lane(y, 0, <f32>sine1(<f64>f32x4.extract_lane(x, 0), quarter));
  }
  if (abs(f32x4.extract_lane(x, 1)) >= 1048576) {
    y = f32x4.replace_lane(y, 1, <f32>sine1(<f64>f32x4.extract_lane(x, 1), quarter));
  }
  if (abs(f32x4.extract_lane(x, 2)) >= 1048576) {
    y = f32x4.replace_lane(y, 2, <f32>sine1(<f64>f32x4.extract_lane(x, 2), quarter));
  }
  if (abs(f32x4.extract_lane(x, 3)) >= 1048576) {
    y = f32x4.replace_lane(y, 3, <f32>sine1(<f64>f32x4.extract_lane(x, 3), quarter));
  }
  return y;
}

function sine4(x: v128, quarter: i64): v128 {
  const y = join(sine2x(lower(x), quarter), sine2x(upper(x), quarter));
  const large = f32x4.ge(f32x4.abs(x), f32x4.splat(1048576));
  return v128.any_true(large) ? sineLarge(x, y, quarter) : y;
}

/** The f32 operators min and max are slow on x64; these keep a NaN in x. */
// @ts-ignore: decorator
@inline
function clip4(x: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, low), high);
}

// @ts-ignore: decorator
@inline
function apply(op: i32, x: v128, a: v128, b: v128): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  if (op == EXP) return exp4(x);
  if (op == LOG) return join(log2x(lower(x)), log2x(upper(x)));
  if (op == TANH) return tanh4(x);
  if (op == SIGMOID) return join(sigmoid2(lower(x)), sigmoid2(upper(x)));
  if (op == ERF) return join(erf2x(lower(x)), erf2x(upper(x)));
  if (op == SIN) return sine4(x, 0);
  if (op == COS) return sine4(x, 1);
  if (op == SOFTPLUS) return join(softplus2(lower(x)), softplus2(upper(x)));
  if (op == MISH) return join(mish2(lower(x)), mish2(upper(x)));
  if (op == SILU) return join(gate2(lower(x), lower(x)), gate2(upper(x), upper(x)));
  if (op == GELU) return join(gelu2(lower(x)), gelu2(upper(x)));
  if (op == GELU_TANH) return join(geluTanh2(lower(x)), geluTanh2(upper(x)));
  if (op == ELU || op == SELU) {
    const low = f64x2.mul(lower(a), expm1x2(lower(x)));
    const below = join(low, f64x2.mul(lower(a), expm1x2(upper(x))));
    const above = op == SELU ? f32x4.mul(x, b) : x;
    return v128.bitselect(above, below, f32x4.gt(x, zero));
  }
  if (op == CLIP) return clip4(x, a, b);
  if (op == LEAKY) return v128.bitselect(f32x4.mul(x, a), x, f32x4.lt(x, zero));
  if (op == HARD_SIGMOID) return clip4(f32x4.add(f32x4.mul(x, a), b), zero, one);
  if (op == HARD_SWISH) {
    const gate = f32x4.add(f32x4.mul(x, f32x4.splat(0.16666667)), f32x4.splat(0.5));
    return f32x4.mul(x, clip4(gate, zero, one));
  }
  if (op == SOFTSIGN) return f32x4.div(x, f32x4.add(one, f32x4.abs(x)));
  if (op == ABS) return f32x4.abs(x);
  if (op == NEG) return f32x4.neg(x);
  if (op == SQRT) return f32x4.sqrt(x);
  if (op == RECIPROCAL) return f32x4.div(one, x);
  if (op == FLOOR) return f32x4.floor(x);
  if (op == CEIL) return f32x4.ceil(x);
  if (op == ROUND) return f32x4.nearest(x);
  const signed = v128.or(one, v128.and(x, i32x4.splat(0x80000000)));
  return v128.bitselect(signed, x, f32x4.gt(f32x4.abs(x), zero));
}

// @ts-ignore: decorator
@inline
function each(op: i32, x: usize, y: usize, count: u32, alpha: f32, beta: f32): void {
  const a = f32x4.splat(alpha);
  const b = f32x4.splat(beta);
  const end = x + (<usize>(count & ~3) << 2);
  for (;;) {
    const whole = x < end;
    // One place for the operation, whole or not: half the code.
    const v = whole ? v128.load(x) : loadSome(x, count & 3);
    const r = canonical(apply(op, v, a, b));
    if (!whole) {
      storeSome(y, r, count & 3);
      return;
    }
    v128.store(y, r);
    x += 16;
    y += 16;
  }
}

export function f32_exp(x: usize, y: usize, count: u32): void {
  each(EXP, x, y, count, 0, 0);
}

export function f32_log(x: usize, y: usize, count: u32): void {
  each(LOG, x, y, count, 0, 0);
}

export function f32_tanh(x: usize, y: usize, count: u32): void {
  each(TANH, x, y, count, 0, 0);
}

export function f32_sigmoid(x: usize, y: usize, count: u32): void {
  each(SIGMOID, x, y, count, 0, 0);
}

export function f32_erf(x: usize, y: usize, count: u32): void {
  each(ERF, x, y, count, 0, 0);
}

export function f32_sin(x: usize, y: usize, count: u32): void {
  each(SIN, x, y, count, 0, 0);
}

export function f32_cos(x: usize, y: usize, count: u32): void {
  each(COS, x, y, count, 0, 0);
}

export function f32_softplus(x: usize, y: usize, count: u32): void {
  each(SOFTPLUS, x, y, count, 0, 0);
}

export function f32_mish(x: usize, y: usize, count: u32): void {
  each(MISH, x, y, count, 0, 0);
}

export function f32_silu(x: usize, y: usize, count: u32): void {
  each(SILU, x, y, count, 0, 0);
}

export function f32_gelu(x: usize, y: usize, count: u32): void {
  each(GELU, x, y, count, 0, 0);
}

export function f32_gelu_tanh(x: usize, y: usize, count: u32): void {
  each(GELU_TANH, x, y, count, 0, 0);
}

/** x > 0 ? x : alpha · (e^x − 1). */
export function f32_elu(x: usize, y: usize, count: u32, alpha: f32): void {
  each(ELU, x, y, count, alpha, 0);
}

/** x > 0 ? beta · x : alpha · (e^x − 1): pass alpha · gamma and gamma. */
export function f32_selu(x: usize, y: usize, count: u32, alpha: f32, beta: f32): void {
  each(SELU, x, y, count, alpha, beta);
}

/** x clipped to alpha … beta; a ReLU is 0 … ∞. */
export function f32_clip(x: usize, y: usize, count: u32, alpha: f32, beta: f32): void {
  each(CLIP, x, y, count, alpha, beta);
}

/** x < 0 ? alpha · x : x. */
export function f32_leaky_relu(x: usize, y: usize, count: u32, alpha: f32): void {
  each(LEAKY, x, y, count, alpha, 0);
}

/** alpha · x + beta clipped to 0 … 1. */
export function f32_hard_sigmoid(x: usize, y: usize, count: u32, alpha: f32, beta: f32): void {
  each(HARD_SIGMOID, x, y, count, alpha, beta);
}

export function f32_hard_swish(x: usize, y: usize, count: u32): void {
  each(HARD_SWISH, x, y, count, 0, 0);
}

export function f32_softsign(x: usize, y: usize, count: u32): void {
  each(SOFTSIGN, x, y, count, 0, 0);
}

export function f32_abs(x: usize, y: usize, count: u32): void {
  each(ABS, x, y, count, 0, 0);
}

export function f32_neg(x: usize, y: usize, count: u32): void {
  each(NEG, x, y, count, 0, 0);
}

export function f32_sqrt(x: usize, y: usize, count: u32): void {
  each(SQRT, x, y, count, 0, 0);
}

export function f32_reciprocal(x: usize, y: usize, count: u32): void {
  each(RECIPROCAL, x, y, count, 0, 0);
}

export function f32_floor(x: usize, y: usize, count: u32): void {
  each(FLOOR, x, y, count, 0, 0);
}

export function f32_ceil(x: usize, y: usize, count: u32): void {
  each(CEIL, x, y, count, 0, 0);
}

export function f32_round(x: usize, y: usize, count: u32): void {
  each(ROUND, x, y, count, 0, 0);
}

export function f32_sign(x: usize, y: usize, count: u32): void {
  each(SIGN, x, y, count, 0, 0);
}
