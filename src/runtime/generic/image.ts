import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOfIntegers } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { affineGrid, gridSample } from './grid-sample.ts';
import { scalarAt, tensorAt } from './operands.ts';
import { resize } from './resize.ts';

/** A box by its corners. */
interface Box {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

function boxAt(values: Float64Array, at: number, isCentered: boolean): Box {
  const [a, b, d, e] = [values[at]!, values[at + 1]!, values[at + 2]!, values[at + 3]!];
  if (isCentered) return { left: a - d / 2, top: b - e / 2, right: a + d / 2, bottom: b + e / 2 };
  return {
    top: Math.min(a, d),
    left: Math.min(b, e),
    bottom: Math.max(a, d),
    right: Math.max(b, e),
  };
}

/** Intersection over union. */
function overlap(a: Box, b: Box): number {
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  if (height <= 0 || width <= 0) return 0;
  const area = ({ top, left, bottom, right }: Box): number => (bottom - top) * (right - left);
  const union = area(a) + area(b) - height * width;
  return union > 0 ? (height * width) / union : 0;
}

/** Best boxes of each class that do not overlap a better one: rows of [batch, class, box]. */
function nonMaxSuppression(c: EvaluateContext): Tensor {
  const [boxes, scores] = [tensorAt(c, 0), tensorAt(c, 1)];
  const [batch, classes, count] = scores.dims as [number, number, number];
  const most = c.inputs[2] == null ? 0 : scalarAt(c, 2);
  const limit = c.inputs[3] == null ? 0 : scalarAt(c, 3);
  const least = c.inputs[4] == null ? -Infinity : scalarAt(c, 4);
  const isCentered = c.attributes.int('center_point_box', 0) !== 0;
  const [corners, values] = [numbersOf(boxes), numbersOf(scores)];
  const rows: number[] = [];
  for (let n = 0; n < batch; n++) {
    const own = Array.from({ length: count }, (_, i) =>
      boxAt(corners, (n * count + i) * 4, isCentered),
    );
    for (let k = 0; k < classes; k++) {
      const start = (n * classes + k) * count;
      const order = Array.from({ length: count }, (_, i) => i)
        .filter((i) => values[start + i]! > least || c.inputs[4] == null)
        .sort((i, j) => values[start + j]! - values[start + i]! || i - j);
      const kept: number[] = [];
      for (const i of order) {
        if (kept.length >= most) break;
        if (kept.every((j) => overlap(own[i]!, own[j]!) <= limit)) {
          kept.push(i);
          rows.push(n, k, i);
        }
      }
    }
  }
  return tensorOfIntegers(rows, [rows.length / 3, 3]);
}

export const imageEvaluators: readonly Evaluator[] = [
  { op: 'Resize', evaluate: (c) => [resize(c)] },
  { op: 'Resize', domain: 'mp', evaluate: (c) => [resize(c)] },
  { op: 'GridSample', evaluate: (c) => [gridSample(c)] },
  { op: 'AffineGrid', evaluate: (c) => [affineGrid(c)] },
  { op: 'NonMaxSuppression', evaluate: (c) => [nonMaxSuppression(c)] },
];
