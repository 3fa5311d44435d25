import { Tensor } from '../../core/tensor.ts';
import { spread } from './binary.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { indexIn, invalid, optionalAt, optionalIntegersAt, tensorAt } from './operands.ts';
import { eachRow } from './softmax.ts';

/** Normalizations as onnxruntime's optimizers fuse them with sums. */
const domain = 'com.microsoft';

const mean = (row: Float64Array): number => row.reduce((a, b) => a + b, 0) / row.length;

/** Rows of the last axis, normalized, times gamma plus beta: over their deviation, or over their length. */
function normalized(
  c: EvaluateContext,
  sum: Tensor,
  [gamma, beta]: readonly [Tensor, Tensor | undefined],
  isCentered: boolean,
): { y: Float64Array; means: Float64Array; inverses: Float64Array } {
  const epsilon = c.attributes.float('epsilon');
  const rank = sum.dims.length;
  const width = sum.dims.at(-1) ?? 0;
  const rows = width === 0 ? 0 : sum.size / width;
  const [means, inverses] = [new Float64Array(rows), new Float64Array(rows)];
  const [scales, shifts] = [
    spread(gamma, sum.dims),
    beta === undefined ? null : spread(beta, sum.dims),
  ];
  const y = eachRow(sum, [rank - 1], (row, index) => {
    const center = isCentered ? mean(row) : 0;
    const inverse = 1 / Math.sqrt(mean(row.map((v) => (v - center) * (v - center))) + epsilon);
    means[index] = center;
    inverses[index] = inverse;
    return row.map((v) => (v - center) * inverse);
  }).map((v, i) => v * scales[i]! + (shifts === null ? 0 : shifts[i]!));
  return { y, means, inverses };
}

/** @param beta  the input that has it, or null without one: then rows aren't centered either */
function skipNormalization(op: string, beta: number | null): Evaluator {
  return {
    op,
    domain,
    evaluate: (c) => {
      const x = tensorAt(c, 0);
      if (x.dims.length === 0) throw invalid(c, 'E_SHAPE_RANK', 'there is no axis');
      const bias = optionalAt(c, beta === null ? 3 : 4);
      const skip = spread(tensorAt(c, 1), x.dims);
      const biases = bias === undefined ? null : spread(bias, x.dims);
      const values = numbersOf(x).map((v, i) => v + skip[i]! + (biases === null ? 0 : biases[i]!));
      const sum = new Tensor('float64', values, x.dims);
      const parameters = [tensorAt(c, 2), beta === null ? undefined : optionalAt(c, beta)] as const;
      const { y, means, inverses } = normalized(c, sum, parameters, beta !== null);
      const kept = [...x.dims.slice(0, -1), 1];
      return [
        tensorOf(x.type, y, x.dims),
        tensorOf('float32', means, kept),
        tensorOf('float32', inverses, kept),
        tensorOf(x.type, values, x.dims),
      ];
    },
  };
}

/** The sum of word, position and segment embeddings, normalized; then how many tokens the mask has. */
function embedNormalization(c: EvaluateContext): Tensor[] {
  const ids = tensorAt(c, 0);
  const [batch, length] = ids.dims as [number, number];
  if (ids.dims.length !== 2) throw invalid(c, 'E_SHAPE_RANK', `[${ids.dims}] are no sequences`);
  const width = tensorAt(c, 2).dims[1] ?? 0;
  const values = new Float64Array(batch * length * width);
  const add = (table: Tensor, rows: (token: number) => number): void => {
    const own = numbersOf(table);
    if (table.dims.length !== 2 || table.dims[1] !== width)
      throw invalid(c, 'E_SHAPE_MISMATCH', `embeddings [${table.dims}], expected ${width} wide`);
    for (let token = 0; token < batch * length; token++) {
      const from = indexIn(c, rows(token), table.dims[0]!) * width;
      for (let i = 0; i < width; i++) values[token * width + i]! += own[from + i]!;
    }
  };
  const words = numbersOf(ids);
  const places = optionalIntegersAt(c, 8);
  const segments = optionalIntegersAt(c, 1);
  add(tensorAt(c, 2), (token) => words[token]!);
  add(tensorAt(c, 3), (token) =>
    places === undefined
      ? token % length
      : places[places.length === length ? token % length : token]!,
  );
  const table = optionalAt(c, 4);
  if (table !== undefined && segments !== undefined) add(table, (token) => segments[token]!);
  const { type } = tensorAt(c, 2);
  const dims = [batch, length, width];
  const sum = new Tensor('float64', values, dims);
  const { y } = normalized(c, sum, [tensorAt(c, 5), optionalAt(c, 6)], true);
  const mask = optionalIntegersAt(c, 7);
  const counts = Float64Array.from({ length: batch }, (_, b) =>
    mask === undefined
      ? 0
      : mask.slice(b * length, (b + 1) * length).filter((item) => item === 1).length,
  );
  return [
    tensorOf(type, y, dims),
    tensorOf('int32', counts, [batch]),
    tensorOf(type, values, dims),
  ];
}

export const microsoftNormalizationEvaluators: readonly Evaluator[] = [
  skipNormalization('SkipLayerNormalization', 3),
  skipNormalization('SkipSimplifiedLayerNormalization', null),
  { op: 'EmbedLayerNormalization', domain, evaluate: embedNormalization },
];
