import { normalizationOps } from './normalization.ts';
import type { Op } from './op.ts';
import { broadcast, sameAsFirst, tensor } from './rules.ts';

/** Builtins of TFLite that are several operators of ONNX, in domain `mp`: sessions make them of these where all of it is
 *  computed on levels (`runtime/reference-contract/merge.ts`). No file has them. */

const domain = 'mp';
const softmax = normalizationOps.find(({ name }) => name === 'Softmax')!;

export const tfliteBuiltinOps: readonly Op[] = [
  {
    /** (a − b)² */
    name: 'SquaredDifference',
    domain,
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => [tensor(c.dtype(0), broadcast(c, [c.shape(0), c.shape(1)]))],
  },
  {
    /** 1 / √x */
    name: 'Rsqrt',
    domain,
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {},
    infer: sameAsFirst,
  },
  {
    /** Of beta · x. */
    ...softmax,
    domain,
    attributes: { ...softmax.attributes, beta: { kind: 'float', default: 1 } },
  },
];
