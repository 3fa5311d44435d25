// sin and cos of one f64, any argument: reduction by π/2 in three parts up to 2^20, beyond that with the bits of 2/π.
// Source of the second way: Payne & Hanek 1983. Polynomials are Chebyshev interpolants, fitted with 200 bits.
import { productError, step1, sumError } from './math64';

/** sin x (quarter 0) or cos x (quarter 1). */
export function sine1(x: f64, quarter: i64): f64 {
  const a = abs(x);
  if (!(a < Infinity)) return NaN;
  if (a < 7.450580596923828e-9 && quarter == 0) return x;
  if (a < 1048576) {
    const n = nearest(x * 0.6366197723675814);
    // Products with n are exact: 20 and 33 bits. So is the first difference.
    const first = x - n * 1.5707963267341256;
    const b = n * 6.077100506303966e-11;
    const second = first - b;
    const lost = sumError(first, -b, second);
    const c = n * 2.0222662487111665e-21;
    const third = second - c;
    const rest = sumError(second, -c, third) + lost - n * 8.4784276603689e-32;
    const r = third + rest;
    return quadrant(r, rest - (r - third), <i64>n + quarter);
  }
  // An odd function turns by half, an even one not at all.
  return large(a, reinterpret<i64>(x) < 0 && quarter == 0 ? 2 : 0, quarter);
}

/** The same for a ≥ 2^20; `turn` counts further quarters. */
function large(a: f64, turn: i64, quarter: i64): f64 {
  const bits = reinterpret<u64>(a);
  // a = m · 2^e; bits of 2/π of weight 4 and more, times m, are whole turns.
  const e = <i32>(bits >> 52) - 1075;
  const m = (bits & 0x000fffffffffffff) | 0x0010000000000000;
  const offset = e + 62;
  const word = offset >> 6;
  const shift = <u64>(offset & 63);
  const w0 = window(word, shift);
  const w1 = window(word + 1, shift);
  const w2 = window(word + 2, shift);
  // The low 192 bits of m · w are a · 2/π modulo 4, as a fraction of 4.
  const low1 = w1 * m;
  const carry = highProduct(w2, m);
  const p1 = low1 + carry;
  const p0 = w0 * m + highProduct(w1, m) + (p1 < low1 ? 1 : 0);
  // Round to the nearest quarter: what is left is signed.
  const n = (p0 + 0x2000000000000000) >> 62;
  let high = (p0 << 2) | (p1 >> 62);
  let low = p1 << 2;
  const negative = <i64>high < 0;
  if (negative) {
    low = ~low + 1;
    high = ~high + (low == 0 ? 1 : 0);
  }
  // The first 53 bits and the next 53, both exact.
  const zeros = clz(high);
  if (zeros > 0) {
    high = (high << zeros) | (zeros < 64 ? low >> (64 - zeros) : 0);
    low <<= zeros;
  }
  const scale = reinterpret<f64>((1023 - 64 - <i64>zeros) << 52);
  const top = <f64>(high >> 11) * 2048 * scale;
  const rest = <f64>(((high & 0x7ff) << 42) | (low >> 22)) * 2.2737367544323206e-13 * scale;
  const product = top * 1.5707963267948966;
  const tail = productError(top, 1.5707963267948966, product) + rest * 1.5707963267948966
    + top * 6.123233995736766e-17;
  const r = product + tail;
  const lost = tail - (r - product);
  return negative
    ? quadrant(-r, -lost, <i64>n + turn + quarter)
    : quadrant(r, lost, <i64>n + turn + quarter);
}

/** sin(r + tail) after `turns` quarters. */
function quadrant(r: f64, tail: f64, turns: i64): f64 {
  const z = r * r;
  let y: f64;
  if (turns & 1) {
    let c = -1.1382456778061306e-11;
    c = step1(c, z, 2.0876143827993133e-09);
    c = step1(c, z, -2.7557317260008837e-07);
    c = step1(c, z, 2.480158729874307e-05);
    c = step1(c, z, -0.0013888888888887382);
    c = step1(c, z, 0.041666666666666664);
    const half = 0.5 * z;
    const w = 1 - half;
    y = w + (1 - w - half + (z * z * c - r * tail));
  } else {
    let s = 1.5917848524808262e-10;
    s = step1(s, z, -2.5051127944014188e-08);
    s = step1(s, z, 2.755731608381636e-06);
    s = step1(s, z, -0.00019841269836722418);
    s = step1(s, z, 0.008333333333330925);
    s = step1(s, z, -0.16666666666666666);
    y = r == 0 ? r : r + (r * z * s + tail * (1 - 0.5 * z));
  }
  return turns & 2 ? -y : y;
}

/** 64 bits of 2/π from bit 64 · word + shift on; the first word of all is 0. */
function window(word: i32, shift: u64): u64 {
  const first = inverseWord(word) << shift;
  return shift == 0 ? first : first | (inverseWord(word + 1) >> (64 - shift));
}

/** The fraction bits of 2/π, after one word of zeros. */
function inverseWord(index: i32): u64 {
  switch (index) {
    case 1: return 0xa2f9836e4e441529;
    case 2: return 0xfc2757d1f534ddc0;
    case 3: return 0xdb6295993c439041;
    case 4: return 0xfe5163abdebbc561;
    case 5: return 0xb7246e3a424dd2e0;
    case 6: return 0x06492eea09d1921c;
    case 7: return 0xfe1deb1cb129a73e;
    case 8: return 0xe88235f52ebb4484;
    case 9: return 0xe99c7026b45f7e41;
    case 10: return 0x3991d639835339f4;
    case 11: return 0x9c845f8bbdf9283b;
    case 12: return 0x1ff897ffde05980f;
    case 13: return 0xef2f118b5a0a6d1f;
    case 14: return 0x6d367ecf27cb09b7;
    case 15: return 0x4f463f669e5fea2d;
    case 16: return 0x7527bac7ebe5f17b;
    case 17: return 0x3d0739f78a5292ea;
    case 18: return 0x6bfb5fb11f8d5d08;
    case 19: return 0x56033046fc7b6bab;
    case 20: return 0xf0cfbc209af4361d;
    default: return 0;
  }
}

/** The upper half of a product of 128 bits. */
function highProduct(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const middle = ah * bl + ((al * bl) >> 32);
  const cross = al * bh + (middle & 0xffffffff);
  return ah * bh + (middle >> 32) + (cross >> 32);
}
