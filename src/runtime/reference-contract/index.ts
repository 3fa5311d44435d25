import type { Lowering } from '../lower/lowering.ts';
import { activationKernels } from './activations.ts';
import { arithmeticKernels } from './arithmetic.ts';
import { concatKernels } from './concat.ts';
import { convKernels } from './conv.ts';
import { fastProductLowerings } from './fast-products.ts';
import { matmulKernels } from './matmul.ts';
import { poolKernels } from './pool.ts';
import { reduceKernels } from './reduce.ts';
import { resizeKernels } from './resize.ts';
import { rootKernels } from './roots.ts';
import { sigmoid16Kernels } from './sigmoid16.ts';
import { softmaxKernels } from './softmax.ts';
import { storedLowering } from './stored.ts';
import { tableKernels } from './tables.ts';

/** Quantized operators as TFLite's reference kernels compute them, bit for bit: before all other lowerings, where a
 *  session has contract `reference`. What only moves levels, and what is not quantized, is not among them.
 *  Sources: tflite/kernels/internal/reference and integer_ops (arithmetic), the operators' Prepare (factors). Where
 *  versions differ it is TensorFlow Lite 2.14 and Micro: LiteRT has since come to round FULLY_CONNECTED in float64. SUM
 *  of signed levels is what it should be; the reference kernel takes them for uint8. */
export const referenceLowerings: readonly Lowering[] = [
  ...fastProductLowerings,
  ...[
    ...convKernels('reference'),
    ...matmulKernels('reference'),
    ...arithmeticKernels,
    ...sigmoid16Kernels,
    ...tableKernels,
    ...activationKernels,
    ...softmaxKernels,
    ...rootKernels,
    ...poolKernels,
    ...reduceKernels,
    ...resizeKernels,
    ...concatKernels,
  ].map(storedLowering),
];
