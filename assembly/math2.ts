// Functions of f32 numbers computed in f64x2: errors stay near 2^-32, so that the one rounding to f32 at the end
// decides (0.51 ulp). Polynomials are Chebyshev interpolants, near minimax, fitted with 200 bits.

// @ts-ignore: decorator
@inline
function step(sum: v128, x: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(sum, x), f64x2.splat(c));
}

/** Bits of 2^n for x = n · ln 2 + r, and the other way round, e^r − 1. n is in the low bits of `shifted`. */
// @ts-ignore: decorator
@inline
function power(shifted: v128): v128 {
  return i64x2.add(i64x2.shl(shifted, 52), i64x2.splat(0x3ff0000000000000));
}

// @ts-ignore: decorator
@inline
function clampExponent(x: v128): v128 {
  return f64x2.pmax(f64x2.pmin(x, f64x2.splat(110)), f64x2.splat(-110));
}

// @ts-ignore: decorator
@inline
function shiftedQuotient(x: v128): v128 {
  return f64x2.add(f64x2.mul(x, f64x2.splat(1.4426950408889634)), f64x2.splat(6755399441055744));
}

// @ts-ignore: decorator
@inline
function restOfExp(x: v128, shifted: v128): v128 {
  const n = f64x2.sub(shifted, f64x2.splat(6755399441055744));
  const r = f64x2.sub(x, f64x2.mul(n, f64x2.splat(0.6931471805599453)));
  let q = f64x2.splat(0.00019891030654370327);
  q = step(q, r, 0.0013933685862617174);
  q = step(q, r, 0.008333310889582076);
  q = step(q, r, 0.04166646460202654);
  q = step(q, r, 0.16666666681659179);
  q = step(q, r, 0.5000000013498178);
  return f64x2.add(r, f64x2.mul(f64x2.mul(r, r), q));
}

/** e^x for −110 ≤ x ≤ 110, beyond what f32 holds; x is clamped to that. */
export function exp2x(x: v128): v128 {
  x = clampExponent(x);
  const shifted = shiftedQuotient(x);
  const scale = power(shifted);
  return f64x2.add(scale, f64x2.mul(scale, restOfExp(x, shifted)));
}

/** e^x − 1, relative accuracy also near 0. */
export function expm1x2(x: v128): v128 {
  x = clampExponent(x);
  const shifted = shiftedQuotient(x);
  const scale = power(shifted);
  return f64x2.add(f64x2.sub(scale, f64x2.splat(1)), f64x2.mul(scale, restOfExp(x, shifted)));
}

/** ln x of positive normal numbers; −∞ of 0, NaN of negative numbers. */
export function log2x(x: v128): v128 {
  // x = 2^k · m with √½ ≤ m < √2, by adding the distance from √½ to 1 to the bits.
  const u = i64x2.add(x, i64x2.splat(0x3ff0000000000000 - 0x3fe6a09e667f3bcd));
  const magic = i64x2.splat(0x4338000000000000); // 1.5 · 2^52
  const k = f64x2.sub(v128.or(i64x2.shr_u(u, 52), magic), f64x2.splat(6755399441055744 + 1023));
  const m = i64x2.add(
    v128.and(u, i64x2.splat(0x000fffffffffffff)), i64x2.splat(0x3fe6a09e667f3bcd),
  );
  const f = f64x2.sub(m, f64x2.splat(1));
  const s = f64x2.div(f, f64x2.add(m, f64x2.splat(1)));
  const z = f64x2.mul(s, s);
  let q = f64x2.splat(0.1936511759489153);
  q = step(q, z, 0.2219127389362563);
  q = step(q, z, 0.28571756537234566);
  q = step(q, z, 0.3999999878752578);
  q = step(q, z, 0.666666666673823);
  const fraction = f64x2.add(f64x2.add(s, s), f64x2.mul(f64x2.mul(s, z), q));
  let y = f64x2.add(f64x2.mul(k, f64x2.splat(0.6931471805599453)), fraction);
  const zero = f64x2.splat(0);
  y = v128.bitselect(f64x2.splat(-Infinity), y, f64x2.eq(x, zero));
  y = v128.bitselect(f64x2.splat(NaN), y, f64x2.lt(x, zero));
  // ∞ and NaN stay.
  return v128.bitselect(y, x, f64x2.lt(x, f64x2.splat(Infinity)));
}

/** ln(1 + z) for 0 ≤ z ≤ 1, relative accuracy also near 0. */
// @ts-ignore: decorator
@inline
export function log1px2(z: v128): v128 {
  const s = f64x2.div(z, f64x2.add(z, f64x2.splat(2)));
  const w = f64x2.mul(s, s);
  const v = f64x2.mul(w, w);
  let even = f64x2.splat(0.19072903260448448);
  let odd = f64x2.splat(0.1444392513740484);
  even = step(even, v, 0.18255549422091638);
  odd = step(odd, v, 0.2221929900426689);
  even = step(even, v, 0.28571483327295666);
  odd = step(odd, v, 0.399999996173717);
  even = step(even, v, 0.6666666666710136);
  const q = f64x2.add(f64x2.mul(odd, w), even);
  return f64x2.add(f64x2.add(s, s), f64x2.mul(f64x2.mul(s, w), q));
}

/** erf x: ±1 from 4 on, where f32 cannot tell the difference. */
export function erf2x(x: v128): v128 {
  const four = f64x2.splat(4);
  const z = f64x2.mul(x, x);
  const u = f64x2.mul(f64x2.sub(f64x2.pmin(z, f64x2.splat(16)), f64x2.splat(8)), f64x2.splat(0.125));
  // Odd and even powers apart: a sum waits for the one before.
  const w = f64x2.mul(u, u);
  let odd = f64x2.splat(-0.0002375303008633824);
  let even = f64x2.splat(0.0005955966060005109);
  odd = step(odd, w, -0.00036323960546510515);
  even = step(even, w, 0.0006199186266208);
  odd = step(odd, w, -0.0028438421375724847);
  even = step(even, w, 0.005571999462168701);
  odd = step(odd, w, -0.008445061534000995);
  even = step(even, w, 0.013912674213802432);
  odd = step(odd, w, -0.022530380754105718);
  even = step(even, w, 0.03321488463790601);
  odd = step(odd, w, -0.04575393377883074);
  even = step(even, w, 0.05985653048124558);
  odd = step(odd, w, -0.07472896226500954);
  even = step(even, w, 0.09021197583802171);
  odd = step(odd, w, -0.1077104012536239);
  even = step(even, w, 0.13167500462304274);
  odd = step(odd, w, -0.17657623355634394);
  even = step(even, w, 0.35353099633699614);
  const q = f64x2.add(f64x2.mul(odd, u), even);
  const sign = v128.and(x, i64x2.splat(0x8000000000000000));
  const far = f64x2.ge(f64x2.abs(x), four);
  return v128.bitselect(v128.or(f64x2.splat(1), sign), f64x2.mul(x, q), far);
}

/** sin x (quarter 0) or cos x (quarter 1) for |x| < 2^20. */
export function sine2x(x: v128, quarter: i64): v128 {
  const magic = f64x2.splat(6755399441055744);
  const shifted = f64x2.add(f64x2.mul(x, f64x2.splat(0.6366197723675814)), magic);
  const n = f64x2.sub(shifted, magic);
  // π/2 in two parts, the first of 33 bits: products with n are exact.
  let r = f64x2.sub(x, f64x2.mul(n, f64x2.splat(1.5707963267341256)));
  r = f64x2.sub(r, f64x2.mul(n, f64x2.splat(6.077100506506192e-11)));
  const z = f64x2.mul(r, r);
  let s = f64x2.splat(2.7249314054698804e-06);
  s = step(s, z, -0.00019840082012765537);
  s = step(s, z, 0.008333331865959415);
  s = step(s, z, -0.16666666663832763);
  s = f64x2.mul(r, step(s, z, 1));
  let c = f64x2.splat(-2.7300448619488353e-07);
  c = step(c, z, 2.4800596435621998e-05);
  c = step(c, z, -0.0013888887664713619);
  c = step(c, z, 0.0416666666643024);
  c = step(c, z, -0.5);
  c = step(c, z, 1);
  const turns = i64x2.add(shifted, i64x2.splat(quarter));
  const odd = i64x2.sub(i64x2.splat(0), v128.and(turns, i64x2.splat(1)));
  return v128.xor(v128.bitselect(c, s, odd), i64x2.shl(i64x2.shr_u(turns, 1), 63));
}
