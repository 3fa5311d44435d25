import type { BuiltinOptions } from '../records.ts';
import type { Operand } from './operand.ts';

/** Operators that take real numbers and weights of 8 bits: their kernels quantize what comes in anew at each run, one
 *  image or row at a time. What such files compute is near to, and not the same as, products with dequantized weights.
 *  Source: kernels/conv.cc, depthwise_conv.cc, fully_connected.cc (Prepare). */

/** First release whose FULLY_CONNECTED takes real numbers and a matrix with a scale for each row.
 *  Source: version 12 in tflite/tools/versioning/runtime_version.cc. */
export const firstHybridByRow = '2.17';

/** Whether an operand of an operator is a weight that its hybrid kernel takes as it is: int8 around zero, for each output
 *  channel of a convolution, for the whole matrix of FULLY_CONNECTED.
 *  @param byRow  whether the runtime takes a scale for each row of that matrix, as those from 2.17 on do */
export function isHybridWeight(
  name: string,
  inputs: readonly (Operand | null)[],
  index: number,
  byRow: boolean,
): boolean {
  const [x, w] = inputs;
  if (index !== 1 || x == null || w == null || x.quantization !== null) return false;
  if (w.constant === null || w.quantization === null || x.constant !== null) return false;
  const { storage, scale, zeroPoint, axis, blockSize, view } = w.quantization;
  if (storage !== 'int8' || blockSize !== null || view !== null) return false;
  if (zeroPoint?.some((zero) => zero !== 0) === true) return false;
  const isWhole = scale.length === 1;
  switch (name) {
    case 'CONV_2D':
      // There is no hybrid kernel for groups.
      return x.shape?.at(-1) === w.shape?.[3] && (isWhole || axis === 0);
    case 'DEPTHWISE_CONV_2D':
      return axis === 3;
    case 'FULLY_CONNECTED':
      return isWhole || (byRow && axis === 0);
    default:
      return false;
  }
}

/** Options with which a hybrid FULLY_CONNECTED uses the whole range of what comes in. */
export function hybridOptions(options: BuiltinOptions | undefined): BuiltinOptions | undefined {
  if (options?.type !== 'FullyConnectedOptions') return options;
  return { ...options, value: { ...options.value, asymmetricQuantizeInputs: true } };
}
