import { rangeError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import { eachSlab } from './blocks.ts';
import { take } from './gather.ts';
import { checkShape } from './layout.ts';
import { checkFloats, checkLength } from './types.ts';

/** From an index of the result to a place in x, as in ONNX Resize. */
export type CoordinateMode =
  | 'half_pixel'
  | 'half_pixel_symmetric'
  | 'pytorch_half_pixel'
  | 'align_corners'
  | 'asymmetric'
  | 'tf_crop_and_resize';

/** Which neighbor is the nearest. */
export type NearestMode = 'round_prefer_floor' | 'round_prefer_ceil' | 'floor' | 'ceil';

/** What `resize` takes: ONNX Resize, for any axes. */
export interface ResizeOptions {
  /** Sizes of x. */
  shape: readonly number[];
  /** Sizes of the result; or give `scales`. */
  sizes?: readonly number[];
  /** Result size / size of each axis, rounded to float32. */
  scales?: readonly number[];
  /** Default `nearest`. */
  mode?: 'nearest' | 'linear' | 'cubic';
  /** Default `half_pixel`. */
  coordinates?: CoordinateMode;
  /** Default `round_prefer_floor`. */
  nearest?: NearestMode;
  /** Of the cubic kernel, default −0.75. */
  cubicCoefficient?: number;
  /** Weights of what is outside are 0, and the others add up to 1 again: cubic only. */
  excludeOutside?: boolean;
  /** Of tf_crop_and_resize: starts, then ends of each axis, as shares of the size. */
  roi?: readonly number[];
  /** Of tf_crop_and_resize: what is outside. Default 0. */
  extrapolationValue?: number;
}

/** x sampled at other sizes, one axis after the other.
 *  @returns  elements and sizes
 *  @throws {TypeError} x is not a Float32Array
 *  @throws {RangeError} sizes, scales or names that don't fit
 *  Cost O(result · taps) for each axis that changes. Deterministic. Places are float32 as in onnxruntime, weights
 *  float64 rounded to float32, sums float32. */
export function resize(
  x: Float32Array,
  options: ResizeOptions,
): { data: Float32Array; shape: number[] } {
  checkFloats('x', x);
  const {
    shape,
    mode = 'nearest',
    coordinates = 'half_pixel',
    nearest = 'round_prefer_floor',
  } = options;
  checkShape(shape, x.length);
  known('mode', mode, ['nearest', 'linear', 'cubic']);
  known('coordinates', coordinates, Object.keys(places));
  known('nearest', nearest, Object.keys(rounded));
  const { sizes, scales } = resolve(options);
  const roi = options.roi ?? [...shape.map(() => 0), ...shape.map(() => 1)];
  checkLength('roi', roi.length, 2 * shape.length);
  let data = x;
  const dims = [...shape];
  // What any axis places outside is the extrapolation value in the result.
  const outside: boolean[][] = [];
  shape.forEach((size, axis) => {
    const out = sizes[axis]!;
    const crop = coordinates === 'tf_crop_and_resize';
    outside.push([]);
    if (size === out && scales[axis] === 1 && !crop) return;
    const ends = [roi[axis]!, roi[axis + shape.length]!] as const;
    const at = Float32Array.from({ length: out }, (_, i) =>
      places[coordinates](i, scales[axis]!, out, size, ends),
    );
    if (crop) outside[axis] = Array.from(at, (place) => place < 0 || place > size - 1);
    if (size === 0) throw rangeError('shape', 'axes with elements', size);
    if (mode === 'nearest') {
      const indices = Array.from(at, (place) => inside(rounded[nearest](place), size));
      data = take(data, dims, axis, indices);
    } else {
      data = resample(
        data,
        dims,
        axis,
        out,
        mode === 'linear' ? linear(at, size) : cubic(at, size, options),
      );
    }
    dims[axis] = out;
  });
  if (data === x) data = x.slice();
  if (outside.some((list) => list.includes(true))) extrapolate(data, dims, outside, options);
  return { data, shape: dims };
}

function known(name: string, value: string, names: readonly string[]): void {
  if (!names.includes(value)) throw rangeError(name, names.join(' | '), value);
}

function resolve({ shape, sizes, scales }: ResizeOptions): { sizes: number[]; scales: number[] } {
  if ((sizes === undefined) === (scales === undefined)) {
    throw rangeError('sizes', 'either sizes or scales', sizes === undefined ? 'neither' : 'both');
  }
  const list = sizes ?? scales!;
  checkLength(sizes === undefined ? 'scales' : 'sizes', list.length, shape.length);
  if (sizes !== undefined) {
    checkShape(sizes, volume(sizes));
    return { sizes: [...sizes], scales: sizes.map((n, i) => n / shape[i]!) };
  }
  const rounded32 = list.map(Math.fround);
  const out = shape.map((size, i) => {
    const n = Math.floor(size * rounded32[i]!);
    if (!(rounded32[i]! > 0 && n < 2 ** 31)) throw rangeError('scales', 'numbers > 0', list[i]);
    return n;
  });
  volume(out);
  return { sizes: out, scales: rounded32 };
}

type Place = (
  i: number,
  scale: number,
  out: number,
  size: number,
  roi: readonly [number, number],
) => number;

const { fround } = Math;

const halfPixel: Place = (i, scale) => fround(fround(fround(i + 0.5) / scale) - 0.5);

const places: Readonly<Record<CoordinateMode, Place>> = {
  half_pixel: halfPixel,
  half_pixel_symmetric: (i, scale, out, size) => {
    const adjustment = fround(out / fround(scale * size));
    const center = fround(size / 2);
    const offset = fround(center * fround(1 - adjustment));
    return fround(offset + halfPixel(i, scale, out, size, [0, 1]));
  },
  pytorch_half_pixel: (i, scale, out, size, roi) =>
    out > 1 ? halfPixel(i, scale, out, size, roi) : 0,
  align_corners: (i, _, out, size) => (out === 1 ? 0 : fround(fround(i * (size - 1)) / (out - 1))),
  asymmetric: (i, scale) => fround(i / scale),
  tf_crop_and_resize: (i, _, out, size, [start, end]) =>
    out > 1
      ? fround(
          fround(start * (size - 1)) +
            fround(fround(i * fround(fround(end - start) * (size - 1))) / (out - 1)),
        )
      : fround(0.5 * fround(fround(start + end) * (size - 1))),
};

const rounded: Readonly<Record<NearestMode, (place: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (place) => Math.ceil(place - 0.5),
  round_prefer_ceil: (place) => Math.floor(place + 0.5),
};

const inside = (index: number, size: number): number => Math.min(Math.max(index, 0), size - 1);

interface Taps {
  count: number;
  index: Int32Array;
  weight: Float32Array;
}

function linear(at: Float32Array, size: number): Taps {
  const index = new Int32Array(2 * at.length);
  const weight = new Float32Array(2 * at.length);
  at.forEach((place, j) => {
    const p = inside(place, size);
    const first = Math.min(Math.floor(p), size - 1);
    index.set([first, Math.min(first + 1, size - 1)], 2 * j);
    weight.set([1 - (p - first), p - first], 2 * j);
  });
  return { count: 2, index, weight };
}

/** Weights at distances 1 + t, t, 1 − t, 2 − t. Source: Keys 1981. */
function cubic(
  at: Float32Array,
  size: number,
  { cubicCoefficient: a = -0.75, excludeOutside = false }: ResizeOptions,
): Taps {
  const index = new Int32Array(4 * at.length);
  const weight = new Float32Array(4 * at.length);
  at.forEach((place, j) => {
    const first = Math.floor(place);
    const t = place - first;
    const near = (d: number): number => ((a + 2) * d - (a + 3)) * d * d + 1;
    const far = (d: number): number => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    let weights = [far(1 + t), near(t), near(1 - t), far(2 - t)];
    if (excludeOutside) {
      weights = weights.map((w, k) => (first - 1 + k < 0 || first - 1 + k >= size ? 0 : w));
      const sum = weights.reduce((p, q) => p + q, 0);
      weights = weights.map((w) => w / sum);
    }
    weight.set(weights, 4 * j);
    index.set(
      weights.map((_, k) => inside(first - 1 + k, size)),
      4 * j,
    );
  });
  return { count: 4, index, weight };
}

function resample(
  x: Float32Array,
  shape: readonly number[],
  axis: number,
  to: number,
  { count, index, weight }: Taps,
): Float32Array {
  const outer = volume(shape.slice(0, axis));
  const from = shape[axis]!;
  const unit = volume(shape.slice(axis + 1));
  const y = new Float32Array(volume([outer, to, unit]));
  eachSlab(x, y, outer, from * unit, to * unit, [index, weight], (simd, [input, output, i, w], n) =>
    simd.f32_resample(input!, output!, i!, w!, n, from, to, unit, count),
  );
  return y;
}

function extrapolate(
  data: Float32Array,
  shape: readonly number[],
  outside: readonly boolean[][],
  { extrapolationValue = 0 }: ResizeOptions,
): void {
  let step = data.length;
  shape.forEach((size, axis) => {
    step /= size;
    outside[axis]!.forEach((is, i) => {
      if (!is) return;
      for (let at = i * step; at < data.length; at += size * step) {
        data.fill(extrapolationValue, at, at + step);
      }
    });
  });
}
