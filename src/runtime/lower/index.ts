import { storedLowerings } from '../reference-contract/always.ts';
import { binaryLowerings } from './binary.ts';
import { convLowerings } from './conv.ts';
import { convTransposeLowerings } from './conv-transpose.ts';
import { int8BlockLowerings } from './int8/blocks.ts';
import { int8ConvLowerings } from './int8/conv.ts';
import { int8ConvIntegerLowerings } from './int8/conv-integer.ts';
import { int8ConvTransposeLowerings } from './int8/conv-transpose.ts';
import { int8DynamicLowerings } from './int8/dynamic.ts';
import { int8DynamicProductLowerings } from './int8/dynamic-product.ts';
import { int8ElementwiseLowerings } from './int8/elementwise.ts';
import { int8MatmulLowerings } from './int8/matmul.ts';
import { int8PairLowerings } from './int8/matmul-pair.ts';
import { int8MoveLowerings } from './int8/move.ts';
import { int8PairwiseLowerings } from './int8/pairs.ts';
import { int8PoolLowerings } from './int8/pool.ts';
import { quantizeLowerings } from './int8/quantize.ts';
import { int8ReduceLowerings } from './int8/reduce.ts';
import { int8ResizeLowerings } from './int8/resize.ts';
import { int8SoftmaxLowerings } from './int8/softmax.ts';
import { integerLowerings } from './integer.ts';
import type { Lowering } from './lowering.ts';
import { matmulLowerings } from './matmul.ts';
import { moveLowerings } from './move.ts';
import { normalizeLowerings } from './normalize.ts';
import { poolLowerings } from './pool.ts';
import { recurrentLowerings } from './recurrent.ts';
import { reduceLowerings } from './reduce.ts';
import { reshapeLowerings } from './reshape.ts';
import { resizeLowerings } from './resize.ts';
import { selectLowerings } from './select.ts';
import { tfliteLstmLowerings } from './tflite-lstm.ts';
import { unaryLowerings } from './unary.ts';

/** All fast paths; of several for one operator the first that takes the operands. */
export const lowerings: readonly Lowering[] = [
  ...reshapeLowerings,
  ...unaryLowerings,
  ...binaryLowerings,
  ...moveLowerings,
  ...reduceLowerings,
  ...matmulLowerings,
  ...convLowerings,
  ...convTransposeLowerings,
  ...poolLowerings,
  ...normalizeLowerings,
  ...resizeLowerings,
  ...selectLowerings,
  ...recurrentLowerings,
  ...int8ConvLowerings,
  ...int8ConvIntegerLowerings,
  ...int8ConvTransposeLowerings,
  ...int8MatmulLowerings,
  ...int8PairLowerings,
  ...int8ElementwiseLowerings,
  ...int8PairwiseLowerings,
  ...int8BlockLowerings,
  ...int8DynamicLowerings,
  ...int8DynamicProductLowerings,
  ...int8PoolLowerings,
  ...int8MoveLowerings,
  ...int8SoftmaxLowerings,
  ...int8ReduceLowerings,
  ...int8ResizeLowerings,
  ...quantizeLowerings,
  ...integerLowerings,
  ...storedLowerings,
  ...tfliteLstmLowerings,
];
const tables = new WeakMap<readonly Lowering[], Map<string, Lowering[]>>();

/** The lowerings of an operator, in order of preference. */
export function findLowerings(
  table: readonly Lowering[],
  domain: string,
  op: string,
): readonly Lowering[] {
  let byName = tables.get(table);
  if (byName === undefined) {
    byName = new Map();
    for (const item of table) {
      const key = `${item.domain ?? ''}:${item.op}`;
      const list = byName.get(key);
      if (list === undefined) byName.set(key, [item]);
      else list.push(item);
    }
    tables.set(table, byName);
  }
  return byName.get(`${domain === 'ai.onnx' ? '' : domain}:${op}`) ?? [];
}
