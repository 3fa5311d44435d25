// Normalization: statistics in f64, in two passes, and one rounding to f32 at the end.
import { canonical, canonical1, join, lower, pairSum, upper } from './lanes';

/** Σx, Σ(x − mean)² or Σx² of a row. */
// @ts-ignore: decorator
@inline
function total(x: usize, count: u32, mean: f64, squares: bool): f64 {
  const means = f64x2.splat(mean);
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let sum2 = f64x2.splat(0);
  let sum3 = f64x2.splat(0);
  let i: u32 = 0;
  for (; i + 8 <= count; i += 8) {
    const a = v128.load(x + (<usize>i << 2));
    const b = v128.load(x + (<usize>i << 2), 16);
    let d0 = lower(a);
    let d1 = upper(a);
    let d2 = lower(b);
    let d3 = upper(b);
    if (squares) {
      d0 = f64x2.sub(d0, means);
      d1 = f64x2.sub(d1, means);
      d2 = f64x2.sub(d2, means);
      d3 = f64x2.sub(d3, means);
      d0 = f64x2.mul(d0, d0);
      d1 = f64x2.mul(d1, d1);
      d2 = f64x2.mul(d2, d2);
      d3 = f64x2.mul(d3, d3);
    }
    sum0 = f64x2.add(sum0, d0);
    sum1 = f64x2.add(sum1, d1);
    sum2 = f64x2.add(sum2, d2);
    sum3 = f64x2.add(sum3, d3);
  }
  let sum = pairSum(f64x2.add(f64x2.add(sum0, sum1), f64x2.add(sum2, sum3)));
  for (; i < count; i++) {
    const d = <f64>load<f32>(x + (<usize>i << 2)) - mean;
    sum += squares ? d * d : d;
  }
  return sum;
}

/** Rows [outer, channels, inner], each with statistics of its own: y = (x − mean) / √(variance + epsilon) · scale + bias,
 *  variance over n. scale and bias are [groups, channels]; row r uses those of group r % groups. `rms`: the mean is taken
 *  for 0. x and y may be the same. */
export function f32_normalize(
  x: usize, y: usize, scale: usize, bias: usize,
  outer: u32, channels: u32, inner: u32, groups: u32, epsilon: f32, rms: u32,
): void {
  const count = channels * inner;
  for (let row: u32 = 0; row < outer; row++) {
    const mean = rms ? 0 : total(x, count, 0, false) / <f64>count;
    const variance = total(x, count, mean, true) / <f64>count;
    const factor = 1 / sqrt(variance + <f64>epsilon);
    const means = f64x2.splat(mean);
    const factors = f64x2.splat(factor);
    const first = <usize>((row % groups) * channels) << 2;
    if (inner == 1) {
      let i: usize = 0;
      for (; i + 16 <= <usize>count << 2; i += 16) {
        const v = v128.load(x + i);
        const s = v128.load(scale + first + i);
        const b = v128.load(bias + first + i);
        let low = f64x2.mul(f64x2.mul(f64x2.sub(lower(v), means), factors), lower(s));
        let high = f64x2.mul(f64x2.mul(f64x2.sub(upper(v), means), factors), upper(s));
        low = f64x2.add(low, lower(b));
        high = f64x2.add(high, upper(b));
        v128.store(y + i, canonical(join(low, high)));
      }
      for (; i < <usize>count << 2; i += 4) {
        const normal = (<f64>load<f32>(x + i) - mean) * factor;
        store<f32>(
          y + i,
          canonical1(<f32>(normal * <f64>load<f32>(scale + first + i) + <f64>load<f32>(bias + first + i))),
        );
      }
    } else {
      for (let c: u32 = 0; c < channels; c++) {
        const s = <f64>load<f32>(scale + first + (<usize>c << 2));
        const b = <f64>load<f32>(bias + first + (<usize>c << 2));
        const at = <usize>(c * inner) << 2;
        const end = at + (<usize>inner << 2);
        let i = at;
        for (; i + 16 <= end; i += 16) {
          const v = v128.load(x + i);
          let low = f64x2.mul(f64x2.mul(f64x2.sub(lower(v), means), factors), f64x2.splat(s));
          let high = f64x2.mul(f64x2.mul(f64x2.sub(upper(v), means), factors), f64x2.splat(s));
          low = f64x2.add(low, f64x2.splat(b));
          high = f64x2.add(high, f64x2.splat(b));
          v128.store(y + i, canonical(join(low, high)));
        }
        for (; i < end; i += 4) {
          store<f32>(y + i, canonical1(<f32>((<f64>load<f32>(x + i) - mean) * factor * s + b)));
        }
      }
    }
    x += <usize>count << 2;
    y += <usize>count << 2;
  }
}

/** y = x · scale[c] + bias[c] in f32 for [outer, channels, inner]: batch normalization with folded statistics. x and y
 *  may be the same. */
export function f32_scale_shift(
  x: usize, y: usize, scale: usize, bias: usize, outer: u32, channels: u32, inner: u32,
): void {
  for (; outer > 0; outer--) {
    if (inner == 1) {
      let i: usize = 0;
      for (; i + 16 <= <usize>channels << 2; i += 16) {
        const v = f32x4.mul(v128.load(x + i), v128.load(scale + i));
        v128.store(y + i, canonical(f32x4.add(v, v128.load(bias + i))));
      }
      for (; i < <usize>channels << 2; i += 4) {
        store<f32>(y + i, canonical1(load<f32>(x + i) * load<f32>(scale + i) + load<f32>(bias + i)));
      }
      x += <usize>channels << 2;
      y += <usize>channels << 2;
      continue;
    }
    for (let c: usize = 0; c < <usize>channels << 2; c += 4) {
      const s = v128.load32_splat(scale + c);
      const b = v128.load32_splat(bias + c);
      let i: u32 = 0;
      for (; i + 4 <= inner; i += 4) {
        v128.store(y, canonical(f32x4.add(f32x4.mul(v128.load(x), s), b)));
        x += 16;
        y += 16;
      }
      for (; i < inner; i++) {
        store<f32>(y, canonical1(load<f32>(x) * load<f32>(scale + c) + load<f32>(bias + c)));
        x += 4;
        y += 4;
      }
    }
  }
}
