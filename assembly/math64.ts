// exp, log, pow, tanh and erf of one f64. No tables (a kernel has no data of its own) and no fused multiply-add: what
// a sum loses is carried along as a second number. Polynomials are Chebyshev interpolants, fitted with 200 bits.
// Source of the error-free sums and products: Dekker 1971, Knuth TAOCP 2, 4.2.2.

// @ts-ignore: decorator
@inline
export function step1(sum: f64, x: f64, c: f64): f64 {
  return sum * x + c;
}

/** What a · b loses when it is rounded to p. */
export function productError(a: f64, b: f64, p: f64): f64 {
  const ca = a * 134217729;
  const ha = ca - (ca - a);
  const la = a - ha;
  const cb = b * 134217729;
  const hb = cb - (cb - b);
  const lb = b - hb;
  return ha * hb - p + ha * lb + la * hb + la * lb;
}

/** What a + b loses when it is rounded to s. */
// @ts-ignore: decorator
@inline
export function sumError(a: f64, b: f64, s: f64): f64 {
  const bb = s - a;
  return a - (s - bb) + (b - bb);
}

// x = n · ln 2 + (r + tail): n · ln 2's first part is exact.
const LN2 = 0.6931471804855391;
const LN2_TAIL = 7.440617110012397e-11;

/** e^r − 1 − r for |r| ≤ ln 2 / 2. */
function restOfExp(r: f64): f64 {
  let q = 1.608665004457821e-10;
  q = step1(q, r, 2.0918170876658783e-09);
  q = step1(q, r, 2.5052071034565116e-08);
  q = step1(q, r, 2.755726318947621e-07);
  q = step1(q, r, 2.7557319247274564e-06);
  q = step1(q, r, 2.4801587336526005e-05);
  q = step1(q, r, 0.0001984126984126328);
  q = step1(q, r, 0.0013888888888879043);
  q = step1(q, r, 0.008333333333333333);
  q = step1(q, r, 0.04166666666666668);
  q = step1(q, r, 0.16666666666666666);
  q = step1(q, r, 0.5);
  return r * r * q;
}

// @ts-ignore: decorator
@inline
function power(n: i64): f64 {
  return reinterpret<f64>((n + 1023) << 52);
}

/** e^(x + tail) for a tail that is small against x. */
export function exp1(x: f64, tail: f64): f64 {
  if (x != x) return x;
  if (x > 709.8) return Infinity;
  if (x < -745.2) return 0;
  const n = nearest(x * 1.4426950408889634);
  const whole = x - n * LN2;
  const lost = n * LN2_TAIL;
  const r = whole - lost;
  const c = sumError(whole, -lost, r) + tail;
  const rest = restOfExp(r);
  const y = 1 + (r + (rest + c * (1 + (r + rest))));
  const half = <i64>n >> 1;
  return y * power(half) * power(<i64>n - half);
}

/** The two parts of e^x − 1, 0 ≤ x ≤ 60: their sum is good to about 2^-56, relatively. The second is in `low`. */
function expm1High(x: f64): f64 {
  const n = nearest(x * 1.4426950408889634);
  const whole = x - n * LN2;
  const lost = n * LN2_TAIL;
  const r = whole - lost;
  const scale = power(<i64>n);
  const a = scale - 1;
  const b = scale * r;
  return a + b;
}

function expm1Low(x: f64, high: f64): f64 {
  const n = nearest(x * 1.4426950408889634);
  const whole = x - n * LN2;
  const lost = n * LN2_TAIL;
  const r = whole - lost;
  const scale = power(<i64>n);
  const a = scale - 1;
  const c = sumError(whole, -lost, r);
  return sumError(a, scale * r, high) + scale * (restOfExp(r) + (c + c * r));
}

/** tanh x = t / (t + 2) with t = e^2x − 1. */
export function tanh1(x: f64): f64 {
  const magnitude = abs(x);
  if (!(magnitude > 7.450580596923828e-9)) return x;
  const a = 2 * min(magnitude, 25.0);
  const first = expm1High(a);
  const second = expm1Low(a, first);
  const t = first + second;
  const low = second - (t - first);
  const bottom = t + 2;
  const bottomLow = sumError(t, 2, bottom) + low;
  const q = t / bottom;
  const p = q * bottom;
  const rest = t - p - productError(q, bottom, p) + (low - q * bottomLow);
  return copysign(q + rest / bottom, x);
}

/** ln x. */
export function log1(x: f64): f64 {
  if (!(x > 0)) return x == 0 ? -Infinity : NaN;
  if (x == Infinity) return x;
  let k: i64 = 0;
  if (x < 2.2250738585072014e-308) {
    x *= 18014398509481984;
    k = -54;
  }
  const u = reinterpret<i64>(x) + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
  k += (u >> 52) - 1023;
  const f = reinterpret<f64>((u & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd) - 1;
  const s = f / (2 + f);
  const z = s * s;
  let q = 0.13089445145246312;
  q = step1(q, z, 0.1326850331279476);
  q = step1(q, z, 0.15386249788196105);
  q = step1(q, z, 0.181817954545265);
  q = step1(q, z, 0.2222222239345263);
  q = step1(q, z, 0.28571428570795937);
  q = step1(q, z, 0.4000000000000089);
  q = step1(q, z, 0.6666666666666666);
  // ln(1 + f) = f − (f²/2 − s · (f²/2 + z · q)): f is exact, and what follows is small against it.
  const half = 0.5 * f * f;
  const n = <f64>k;
  return n * LN2 - (half - (s * (half + z * q) + n * LN2_TAIL) - f);
}

/** x^y, special cases as in IEEE 754-2019, 9.2.1. */
export function pow1(x: f64, y: f64): f64 {
  if (y == 0 || x == 1) return 1;
  if (x != x || y != y) return NaN;
  const magnitude = abs(x);
  const whole = nearest(y) == y;
  const odd = whole && abs(y) < 9007199254740992 && (<i64>y & 1) != 0;
  const sign = odd && reinterpret<i64>(x) < 0 ? -1.0 : 1.0;
  if (abs(y) == Infinity) {
    if (magnitude == 1) return 1;
    return magnitude > 1 == y > 0 ? Infinity : 0;
  }
  if (magnitude == 0 || magnitude == Infinity) return sign * (magnitude == 0 == y > 0 ? 0 : Infinity);
  if (x < 0 && !whole) return NaN;
  // Beyond that the result is 0 or ∞ unless x is 1 to the last bits, and the product below would not be exact.
  if (abs(y) > 1.8446744073709552e19) {
    return magnitude == 1 ? sign : magnitude > 1 == y > 0 ? sign * Infinity : sign * 0;
  }

  // ln |x| in two parts: k · ln 2 + 2 s + 2/3 s³ + s⁵ · q(s²), s = (m − 1) / (m + 1).
  let m = magnitude;
  let k: i64 = 0;
  if (m < 2.2250738585072014e-308) {
    m *= 18014398509481984;
    k = -54;
  }
  const u = reinterpret<i64>(m) + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
  k += (u >> 52) - 1023;
  m = reinterpret<f64>((u & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd);
  const f = m - 1;
  const bottom = m + 1;
  const bottomLow = sumError(m, 1, bottom);
  const s = f / bottom;
  let p = s * bottom;
  const sLow = (f - p - productError(s, bottom, p) - s * bottomLow) / bottom;
  const z = s * s;
  const zLow = productError(s, s, z) + 2 * s * sLow;
  let q = 0.12915929658165393;
  q = step1(q, z, 0.13285770192868424);
  q = step1(q, z, 0.15385580435394985);
  q = step1(q, z, 0.1818180817006874);
  q = step1(q, z, 0.22222222271577444);
  q = step1(q, z, 0.2857142857133746);
  q = step1(q, z, 0.4000000000000003);
  // z · 2/3 in two parts; 2/3 = third + thirdLow.
  const third = 0.6666666666666666;
  const thirdLow = 3.700743415417188e-17;
  const w = z * third;
  const wLow = productError(z, third, w) + zLow * third + z * thirdLow + z * z * q;
  const c = w * s;
  const cLow = productError(w, s, c) + w * sLow + wLow * s;
  const n = <f64>k;
  // n · LN2 is exact; its tail, of 53 bits, has another one.
  const a = n * LN2;
  const b = 2 * s;
  const ab = a + b;
  let low = sumError(a, b, ab);
  let high = ab + c;
  low += sumError(ab, c, high);
  const d = n * LN2_TAIL;
  const next = high + d;
  low += sumError(high, d, next) + productError(n, LN2_TAIL, d);
  low += 2 * sLow + cLow + n * -1.3124698417785255e-27;
  high = next + low;
  low = low - (high - next);
  p = y * high;
  if (!(abs(p) < 1000)) return p > 0 ? sign * Infinity : sign * 0;
  return sign * exp1(p, productError(y, high, p) + y * low);
}

/** erf x. */
export function erf1(x: f64): f64 {
  const a = abs(x);
  if (a < 0.85) {
    const z = x * x;
    let q = 1.0675693706713948e-08;
    q = step1(q, z, -1.5697115571004142e-07);
    q = step1(q, z, 1.6399123262977372e-06);
    q = step1(q, z, -1.4921921653420798e-05);
    q = step1(q, z, 0.00012055190337021296);
    q = step1(q, z, -0.0008548323506677763);
    q = step1(q, z, 0.00522397757126982);
    q = step1(q, z, -0.026866170640255645);
    q = step1(q, z, 0.11283791670932594);
    q = step1(q, z, -0.3761263890318335);
    q = step1(q, z, 0.12837916709551256);
    return x + x * q;
  }
  if (x != x) return x;
  if (a >= 6) return copysign(1.0, x);
  // 1 − e^−x² · g(t) / (1 + 2x), t = (x − 3) / (x + 3): g is smooth (Shepherd & Laframboise 1981).
  const t = (a - 3) / (a + 3);
  let g = -1.8159514674860502e-07;
  g = step1(g, t, 6.103434072386338e-07);
  g = step1(g, t, 3.3891846207791994e-06);
  g = step1(g, t, -8.497680886808173e-07);
  g = step1(g, t, -2.0111173851015572e-05);
  g = step1(g, t, 4.9696971136910875e-06);
  g = step1(g, t, 0.00012510386543156647);
  g = step1(g, t, -0.0001051615456545391);
  g = step1(g, t, -0.0007798327993204873);
  g = step1(g, t, 0.0018886904440901923);
  g = step1(g, t, 0.002529391845791109);
  g = step1(g, t, -0.023770514921180676);
  g = step1(g, t, 0.06830802734312104);
  g = step1(g, t, -0.11927366341525959);
  g = step1(g, t, 0.12964515870277232);
  g = step1(g, t, -0.04756229435345124);
  g = step1(g, t, -0.13562110612458123);
  g = step1(g, t, 1.2530080582697296);
  const square = a * a;
  const rest = exp1(-square, -productError(a, a, square)) * g / (1 + 2 * a);
  return copysign(1 - rest, x);
}
