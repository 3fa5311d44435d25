import type { image8Rows } from '../../src/wasm/table/image8.ts';
import type { ReferencesFor } from './types.ts';

const { fround } = Math;

const signed = (byte: number): number => (byte << 24) >> 24;

const clamp = (value: number, lo: number, hi: number): number => Math.min(Math.max(value, lo), hi);

/** To the nearest integer, ties to even. */
function rint(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

interface Limits {
  zero: number;
  lo: number;
  hi: number;
}

const level = (value: number, { zero, lo, hi }: Limits): number =>
  clamp(rint(clamp(value, lo - zero, hi - zero)) + zero, lo, hi);

const levelOfSum = (sum: number, scale: number, limits: Limits): number =>
  level(fround(fround(sum) * scale), limits);

type Sizes = Record<'h' | 'row' | 'top' | 'left' | 'right', number>;

/** Every place of an image in its frame. */
function framed(
  { h, row, top, left, right }: Sizes,
  put: (from: number, to: number) => void,
): void {
  for (let line = 0; line < h; line++)
    for (let i = 0; i < row; i++) put(line * row + i, top + line * (left + row + right) + left + i);
}

export const image8References: ReferencesFor<(typeof image8Rows)[number]['name']> = {
  x8_frame({ x, y }, sizes) {
    y.fill(sizes.fill!);
    framed(sizes as Sizes, (from, to) => {
      y[to] = x[from]! ^ sizes.mask!;
    });
  },
  q8_widen_frame({ x, y }, sizes) {
    y.fill(0);
    framed(sizes as Sizes, (from, to) => {
      y[to] = (sizes.unsigned ? x[from]! : signed(x[from]!)) - sizes.zero!;
    });
  },
  q8_depthwise_levels({ x, offsets, w, init, scales, y }, sizes) {
    const { lines, lineStep, pixels, step, pairs, channels } = sizes;
    let at = 0;
    for (let line = 0; line < lines; line++)
      for (let i = 0; i < pixels; i++)
        for (let channel = 0; channel < channels; channel++) {
          let sum = init[channel]!;
          for (let tap = 0; tap < 2 * pairs; tap++) {
            const from = line * lineStep + i * step + offsets[tap]! + channel;
            const panel = (Math.floor(channel / 8) * pairs + (tap >> 1)) * 16;
            sum = (sum + x[from]! * w[panel + (channel % 8) * 2 + (tap & 1)]!) | 0;
          }
          y[at++] = levelOfSum(sum, scales[channel]!, sizes as unknown as Limits);
        }
  },
  q8_depthwise_3x3({ x, w, init, scales, y }, sizes) {
    const { lines, lineStep, rowStep, pixels, stride, channels } = sizes;
    let at = 0;
    for (let line = 0; line < lines; line++)
      for (let i = 0; i < pixels; i++)
        for (let channel = 0; channel < channels; channel++) {
          let sum = init[channel]!;
          const panel = Math.floor(channel / 8) * 192 + (channel % 8) * 2;
          // Where every second pixel finds its pairs: of its own, or of the one before it.
          const isOdd = i % 2 === 1 && stride === 1;
          for (let row = 0; row < 3; row++) {
            const start = line * lineStep + row * rowStep + channel;
            const first = start + (isOdd ? i - 1 : i * stride) * channels;
            const weights = panel + row * 64 + (isOdd ? 32 : 0);
            for (let tap = 0; tap < 4; tap++) {
              const weight = w[weights + (tap >> 1) * 16 + (tap & 1)]!;
              // The second of two pixels with steps has the last tap twice.
              const isTwice = i % 2 === 1 && stride === 2 && tap === 3;
              sum = (sum + x[first + (isTwice ? 2 : tap) * channels]! * weight) | 0;
            }
          }
          y[at++] = levelOfSum(sum, scales[channel]!, sizes as unknown as Limits);
        }
  },
  f32_q8_resample({ x, y, index, weight }, sizes) {
    const { outer, from, to, unit, taps } = sizes;
    for (let o = 0; o < outer; o++)
      for (let j = 0; j < to; j++)
        for (let u = 0; u < unit; u++) {
          let sum = 0;
          for (let t = 0; t < taps; t++) {
            const row = index[j * taps + t]!;
            if (row < 0) continue;
            sum = fround(sum + fround(weight[j * taps + t]! * x[(o * from + row) * unit + u]!));
          }
          y[(o * to + j) * unit + u] = level(sum, sizes as unknown as Limits);
        }
  },
  q8_arg_extreme({ x, y }, { outer, length, unit, least, last, unsigned }) {
    for (let o = 0; o < outer; o++)
      for (let u = 0; u < unit; u++) {
        let best = 0;
        const at = (i: number): number => {
          const byte = x[(o * length + i) * unit + u]!;
          return (unsigned ? byte : signed(byte)) * (least ? -1 : 1);
        };
        for (let i = 1; i < length; i++)
          if (at(i) > at(best) || (last && at(i) === at(best))) best = i;
        y[2 * (o * unit + u)] = best;
        y[2 * (o * unit + u) + 1] = 0;
      }
  },
};
