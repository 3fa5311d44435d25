import { attentionEvaluators } from './attention.ts';
import { binaryEvaluators } from './binary.ts';
import { castEvaluators } from './cast.ts';
import { controlEvaluators } from './control.ts';
import { convEvaluators } from './conv.ts';
import { createEvaluators } from './create.ts';
import { deformEvaluators } from './deform.ts';
import { dynamicEvaluators } from './dynamic.ts';
import { elementwiseEvaluators } from './elementwise.ts';
import type { Evaluator } from './evaluator.ts';
import { flexAttentionEvaluators } from './flex-attention.ts';
import { gatherEvaluators } from './gather.ts';
import { identityEvaluators } from './identity.ts';
import { imageEvaluators } from './image.ts';
import { lossEvaluators } from './loss.ts';
import { matmulEvaluators } from './matmul.ts';
import { microsoftEvaluators } from './microsoft.ts';
import { microsoftAttentionEvaluators } from './microsoft-attention.ts';
import { microsoftQuantizedEvaluators } from './microsoft-quantized.ts';
import { mlEvaluators } from './ml.ts';
import { mpEvaluators } from './mp.ts';
import { normalizationEvaluators } from './normalization.ts';
import { poolEvaluators } from './pool.ts';
import { quantizeEvaluators } from './quantize.ts';
import { randomEvaluators } from './random.ts';
import { recurrentEvaluators } from './recurrent.ts';
import { reduceEvaluators } from './reduce.ts';
import { regionEvaluators } from './regions.ts';
import { reshapeEvaluators } from './reshape.ts';
import { scatterEvaluators } from './scatter.ts';
import { sequenceEvaluators } from './sequence.ts';
import { signalEvaluators } from './signal.ts';
import { slicingEvaluators } from './slicing.ts';
import { softmaxEvaluators } from './softmax.ts';
import { textEvaluators } from './text.ts';
import { tfliteBuiltinEvaluators } from './tflite-builtins.ts';
import { tfliteLstmEvaluators } from './tflite-lstm.ts';
import { tfliteRecurrentEvaluators } from './tflite-recurrent.ts';
import { trainingEvaluators } from './training.ts';

export type { EvaluateContext, Evaluator } from './evaluator.ts';

const onnxEvaluators: readonly Evaluator[] = [
  ...mlEvaluators,
  ...trainingEvaluators,
  ...flexAttentionEvaluators,
  ...recurrentEvaluators,
  ...imageEvaluators,
  ...attentionEvaluators,
  ...lossEvaluators,
  ...controlEvaluators,
  ...sequenceEvaluators,
  ...identityEvaluators,
  ...elementwiseEvaluators,
  ...binaryEvaluators,
  ...castEvaluators,
  ...regionEvaluators,
  ...poolEvaluators,
  ...deformEvaluators,
  ...convEvaluators,
  ...softmaxEvaluators,
  ...quantizeEvaluators,
  ...normalizationEvaluators,
  ...matmulEvaluators,
  ...slicingEvaluators,
  ...scatterEvaluators,
  ...reshapeEvaluators,
  ...reduceEvaluators,
  ...gatherEvaluators,
  ...createEvaluators,
  ...randomEvaluators,
  ...signalEvaluators,
  ...textEvaluators,
];

/** Every operator that runs. */
export const evaluators: readonly Evaluator[] = [
  ...onnxEvaluators,
  ...mpEvaluators(onnxEvaluators),
  ...microsoftEvaluators(onnxEvaluators),
  ...microsoftAttentionEvaluators(onnxEvaluators),
  ...microsoftQuantizedEvaluators(onnxEvaluators),
  ...dynamicEvaluators(onnxEvaluators.find(({ op }) => op === 'DynamicQuantizeLinear')!),
  ...tfliteBuiltinEvaluators,
  ...tfliteLstmEvaluators,
  ...tfliteRecurrentEvaluators,
];

const tables = new WeakMap<readonly Evaluator[], Map<string, Evaluator>>();

/** The evaluator of an operator, or null. */
export function findEvaluator(
  table: readonly Evaluator[],
  domain: string,
  op: string,
): Evaluator | null {
  let byName = tables.get(table);
  if (byName === undefined) {
    byName = new Map(table.map((item) => [`${item.domain ?? ''}:${item.op}`, item]));
    tables.set(table, byName);
  }
  return byName.get(`${domain === 'ai.onnx' ? '' : domain}:${op}`) ?? null;
}
