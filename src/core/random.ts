/** Seeded random numbers: the same sequence in every runtime. */
export interface Random {
  /** Integer in 0..2^32-1. */
  uint32(): number;
  /** Number in [0, 1), 24 bits: exact in float32. */
  uniform(): number;
  /** Integer in 0..n-1. */
  below(n: number): number;
}

/** xoshiro128** (Blackman & Vigna 2018), seeded by splitmix32: 32-bit integer steps only, so exact everywhere.
 *  @param seed  any integer; equal seeds give equal sequences */
export function random(seed: number): Random {
  let mix = seed | 0;
  const split = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix ^ (mix >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let [a, b, c, d] = [split(), split(), split(), split()];
  const uint32 = (): number => {
    const x = Math.imul(b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const uniform = (): number => (uint32() >>> 8) / 2 ** 24;
  return { uint32, uniform, below: (n) => Math.floor((uint32() / 2 ** 32) * n) };
}
