// Depthwise convolutions by the integer dot product of relaxed SIMD: four lines of an image side by side, so that one product
// adds up four taps of four channels.
import { levels, MAGIC_BITS, put8 } from './int8-store';

/** y[row, pixel, channel] = levels of the sums of an image in a frame with its padding: line `row`·lineStep on, rows of taps
 *  rowStep elements apart, `line` elements of each. A tap is the part of four lines at offsets[tap] bytes of the
 *  ceil(height/4) groups of interleaved lines; w is [ceil(channels/8)][taps][8][4], init and scales are of whole panels.
 *  step is from a pixel to the next, in elements. `scratch` is 4·line bytes for each group, and 32. */
export function q8_depthwise_dot(
  x: usize, offsets: usize, w: usize, init: usize, scales: usize, y: usize, scratch: usize,
  rows: u32, lineStep: u32, height: u32, rowStep: u32, width: u32, step: u32, taps: u32, channels: u32, line: u32,
  zero: i32, lo: i32, hi: i32,
): void {
  const low = f32x4.splat(<f32>(lo - zero));
  const high = f32x4.splat(<f32>(hi - zero));
  const shift = i32x4.splat(MAGIC_BITS - zero);
  const down = i16x8.splat(hi > 127 ? 128 : 0);
  const flip = i8x16.splat(hi > 127 ? -128 : 0);
  for (; rows > 0; rows--) {
    let to = scratch;
    for (let row: u32 = 0; row < height; row += 4) {
      const last = height - 1;
      interleave(
        x + row * rowStep, x + min(row + 1, last) * rowStep, x + min(row + 2, last) * rowStep,
        x + min(row + 3, last) * rowStep, to, line,
      );
      to += <usize>line << 2;
    }
    let weights = w;
    for (let channel: u32 = 0; channel < channels; channel += 8) {
      const from = scratch + (<usize>channel << 2);
      const at = <usize>channel << 2;
      const left = channels - channel;
      if (taps == 3) {
        three(
          from, offsets, weights, init + at, scales + at, y + channel, width, step << 2, channels, left,
          low, high, shift, down, flip,
        );
      } else {
        any(
          from, offsets, weights, init + at, scales + at, y + channel, width, step << 2, channels, left, taps,
          low, high, shift, down, flip,
        );
      }
      weights += <usize>taps << 5;
    }
    x += lineStep;
    y += <usize>width * channels;
  }
}

/** y[i] = a[i], b[i], c[i], d[i] */
function interleave(a: usize, b: usize, c: usize, d: usize, y: usize, count: u32): void {
  let i: u32 = 0;
  for (; i + 16 <= count; i += 16) {
    const p = v128.load(a + i);
    const q = v128.load(b + i);
    const r = v128.load(c + i);
    const s = v128.load(d + i);
    const p0 = v128.shuffle<u8>(p, q, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const p1 = v128.shuffle<u8>(p, q, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    const r0 = v128.shuffle<u8>(r, s, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const r1 = v128.shuffle<u8>(r, s, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    const to = y + (i << 2);
    v128.store(to, v128.shuffle<u16>(p0, r0, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(to, v128.shuffle<u16>(p0, r0, 4, 12, 5, 13, 6, 14, 7, 15), 16);
    v128.store(to, v128.shuffle<u16>(p1, r1, 0, 8, 1, 9, 2, 10, 3, 11), 32);
    v128.store(to, v128.shuffle<u16>(p1, r1, 4, 12, 5, 13, 6, 14, 7, 15), 48);
  }
  for (; i < count; i++) {
    const to = y + (i << 2);
    store<u8>(to, load<u8>(a + i));
    store<u8>(to, load<u8>(b + i), 1);
    store<u8>(to, load<u8>(c + i), 2);
    store<u8>(to, load<u8>(d + i), 3);
  }
}

/** Three taps: their weights stay in registers. */
function three(
  x: usize, offsets: usize, w: usize, init: usize, scales: usize, y: usize, width: u32, step: u32, n: u32, left: u32,
  low: v128, high: v128, shift: v128, down: v128, flip: v128,
): void {
  const w0 = v128.load(w);
  const w1 = v128.load(w, 16);
  const w2 = v128.load(w, 32);
  const w3 = v128.load(w, 48);
  const w4 = v128.load(w, 64);
  const w5 = v128.load(w, 80);
  const second = load<u32>(offsets, 4);
  const third = load<u32>(offsets, 8);
  x += load<u32>(offsets);
  const t = second - load<u32>(offsets);
  const u = third - load<u32>(offsets);
  for (; width > 0; width--) {
    let c0 = v128.load(init);
    let c1 = v128.load(init, 16);
    c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, v128.load(x), c0);
    c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, v128.load(x, 16), c1);
    c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w2, v128.load(x + t), c0);
    c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w3, v128.load(x + t, 16), c1);
    c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w4, v128.load(x + u), c0);
    c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w5, v128.load(x + u, 16), c1);
    const first = levels(c0, v128.load(scales), low, high, shift);
    put8(y, first, levels(c1, v128.load(scales, 16), low, high, shift), down, flip, left);
    x += step;
    y += n;
  }
}

/** Any number of taps, two pixels at a time. */
function any(
  x: usize, offsets: usize, w: usize, init: usize, scales: usize, y: usize, width: u32, step: u32, n: u32, left: u32,
  taps: u32, low: v128, high: v128, shift: v128, down: v128, flip: v128,
): void {
  const s0 = v128.load(scales);
  const s1 = v128.load(scales, 16);
  for (; width > 0; width--) {
    const pair = width > 1;
    let c0 = v128.load(init);
    let c1 = v128.load(init, 16);
    let d0 = c0;
    let d1 = c1;
    const next = x + (pair ? step : 0);
    for (let tap: u32 = 0; tap < taps; tap++) {
      const at = load<u32>(offsets + (tap << 2));
      const w0 = v128.load(w + (tap << 5));
      const w1 = v128.load(w + (tap << 5), 16);
      c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, v128.load(x + at), c0);
      c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, v128.load(x + at, 16), c1);
      d0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, v128.load(next + at), d0);
      d1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, v128.load(next + at, 16), d1);
    }
    put8(y, levels(c0, s0, low, high, shift), levels(c1, s1, low, high, shift), down, flip, left);
    if (pair) {
      y += n;
      width--;
      put8(y, levels(d0, s0, low, high, shift), levels(d1, s1, low, high, shift), down, flip, left);
    }
    x = next + step;
    y += n;
  }
}
