import { Tensor } from '../../core/tensor.ts';
import { multiplied } from './contract.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { taken } from './gather.ts';
import { dtypeIn, invalid, tensorAt } from './operands.ts';
import { transposed } from './reshape.ts';
import { eachRow, softmaxOf } from './softmax.ts';

/** What a graph makes of scores or probabilities: as many of them. */
function modified(c: EvaluateContext, attribute: string, x: Tensor): Tensor {
  if (!c.node.attributes.has(attribute)) return x;
  const [result] = c.runBody(attribute, [x]);
  if (result instanceof Tensor && `${result.dims}` === `${x.dims}`) return result;
  throw invalid(c, 'E_SHAPE_MISMATCH', `"${attribute}" does not give [${x.dims}]`);
}

/** softmax(Q·Kᵀ·scale)·V whose scores and probabilities go through graphs of the node. */
function flexAttention(c: EvaluateContext): Tensor[] {
  const [q, k, v] = [tensorAt(c, 0), tensorAt(c, 1), tensorAt(c, 2)];
  const [heads, groups] = [q.dims[1] ?? 0, k.dims[1] ?? 0];
  const fits =
    [q, k, v].every(({ dims }) => dims.length === 4) &&
    v.dims[1] === groups &&
    groups > 0 &&
    heads % groups === 0;
  if (!fits) throw invalid(c, 'E_SHAPE_MISMATCH', 'queries, keys and values do not fit');
  const owners = Float64Array.from({ length: heads }, (_, h) => Math.floor((h * groups) / heads));
  const wide = (x: Tensor): Tensor => new Tensor('float64', numbersOf(x), x.dims);
  const shared = (x: Tensor): Tensor =>
    taken(c, wide(x), new Tensor('float64', owners, [heads]), 1);
  const product = multiplied(wide(q), transposed(shared(k), [0, 1, 3, 2]), 'float64');
  const scale = c.attributes.has('scale')
    ? c.attributes.float('scale')
    : 1 / Math.sqrt(q.dims[3] ?? 1);
  const type = dtypeIn(c, 'softmax_precision') ?? (q.type === 'float64' ? 'float64' : 'float32');
  const raw = numbersOf(product).map((score) => score * scale);
  const scores = modified(c, 'score_mod', tensorOf(type, raw, product.dims));
  const shares = tensorOf(type, eachRow(scores, [3], softmaxOf), scores.dims);
  const probabilities = modified(c, 'prob_mod', shares);
  return [multiplied(wide(probabilities), shared(v), q.type)];
}

export const flexAttentionEvaluators: readonly Evaluator[] = [
  { op: 'FlexAttention', domain: 'ai.onnx.preview', evaluate: flexAttention },
];
