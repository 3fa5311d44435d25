import type { Lowering } from '../lower/lowering.ts';
import { convKernels } from './conv.ts';
import { lstmKernels } from './lstm.ts';
import { matmulKernels } from './matmul.ts';
import { type StoredKernel, smallMeaning, storedLowering } from './stored.ts';
import { svdfKernel } from './svdf.ts';

/** float32 does not hold sums of products with 16-bit levels: they are exact here, and rounded once. */
function ofWideLevels(kernel: StoredKernel): StoredKernel {
  return {
    ...kernel,
    prepare: (c) => (smallMeaning(c.inputs[0])?.storage === 'int16' ? kernel.prepare(c) : null),
  };
}

/** What runs on stored integers under any contract: recurrent operators, which TFLite computes in one way only, and
 *  products with 16-bit levels. */
export const storedLowerings: readonly Lowering[] = [
  svdfKernel,
  ...lstmKernels,
  ...[...convKernels('once'), ...matmulKernels('once')].map(ofWideLevels),
].map(storedLowering);
