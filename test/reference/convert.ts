import { eachElement, type ReferencesFor } from './types.ts';

interface Format {
  mantissa: number;
  bias: number;
  /** Largest exponent of a finite number. */
  top: number;
  nan: number;
}

export const half: Format = { mantissa: 10, bias: 15, top: 15, nan: 0x7e00 };
export const brain: Format = { mantissa: 7, bias: 127, top: 127, nan: 0x7fc0 };

/** The number that a bit pattern stands for, from the definition. */
export function decode(bits: number, { mantissa, bias, top }: Format): number {
  const exponent = (bits & 0x7fff) >> mantissa;
  const fraction = bits & (2 ** mantissa - 1);
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === top + bias + 1) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - mantissa);
  return sign * (1 + fraction / 2 ** mantissa) * 2 ** (exponent - bias);
}

/** The bit pattern of a float32 number, from the definition: scale to units of the last place, round half to even. */
export function encode(value: number, format: Format): number {
  const { mantissa, bias, top, nan } = format;
  if (Number.isNaN(value)) return nan;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const infinity = (top + bias + 1) << mantissa;
  const magnitude = Math.abs(value);
  if (magnitude === Infinity) return sign | infinity;
  const [bits] = new Uint32Array(Float32Array.of(magnitude).buffer) as unknown as [number];
  const exponent = Math.min(top, Math.max(1 - bias, (bits >>> 23) - 127));
  const units = magnitude / 2 ** (exponent - mantissa);
  const floor = Math.floor(units);
  const rest = units - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  // A subnormal has no hidden bit; a carry runs into the exponent, as it should.
  const pattern = ((exponent + bias - 1) << mantissa) + rounded;
  return sign | Math.min(pattern, infinity);
}

const canonical = (value: number): number => (Number.isNaN(value) ? Number.NaN : value);

export const convertReferences: ReferencesFor<
  | 'u32_expand'
  | 'x4_pack'
  | 'x4_unpack'
  | 'f16_f32'
  | 'f32_f16'
  | 'bf16_f32'
  | 'f32_bf16'
  | 'relaxed_dot'
> = {
  u32_expand({ source, target }, view) {
    eachElement(view, (i, cell) => {
      target[i] = source[cell]!;
    });
  },
  x4_pack({ source, target }) {
    for (let i = 0; i < target.length; i++) {
      target[i] = (source[2 * i]! & 15) | (((source[2 * i + 1] ?? 0) & 15) << 4);
    }
  },
  x4_unpack({ source, target }, { signed }) {
    for (let i = 0; i < target.length; i++) {
      const nibble = i % 2 === 0 ? source[i >> 1]! & 15 : source[i >> 1]! >> 4;
      target[i] = signed === 1 && nibble > 7 ? nibble - 16 : nibble;
    }
  },
  f16_f32({ source, target }) {
    for (const [i, bits] of source.entries()) target[i] = canonical(decode(bits, half));
  },
  f32_f16({ source, target }) {
    for (const [i, value] of source.entries()) target[i] = encode(value, half);
  },
  bf16_f32({ source, target }) {
    for (const [i, bits] of source.entries()) target[i] = canonical(decode(bits, brain));
  },
  f32_bf16({ source, target }) {
    for (const [i, value] of source.entries()) target[i] = encode(value, brain);
  },
  relaxed_dot({ a, b, c, target }) {
    for (let lane = 0; lane < 4; lane++) {
      let sum = c[lane]!;
      for (let k = 4 * lane; k < 4 * lane + 4; k++) sum += a[k]! * b[k]!;
      target[lane] = sum;
    }
  },
};
