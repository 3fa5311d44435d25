// 4-bit levels: two in a byte, the first in the low nibble.

/** Low nibbles of `count` bytes → ceil(count / 2) bytes; the last high nibble is 0 when count is odd. */
export function x4_pack(source: usize, target: usize, count: u32): void {
  let i: u32 = 0;
  for (; i + 32 <= count; i += 32) {
    v128.store(target + (i >> 1), i8x16.narrow_i16x8_u(pairs(source + i), pairs(source + i + 16)));
  }
  for (; i < count; i += 2) {
    const low = load<u8>(source + i) & 15;
    const high = i + 1 < count ? load<u8>(source + i + 1) << 4 : 0;
    store<u8>(target + (i >> 1), low | high);
  }
}

// @ts-ignore: decorator
@inline
function pairs(source: usize): v128 {
  const bytes = v128.load(source);
  const low = v128.and(bytes, i16x8.splat(0x0f));
  return v128.or(low, v128.and(i16x8.shr_u(bytes, 4), i16x8.splat(0xf0)));
}

/** `count` nibbles → bytes, sign extended when `signed` is 1. */
export function x4_unpack(source: usize, target: usize, count: u32, signed: u32): void {
  const sign = <i8>(signed << 3);
  const signs = i8x16.splat(sign);
  let i: u32 = 0;
  for (; i + 32 <= count; i += 32) {
    const bytes = v128.load(source + (i >> 1));
    const low = v128.and(bytes, i8x16.splat(15));
    const high = i8x16.shr_u(bytes, 4);
    const first = v128.shuffle<u8>(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const second = v128.shuffle<u8>(low, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    v128.store(target + i, i8x16.sub(v128.xor(first, signs), signs));
    v128.store(target + i, i8x16.sub(v128.xor(second, signs), signs), 16);
  }
  for (; i < count; i++) {
    const nibble = (load<u8>(source + (i >> 1)) >> <u8>((i & 1) << 2)) & 15;
    store<u8>(target + i, (nibble ^ sign) - sign);
  }
}
