import { attentionOps } from './attention.ts';
import { binaryOps } from './binary.ts';
import { controlOps } from './control.ts';
import { convOps } from './conv.ts';
import { createOps } from './create.ts';
import { elementwiseOps } from './elementwise.ts';
import { gatherOps } from './gather.ts';
import { imageOps } from './image.ts';
import { lossOps } from './loss.ts';
import { matmulOps } from './matmul.ts';
import { microsoftOps } from './microsoft.ts';
import { mlOps } from './ml.ts';
import { modelpressOps } from './modelpress.ts';
import { mpOps } from './mp.ts';
import { normalizationOps } from './normalization.ts';
import type { Op } from './op.ts';
import { poolOps } from './pool.ts';
import { quantizeOps } from './quantize.ts';
import { recurrentOps } from './recurrent.ts';
import { reduceOps } from './reduce.ts';
import { reshapeOps } from './reshape.ts';
import { sequenceOps } from './sequence.ts';
import { signalOps } from './signal.ts';
import { slicingOps } from './slicing.ts';
import { textOps } from './text.ts';
import { tfliteBuiltinOps } from './tflite-builtins.ts';
import { tfliteRecurrentOps } from './tflite-recurrent.ts';
import { trainingOps } from './training.ts';

export {
  type Activation,
  type ActivationKind,
  activationKinds,
  activationOf,
  attributesOfActivation,
  noActivation,
} from './activation.ts';
export { findFault, readAttributes } from './attributes.ts';
export { ownDomain } from './modelpress.ts';
export * from './op.ts';

/** Every operator that modelpress knows the meaning of. */
export const ops: readonly Op[] = [
  ...elementwiseOps,
  ...binaryOps,
  ...reduceOps,
  ...reshapeOps,
  ...slicingOps,
  ...gatherOps,
  ...createOps,
  ...convOps,
  ...poolOps,
  ...matmulOps,
  ...normalizationOps,
  ...recurrentOps,
  ...attentionOps,
  ...quantizeOps,
  ...controlOps,
  ...sequenceOps,
  ...signalOps,
  ...imageOps,
  ...textOps,
  ...lossOps,
  ...microsoftOps,
  ...mlOps,
  ...trainingOps,
  ...mpOps,
  ...modelpressOps,
  ...tfliteRecurrentOps,
  ...tfliteBuiltinOps,
];

const tables = new WeakMap<readonly Op[], Map<string, Op>>();

/** The operator of a domain ('' and `ai.onnx` are the same) and name, or null: such a node is opaque.
 *  @param table  the array is not to change after the first look-up */
export function findOp(table: readonly Op[], domain: string, name: string): Op | null {
  let byName = tables.get(table);
  if (byName === undefined) {
    byName = new Map(table.map((op) => [`${op.domain ?? ''}:${op.name}`, op]));
    tables.set(table, byName);
  }
  return byName.get(`${domain === 'ai.onnx' ? '' : domain}:${name}`) ?? null;
}
