// Products with block-quantized weights: y = a·(q − zero)·scale + bias, a scale and a zero point for each block of k.
import { addBlock, levels0, levels1, putBiased } from './block-panels';

// @ts-ignore: decorator
@inline
function sums4(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(
    v128.shuffle<u32>(a, b, 0, 4, 1, 5),
    v128.shuffle<u32>(a, b, 2, 6, 3, 7),
  );
  const cd = f32x4.add(
    v128.shuffle<u32>(c, d, 0, 4, 1, 5),
    v128.shuffle<u32>(c, d, 2, 6, 3, 7),
  );
  return f32x4.add(v128.shuffle<u32>(ab, cd, 0, 1, 4, 5), v128.shuffle<u32>(ab, cd, 2, 3, 6, 7));
}

// @ts-ignore: decorator
@inline
function madd(sum: v128, x: v128, levels: v128): v128 {
  return f32x4.add(sum, f32x4.mul(x, f32x4.convert_i32x4_s(levels)));
}

// @ts-ignore: decorator
@inline
function floatTile(
  a: usize, b: usize, bias: usize, c: usize, width: u32, blocks: u32, size: u32, bits: u32, stored: u32, zero: f32,
): void {
  let low = f32x4.splat(0);
  let high = f32x4.splat(0);
  for (; blocks > 0; blocks--) {
    const head = b;
    b += stored ? 64 : 32;
    let total = f32x4.splat(0);
    let c0 = total;
    let c1 = total;
    let c2 = total;
    let c3 = total;
    let c4 = total;
    let c5 = total;
    let c6 = total;
    let c7 = total;
    for (let k: u32 = 0; k < size; k += 4) {
      const x = v128.load(a);
      a += 16;
      total = f32x4.add(total, x);
      // Nibbles are centered, so that sums cancel less.
      const first = bits === 4 ? i8x16.sub(levels0(b, bits), i8x16.splat(8)) : levels0(b, bits);
      let pair = i16x8.extend_low_i8x16_s(first);
      c0 = madd(c0, x, i32x4.extend_low_i16x8_s(pair));
      c1 = madd(c1, x, i32x4.extend_high_i16x8_s(pair));
      pair = i16x8.extend_high_i8x16_s(first);
      c2 = madd(c2, x, i32x4.extend_low_i16x8_s(pair));
      c3 = madd(c3, x, i32x4.extend_high_i16x8_s(pair));
      const second = bits === 4 ? i8x16.sub(levels1(b, bits), i8x16.splat(8)) : levels1(b, bits);
      pair = i16x8.extend_low_i8x16_s(second);
      c4 = madd(c4, x, i32x4.extend_low_i16x8_s(pair));
      c5 = madd(c5, x, i32x4.extend_high_i16x8_s(pair));
      pair = i16x8.extend_high_i8x16_s(second);
      c6 = madd(c6, x, i32x4.extend_low_i16x8_s(pair));
      c7 = madd(c7, x, i32x4.extend_high_i16x8_s(pair));
      b += bits << 2;
    }
    total = sums4(total, total, total, total);
    const zero0 = stored ? v128.load(head, 32) : f32x4.splat(zero);
    const zero1 = stored ? v128.load(head, 48) : f32x4.splat(zero);
    low = addBlock(low, sums4(c0, c1, c2, c3), zero0, total, v128.load(head));
    high = addBlock(high, sums4(c4, c5, c6, c7), zero1, total, v128.load(head, 16));
  }
  putBiased(c, low, high, bias, width);
}

/** Activations in f32, [m, blocks·size]. Zero points count from the levels as they are multiplied: nibbles less 8,
 *  signed bytes. Bias is [n rounded up to 8]. */
export function f32_block_gemm(
  a: usize, b: usize, bias: usize, c: usize,
  m: u32, n: u32, blocks: u32, size: u32, bits: u32, stored: u32, zero: f32,
): void {
  const panel = blocks * ((stored ? 64 : 32) + size * bits);
  const row = (blocks * size) << 2;
  for (let j: u32 = 0; j < n; j += 8) {
    const width = min<u32>(n - j, 8);
    for (let i: u32 = 0; i < m; i++) {
      const from = a + i * row;
      const to = c + ((i * n + j) << 2);
      if (bits === 4) floatTile(from, b, bias, to, width, blocks, size, 4, stored, zero);
      else floatTile(from, b, bias, to, width, blocks, size, 8, stored, zero);
    }
    b += panel;
    bias += 32;
  }
}

// @ts-ignore: decorator
@inline
function dots(sum: v128, levels: v128, x: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(levels, x));
}

// @ts-ignore: decorator
@inline
function pairs(a: v128, b: v128): v128 {
  const even = v128.shuffle<u32>(a, b, 0, 2, 4, 6);
  const odd = v128.shuffle<u32>(a, b, 1, 3, 5, 7);
  return f32x4.convert_i32x4_s(i32x4.add(even, odd));
}

// @ts-ignore: decorator
@inline
function wideTile(
  a: usize, heads: usize, b: usize, bias: usize, c: usize,
  width: u32, blocks: u32, size: u32, bits: u32, stored: u32, zero: f32,
): void {
  let low = f32x4.splat(0);
  let high = f32x4.splat(0);
  for (; blocks > 0; blocks--) {
    const head = b;
    b += stored ? 64 : 32;
    let c0 = i32x4.splat(0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    for (let k: u32 = 0; k < size; k += 4) {
      const x = v128.load64_splat(a);
      a += 8;
      const first = levels0(b, bits);
      const second = levels1(b, bits);
      c0 = dots(c0, i16x8.extend_low_i8x16_s(first), x);
      c1 = dots(c1, i16x8.extend_high_i8x16_s(first), x);
      c2 = dots(c2, i16x8.extend_low_i8x16_s(second), x);
      c3 = dots(c3, i16x8.extend_high_i8x16_s(second), x);
      b += bits << 2;
    }
    const factor = v128.load32_splat(heads);
    const total = v128.load32_splat(heads, 4);
    heads += 8;
    const zero0 = stored ? v128.load(head, 32) : f32x4.splat(zero);
    const zero1 = stored ? v128.load(head, 48) : f32x4.splat(zero);
    low = addBlock(low, pairs(c0, c1), zero0, total, f32x4.mul(v128.load(head), factor));
    high = addBlock(high, pairs(c2, c3), zero1, total, f32x4.mul(v128.load(head, 16), factor));
  }
  putBiased(c, low, high, bias, width);
}

/** Activations quantized by f32_block_levels to 16 bits: [m, blocks·size], with [m, blocks] scales and sums at
 *  `heads`. Zero points count from nibbles or signed bytes. */
export function q8_block_gemm_i16(
  a: usize, heads: usize, b: usize, bias: usize, c: usize,
  m: u32, n: u32, blocks: u32, size: u32, bits: u32, stored: u32, zero: f32,
): void {
  const panel = blocks * ((stored ? 64 : 32) + size * bits);
  for (let j: u32 = 0; j < n; j += 8) {
    const width = min<u32>(n - j, 8);
    for (let i: u32 = 0; i < m; i++) {
      const from = a + ((i * blocks * size) << 1);
      const own = heads + ((i * blocks) << 3);
      const to = c + ((i * n + j) << 2);
      if (bits === 4) wideTile(from, own, b, bias, to, width, blocks, size, 4, stored, zero);
      else wideTile(from, own, b, bias, to, width, blocks, size, 8, stored, zero);
    }
    b += panel;
    bias += 32;
  }
}

const MAGIC: f32 = 12582912;

/** x [count, size] → signed 8-bit levels, in bytes or with `wide` in 16 bits, symmetric in each block: at heads
 *  [count] the scale max|x| / 127 and the sum of the levels, both f32. */
export function f32_block_levels(
  x: usize, y: usize, heads: usize, count: u32, size: u32, wide: u32,
): void {
  for (; count > 0; count--) {
    let most = f32x4.splat(0);
    for (let k: u32 = 0; k < size; k += 4) most = f32x4.pmax(most, f32x4.abs(v128.load(x + (k << 2))));
    const a = max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1));
    const b = max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3));
    const scale = max(a, b) / 127;
    const divisor = f32x4.splat(scale > 0 ? scale : 1);
    let sum = i32x4.splat(0);
    for (let k: u32 = 0; k < size; k += 4) {
      const ratio = f32x4.div(v128.load(x + (k << 2)), divisor);
      const clamped = f32x4.pmin(f32x4.splat(127), f32x4.pmax(f32x4.splat(-127), ratio));
      const level = i32x4.sub(f32x4.add(clamped, f32x4.splat(MAGIC)), i32x4.splat(0x4b400000));
      sum = i32x4.add(sum, level);
      const narrow = i16x8.narrow_i32x4_s(level, level);
      if (wide) v128.store64_lane(y + (k << 1), narrow, 0);
      else v128.store32_lane(y + k, i8x16.narrow_i16x8_s(narrow, narrow), 0);
    }
    const total =
      i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) +
      i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3);
    store<f32>(heads, scale);
    store<f32>(heads, <f32>total, 4);
    heads += 8;
    x += size << 2;
    y += size << wide;
  }
}

/** Blobs of MatMulNBits [n][blocks][size·bits/8], scales [n][blocks] and, with `stored`, zero points [n][blocks] of
 *  f32 → panels. Bytes are flipped to signed by a mask of 128. Columns past n are 0. */
export function block_pack(
  source: usize, scales: usize, zeros: usize, target: usize,
  n: u32, blocks: u32, size: u32, bits: u32, stored: u32, mask: u32,
): void {
  const bytes = (size * bits) >> 3;
  for (let j: u32 = 0; j < n; j += 8) {
    const width = min<u32>(n - j, 8);
    for (let block: u32 = 0; block < blocks; block++) {
      for (let column: u32 = 0; column < 8; column++) {
        const at = ((j + column) * blocks + block) << 2;
        store<f32>(target + (column << 2), column < width ? load<f32>(scales + at) : 0);
        if (stored) store<f32>(target + (column << 2), column < width ? load<f32>(zeros + at) : 0, 32);
      }
      target += stored ? 64 : 32;
      for (let column: u32 = 0; column < 8; column++) {
        const from = source + ((j + column) * blocks + block) * bytes;
        const inside = column < width;
        if (bits === 8) {
          const to = target + (column << 2);
          const flip: u32 = mask * 0x01010101;
          for (let k: u32 = 0; k < size; k += 4)
            store<u32>(to + (k << 3), inside ? load<u32>(from + k) ^ flip : 0);
        } else {
          // Columns 4..7 come after 0..3, to whose low halves they add the high ones.
          const to = target + ((column & 3) << 2);
          const high = <u8>((column >> 2) << 2);
          for (let k: u32 = 0; k < size; k += 2) {
            const byte: u8 = inside ? load<u8>(from + (k >> 1)) : 0;
            const at = to + ((k >> 2) << 4) + (k & 3);
            const keep0: u8 = high ? load<u8>(at) : 0;
            const keep1: u8 = high ? load<u8>(at, 1) : 0;
            store<u8>(at, keep0 | ((byte & 15) << high));
            store<u8>(at, keep1 | ((byte >> 4) << high), 1);
          }
        }
      }
      target += size * bits;
    }
  }
}

// @ts-ignore: decorator
@inline
function unpacked(y: usize, zero: v128, scale: v128, pair: v128, high: bool): void {
  const wide = high ? i32x4.extend_high_i16x8_s(pair) : i32x4.extend_low_i16x8_s(pair);
  v128.store(y, f32x4.mul(f32x4.sub(f32x4.convert_i32x4_s(wide), zero), scale));
}

// @ts-ignore: decorator
@inline
function unpackHalf(y: usize, levels: v128, bits: u32, zero: v128, scale: v128): void {
  // [column][k] to [k][column].
  const turned = v128.shuffle<u8>(levels, levels, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const centered = bits === 4 ? i8x16.sub(turned, i8x16.splat(8)) : turned;
  const low = i16x8.extend_low_i8x16_s(centered);
  const high = i16x8.extend_high_i8x16_s(centered);
  unpacked(y, zero, scale, low, false);
  unpacked(y + 32, zero, scale, low, true);
  unpacked(y + 64, zero, scale, high, false);
  unpacked(y + 96, zero, scale, high, true);
}

/** A panel for f32_block_gemm → [blocks·size][8] values (q − zero)·scale, a panel for f32_gemm. */
export function block_unpack(
  b: usize, y: usize, blocks: u32, size: u32, bits: u32, stored: u32, zero: f32,
): void {
  for (; blocks > 0; blocks--) {
    const scale0 = v128.load(b);
    const scale1 = v128.load(b, 16);
    const zero0 = stored ? v128.load(b, 32) : f32x4.splat(zero);
    const zero1 = stored ? v128.load(b, 48) : f32x4.splat(zero);
    b += stored ? 64 : 32;
    for (let k: u32 = 0; k < size; k += 4) {
      unpackHalf(y, levels0(b, bits), bits, zero0, scale0);
      unpackHalf(y + 16, levels1(b, bits), bits, zero1, scale1);
      y += 128;
      b += bits << 2;
    }
  }
}
