// Images of 8-bit levels, channels last: frames around them, depthwise convolutions, resampling, greatest levels.
import { levels, put8 } from './int8-store';

/** An image of h lines of `row` bytes with a frame of `fill` around it: `top` and `bottom` bytes, `left` and `right` ones
 *  of each line. Levels are x ^ mask, which flips the top bit or does not. */
export function x8_frame(
  x: usize, y: usize, h: u32, row: u32, top: u32, bottom: u32, left: u32, right: u32, fill: u32, mask: u32,
): void {
  const flip = i8x16.splat(<i8>mask);
  memory.fill(y, <u8>fill, top);
  y += top;
  for (; h > 0; h--) {
    memory.fill(y, <u8>fill, left);
    y += left;
    let i: u32 = 0;
    for (; i + 16 <= row; i += 16) v128.store(y + i, v128.xor(v128.load(x + i), flip));
    for (; i < row; i++) store<u8>(y + i, load<u8>(x + i) ^ <u8>mask);
    x += row;
    y += row;
    memory.fill(y, <u8>fill, right);
    y += right;
  }
  memory.fill(y, <u8>fill, bottom);
}

/** The same in 16 bits, less the zero point, so that the frame is of zeros. Numbers are of elements. */
export function q8_widen_frame(
  x: usize, y: usize, h: u32, row: u32, top: u32, bottom: u32, left: u32, right: u32, zero: i32, unsigned: u32,
): void {
  const mask: u8 = unsigned ? 128 : 0;
  const flip = i8x16.splat(<i8>mask);
  const less = zero - (unsigned ? 128 : 0);
  const subtract = i16x8.splat(<i16>less);
  memory.fill(y, 0, top << 1);
  y += top << 1;
  for (; h > 0; h--) {
    memory.fill(y, 0, left << 1);
    y += left << 1;
    let i: u32 = 0;
    for (; i + 16 <= row; i += 16) {
      const bytes = v128.xor(v128.load(x + i), flip);
      v128.store(y + (i << 1), i16x8.sub(i16x8.extend_low_i8x16_s(bytes), subtract));
      v128.store(y + (i << 1), i16x8.sub(i16x8.extend_high_i8x16_s(bytes), subtract), 16);
    }
    for (; i < row; i++) store<i16>(y + (i << 1), <i16>(<i32>(<i8>(load<u8>(x + i) ^ mask)) - less));
    x += row;
    y += row << 1;
    memory.fill(y, 0, right << 1);
    y += right << 1;
  }
  memory.fill(y, 0, bottom << 1);
}

// @ts-ignore: decorator
@inline
function low4(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function high4(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

// @ts-ignore: decorator
@inline
function dot(sum: v128, x: v128, w: usize, offset: usize): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(x, v128.load(w + offset)));
}

const MAGIC_BITS: i32 = 0x4b400000;

/** Lines of a depthwise convolution: y = clamp(rint(f32(init + Σ x[line·lineStep + i·step + offsets[tap] + channel]·w) ·
 *  scale) + zero), over pairs of taps, x and w of 16 bits, w in panels [ceil(channels/8)][pairs][8][2]. Reads up to 7
 *  values too many. */
export function q8_depthwise_levels(
  x: usize, offsets: usize, w: usize, init: usize, scales: usize, y: usize, lines: u32, lineStep: u32,
  pixels: u32, step: u32, pairs: u32, channels: u32, zero: i32, lo: i32, hi: i32,
): void {
  const least = f32x4.splat(<f32>(lo - zero));
  const most = f32x4.splat(<f32>(hi - zero));
  const shift = i32x4.splat(MAGIC_BITS - zero);
  const flip = i8x16.splat(hi > 127 ? -128 : 0);
  const down = i16x8.splat(hi > 127 ? 128 : 0);
  const row = pairs << 3;
  for (; lines > 0; lines--) {
    let line = x;
    for (let i: u32 = 0; i < pixels; i++) {
      let weights = w;
      for (let channel: u32 = 0; channel < channels; channel += 8) {
        const from = line + (channel << 1);
        const at = channel << 2;
        let low = v128.load(init + at);
        let high = v128.load(init + at, 16);
        for (let tap: u32 = 0; tap < row; tap += 8) {
          const a = v128.load(from + (load<u32>(offsets + tap) << 1));
          const b = v128.load(from + (load<u32>(offsets + tap, 4) << 1));
          low = dot(low, low4(a, b), weights, 0);
          high = dot(high, high4(a, b), weights, 16);
          weights += 32;
        }
        low = levels(low, v128.load(scales + at), least, most, shift);
        high = levels(high, v128.load(scales + at, 16), least, most, shift);
        put8(y + channel, low, high, down, flip, channels - channel);
      }
      line += step << 1;
      y += channels;
    }
    x += lineStep << 1;
  }
}

/** The same for 3 × 3 taps, `rowStep` values and `channels` values apart, and output pixels 1 or 2 pixels (`stride`)
 *  apart, two at a time: w is [ceil(channels/8)][3][4][8][2] with pairs (w0, w1), (w2, 0), (0, w0), (w1, w2) of each
 *  row. Reads up to two pixels and 7 values too many. */
export function q8_depthwise_3x3(
  x: usize, w: usize, init: usize, scales: usize, y: usize, lines: u32, lineStep: u32, rowStep: u32,
  pixels: u32, stride: u32, channels: u32, zero: i32, lo: i32, hi: i32,
): void {
  const least = f32x4.splat(<f32>(lo - zero));
  const most = f32x4.splat(<f32>(hi - zero));
  const shift = i32x4.splat(MAGIC_BITS - zero);
  const flip = i8x16.splat(hi > 127 ? -128 : 0);
  const down = i16x8.splat(hi > 127 ? 128 : 0);
  const next: usize = channels << 1;
  const next2 = next << 1;
  const next3 = next + next2;
  const step = stride === 1 ? next2 : next2 << 1;
  for (; lines > 0; lines--) {
    let weights = w;
    for (let channel: u32 = 0; channel < channels; channel += 8) {
      let from = x + (channel << 1);
      let to = y + channel;
      const at = channel << 2;
      const init0 = v128.load(init + at);
      const init1 = v128.load(init + at, 16);
      const scale0 = v128.load(scales + at);
      const scale1 = v128.load(scales + at, 16);
      for (let i: u32 = 0; i < pixels; i += 2) {
        let c0 = init0;
        let c1 = init1;
        let d0 = init0;
        let d1 = init1;
        let a = from;
        const end = weights + 384;
        for (let b = weights; b < end; b += 128) {
          const x0 = v128.load(a);
          const x1 = v128.load(a + next);
          const x2 = v128.load(a + next2);
          const x3 = v128.load(a + next3);
          const p0 = low4(x0, x1);
          const p1 = high4(x0, x1);
          const q0 = low4(x2, x3);
          const q1 = high4(x2, x3);
          c0 = dot(c0, p0, b, 0);
          c1 = dot(c1, p1, b, 16);
          c0 = dot(c0, q0, b, 32);
          c1 = dot(c1, q1, b, 48);
          if (stride === 1) {
            d0 = dot(d0, p0, b, 64);
            d1 = dot(d1, p1, b, 80);
            d0 = dot(d0, q0, b, 96);
            d1 = dot(d1, q1, b, 112);
          } else {
            const x4 = v128.load(a + (next2 << 1));
            d0 = dot(d0, q0, b, 0);
            d1 = dot(d1, q1, b, 16);
            d0 = dot(d0, low4(x4, x4), b, 32);
            d1 = dot(d1, high4(x4, x4), b, 48);
          }
          a += rowStep << 1;
        }
        const left = channels - channel;
        put8(
          to, levels(c0, scale0, least, most, shift), levels(c1, scale1, least, most, shift), down, flip, left,
        );
        if (i + 1 < pixels) {
          put8(
            to + channels, levels(d0, scale0, least, most, shift), levels(d1, scale1, least, most, shift),
            down, flip, left,
          );
        }
        from += step;
        to += channels << 1;
      }
      weights += 384;
    }
    x += lineStep << 1;
    y += pixels * channels;
  }
}

const MAGIC: f32 = 12582912;

/** f32_resample whose results are levels: clamp(rint(Σ weight · x) + zero, lo, hi). */
export function f32_q8_resample(
  x: usize, y: usize, index: usize, weight: usize, outer: u32, from: u32, to: u32, unit: u32, taps: u32,
  zero: i32, lo: i32, hi: i32,
): void {
  const stride = <usize>unit << 2;
  const least = <f32>(lo - zero);
  const most = <f32>(hi - zero);
  const lows = f32x4.splat(least);
  const highs = f32x4.splat(most);
  const shift = i32x4.splat(MAGIC_BITS - zero);
  for (; outer > 0; outer--) {
    for (let j: u32 = 0; j < to; j++) {
      const first = <usize>(j * taps) << 2;
      let i: usize = 0;
      for (; i + 16 <= stride; i += 16) {
        let sum = f32x4.splat(0);
        for (let t: usize = 0; t < <usize>taps << 2; t += 4) {
          const row = load<i32>(index + first + t);
          if (row < 0) continue;
          sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(weight + first + t), v128.load(x + <usize>row * stride + i)));
        }
        const level = i32x4.sub(
          f32x4.add(f32x4.pmin(highs, f32x4.pmax(lows, sum)), f32x4.splat(MAGIC)), shift,
        );
        const bytes = v128.shuffle<u8>(level, level, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
        v128.store32_lane(y + (i >> 2), bytes, 0);
      }
      for (; i < stride; i += 4) {
        let sum: f32 = 0;
        for (let t: usize = 0; t < <usize>taps << 2; t += 4) {
          const row = load<i32>(index + first + t);
          if (row < 0) continue;
          sum += load<f32>(weight + first + t) * load<f32>(x + <usize>row * stride + i);
        }
        // As pmin and pmax above: what is no number becomes a limit.
        sum = least < sum ? sum : least;
        sum = sum < most ? sum : most;
        store<u8>(y + (i >> 2), <u8>(<i32>nearest(sum) + zero));
      }
      y += unit;
    }
    x += <usize>from * stride;
  }
}

/** Index of the greatest (or least) level along the middle axis of [outer, length, unit], as 64-bit integers: the first
 *  of several, or the last. */
export function q8_arg_extreme(
  x: usize, y: usize, outer: u32, length: u32, unit: u32, least: u32, last: u32, unsigned: u32,
): void {
  // Levels whose greatest signed byte is wanted.
  const flip: i32 = (unsigned ? 128 : 0) ^ (least ? 255 : 0);
  const flips = i8x16.splat(<i8>flip);
  for (; outer > 0; outer--) {
    for (let u: u32 = 0; u < unit; u++) {
      let found: u32 = 0;
      if (unit === 1 && length >= 16) {
        let best = v128.xor(v128.load(x + length - 16), flips);
        for (let i: u32 = 0; i + 16 < length; i += 16) best = i8x16.max_s(best, v128.xor(v128.load(x + i), flips));
        best = i8x16.max_s(best, v128.shuffle<u64>(best, best, 1, 0));
        best = i8x16.max_s(best, v128.shuffle<u32>(best, best, 1, 0, 3, 2));
        best = i8x16.max_s(best, v128.shuffle<u16>(best, best, 1, 0, 3, 2, 5, 4, 7, 6));
        best = i8x16.max_s(best, v128.shuffle<u8>(best, best, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
        best = v128.xor(best, flips);
        if (last) {
          let at = length - 16;
          let hits = i8x16.bitmask(i8x16.eq(v128.load(x + at), best));
          while (hits === 0) {
            at = at >= 16 ? at - 16 : 0;
            hits = i8x16.bitmask(i8x16.eq(v128.load(x + at), best));
          }
          found = at + 31 - <u32>clz(hits);
        } else {
          let at: u32 = 0;
          let hits = i8x16.bitmask(i8x16.eq(v128.load(x), best));
          while (hits === 0) {
            at = min<u32>(at + 16, length - 16);
            hits = i8x16.bitmask(i8x16.eq(v128.load(x + at), best));
          }
          found = at + <u32>ctz(hits);
        }
      } else {
        let best: i32 = -129;
        for (let i: u32 = 0; i < length; i++) {
          const level = <i32>(<i8>(load<u8>(x + i * unit + u) ^ <u8>flip));
          if (level > best || (last && level === best)) {
            best = level;
            found = i;
          }
        }
      }
      store<u64>(y, <u64>found);
      y += 8;
    }
    x += length * unit;
  }
}
