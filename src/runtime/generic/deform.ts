import { volume } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { indexAt, stridesOf } from './indexing.ts';
import { invalid, optionalAt, tensorAt } from './operands.ts';
import { givenWindow, slidWindow } from './windows.ts';

/** Linear between the 2^rank elements around a position; elements outside count as 0. */
function sampled(
  values: Float64Array,
  first: number,
  sizes: readonly number[],
  strides: readonly number[],
  position: readonly number[],
): number {
  const rank = sizes.length;
  let sum = 0;
  for (let corner = 0; corner < 2 ** rank; corner++) {
    let [weight, element] = [1, first];
    for (let axis = 0; axis < rank && weight !== 0; axis++) {
      const low = Math.floor(position[axis]!);
      const upper = Math.floor(corner / 2 ** axis) % 2;
      const at = low + upper;
      const share = position[axis]! - low;
      weight *= at < 0 || at >= sizes[axis]! ? 0 : upper === 1 ? share : 1 - share;
      element += at * strides[axis]!;
    }
    if (weight !== 0) sum += weight * values[element]!;
  }
  return sum;
}

/** A convolution whose taps are moved by offsets [N, groups · taps · rank, …] and weighed by a mask. */
function deformConv(c: EvaluateContext): Tensor[] {
  const [x, w, offset] = [tensorAt(c, 0), tensorAt(c, 1), tensorAt(c, 2)];
  const [n, channels] = x.dims as [number, number];
  const [filters, depth] = w.dims as [number, number];
  const groups = c.attributes.int('group');
  const offsetGroups = c.attributes.int('offset_group');
  const sizes = x.dims.slice(2);
  if (sizes.length === 0 || x.dims.length !== w.dims.length)
    throw invalid(c, 'E_SHAPE_RANK', `input [${x.dims}], weight [${w.dims}]`);
  const rank = sizes.length;
  const { window, places } = slidWindow(c, sizes, givenWindow(c, rank, w.dims.slice(2)));
  const [taps, count, area] = [volume(window.kernel), volume(places), volume(sizes)];
  const expected = [n, offsetGroups * taps * rank, ...places];
  if (`${offset.dims}` !== `${expected}` || channels !== depth * groups)
    throw invalid(c, 'E_SHAPE_MISMATCH', `offsets [${offset.dims}], expected [${expected}]`);
  const [inputs, weights, moves] = [numbersOf(x), numbersOf(w), numbersOf(offset)];
  const [bias, mask] = [optionalAt(c, 3), optionalAt(c, 4)];
  const biases = bias === undefined ? null : numbersOf(bias);
  const shares = mask === undefined ? null : numbersOf(mask);
  const strides = stridesOf(sizes);
  const values = new Float64Array(n * filters * count).map((_, i) =>
    biases === null ? 0 : biases[Math.floor(i / count) % filters]!,
  );
  const perGroup = filters / groups;
  for (let b = 0; b < n; b++) {
    for (let ch = 0; ch < channels; ch++) {
      const moved = b * offsetGroups + Math.floor(ch / (channels / offsetGroups));
      const firstFilter = Math.floor(ch / depth) * perGroup;
      for (let p = 0; p < count; p++) {
        const place = indexAt(p, places);
        for (let t = 0; t < taps; t++) {
          const tap = indexAt(t, window.kernel);
          const position = place.map(
            (at, axis) =>
              at * window.strides[axis]! -
              window.before[axis]! +
              tap[axis]! * window.dilations[axis]! +
              moves[((moved * taps + t) * rank + axis) * count + p]!,
          );
          const share = shares === null ? 1 : shares[(moved * taps + t) * count + p]!;
          const value =
            share * sampled(inputs, (b * channels + ch) * area, sizes, strides, position);
          for (let f = firstFilter; f < firstFilter + perGroup; f++)
            values[(b * filters + f) * count + p]! +=
              value * weights[(f * depth + (ch % depth)) * taps + t]!;
        }
      }
    }
  }
  return [tensorOf(x.type, values, [n, filters, ...places])];
}

export const deformEvaluators: readonly Evaluator[] = [{ op: 'DeformConv', evaluate: deformConv }];
