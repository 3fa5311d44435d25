// Convolutions of f32 in NHWC. Which pixels of x an output pixel needs comes as an indirection: row numbers
// [ceil(pixels/4)][taps][4], −1 for padding, which reads `zero` instead. Pixels beyond the last may hold any row
// number, and are computed but not stored. Rows of x are `stride` elements apart, more than `channels` with groups.
// Source: Dukhan 2019, The Indirect Convolution Algorithm.
import { tile4x8Indirect } from './generated/tiles';
import { rowOf } from './part';

/** Pixels whose rows stay in the second-level cache while all panels of weights go over them. */
const pixelBlock: u32 = 256;

/** Output columns of a depthwise row for all channels in turn: what they read stays in the first-level cache. */
const columnBlock: u32 = 8;

/** out[pixels, n] = clamp(Σ over taps and channels of x · b + bias), rows `ldo` elements apart. b is packed as for
 *  f32_gemm with k = taps·channels; sums are in this order. */
export function f32_conv(
  x: usize, zero: usize, indirection: usize, b: usize, bias: usize, out: usize,
  pixels: u32, taps: u32, channels: u32, n: u32, stride: u32, ldo: u32, low: f32, high: f32,
): void {
  const lows = reinterpret<u32>(low);
  const highs = reinterpret<u32>(high);
  const panel = <usize>taps * <usize>channels << 5;
  const xStride = <usize>stride << 2;
  const outStride = <usize>ldo << 2;
  for (let first: u32 = 0; first < pixels; first += pixelBlock) {
    const end = min(pixels, first + pixelBlock);
    for (let column: u32 = 0; column < n; column += 8) {
      for (let pixel = first; pixel < end; pixel += 4) {
        tile4x8Indirect(
          x, zero, indirection + (<usize>pixel * <usize>taps << 2), b + <usize>(column >> 3) * panel,
          bias + (<usize>column << 2), out + <usize>pixel * outStride + (<usize>column << 2),
          end - pixel, n - column, taps, channels, xStride, outStride, lows, highs,
        );
      }
    }
  }
}

/** out[pixels, taps·channels]: the values that each output pixel needs, 0 for padding. For few channels, where the
 *  product of what was gathered is faster than f32_conv. */
export function f32_gather(
  x: usize, indirection: usize, out: usize, pixels: u32, taps: u32, channels: u32, stride: u32,
): void {
  const xStride = <usize>stride << 2;
  const bytes = <usize>channels << 2;
  for (let pixel: u32 = 0; pixel < pixels; pixel++) {
    let index = indirection + ((<usize>(pixel & ~3) * <usize>taps + (pixel & 3)) << 2);
    for (let tap: u32 = 0; tap < taps; tap++) {
      const row = load<i32>(index);
      index += 16;
      const end = out + bytes;
      if (row < 0) {
        for (; out != end; out += 4) store<f32>(out, 0);
      } else {
        let at = x + <usize>row * xStride;
        for (; out != end; out += 4) {
          store<f32>(out, load<f32>(at));
          at += 4;
        }
      }
    }
  }
}

/** The same for pixels `first` … of an output `outWidth` wide, in place of an indirection: a plane
 *  x[height, width, channels] and a kernel without dilation, whose lines of taps are next to each other in x. */
export function f32_patches(
  x: usize, out: usize, first: u32, pixels: u32, outWidth: u32, height: u32, width: u32, channels: u32,
  kernelHeight: u32, kernelWidth: u32, down: u32, right: u32, top: u32, left: u32,
): void {
  const pixel = <usize>channels << 2;
  let row = first / outWidth;
  let column = first % outWidth;
  for (; pixels > 0; pixels--) {
    const from = <i32>(column * right) - <i32>left;
    // Taps before, in and after the plane.
    const start = min(max(-from, 0), <i32>kernelWidth);
    const end = max(min(<i32>width - from, <i32>kernelWidth), start);
    for (let line: u32 = 0; line < kernelHeight; line++) {
      const y = row * down - top + line;
      if (y >= height) {
        memory.fill(out, 0, <usize>kernelWidth * pixel);
        out += <usize>kernelWidth * pixel;
        continue;
      }
      for (const inside = out + <usize>start * pixel; out != inside; out += 4) store<f32>(out, 0);
      copy(x + (<usize>y * <usize>width + <usize>(from + start)) * pixel, out, <u32>(end - start) * channels);
      out += <usize>(end - start) * pixel;
      const last = out + <usize>(kernelWidth - end) * pixel;
      for (; out != last; out += 4) store<f32>(out, 0);
    }
    if (++column == outWidth) {
      column = 0;
      row++;
    }
  }
}

// @ts-ignore: decorator
@inline
function copy(x: usize, out: usize, count: u32): void {
  let i: u32 = 0;
  if (count >= 4) {
    // The last four overlap those before.
    for (; i + 4 < count; i += 4) v128.store(out + (<usize>i << 2), v128.load(x + (<usize>i << 2)));
    const at = <usize>(count - 4) << 2;
    v128.store(out + at, v128.load(x + at));
  } else {
    for (; i < count; i++) store<f32>(out + (<usize>i << 2), load<f32>(x + (<usize>i << 2)));
  }
}

/** out[rows, columns] = x[rows, columns], rows `ldx` and `ldo` elements apart. */
export function f32_copy_matrix(x: usize, out: usize, rows: u32, columns: u32, ldx: u32, ldo: u32): void {
  for (; rows > 0; rows--) {
    copy(x, out, columns);
    x += <usize>ldx << 2;
    out += <usize>ldo << 2;
  }
}

/** out[pixels, channels] = clamp(Σ over taps of x · w + bias) for each channel by itself; w is [taps, channels]. */
export function f32_depthwise(
  x: usize, zero: usize, indirection: usize, w: usize, bias: usize, out: usize,
  pixels: u32, taps: u32, channels: u32, low: f32, high: f32,
): void {
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const stride = <usize>channels << 2;
  for (let pixel: u32 = 0; pixel < pixels; pixel += 4) {
    const rows = pixels - pixel;
    let channel: u32 = 0;
    for (; channel + 8 <= channels; channel += 8) {
      const at = <usize>channel << 2;
      let c00 = v128.load(bias + at);
      let c01 = v128.load(bias + at, 16);
      let c10 = c00;
      let c11 = c01;
      let c20 = c00;
      let c21 = c01;
      let c30 = c00;
      let c31 = c01;
      let index = indirection;
      let weights = w + at;
      for (let tap: u32 = 0; tap < taps; tap++) {
        const w0 = v128.load(weights);
        const w1 = v128.load(weights, 16);
        const a0 = rowOf(x, zero, index, stride) + at;
        c00 = f32x4.add(c00, f32x4.mul(v128.load(a0), w0));
        c01 = f32x4.add(c01, f32x4.mul(v128.load(a0, 16), w1));
        const a1 = rowOf(x, zero, index + 4, stride) + at;
        c10 = f32x4.add(c10, f32x4.mul(v128.load(a1), w0));
        c11 = f32x4.add(c11, f32x4.mul(v128.load(a1, 16), w1));
        const a2 = rowOf(x, zero, index + 8, stride) + at;
        c20 = f32x4.add(c20, f32x4.mul(v128.load(a2), w0));
        c21 = f32x4.add(c21, f32x4.mul(v128.load(a2, 16), w1));
        const a3 = rowOf(x, zero, index + 12, stride) + at;
        c30 = f32x4.add(c30, f32x4.mul(v128.load(a3), w0));
        c31 = f32x4.add(c31, f32x4.mul(v128.load(a3, 16), w1));
        index += 16;
        weights += stride;
      }
      let to = out + at;
      v128.store(to, f32x4.pmin(f32x4.pmax(c00, lows), highs));
      v128.store(to, f32x4.pmin(f32x4.pmax(c01, lows), highs), 16);
      to += stride;
      if (rows > 1) {
        v128.store(to, f32x4.pmin(f32x4.pmax(c10, lows), highs));
        v128.store(to, f32x4.pmin(f32x4.pmax(c11, lows), highs), 16);
      }
      to += stride;
      if (rows > 2) {
        v128.store(to, f32x4.pmin(f32x4.pmax(c20, lows), highs));
        v128.store(to, f32x4.pmin(f32x4.pmax(c21, lows), highs), 16);
      }
      to += stride;
      if (rows > 3) {
        v128.store(to, f32x4.pmin(f32x4.pmax(c30, lows), highs));
        v128.store(to, f32x4.pmin(f32x4.pmax(c31, lows), highs), 16);
      }
    }
    // The last channels: four, which may overlap those before, or one at a time where there are no four.
    const whole = channels >= 4;
    while (channel < channels) {
      const at = <usize>(whole ? min(channel, channels - 4) : channel) << 2;
      for (let row: u32 = 0; row < min(rows, 4); row++) {
        let c = whole ? v128.load(bias + at) : v128.load32_splat(bias + at);
        let index = indirection + (row << 2);
        let weights = w + at;
        for (let tap: u32 = 0; tap < taps; tap++) {
          const a = rowOf(x, zero, index, stride) + at;
          const v = whole ? v128.load(a) : v128.load32_splat(a);
          c = f32x4.add(c, f32x4.mul(v, whole ? v128.load(weights) : v128.load32_splat(weights)));
          index += 16;
          weights += stride;
        }
        c = f32x4.pmin(f32x4.pmax(c, lows), highs);
        const to = out + <usize>row * stride + at;
        if (whole) v128.store(to, c);
        else v128.store32_lane(to, c, 0);
      }
      channel += whole ? 4 : 1;
    }
    indirection += <usize>taps << 4;
    out += stride << 2;
  }
}

/** A depthwise convolution of a whole image with nine taps: out[outHeight, outWidth, channels] from
 *  x[height, width, channels], whose row 0 is `top` above and column 0 `left` before the first tap's. `zero` has
 *  `channels` elements. Weights stay in registers along a block of columns. */
export function f32_depthwise_3x3(
  x: usize, zero: usize, w: usize, bias: usize, out: usize,
  height: u32, width: u32, channels: u32, outHeight: u32, outWidth: u32,
  down: u32, right: u32, top: u32, left: u32, low: f32, high: f32,
): void {
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const pixel = <usize>channels << 2;
  const line = <usize>width * pixel;
  const whole = channels >= 4;
  // Output columns whose three taps are all inside: none for fewer channels than a vector.
  const inner = whole ? min((left + right - 1) / right, outWidth) : outWidth;
  const last = width + left >= 3 ? max(inner, min((width + left - 3) / right + 1, outWidth)) : inner;
  for (let row: u32 = 0; row < outHeight; row++) {
    const y = <i32>(row * down) - <i32>top;
    const in0 = <u32>y < height;
    const in1 = <u32>(y + 1) < height;
    const in2 = <u32>(y + 2) < height;
    // Lines outside repeat the row of zeros.
    const x0 = in0 ? x + <usize>y * line : zero;
    const x1 = in1 ? x + <usize>(y + 1) * line : zero;
    const x2 = in2 ? x + <usize>(y + 2) * line : zero;
    const step0 = in0 ? pixel : 0;
    const step1 = in1 ? pixel : 0;
    const step2 = in2 ? pixel : 0;
    const forward0 = <usize>right * step0;
    const forward1 = <usize>right * step1;
    const forward2 = <usize>right * step2;
    for (let column: u32 = 0; column < outWidth; column++) {
      if (column == inner) column = last;
      if (column == outWidth) break;
      for (let channel: u32 = 0; channel < channels; channel += whole ? 4 : 1) {
        const at = <usize>(whole ? min(channel, channels - 4) : channel) << 2;
        let c = edge(
          x0 + at, x1 + at, x2 + at, step0, step1, step2, zero + at, w + at, bias + at, pixel,
          column * right - left, width, whole,
        );
        c = f32x4.pmin(f32x4.pmax(c, lows), highs);
        const to = out + <usize>column * pixel + at;
        if (whole) v128.store(to, c);
        else v128.store32_lane(to, c, 0);
      }
    }
    for (let start = inner; start < last; start += columnBlock) {
      const first = <usize>(start * right - left);
      const count = min(last - start, columnBlock);
      for (let channel: u32 = 0; channel < channels; channel += 4) {
        const at = <usize>min(channel, channels - 4) << 2;
        const w0 = v128.load(w + at);
        const w1 = v128.load(w + at + pixel);
        const w2 = v128.load(w + at + 2 * pixel);
        const w3 = v128.load(w + at + 3 * pixel);
        const w4 = v128.load(w + at + 4 * pixel);
        const w5 = v128.load(w + at + 5 * pixel);
        const w6 = v128.load(w + at + 6 * pixel);
        const w7 = v128.load(w + at + 7 * pixel);
        const w8 = v128.load(w + at + 8 * pixel);
        let a0 = x0 + at + first * step0;
        let a1 = x1 + at + first * step1;
        let a2 = x2 + at + first * step2;
        let to = out + at + <usize>start * pixel;
        for (const end = to + <usize>count * pixel; to != end; to += pixel) {
          let c = f32x4.add(v128.load(bias + at), f32x4.mul(v128.load(a0), w0));
          c = f32x4.add(c, f32x4.mul(v128.load(a0 + step0), w1));
          c = f32x4.add(c, f32x4.mul(v128.load(a0 + 2 * step0), w2));
          c = f32x4.add(c, f32x4.mul(v128.load(a1), w3));
          c = f32x4.add(c, f32x4.mul(v128.load(a1 + step1), w4));
          c = f32x4.add(c, f32x4.mul(v128.load(a1 + 2 * step1), w5));
          c = f32x4.add(c, f32x4.mul(v128.load(a2), w6));
          c = f32x4.add(c, f32x4.mul(v128.load(a2 + step2), w7));
          c = f32x4.add(c, f32x4.mul(v128.load(a2 + 2 * step2), w8));
          v128.store(to, f32x4.pmin(f32x4.pmax(c, lows), highs));
          a0 += forward0;
          a1 += forward1;
          a2 += forward2;
        }
      }
    }
    out += <usize>outWidth * pixel;
  }
}

/** Nine taps at column `from` and the next two, which may be outside. */
function edge(
  x0: usize, x1: usize, x2: usize, step0: usize, step1: usize, step2: usize, none: usize,
  w: usize, bias: usize, pixel: usize, from: u32, width: u32, whole: bool,
): v128 {
  let c = whole ? v128.load(bias) : v128.load32_splat(bias);
  for (let row = 0; row < 3; row++) {
    const start = row == 0 ? x0 : row == 1 ? x1 : x2;
    const step = row == 0 ? step0 : row == 1 ? step1 : step2;
    for (let column = from; column != from + 3; column++) {
      const at = column < width ? start + <usize>column * step : none;
      const v = whole ? v128.load(at) : v128.load32_splat(at);
      c = f32x4.add(c, f32x4.mul(v, whole ? v128.load(w) : v128.load32_splat(w)));
      w += pixel;
    }
  }
  return c;
}
