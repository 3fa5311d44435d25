// Products with block-quantized weights by the relaxed dot product: the weights take the slot whose top bit means what
// the engine chose, so that nibbles are exact everywhere and bytes are packed as the engine reads them.
import { addBlock, levels0, levels1, putBiased } from './block-panels';

// @ts-ignore: decorator
@inline
function dotTile(
  a: usize, heads: usize, b: usize, bias: usize, c: usize,
  width: u32, blocks: u32, size: u32, bits: u32, stored: u32, zero: f32, shift: f32,
): void {
  let low = f32x4.splat(0);
  let high = f32x4.splat(0);
  for (; blocks > 0; blocks--) {
    const head = b;
    b += stored ? 64 : 32;
    let c0 = i32x4.splat(0);
    let c1 = c0;
    for (let k: u32 = 0; k < size; k += 4) {
      const x = v128.load32_splat(a);
      a += 4;
      c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, levels0(b, bits), c0);
      c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, levels1(b, bits), c1);
      b += bits << 2;
    }
    const factor = v128.load32_splat(heads);
    const total = v128.load32_splat(heads, 4);
    heads += 8;
    // Whole numbers below 2^24: exact.
    const shifted = f32x4.mul(f32x4.splat(shift), total);
    const zero0 = stored ? v128.load(head, 32) : f32x4.splat(zero);
    const zero1 = stored ? v128.load(head, 48) : f32x4.splat(zero);
    low = addBlock(low, f32x4.sub(f32x4.convert_i32x4_s(c0), shifted), zero0, total, f32x4.mul(v128.load(head), factor));
    high = addBlock(high, f32x4.sub(f32x4.convert_i32x4_s(c1), shifted), zero1, total, f32x4.mul(v128.load(head, 16), factor));
  }
  putBiased(c, low, high, bias, width);
}

/** As q8_block_gemm_i16, activations in bytes. Where the engine reads weights of 8 bits as unsigned, `shift` is 128,
 *  so that zero points count from signed ones all the same. */
export function q8_block_gemm_dot(
  a: usize, heads: usize, b: usize, bias: usize, c: usize,
  m: u32, n: u32, blocks: u32, size: u32, bits: u32, stored: u32, zero: f32, shift: f32,
): void {
  const panel = blocks * ((stored ? 64 : 32) + size * bits);
  for (let j: u32 = 0; j < n; j += 8) {
    const width = min<u32>(n - j, 8);
    for (let i: u32 = 0; i < m; i++) {
      const from = a + i * blocks * size;
      const own = heads + ((i * blocks) << 3);
      const to = c + ((i * n + j) << 2);
      if (bits === 4) dotTile(from, own, b, bias, to, width, blocks, size, 4, stored, zero, shift);
      else dotTile(from, own, b, bias, to, width, blocks, size, 8, stored, zero, shift);
    }
    b += panel;
    bias += 32;
  }
}
