// Reductions over `length` of [outer, length, unit]. Sums are f64 and have a fixed order; the result is rounded once.
import { canonical, canonical1, join, loadSome, lower, pairSum, storeSome, upper } from './lanes';

const SUM = 0;
const L1 = 1;
const SQUARES = 2;
const PRODUCT = 3;

// @ts-ignore: decorator
@inline
function fold2(op: i32, sum: v128, x: v128): v128 {
  if (op == SUM) return f64x2.add(sum, x);
  if (op == L1) return f64x2.add(sum, f64x2.abs(x));
  if (op == SQUARES) return f64x2.add(sum, f64x2.mul(x, x));
  return f64x2.mul(sum, x);
}

// @ts-ignore: decorator
@inline
function fold1(op: i32, sum: f64, x: f64): f64 {
  if (op == SUM) return sum + x;
  if (op == L1) return sum + abs(x);
  if (op == SQUARES) return sum + x * x;
  return sum * x;
}

// @ts-ignore: decorator
@inline
function finish2(sum: v128, divisor: f64, root: u32): v128 {
  const mean = f64x2.div(sum, f64x2.splat(divisor));
  return root ? f64x2.sqrt(mean) : mean;
}

// @ts-ignore: decorator
@inline
function fold(op: i32, x: usize, y: usize, outer: u32, length: u32, unit: u32, divisor: f64, root: u32): void {
  const first: f64 = op == PRODUCT ? 1 : 0;
  const stride = <usize>unit << 2;
  for (; outer > 0; outer--) {
    if (unit == 1) {
      let s0 = f64x2.splat(first);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      let i: usize = 0;
      const end = <usize>length << 2;
      for (; i + 32 <= end; i += 32) {
        const a = v128.load(x + i);
        const b = v128.load(x + i, 16);
        s0 = fold2(op, s0, lower(a));
        s1 = fold2(op, s1, upper(a));
        s2 = fold2(op, s2, lower(b));
        s3 = fold2(op, s3, upper(b));
      }
      let sum: f64;
      if (op == PRODUCT) {
        s0 = f64x2.mul(f64x2.mul(s0, s1), f64x2.mul(s2, s3));
        sum = f64x2.extract_lane(s0, 0) * f64x2.extract_lane(s0, 1);
      } else {
        sum = pairSum(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3)));
      }
      for (; i < end; i += 4) sum = fold1(op, sum, <f64>load<f32>(x + i));
      sum /= divisor;
      store<f32>(y, canonical1(<f32>(root ? sqrt(sum) : sum)));
      y += 4;
    } else {
      for (let u: u32 = 0; u < unit; u += 4) {
        const some = min(unit - u, 4) & 3;
        const from = x + (<usize>u << 2);
        let low = f64x2.splat(first);
        let high = low;
        for (let l: usize = 0; l < <usize>length; l++) {
          const v = some ? loadSome(from + l * stride, some) : v128.load(from + l * stride);
          low = fold2(op, low, lower(v));
          high = fold2(op, high, upper(v));
        }
        const r = canonical(join(finish2(low, divisor, root), finish2(high, divisor, root)));
        if (some) storeSome(y + (<usize>u << 2), r, some);
        else v128.store(y + (<usize>u << 2), r);
      }
      y += stride;
    }
    x += <usize>length * stride;
  }
}

/** Σx / divisor: a mean divides by the length. */
export function f32_fold_sum(x: usize, y: usize, outer: u32, length: u32, unit: u32, divisor: f32): void {
  fold(SUM, x, y, outer, length, unit, <f64>divisor, 0);
}

export function f32_fold_l1(x: usize, y: usize, outer: u32, length: u32, unit: u32): void {
  fold(L1, x, y, outer, length, unit, 1, 0);
}

/** Σx², with `root` its square root. */
export function f32_fold_squares(x: usize, y: usize, outer: u32, length: u32, unit: u32, root: u32): void {
  fold(SQUARES, x, y, outer, length, unit, 1, root);
}

export function f32_fold_product(x: usize, y: usize, outer: u32, length: u32, unit: u32): void {
  fold(PRODUCT, x, y, outer, length, unit, 1, 0);
}

/** The greatest, or with `least` the least; a NaN among them gives NaN. ∓∞ of nothing. */
export function f32_fold_extreme(x: usize, y: usize, outer: u32, length: u32, unit: u32, least: u32): void {
  // The least of x is the greatest of −x, negated: flipping signs is exact.
  const flip = i32x4.splat(least ? 0x80000000 : 0);
  const start = f32x4.splat(-Infinity);
  const stride = <usize>unit << 2;
  for (; outer > 0; outer--) {
    for (let u: u32 = 0; u < unit; u += unit == 1 ? 1 : 4) {
      const some = unit == 1 ? 1 : min(unit - u, 4) & 3;
      const from = x + (<usize>u << 2);
      let top = start;
      let nan = i32x4.splat(0);
      let l: usize = 0;
      if (unit == 1) {
        for (; l + 4 <= <usize>length; l += 4) {
          const v = v128.xor(v128.load(from + (l << 2)), flip);
          top = f32x4.pmax(top, v);
          nan = v128.or(nan, f32x4.ne(v, v));
        }
      }
      for (; l < <usize>length; l++) {
        const at = from + l * stride;
        const v = v128.xor(unit == 1 ? v128.load32_splat(at) : some ? loadSome(at, some) : v128.load(at), flip);
        top = f32x4.pmax(top, v);
        nan = v128.or(nan, f32x4.ne(v, v));
      }
      if (unit == 1) {
        top = f32x4.pmax(top, v128.shuffle<f32>(top, top, 2, 3, 0, 1));
        top = f32x4.pmax(top, v128.shuffle<f32>(top, top, 1, 0, 3, 2));
        if (v128.any_true(nan)) nan = i32x4.splat(-1);
      }
      // A zero is +0, whichever came first.
      top = f32x4.add(v128.xor(top, flip), f32x4.splat(0));
      const r = v128.bitselect(i32x4.splat(0x7fc00000), top, nan);
      const to = y + (<usize>u << 2);
      if (some) storeSome(to, r, some);
      else v128.store(to, r);
    }
    x += <usize>length * stride;
    y += stride;
  }
}

/** Where the greatest is, or with `least` the least; of equal ones the first, or with `last` the last. A NaN counts as
 *  the most extreme of all. length ≥ 1. */
export function f32_arg_extreme(
  x: usize, y: usize, outer: u32, length: u32, unit: u32, least: u32, last: u32,
): void {
  const stride = <usize>unit << 2;
  for (; outer > 0; outer--) {
    for (let u: usize = 0; u < stride; u += 4) {
      let best = load<f32>(x + u);
      let at: u32 = 0;
      for (let l: usize = 1; l < <usize>length; l++) {
        const v = load<f32>(x + u + l * stride);
        const beyond = least ? v < best : v > best;
        if (beyond || (v != v && best == best) || (last && (v == best || (v != v && best != best)))) {
          best = v;
          at = <u32>l;
        }
      }
      store<u32>(y + u, at);
    }
    x += <usize>length * stride;
    y += stride;
  }
}

/** Running sums in f64, each rounded; `exclusive`: without the element itself; `reverse`: from the end. */
export function f32_cumulative_sum(
  x: usize, y: usize, outer: u32, length: u32, unit: u32, exclusive: u32, reverse: u32,
): void {
  const stride = <usize>unit << 2;
  for (; outer > 0; outer--) {
    for (let u: usize = 0; u < stride; u += 4) {
      let sum: f64 = 0;
      for (let l: usize = 0; l < <usize>length; l++) {
        const at = u + (reverse ? <usize>length - 1 - l : l) * stride;
        const v = <f64>load<f32>(x + at);
        const next = sum + v;
        store<f32>(y + at, canonical1(<f32>(exclusive ? sum : next)));
        sum = next;
      }
    }
    x += <usize>length * stride;
    y += <usize>length * stride;
  }
}
