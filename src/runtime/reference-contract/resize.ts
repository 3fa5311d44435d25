import type { LowerContext } from '../lower/lowering.ts';
import { type Levels, type Run, type StoredKernel, smallMeaning } from './stored.ts';

/** Bilinear resizing of levels [N, H, W, C]: with places in 1/1024 of a pixel, and of uint8 with float32 numbers. */

const { fround } = Math;

interface Place {
  readonly low: number;
  readonly high: number;
  /** Of 1024, how far from `low`. */
  readonly rest: number;
}

function placesOf(from: number, to: number, mode: string): Place[] {
  const isAligned = mode === 'align_corners' && to > 1;
  const scale = isAligned
    ? Math.trunc((1024 * (from - 1) + Math.trunc((to - 1) / 2)) / (to - 1))
    : Math.trunc((1024 * from + Math.trunc(to / 2)) / to);
  const shift = mode === 'half_pixel' ? Math.trunc(scale / 2) - 512 : 0;
  return Array.from({ length: to }, (_, i) => {
    const at = i * scale + shift;
    const low = Math.max(Math.trunc(at / 1024), 0);
    const high = Math.min(Math.trunc((at + 1023) / 1024), from - 1);
    return { low, high, rest: at - 1024 * low };
  });
}

/** The same in float32: how far from `low` is a number below 1. */
function realPlacesOf(from: number, to: number, mode: string): Place[] {
  const isAligned = mode === 'align_corners' && to > 1;
  const scale = isAligned ? fround((from - 1) / (to - 1)) : fround(from / to);
  return Array.from({ length: to }, (_, i) => {
    const at =
      mode === 'half_pixel' ? fround(fround(fround(i + 0.5) * scale) - 0.5) : fround(i * scale);
    const low = Math.max(Math.floor(at), 0);
    return { low, high: Math.min(Math.ceil(at), from - 1), rest: fround(at - low) };
  });
}

/** The level between four, at most 1 from each other. */
type Blend = (a: number, b: number, e: number, f: number, v: number, u: number) => number;

const whole: Blend = (a, b, e, f, v, u) => {
  const sum = a * (1024 - v) * (1024 - u) + b * v * (1024 - u) + e * (1024 - v) * u + f * v * u;
  return Math.trunc((sum + (sum > 0 ? 2 ** 19 : -(2 ** 19))) / 2 ** 20);
};

const part = (level: number, p: number, q: number): number => fround(fround(level * p) * q);

const real: Blend = (a, b, e, f, v, u) => {
  const [y, x] = [fround(1 - v), fround(1 - u)];
  const left = fround(part(a, y, x) + part(b, v, x));
  return Math.trunc(fround(fround(fround(left + part(e, y, u)) + part(f, v, u)) + 0.5));
};

function prepare(c: LowerContext): Run | null {
  const [input] = c.inputs;
  const [output] = c.outputs;
  const [x, y] = [smallMeaning(input), smallMeaning(output)];
  if (input == null || output == null || x === null || y === null) return null;
  if (x.scale !== y.scale || x.zero !== y.zero || x.storage !== y.storage) return null;
  if (input.dims.length !== 4 || c.attributes.string('mode', 'nearest') !== 'linear') return null;
  const mode = c.attributes.string('coordinate_transformation_mode', 'half_pixel');
  if (!['half_pixel', 'align_corners', 'asymmetric'].includes(mode)) return null;
  const [batch, height, width, channels] = input.dims as [number, number, number, number];
  const [, rows, columns, last] = output.dims as [number, number, number, number];
  if (last !== channels || output.dims[0] !== batch) return null;
  const isReal = x.storage === 'uint8';
  const places = isReal ? realPlacesOf : placesOf;
  const blend = isReal ? real : whole;
  const [ys, xs] = [places(height, rows, mode), places(width, columns, mode)];
  return ([from], [to]) => {
    const levels = from as Levels;
    let at = 0;
    for (let n = 0; n < batch; n++) {
      for (const { low: y0, high: y1, rest: v } of ys) {
        for (const { low: x0, high: x1, rest: u } of xs) {
          const pixel = (row: number, column: number): number =>
            ((n * height + row) * width + column) * channels;
          const [a, b, e, f] = [pixel(y0, x0), pixel(y1, x0), pixel(y0, x1), pixel(y1, x1)];
          for (let i = 0; i < channels; i++)
            to![at++] = blend(levels[a + i]!, levels[b + i]!, levels[e + i]!, levels[f + i]!, v, u);
        }
      }
    }
  };
}

export const resizeKernels: readonly StoredKernel[] = [
  { op: 'Resize', domain: 'mp', prepare },
  { op: 'Resize', prepare },
];
