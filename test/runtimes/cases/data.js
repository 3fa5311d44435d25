// Inputs from integer steps and sums that are exact, so that they are the same in every engine.

/** Sums of four uniform numbers: a bell within ±4, multiples of 2^-14.
 *  @returns Float32Array of `length` */
export function gaussianLike(length, seed) {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 16) / 32768 - 1;
  };
  return Float32Array.from({ length }, () => next() + next() + next() + next());
}

/** Halves around zero and around the ends of every integer range. */
export const ties = Float32Array.from(
  [0, 7, 8, 15, 127, 128, 255, 32767, 32768, 65535].flatMap((edge) =>
    [-1.5, -1, -0.5, 0, 0.5, 1, 1.5].flatMap((step) => [edge + step, -edge + step]),
  ),
);

/** Zeros, infinities, NaN with several payloads, subnormals, the largest numbers, ties of float16 and bfloat16,
 *  and every exponent with some mantissas. */
export const specials = new Float32Array(
  Uint32Array.from([
    ...[0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff],
    ...[1, 0x80000001, 0x007fffff, 0x7f7fffff, 0xff7fffff, 0x477fefff, 0x477ff000, 0x33000000],
    ...[0x3f801000, 0x3f803000, 0x3f808000, 0x3f818000, 0x38801000, 0x387fe000, 0x33000001],
    ...Array.from(
      { length: 256 * 4 },
      (_, i) => ((i >>> 2) << 23) | (Math.imul(i, 0x1f35b) & 0x7fffff) | ((i & 1) << 31),
    ),
  ]).buffer,
);

/** Bytes of any value.
 *  @returns Uint8Array of `length` */
export function bytesLike(length, seed) {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}
