// exp and tanh in f32x4. Polynomials are Chebyshev interpolants, near minimax, fitted with 200 bits.

/** e^x, within 1 ulp, subnormal results too. */
export function exp4(x: v128): v128 {
  const magic = f32x4.splat(12582912); // 1.5 · 2^23: rounds to a whole number and leaves it in the low bits
  x = f32x4.pmax(f32x4.pmin(x, f32x4.splat(89)), f32x4.splat(-104.5));
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(1.44269502)), magic);
  const n = f32x4.sub(shifted, magic);
  // ln 2 in two parts, the first short enough for an exact product.
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-0.00021219444)));
  let q = f32x4.splat(0.0013926213466332444);
  q = f32x4.add(f32x4.mul(q, r), f32x4.splat(0.008363202971575855));
  q = f32x4.add(f32x4.mul(q, r), f32x4.splat(0.04166655443768594));
  q = f32x4.add(f32x4.mul(q, r), f32x4.splat(0.16666576845993977));
  q = f32x4.add(f32x4.mul(q, r), f32x4.splat(0.5));
  const p = f32x4.add(f32x4.add(r, f32x4.mul(f32x4.mul(r, r), q)), f32x4.splat(1));
  // 2^n in two steps: the first stays normal, so that the second alone rounds.
  const whole = i32x4.sub(shifted, magic);
  const half = i32x4.shr_s(whole, 1);
  const one = i32x4.splat(0x3f800000);
  const first = i32x4.add(i32x4.shl(half, 23), one);
  const second = i32x4.add(i32x4.shl(i32x4.sub(whole, half), 23), one);
  return f32x4.mul(f32x4.mul(p, first), second);
}

/** tanh x, within 2 ulp. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const sign = v128.and(x, i32x4.splat(0x80000000));
  const a = v128.xor(x, sign);
  const z = f32x4.mul(x, x);
  let q = f32x4.splat(0.002495379560468684);
  q = f32x4.add(f32x4.mul(q, z), f32x4.splat(-0.008504769611424027));
  q = f32x4.add(f32x4.mul(q, z), f32x4.splat(0.021813261130634413));
  q = f32x4.add(f32x4.mul(q, z), f32x4.splat(-0.05396419828339711));
  q = f32x4.add(f32x4.mul(q, z), f32x4.splat(0.1333332253030487));
  q = f32x4.add(f32x4.mul(q, z), f32x4.splat(-0.33333333286363054));
  const small = f32x4.add(x, f32x4.mul(x, f32x4.mul(z, q)));
  const e = exp4(f32x4.add(a, a));
  const one = f32x4.splat(1);
  const large = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(e, one)));
  return v128.bitselect(small, v128.or(large, sign), f32x4.lt(a, f32x4.splat(0.55)));
}
