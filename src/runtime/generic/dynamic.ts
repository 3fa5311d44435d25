import { roundHalfEven } from '../../core/round.ts';
import { Tensor } from '../../core/tensor.ts';
import { ownDomain } from '../../ops/modelpress.ts';
import { spread } from './binary.ts';
import { multiplied } from './contract.ts';
import { numbersOf, tensorOf, withDims } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { optionalAt, tensorAt } from './operands.ts';

/** Levels less their zero point, and what a step of each row is. */
interface Levels {
  readonly levels: Tensor;
  readonly steps: Float64Array;
}

/** Each row around zero in steps of its greatest magnitude / 127, in float32. NaN counts as the least level. */
function byRow(x: Tensor): Levels {
  const width = x.dims.at(-1) ?? 1;
  const values = numbersOf(x);
  const rows = width === 0 ? 0 : values.length / width;
  const steps = new Float64Array(rows);
  const levels = new Float64Array(values.length);
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * width, (row + 1) * width);
    let most = 0;
    for (const value of own) if (Math.abs(value) > most) most = Math.abs(value);
    const step = Math.fround(most / 127);
    steps[row] = step;
    own.forEach((value, i) => {
      const ratio = Math.fround(value / (step > 0 ? step : 1));
      const level = Math.min(Math.max(Number.isNaN(ratio) ? -127 : ratio, -127), 127);
      levels[row * width + i] = roundHalfEven(level);
    });
  }
  return { levels: new Tensor('float64', levels, x.dims), steps };
}

function whole(c: EvaluateContext, x: Tensor, dynamic: Evaluator): Levels {
  const [y, scale, zero] = dynamic.evaluate({ ...c, inputs: [x] }) as [Tensor, Tensor, Tensor];
  const point = numbersOf(zero)[0]!;
  const levels = numbersOf(y).map((level) => level - point);
  const width = Math.max(1, x.dims.at(-1) ?? 1);
  return {
    levels: new Tensor('float64', levels, x.dims),
    steps: new Float64Array(levels.length / width).fill(numbersOf(scale)[0]!),
  };
}

/** One parameter, or one for each column. */
function byColumn(parameter: Tensor | undefined, n: number, otherwise: number): Float64Array {
  if (parameter === undefined) return new Float64Array(n).fill(otherwise);
  return spread(parameter.size === 1 ? withDims(parameter, []) : parameter, [n]);
}

/** @param dynamic  the evaluator of DynamicQuantizeLinear */
export function dynamicEvaluators(dynamic: Evaluator): Evaluator[] {
  return [
    {
      op: 'DynamicMatMul',
      domain: ownDomain,
      evaluate: (c) => {
        const [x, w] = [tensorAt(c, 0), tensorAt(c, 1)];
        const n = w.dims.at(-1) ?? 1;
        const { levels, steps } = c.attributes.int('rows') === 0 ? whole(c, x, dynamic) : byRow(x);
        const scales = byColumn(tensorAt(c, 2), n, 1);
        const zeros = byColumn(optionalAt(c, 3), n, 0);
        const bias = byColumn(optionalAt(c, 4), n, 0);
        const centered = numbersOf(w).map((level, i) => level - zeros[i % n]!);
        const sums = multiplied(levels, new Tensor('float64', centered, w.dims), 'float64');
        const values = numbersOf(sums).map((sum, i) => {
          const column = i % n;
          const factor = Math.fround(steps[Math.floor(i / n)]! * scales[column]!);
          return Math.fround(Math.fround(sum) * factor) + bias[column]!;
        });
        return [tensorOf('float32', values, sums.dims)];
      },
    },
  ];
}
