// 3 × 3 convolutions of 8-bit levels in NHWC by Winograd's F(4 × 4, 3 × 3), in integers: the same sums as by definition.
// The points are 0, ±1, ±2 and ∞, which make fractions of weights. Here weights are 24 times that along either axis, less
// factors that the results get in their place, so that transformed levels (at most 100 · 255) and weights (at most
// 49 · 255) are 16-bit integers. Products are added up modulo 2³² and make 576 times the sums: multiplied by the inverse
// of 9 modulo 2³² and shifted by 6 bits they are the sums, as long as those, with the bias, are less than 2²⁵.
// Tiles are numbered along rows, `across` in one; what belongs to one of the 36 frequencies is `ld` elements from the next.
// Source: Lavin & Gray 2016, Fast Algorithms for Convolutional Neural Networks.
import { levels, MAGIC_BITS, put8 } from './int8-store';

// @ts-ignore: decorator
@inline const vector: usize = 16;
/** Of the scratch of results: what 4 channels take. */
// @ts-ignore: decorator
@inline const half: usize = 24 * 16;
/** 9 · this = 1 modulo 2³². */
// @ts-ignore: decorator
@inline const inverse: i32 = 954437177;

/** packed[36] of panels [ceil(n/8)][ceil(channels/2)][8][2]: the transform of w[n, 3, 3, channels], weights of at most
 *  9 bits. What fills panels up is 0. `scratch` is 18 numbers. */
export function q8_winograd_weights(w: usize, packed: usize, scratch: usize, channels: u32, n: u32, ld: u32): void {
  const pixel = <usize>channels << 1;
  const step = <usize>ld << 1;
  const pairs = (channels + 1) >> 1;
  for (let column: u32 = 0; column < (n + 7 & ~7); column++) {
    const panel = packed + ((<usize>(column >> 3) * pairs) << 5) + (<usize>(column & 7) << 2);
    for (let channel: u32 = 0; channel < pairs << 1; channel++) {
      const to = panel + (<usize>(channel >> 1) << 5) + (<usize>(channel & 1) << 1);
      const exists = column < n && channel < channels;
      const from = exists ? w + <usize>column * 9 * pixel + (<usize>channel << 1) : w;
      for (let row: usize = 0; row < 3; row++) {
        const at = from + 3 * row * pixel;
        const s = scratch + 12 * row;
        const x0 = exists ? load<i16>(at) : 0;
        const x1 = exists ? load<i16>(at + pixel) : 0;
        const x2 = exists ? load<i16>(at + 2 * pixel) : 0;
        spread(x0, x1, x2, s, 2);
      }
      for (let k: usize = 0; k < 6; k++) {
        const s = scratch + 2 * k;
        spread(load<i16>(s), load<i16>(s, 12), load<i16>(s, 24), to + k * step, 6 * step);
      }
    }
  }
}

/** The transform of three weights, times 24, without what is common to a row. */
// @ts-ignore: decorator
@inline
function spread(x0: i32, x1: i32, x2: i32, to: usize, apart: usize): void {
  store<i16>(to, <i16>(6 * x0));
  store<i16>(to + apart, <i16>(x0 + x1 + x2));
  store<i16>(to + 2 * apart, <i16>(x0 - x1 + x2));
  store<i16>(to + 3 * apart, <i16>(x0 + 2 * x1 + 4 * x2));
  store<i16>(to + 4 * apart, <i16>(x0 - 2 * x1 + 4 * x2));
  store<i16>(to + 5 * apart, <i16>(6 * x2));
}

/** out[36][tiles, channels]: the transform of tiles `first` … of a frame of 16-bit numbers, at least 8 channels, whose
 *  lines are `line` elements apart. `scratch` is 36 vectors. */
export function q8_winograd_input(
  x: usize, out: usize, scratch: usize, first: u32, tiles: u32, across: u32, channels: u32, line: u32, ld: u32,
): void {
  const pixel = <usize>channels << 1;
  const down = <usize>line << 1;
  const step = <usize>ld << 1;
  let column = first % across;
  let row = x + <usize>(first / across) * 4 * down;
  for (; tiles > 0; tiles--) {
    const start = row + (<usize>column << 2) * pixel;
    for (let channel: u32 = 0; channel < channels; channel += 8) {
      const at = <usize>min(channel, channels - 8) << 1;
      let from = start + at;
      for (let i: usize = 0; i < 6; i++) {
        forward(from, pixel, scratch + 6 * vector * i, vector);
        from += down;
      }
      for (let k: usize = 0; k < 6; k++) forward(scratch + vector * k, 6 * vector, out + at + k * step, 6 * step);
    }
    out += pixel;
    if (++column == across) {
      column = 0;
      row += 4 * down;
    }
  }
}

/** The transform of six vectors. */
// @ts-ignore: decorator
@inline
function forward(from: usize, step: usize, to: usize, apart: usize): void {
  const x0 = v128.load(from);
  const x1 = v128.load(from + step);
  const x2 = v128.load(from + 2 * step);
  const x3 = v128.load(from + 3 * step);
  const x4 = v128.load(from + 4 * step);
  const x5 = v128.load(from + 5 * step);
  const d = i16x8.sub(x4, x2);
  const e = i16x8.sub(x3, x1);
  const e2 = i16x8.shl(e, 1);
  v128.store(to, i16x8.add(d, i16x8.shl(i16x8.sub(x0, x2), 2)));
  v128.store(to + apart, i16x8.sub(i16x8.shl(i16x8.add(x1, x2), 2), i16x8.add(x3, x4)));
  v128.store(to + 2 * apart, i16x8.add(i16x8.shl(i16x8.sub(x2, x1), 2), i16x8.sub(x3, x4)));
  v128.store(to + 3 * apart, i16x8.add(d, e2));
  v128.store(to + 4 * apart, i16x8.sub(d, e2));
  v128.store(to + 5 * apart, i16x8.sub(i16x8.sub(x5, x3), i16x8.shl(e, 2)));
}

/** Tiles `first` … of y[height, width, n]: levels of the sums that m[36][tiles, ceil(n/8)·8] are the products of, plus
 *  bias. What is outside of y is not stored. bias and scales are of whole panels; `scratch` is 48 vectors. */
export function q8_winograd_output(
  m: usize, bias: usize, scales: usize, y: usize, scratch: usize, first: u32, tiles: u32, across: u32,
  height: u32, width: u32, n: u32, ld: u32, zero: i32, lo: i32, hi: i32,
): void {
  const low = f32x4.splat(<f32>(lo - zero));
  const high = f32x4.splat(<f32>(hi - zero));
  const shift = i32x4.splat(MAGIC_BITS - zero);
  const flip = i8x16.splat(hi > 127 ? -128 : 0);
  const less = i16x8.splat(hi > 127 ? 128 : 0);
  const pixel = <usize>((n + 7) & ~7) << 2;
  const line = <usize>width * n;
  const step = <usize>ld << 2;
  let top = first / across << 2;
  let column = first % across;
  for (; tiles > 0; tiles--) {
    const x = column << 2;
    const rows = top < height ? min(height - top, 4) : 0;
    const columns = x < width ? min(width - x, 4) : 0;
    const some = rows > 0 && columns > 0 ? n : 0;
    for (let channel: u32 = 0; channel < some; channel += 8) {
      const at = <usize>channel << 2;
      columnsOf(m + at, step, scratch, v128.load(bias + at));
      columnsOf(m + at + vector, step, scratch + half, v128.load(bias + at, 16));
      const s0 = v128.load(scales + at);
      const s1 = v128.load(scales + at, 16);
      const left = n - channel;
      let to = y + <usize>top * line + <usize>x * n + channel;
      for (let row: u32 = 0; row < rows; row++) {
        const from = scratch + <usize>row * 6 * vector;
        pixels(from, s0, s1, to, n, columns, left, low, high, shift, less, flip);
        to += line;
      }
    }
    m += pixel;
    if (++column == across) {
      column = 0;
      top += 4;
    }
  }
}

/** A line of a tile: levels of 8 channels of up to 4 pixels. */
// @ts-ignore: decorator
@inline
function pixels(
  from: usize, s0: v128, s1: v128, to: usize, n: u32, columns: u32, left: u32,
  low: v128, high: v128, shift: v128, less: v128, flip: v128,
): void {
  const x0 = v128.load(from);
  const x1 = v128.load(from, 16);
  const x2 = v128.load(from, 32);
  const x3 = v128.load(from, 48);
  const x4 = v128.load(from, 64);
  const x5 = v128.load(from, 80);
  const e = i32x4.add(x1, x2);
  const o = i32x4.sub(x1, x2);
  const d = i32x4.add(x3, x4);
  const h = i32x4.shl(i32x4.sub(x3, x4), 1);
  const y0 = i32x4.add(i32x4.add(x0, i32x4.shl(e, 2)), d);
  const y1 = i32x4.add(i32x4.shl(o, 2), h);
  const y2 = i32x4.shl(i32x4.add(e, d), 2);
  const y3 = i32x4.shl(i32x4.add(i32x4.add(o, h), x5), 2);
  const z0 = v128.load(from + half);
  const z1 = v128.load(from + half, 16);
  const z2 = v128.load(from + half, 32);
  const z3 = v128.load(from + half, 48);
  const z4 = v128.load(from + half, 64);
  const z5 = v128.load(from + half, 80);
  const f = i32x4.add(z1, z2);
  const p = i32x4.sub(z1, z2);
  const g = i32x4.add(z3, z4);
  const i = i32x4.shl(i32x4.sub(z3, z4), 1);
  pair(y0, i32x4.add(i32x4.add(z0, i32x4.shl(f, 2)), g), s0, s1, to, left, low, high, shift, less, flip);
  if (columns < 2) return;
  pair(y1, i32x4.add(i32x4.shl(p, 2), i), s0, s1, to + n, left, low, high, shift, less, flip);
  if (columns < 3) return;
  pair(y2, i32x4.shl(i32x4.add(f, g), 2), s0, s1, to + 2 * n, left, low, high, shift, less, flip);
  if (columns < 4) return;
  const z = i32x4.shl(i32x4.add(i32x4.add(p, i), z5), 2);
  pair(y3, z, s0, s1, to + 3 * n, left, low, high, shift, less, flip);
}

/** 8 levels. */
// @ts-ignore: decorator
@inline
function pair(
  x: v128, z: v128, s0: v128, s1: v128, to: usize, left: u32, low: v128, high: v128, shift: v128, less: v128, flip: v128,
): void {
  put8(to, levels(ninth(x), s0, low, high, shift), levels(ninth(z), s1, low, high, shift), less, flip, left);
}

/** Results along columns. The product of both points 1 goes into all results, 16 times: there the bias comes in. */
// @ts-ignore: decorator
@inline
function columnsOf(m: usize, step: usize, to: usize, bias: v128): void {
  backward(m, 6 * step, to, i32x4.splat(0));
  backward(m + step, 6 * step, to + vector, i32x4.mul(bias, i32x4.splat(36)));
  for (let k: usize = 2; k < 6; k++) backward(m + k * step, 6 * step, to + k * vector, i32x4.splat(0));
}

/** 24 times the results of six vectors of products. */
// @ts-ignore: decorator
@inline
function backward(from: usize, step: usize, to: usize, extra: v128): void {
  const x0 = v128.load(from);
  const x1 = i32x4.add(v128.load(from + step), extra);
  const x2 = v128.load(from + 2 * step);
  const x3 = v128.load(from + 3 * step);
  const x4 = v128.load(from + 4 * step);
  const x5 = v128.load(from + 5 * step);
  const e = i32x4.add(x1, x2);
  const o = i32x4.sub(x1, x2);
  const d = i32x4.add(x3, x4);
  const h = i32x4.sub(x3, x4);
  const h2 = i32x4.shl(h, 1);
  const apart: usize = 6 * vector;
  v128.store(to, i32x4.add(i32x4.add(x0, i32x4.shl(e, 2)), d));
  v128.store(to + apart, i32x4.add(i32x4.shl(o, 2), h2));
  v128.store(to + 2 * apart, i32x4.shl(i32x4.add(e, d), 2));
  v128.store(to + 3 * apart, i32x4.shl(i32x4.add(i32x4.add(o, h2), x5), 2));
}

/** A 576th. */
// @ts-ignore: decorator
@inline
function ninth(x: v128): v128 {
  return i32x4.shr_s(i32x4.mul(x, i32x4.splat(inverse)), 6);
}
