import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, pick, tensorOf } from './elements.ts';
import type { EvaluateContext } from './evaluator.ts';
import { aroundAxis, countOf, replaceSize } from './indexing.ts';
import { axesIn, integersAt, invalid, tensorAt } from './operands.ts';

/** One axis that is resized. */
export interface Axis {
  readonly axis: number;
  readonly size: number;
  readonly out: number;
  readonly scale: number;
  /** Shares of the size, of tf_crop_and_resize. */
  readonly start: number;
  readonly end: number;
}

/** Which elements make one of the result. */
export interface Taps {
  readonly indices: readonly number[];
  readonly weights: readonly number[];
}

/** The axes that a node resizes, by its inputs 1 to 3. */
export function resizedAxes(c: EvaluateContext, x: { dims: readonly number[] }): Axis[] {
  const rank = x.dims.length;
  const axes = axesIn(c, c.attributes.ints('axes') ?? x.dims.map((_, i) => i), rank);
  const list = (input: number): number[] | null =>
    c.inputs[input] == null || tensorAt(c, input).size === 0
      ? null
      : [...numbersOf(tensorAt(c, input))];
  const [roi, scales] = [list(1), list(2)];
  const sizes = c.inputs[3] == null ? null : integersAt(c, 3);
  const given = scales ?? sizes;
  if (given === null || given.length !== axes.length)
    throw invalid(c, 'E_SHAPE_RESIZE', 'it has neither scales nor sizes for its axes');
  const policy = c.attributes.string('keep_aspect_ratio_policy', 'stretch');
  const ratios = axes.map((axis, i) => given[i]! / x.dims[axis]!);
  const ratio = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  return axes.map((axis, i) => {
    const size = x.dims[axis]!;
    const [start, end] = [roi?.[i] ?? 0, roi?.[i + axes.length] ?? 1];
    const common = { axis, size, start, end };
    if (scales !== null)
      return { ...common, scale: scales[i]!, out: Math.floor(Math.fround(size * scales[i]!)) };
    if (policy === 'stretch') return { ...common, scale: ratios[i]!, out: given[i]! };
    return { ...common, scale: ratio, out: Math.floor(ratio * size + 0.5) };
  });
}

/** Where an element of the result lies in x. The length of the result counts before it is cut to an integer. */
function placeOf(mode: string, i: number, { size, out: whole, scale, start, end }: Axis): number {
  const out = scale * size;
  switch (mode) {
    case 'half_pixel':
      return (i + 0.5) / scale - 0.5;
    case 'half_pixel_symmetric': {
      const center = size / 2;
      return center * (1 - whole / out) + (i + 0.5) / scale - 0.5;
    }
    case 'pytorch_half_pixel':
      return out > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case 'align_corners':
      return out === 1 ? 0 : (i * (size - 1)) / (out - 1);
    case 'asymmetric':
      return i / scale;
    default:
      return out > 1
        ? start * (size - 1) + (i * (end - start) * (size - 1)) / (out - 1)
        : 0.5 * (start + end) * (size - 1);
  }
}

const rounded: Readonly<Record<string, (place: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (place) => Math.ceil(place - 0.5),
  round_prefer_ceil: (place) => Math.floor(place + 0.5),
};

const within = (index: number, size: number): number => Math.min(Math.max(index, 0), size - 1);

/** Weight at a distance. Source of the cubic one: Keys 1981. */
function filterOf(
  mode: string,
  a: number,
): { reach: number; weight: (distance: number) => number } {
  if (mode === 'linear') return { reach: 1, weight: (d) => Math.max(0, 1 - Math.abs(d)) };
  return {
    reach: 2,
    weight: (distance) => {
      const d = Math.abs(distance);
      if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
    },
  };
}

/** For each place of the result along an axis. */
export function tapsOf(c: EvaluateContext, axis: Axis): Taps[] {
  const mode = c.attributes.string('mode', 'nearest');
  const coordinates = c.attributes.string('coordinate_transformation_mode', 'half_pixel');
  const { size, out, scale } = axis;
  const places = Array.from({ length: countOf([out]) }, (_, i) => placeOf(coordinates, i, axis));
  if (mode === 'nearest') {
    const round = rounded[c.attributes.string('nearest_mode', 'round_prefer_floor')]!;
    return places.map((place) => ({ indices: [within(round(place), size)], weights: [1] }));
  }
  const { reach, weight } = filterOf(mode, c.attributes.float('cubic_coeff_a', -0.75));
  const isSoft = c.attributes.int('antialias', 0) !== 0;
  const narrow = isSoft ? Math.min(scale, 1) : 1;
  const excludes = c.attributes.int('exclude_outside', 0) !== 0;
  return places.map((place) => {
    const indices: number[] = [];
    const weights: number[] = [];
    const last = Math.floor(place + reach / narrow);
    for (let at = Math.ceil(place - reach / narrow); at <= last; at++) {
      const isOutside = at < 0 || at >= size;
      const own = isOutside && excludes ? 0 : weight((at - place) * narrow);
      indices.push(within(at, size));
      weights.push(own);
    }
    const total = weights.reduce((sum, own) => sum + own, 0);
    return { indices, weights: weights.map((own) => own / total) };
  });
}

/** Samples x at other sizes, one axis after the other. */
export function resize(c: EvaluateContext): Tensor {
  const x = tensorAt(c, 0);
  const axes = resizedAxes(c, x);
  const isCrop =
    c.attributes.string('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize';
  let dims = [...x.dims];
  const isNearest = c.attributes.string('mode', 'nearest') === 'nearest';
  if (isNearest && !isCrop) {
    let moved = x;
    for (const axis of axes) {
      moved = takeAlong(
        moved,
        axis.axis,
        tapsOf(c, axis).map(({ indices }) => indices[0]!),
      );
    }
    return moved;
  }
  let values = numbersOf(x);
  for (const axis of axes) {
    const taps = tapsOf(c, axis);
    const { outer, inner } = aroundAxis(dims, axis.axis);
    const next = new Float64Array(countOf([outer, axis.out, inner]));
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < axis.out; i++) {
        const { indices, weights } = taps[i]!;
        for (let j = 0; j < inner; j++) {
          let sum = 0;
          for (let t = 0; t < indices.length; t++) {
            if (weights[t] !== 0)
              sum += weights[t]! * values[(o * axis.size + indices[t]!) * inner + j]!;
          }
          next[(o * axis.out + i) * inner + j] = sum;
        }
      }
    }
    values = next;
    dims = replaceSize(dims, axis.axis, axis.out);
  }
  if (isCrop) extrapolate(c, values, dims, axes);
  return tensorOf(x.type, values, dims);
}

function takeAlong(x: Tensor, axis: number, indices: readonly number[]): Tensor {
  const { outer, size, inner } = aroundAxis(x.dims, axis);
  const offsets = new Float64Array(countOf([outer, indices.length, inner]));
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const index of indices) {
      for (let j = 0; j < inner; j++) offsets[at++] = (o * size + index) * inner + j;
    }
  }
  return pick(x, offsets, replaceSize(x.dims, axis, indices.length));
}

/** What lies outside of x. */
function extrapolate(
  c: EvaluateContext,
  values: Float64Array,
  dims: readonly number[],
  axes: readonly Axis[],
): void {
  const value = c.attributes.float('extrapolation_value', 0);
  for (const axis of axes) {
    const { outer, inner } = aroundAxis(dims, axis.axis);
    for (let i = 0; i < axis.out; i++) {
      const place = placeOf('tf_crop_and_resize', i, axis);
      if (place >= 0 && place <= axis.size - 1) continue;
      for (let o = 0; o < outer; o++) {
        const start = (o * axis.out + i) * inner;
        values.fill(value, start, start + inner);
      }
    }
  }
}
