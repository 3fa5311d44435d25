import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { indexIn, invalid, tensorAt } from './operands.ts';

/** Pools over regions of images, which are given by their corners. */

/** The largest element of each bin of a region [batch, x1, y1, x2, y2]; the corners are rounded and belong to it.
 *  Source: Girshick 2015, "Fast R-CNN". */
function maxRoiPool(c: EvaluateContext): Tensor[] {
  const [x, regions] = [tensorAt(c, 0), tensorAt(c, 1)];
  const [batches, channels, height, width] = x.dims as [number, number, number, number];
  const [rows, columns] = c.attributes.ints('pooled_shape') as [number, number];
  const scale = c.attributes.float('spatial_scale');
  const [values, rois] = [numbersOf(x), numbersOf(regions)];
  const count = regions.dims[0]!;
  if (regions.dims[1] !== 5) throw invalid(c, 'E_SHAPE_MISMATCH', `regions [${regions.dims}]`);
  const result = new Float64Array(count * channels * rows * columns);
  // Away from zero at a half, as C's round.
  const rounded = (v: number): number => Math.sign(v) * Math.floor(Math.abs(v) * scale + 0.5);
  let to = 0;
  for (let r = 0; r < count; r++) {
    const batch = indexIn(c, rois[r * 5]!, batches);
    const [left, top, right, bottom] = [1, 2, 3, 4].map((i) => rounded(rois[r * 5 + i]!)) as [
      number,
      number,
      number,
      number,
    ];
    const binHeight = Math.max(bottom - top + 1, 1) / rows;
    const binWidth = Math.max(right - left + 1, 1) / columns;
    const within = (at: number, size: number): number => Math.min(Math.max(at, 0), size);
    for (let ch = 0; ch < channels; ch++) {
      const plane = (batch * channels + ch) * height * width;
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          const [y1, y2] = [Math.floor(i * binHeight), Math.ceil((i + 1) * binHeight)];
          const [x1, x2] = [Math.floor(j * binWidth), Math.ceil((j + 1) * binWidth)];
          let best = -Infinity;
          for (let h = within(y1 + top, height); h < within(y2 + top, height); h++)
            for (let w = within(x1 + left, width); w < within(x2 + left, width); w++)
              best = Math.max(best, values[plane + h * width + w]!);
          result[to++] = best === -Infinity ? 0 : best;
        }
      }
    }
  }
  return [tensorOf(x.type, result, [count, channels, rows, columns])];
}

/** Two neighbors along an axis and the share of the second; null more than one element outside. */
function neighbors(position: number, size: number): [number, number, number] | null {
  if (position < -1 || position > size) return null;
  const inside = Math.max(position, 0);
  const low = Math.floor(inside);
  return low >= size - 1 ? [size - 1, size - 1, 0] : [low, low + 1, inside - low];
}

interface Sample {
  readonly places: readonly [number, number, number, number];
  readonly weights: readonly [number, number, number, number];
}

function sampleAt(y: number, x: number, height: number, width: number): Sample {
  const [down, across] = [neighbors(y, height), neighbors(x, width)];
  if (down === null || across === null) return { places: [0, 0, 0, 0], weights: [0, 0, 0, 0] };
  const [y1, y2, v] = down;
  const [x1, x2, u] = across;
  return {
    places: [y1 * width + x1, y1 * width + x2, y2 * width + x1, y2 * width + x2],
    weights: [(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u],
  };
}

/** Mean or largest of samples between elements, in each bin of a region. In mode `max` it is the largest weighed
 *  element, as ONNX's reference has it. Source: He et al. 2017, "Mask R-CNN". */
function roiAlign(c: EvaluateContext): Tensor[] {
  const [x, regions, batchOf] = [tensorAt(c, 0), tensorAt(c, 1), numbersOf(tensorAt(c, 2))];
  const [batches, channels, height, width] = x.dims as [number, number, number, number];
  const rows = c.attributes.int('output_height');
  const columns = c.attributes.int('output_width');
  const ratio = c.attributes.int('sampling_ratio');
  const scale = c.attributes.float('spatial_scale');
  const isHalf = c.attributes.string('coordinate_transformation_mode') === 'half_pixel';
  const isMean = c.attributes.string('mode') === 'avg';
  const [values, rois] = [numbersOf(x), numbersOf(regions)];
  const count = regions.dims[0]!;
  const area = height * width;
  const result = new Float64Array(count * channels * rows * columns);
  for (let r = 0; r < count; r++) {
    const batch = indexIn(c, batchOf[r]!, batches);
    const [left, top, right, bottom] = [0, 1, 2, 3].map(
      (i) => rois[r * 4 + i]! * scale - (isHalf ? 0.5 : 0),
    ) as [number, number, number, number];
    const least = isHalf ? -Infinity : 1;
    const binHeight = Math.max(bottom - top, least) / rows;
    const binWidth = Math.max(right - left, least) / columns;
    const down = ratio > 0 ? ratio : Math.ceil(binHeight);
    const across = ratio > 0 ? ratio : Math.ceil(binWidth);
    for (let bin = 0; bin < rows * columns; bin++) {
      const [i, j] = [Math.floor(bin / columns), bin % columns];
      const samples: Sample[] = [];
      for (let v = 0; v < down; v++)
        for (let u = 0; u < across; u++)
          samples.push(
            sampleAt(
              top + (i + (v + 0.5) / down) * binHeight,
              left + (j + (u + 0.5) / across) * binWidth,
              height,
              width,
            ),
          );
      for (let ch = 0; ch < channels; ch++) {
        const plane = (batch * channels + ch) * area;
        const parts = samples.map(({ places, weights }) =>
          places.map((at, k) => weights[k]! * values[plane + at]!),
        );
        const total = isMean
          ? parts.flat().reduce((a, b) => a + b, 0) / Math.max(samples.length, 1)
          : parts.flat().reduce((a, b) => Math.max(a, b), samples.length > 0 ? -Infinity : 0);
        result[(r * channels + ch) * rows * columns + bin] = total;
      }
    }
  }
  return [tensorOf(x.type, result, [count, channels, rows, columns])];
}

export const regionEvaluators: readonly Evaluator[] = [
  { op: 'MaxRoiPool', evaluate: maxRoiPool },
  { op: 'RoiAlign', evaluate: roiAlign },
];
