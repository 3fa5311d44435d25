// Softmax and its logarithm over `length` of [outer, length, unit]; x and y may be the same. Exponents are f32, their
// sum is f64, so that its error does not grow with the length.
import { canonical, join, loadSome, lower, pairSum, storeSome, upper } from './lanes';
import { log2x } from './math2';
import { exp4 } from './math32';
import { log1 } from './math64';

// @ts-ignore: decorator
@inline
function highest(v: v128): v128 {
  const pair = f32x4.pmax(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.pmax(pair, v128.shuffle<f32>(pair, pair, 1, 0, 3, 2));
}

/** unit = 1. */
export function f32_softmax_rows(x: usize, y: usize, outer: u32, length: u32, log: u32): void {
  const some = length & 3;
  const whole = <usize>(length - some) << 2;
  if (length == 0) return;
  for (; outer > 0; outer--) {
    let top = v128.load32_splat(x);
    for (let i: usize = 0; i < whole; i += 16) top = f32x4.pmax(top, v128.load(x + i));
    for (let i = whole; i < <usize>length << 2; i += 4) top = f32x4.pmax(top, v128.load32_splat(x + i));
    top = highest(top);

    let sum0 = f64x2.splat(0);
    let sum1 = f64x2.splat(0);
    for (let i: usize = 0; i < whole; i += 16) {
      const e = exp4(f32x4.sub(v128.load(x + i), top));
      sum0 = f64x2.add(sum0, lower(e));
      sum1 = f64x2.add(sum1, upper(e));
      if (!log) v128.store(y + i, e);
    }
    let sum = pairSum(f64x2.add(sum0, sum1));
    if (some) {
      const e = exp4(f32x4.sub(loadSome(x + whole, some), top));
      sum += <f64>f32x4.extract_lane(e, 0);
      if (some > 1) sum += <f64>f32x4.extract_lane(e, 1);
      if (some > 2) sum += <f64>f32x4.extract_lane(e, 2);
      if (!log) storeSome(y + whole, e, some);
    }

    if (log) {
      const offset = f64x2.splat(<f64>f32x4.extract_lane(top, 0) + log1(sum));
      for (let i: usize = 0; i < whole; i += 16) v128.store(y + i, shifted(v128.load(x + i), offset, offset));
      if (some) storeSome(y + whole, shifted(loadSome(x + whole, some), offset, offset), some);
    } else {
      const total = f32x4.splat(<f32>sum);
      for (let i: usize = 0; i < whole; i += 16) {
        v128.store(y + i, canonical(f32x4.div(v128.load(y + i), total)));
      }
      if (some) {
        storeSome(y + whole, canonical(f32x4.div(loadSome(y + whole, some), total)), some);
      }
    }
    x += <usize>length << 2;
    y += <usize>length << 2;
  }
}

// @ts-ignore: decorator
@inline
function shifted(v: v128, low: v128, high: v128): v128 {
  return canonical(join(f64x2.sub(lower(v), low), f64x2.sub(upper(v), high)));
}

/** Four columns at a time. */
export function f32_softmax_columns(
  x: usize, y: usize, outer: u32, length: u32, unit: u32, log: u32,
): void {
  const stride = <usize>unit << 2;
  if (length == 0) return;
  for (; outer > 0; outer--) {
    for (let u: u32 = 0; u < unit; u += 4) {
      const some = min(unit - u, 4) & 3;
      const from = x + (<usize>u << 2);
      const to = y + (<usize>u << 2);
      let top = some ? loadSome(from, some) : v128.load(from);
      for (let l: usize = 1; l < <usize>length; l++) {
        const at = from + l * stride;
        top = f32x4.pmax(top, some ? loadSome(at, some) : v128.load(at));
      }
      let sum0 = f64x2.splat(0);
      let sum1 = f64x2.splat(0);
      for (let l: usize = 0; l < <usize>length; l++) {
        const at = from + l * stride;
        const e = exp4(f32x4.sub(some ? loadSome(at, some) : v128.load(at), top));
        sum0 = f64x2.add(sum0, lower(e));
        sum1 = f64x2.add(sum1, upper(e));
        if (log) continue;
        if (some) storeSome(to + l * stride, e, some);
        else v128.store(to + l * stride, e);
      }
      const total = join(sum0, sum1);
      sum0 = f64x2.add(lower(top), log2x(sum0));
      sum1 = f64x2.add(upper(top), log2x(sum1));
      for (let l: usize = 0; l < <usize>length; l++) {
        const at = (log ? from : to) + l * stride;
        const v = some ? loadSome(at, some) : v128.load(at);
        const r = log ? shifted(v, sum0, sum1) : canonical(f32x4.div(v, total));
        if (some) storeSome(to + l * stride, r, some);
        else v128.store(to + l * stride, r);
      }
    }
    x += <usize>length * stride;
    y += <usize>length * stride;
  }
}
