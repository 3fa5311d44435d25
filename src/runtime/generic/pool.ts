import { volume } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, pick, tensorOf, tensorOfIntegers } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { powTo } from './functions.ts';
import { countOf, indexAt, stridesOf } from './indexing.ts';
import { indexIn, integersAt, invalid, tensorAt } from './operands.ts';
import { groupsOf } from './reduce.ts';
import { padded } from './slicing.ts';
import { givenWindow, slidWindow, spanOf, tapTable, type Window } from './windows.ts';

interface Pooling {
  readonly dims: readonly number[];
  readonly window: Window;
  readonly places: readonly number[];
  readonly sizes: readonly number[];
  /** Calls with the first element of each channel's plane and its windows' taps. */
  each(visit: (plane: number, taps: Int32Array, place: number) => void): void;
}

function pooling(c: EvaluateContext, x: Tensor): Pooling {
  const sizes = x.dims.slice(2);
  if (sizes.length === 0) throw invalid(c, 'E_SHAPE_RANK', `[${x.dims}] has no spatial axes`);
  const given = givenWindow(c, sizes.length, null);
  const ceilMode = c.attributes.int('ceil_mode', 0) !== 0;
  const { window, places } = slidWindow(c, sizes, given, ceilMode);
  const table = tapTable(sizes, places, window);
  const [taps, count, area] = [volume(window.kernel), volume(places), volume(sizes)];
  return {
    dims: [...x.dims.slice(0, 2), ...places],
    window,
    places,
    sizes,
    each(visit) {
      const planes = volume(x.dims.slice(0, 2));
      for (let plane = 0; plane < planes; plane++)
        for (let p = 0; p < count; p++)
          visit(plane * area, table.subarray(p * taps, (p + 1) * taps), p);
    },
  };
}

/** The first of the largest elements of each window, and its place in the whole input. */
function maxPool(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const values = numbersOf(x);
  const { dims, sizes, each } = pooling(c, x);
  const offsets = new Float64Array(volume(dims));
  let to = 0;
  each((plane, taps) => {
    let best = -1;
    for (const tap of taps) {
      if (tap < 0) continue;
      const value = values[plane + tap]!;
      if (best < 0 || value > values[best]! || Number.isNaN(value)) best = plane + tap;
      if (Number.isNaN(value)) break;
    }
    offsets[to++] = best;
  });
  const area = volume(sizes);
  const columns = stridesOf([...sizes].reverse()).reverse();
  const columnMajor = c.attributes.int('storage_order') !== 0;
  const indices = offsets.map((at) => {
    if (!columnMajor || at < 0) return at;
    const place = indexAt(at % area, sizes);
    const within = place.reduce((sum, index, axis) => sum + index * columns[axis]!, 0);
    return at - (at % area) + within;
  });
  return [pick(x, offsets, dims), tensorOfIntegers(indices, dims)];
}

/** How much of a window lies in the input and its pads, where ceil_mode lets it stand out. */
function coveredOf({ window, places, sizes }: Pooling): Float64Array {
  return Float64Array.from({ length: volume(places) }, (_, p) =>
    indexAt(p, places).reduce((product, at, axis) => {
      const first = at * window.strides[axis]! - window.before[axis]!;
      const end = sizes[axis]! + window.after[axis]!;
      const dilation = window.dilations[axis]!;
      const inside = Math.ceil((Math.min(first + spanOf(window, axis), end) - first) / dilation);
      return product * inside;
    }, 1),
  );
}

function averagePool(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const values = numbersOf(x);
  const pool = pooling(c, x);
  const covered = c.attributes.int('count_include_pad') !== 0 ? coveredOf(pool) : null;
  const result = new Float64Array(volume(pool.dims));
  let to = 0;
  pool.each((plane, taps, place) => {
    let [sum, count] = [0, 0];
    for (const tap of taps) {
      if (tap < 0) continue;
      sum += values[plane + tap]!;
      count++;
    }
    result[to++] = sum / (covered === null ? count : covered[place]!);
  });
  return [tensorOf(x.type, result, pool.dims)];
}

/** (Σ |x|^p)^(1/p) */
function lpNorms(sums: Float64Array, p: number): Float64Array {
  return p === 1 ? sums : p === 2 ? sums.map(Math.sqrt) : powTo(sums, 1 / p);
}

function magnitudePowers(values: Float64Array, p: number): Float64Array {
  const magnitudes = values.map(Math.abs);
  return p === 1 ? magnitudes : p === 2 ? magnitudes.map((v) => v * v) : powTo(magnitudes, p);
}

function lpPool(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const p = c.attributes.int('p');
  const powers = magnitudePowers(numbersOf(x), p);
  const { dims, each } = pooling(c, x);
  const sums = new Float64Array(volume(dims));
  let to = 0;
  each((plane, taps) => {
    let sum = 0;
    for (const tap of taps) if (tap >= 0) sum += powers[plane + tap]!;
    sums[to++] = sum;
  });
  return [tensorOf(x.type, lpNorms(sums, p), dims)];
}

/** Over all positions: [N, C, 1 …]. */
function globalPool(
  op: string,
  change: (plane: Float64Array, c: EvaluateContext) => number,
): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const x = tensorAt(c, 0);
      const axes = [...x.dims.keys()].slice(2);
      const { dims, starts, members } = groupsOf(x.dims, axes, true);
      const values = numbersOf(x);
      const results = starts.map((start) =>
        change(
          members.map((at) => values[start + at]!),
          c,
        ),
      );
      return [tensorOf(x.type, results, dims)];
    },
  };
}

const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);

/** Elements at the places where a MaxPool took them, zeros elsewhere. */
function maxUnpool(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const spatial = x.dims.length - 2;
  const window = givenWindow(c, spatial, null);
  const inferred = [
    ...x.dims.slice(0, 2),
    ...x.dims
      .slice(2)
      .map(
        (size, axis) =>
          (size - 1) * window.strides[axis]! +
          window.kernel[axis]! -
          window.before[axis]! -
          window.after[axis]!,
      ),
  ];
  const offsets = new Float64Array(countOf(inferred)).fill(-1);
  integersAt(c, 1).forEach((at, i) => {
    offsets[indexIn(c, at, offsets.length)] = i;
  });
  const result = pick(x, offsets, inferred);
  if (c.inputs[2] == null) return [result];
  // Larger sizes that are asked for lie after the others.
  const asked = integersAt(c, 2);
  const more = inferred.map((size, axis) => asked[axis]! - size);
  return [
    padded(
      result,
      more.map(() => 0),
      more,
      'constant',
    ),
  ];
}

export const poolEvaluators: readonly Evaluator[] = [
  { op: 'MaxPool', evaluate: maxPool },
  { op: 'AveragePool', evaluate: averagePool },
  { op: 'LpPool', evaluate: lpPool },
  globalPool('GlobalAveragePool', (plane) => sum(plane) / plane.length),
  globalPool('GlobalMaxPool', (plane) => plane.reduce((a, b) => Math.max(a, b), -Infinity)),
  globalPool('GlobalLpPool', (plane, c) => {
    const p = c.attributes.int('p');
    return lpNorms(Float64Array.of(sum(magnitudePowers(plane, p))), p)[0]!;
  }),
  { op: 'MaxUnpool', evaluate: maxUnpool },
];
