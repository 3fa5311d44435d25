import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext } from './evaluator.ts';
import { countOf, stridesOf } from './indexing.ts';
import { integersAt, invalid, tensorAt } from './operands.ts';

/** Cubic weights at the four neighbors of a place between the middle two. Source: Keys 1981, a = −0.75. */
function cubicWeights(t: number): number[] {
  const a = -0.75;
  const near = (d: number): number => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number): number => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
}

/** Reflects a place between two borders as often as needed. */
function reflected(place: number, low: number, high: number): number {
  const range = high - low;
  if (range <= 0) return low;
  const distance = Math.abs(place - low);
  const times = Math.floor(distance / range);
  const rest = distance - times * range;
  return times % 2 === 0 ? low + rest : high - rest;
}

/** Samples images [N, C, …] at the places of a grid [N, …, axes] in [−1, 1], the last axis first. */
export function gridSample(c: EvaluateContext): Tensor {
  const [x, grid] = [tensorAt(c, 0), tensorAt(c, 1)];
  const [batch, channels, ...sizes] = x.dims as [number, number, ...number[]];
  const spatial = sizes.length;
  if (grid.dims.at(-1) !== spatial || grid.dims[0] !== batch)
    throw invalid(c, 'E_SHAPE_MISMATCH', 'the grid does not fit the images');
  const isAligned = c.attributes.int('align_corners', 0) !== 0;
  const mode = c.attributes.string('mode', 'linear');
  const padding = c.attributes.string('padding_mode', 'zeros');
  const [values, places] = [numbersOf(x), numbersOf(grid)];
  const points = grid.size / spatial / batch;
  const strides = stridesOf(sizes);
  const plane = sizes.reduce((product, size) => product * size, 1);
  const outDims = [batch, channels, ...grid.dims.slice(1, -1)];
  const result = new Float64Array(countOf([batch, channels, points]));
  const inside = (index: number, size: number): number | null => {
    if (index >= 0 && index < size) return index;
    if (padding === 'zeros') return null;
    if (padding === 'border') return Math.min(Math.max(index, 0), size - 1);
    const [low, high] = isAligned ? [0, size - 1] : [-0.5, size - 0.5];
    return Math.min(Math.max(Math.round(reflected(index, low, high)), 0), size - 1);
  };
  for (let n = 0; n < batch; n++) {
    for (let p = 0; p < points; p++) {
      // Offsets within a plane, and weights, of everything that the point takes.
      let taps: [number, number][] = [[0, 1]];
      for (let axis = 0; axis < spatial; axis++) {
        const size = sizes[axis]!;
        const u = places[(n * points + p) * spatial + (spatial - 1 - axis)]!;
        let place = isAligned ? ((u + 1) / 2) * (size - 1) : ((u + 1) * size - 1) / 2;
        if (padding === 'border') place = Math.min(Math.max(place, 0), size - 1);
        else if (padding === 'reflection') {
          const [low, high] = isAligned ? [0, size - 1] : [-0.5, size - 0.5];
          place = reflected(place, low, high);
        }
        const own = tapsAt(mode, place);
        const next: [number, number][] = [];
        for (const [offset, weight] of taps) {
          for (const [index, share] of own) {
            const at = inside(index, size);
            if (at !== null && share !== 0)
              next.push([offset + at * strides[axis]!, weight * share]);
          }
        }
        taps = next;
      }
      for (let ch = 0; ch < channels; ch++) {
        const start = (n * channels + ch) * plane;
        let sum = 0;
        for (const [offset, weight] of taps) sum += weight * values[start + offset]!;
        result[(n * channels + ch) * points + p] = sum;
      }
    }
  }
  return tensorOf(x.type, result, outDims);
}

/** Neighbors of a place on one axis, with their weights. */
function tapsAt(mode: string, place: number): [number, number][] {
  if (mode === 'nearest') {
    const floor = Math.floor(place);
    const rest = place - floor;
    const isUp = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
    return [[isUp ? floor + 1 : floor, 1]];
  }
  const first = Math.floor(place);
  const t = place - first;
  if (mode === 'linear')
    return [
      [first, 1 - t],
      [first + 1, t],
    ];
  return cubicWeights(t).map((weight, i) => [first - 1 + i, weight]);
}

/** Places of an image of some sizes under an affine map [N, axes, axes + 1]. */
export function affineGrid(c: EvaluateContext): Tensor {
  const theta = tensorAt(c, 0);
  const sizes = integersAt(c, 1);
  const spatial = sizes.slice(2);
  const rank = spatial.length;
  const batch = sizes[0] ?? 0;
  if (theta.size !== batch * rank * (rank + 1))
    throw invalid(c, 'E_SHAPE_MISMATCH', 'the map does not fit the sizes');
  const isAligned = c.attributes.int('align_corners', 0) !== 0;
  const map = numbersOf(theta);
  const points = spatial.reduce((product, size) => product * size, 1);
  const result = new Float64Array(countOf([batch, points, rank]));
  const at = new Array<number>(rank).fill(0);
  for (let p = 0; p < points; p++) {
    let rest = p;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const size = spatial[axis]!;
      const i = rest % size;
      rest = Math.floor(rest / size);
      const step = isAligned ? (size > 1 ? (2 * i) / (size - 1) - 1 : -1) : (2 * i + 1) / size - 1;
      // The last axis is the first coordinate.
      at[rank - 1 - axis] = isAligned && size === 1 ? 0 : step;
    }
    for (let n = 0; n < batch; n++) {
      for (let row = 0; row < rank; row++) {
        const start = (n * rank + row) * (rank + 1);
        let sum = map[start + rank]!;
        for (let k = 0; k < rank; k++) sum += map[start + k]! * at[k]!;
        result[(n * points + p) * rank + row] = sum;
      }
    }
  }
  return tensorOf(theta.type, result, [batch, ...spatial, rank]);
}
