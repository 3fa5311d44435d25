import { numbersOf, tensorOf } from './elements.ts';
import type { Evaluator } from './evaluator.ts';
import { broadcastDims, broadcastOffsets } from './indexing.ts';
import { axisIn, tensorAt } from './operands.ts';
import { eachRow, softmaxOf } from './softmax.ts';

/** Builtins of TFLite that are several operators of ONNX. */
export const tfliteBuiltinEvaluators: readonly Evaluator[] = [
  {
    op: 'SquaredDifference',
    domain: 'mp',
    evaluate(c) {
      const [a, b] = [tensorAt(c, 0), tensorAt(c, 1)];
      const dims = broadcastDims([a.dims, b.dims]);
      const [left, right] = [broadcastOffsets(a.dims, dims), broadcastOffsets(b.dims, dims)];
      const [p, q] = [numbersOf(a), numbersOf(b)];
      const squares = Float64Array.from(left, (at, i) => (p[at]! - q[right[i]!]!) ** 2);
      return [tensorOf(a.type, squares, dims)];
    },
  },
  {
    op: 'Rsqrt',
    domain: 'mp',
    evaluate(c) {
      const x = tensorAt(c, 0);
      return [
        tensorOf(
          x.type,
          numbersOf(x).map((v) => 1 / Math.sqrt(v)),
          x.dims,
        ),
      ];
    },
  },
  {
    op: 'Softmax',
    domain: 'mp',
    evaluate(c) {
      const x = tensorAt(c, 0);
      const axis = axisIn(c, c.attributes.int('axis', -1), x.dims.length);
      const beta = c.attributes.float('beta', 1);
      const shares = eachRow(x, [axis], (row) => softmaxOf(row.map((v) => beta * v)));
      return [tensorOf(x.type, shares, x.dims)];
    },
  },
];
