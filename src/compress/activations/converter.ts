import { bytesOf } from '../../core/tensor.ts';
import type { AffineParameters } from '../affine.ts';
import type { StoreSlab } from '../quantized.ts';

/** Parameters of int8 models as TFLite's converter computes them, operation by operation in float32 and float64 as it does:
 *  the same scales, weights and biases, bit for bit. Source: tflite/tools/optimize/quantization_utils.cc (`tflite`);
 *  quantization_lib/{quantization_utils,tfl_quantization_driver}.cc (`tflite-mlir`). */

/** `tflite`: the quantizer of 2019 to 2021, which made the models of MLPerf Tiny; `tflite-mlir`: the one after it. They
 *  differ in channels that are all but dead, and in constants beside values. */
export type ConverterScheme = 'tflite' | 'tflite-mlir';

export const converterSchemes: readonly ConverterScheme[] = ['tflite', 'tflite-mlir'];

/** How real numbers become levels: level = round(real · inverse), halves away from zero. */
export interface Steps {
  readonly scale: Float32Array;
  readonly inverse: Float32Array;
}

/** Weights of a product, and its bias. */
export interface LinearSteps extends Steps {
  /** Steps of the bias, as many as of the weights. */
  readonly bias: Float32Array;
}

const f32 = Math.fround;
const most = 2 ** 31 - 1;
/** Smallest normal float32: in smaller steps the inverse is infinite. */
const tiny = 2 ** -126;
/** Of a range that the newer quantizer takes: 1e-6 from end to end. */
const leastHalf = 5e-7;

/** The nearest integer, halves away from zero, as `std::round` has it. Exact for |x| < 2^52. */
export function roundHalfAway(x: number): number {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
}

/** int8 levels of a value within a range, which is widened to contain 0.
 *  @param min  finite
 *  @param max  finite */
export function activationSteps(min: number, max: number): { scale: number; zeroPoint: number } {
  let low = Math.min(f32(min), 0);
  let high = Math.max(f32(max), 0);
  // A step of 0 would be no step: what is always 0 gets the least range that the newer quantizer has.
  if (f32(high - low) / 255 < tiny) [low, high] = [-leastHalf, leastHalf];
  const width = f32(high - low);
  const scale = f32((width < Infinity ? width : high - low) / 255);
  const zero = roundHalfAway(f32(-128 - f32(low / scale)));
  return { scale, zeroPoint: Math.max(-128, Math.min(127, zero)) };
}

/** Steps of weights that are int8 in [−127, 127], so large that each bias is at most 2^30 of its steps.
 *  @param largest  largest absolute weight, of each output or of all
 *  @param products  the biases of the operators that share the weights, and the steps of what they multiply */
export function weightSteps(
  scheme: ConverterScheme,
  largest: Float32Array,
  products: readonly { bias: Float32Array | null; step: number }[],
): Steps {
  const isOld = scheme === 'tflite';
  const half = largest.map((x) => (isOld || 2 * x > 2 * leastHalf ? x : Math.max(x, leastHalf)));
  const scale = half.map((x) => x / 127);
  const inverse = half.map((x, i) => (isOld ? 127 / x : 1 / scale[i]!));
  for (const { bias, step } of products) {
    if (bias === null) continue;
    const biases = largest.length === 1 ? Float32Array.of(largestOf(bias)) : bias;
    biases.forEach((real, i) => {
      const size = Math.abs(real);
      if (isOld) {
        const isWhole = largest.length === 1;
        const isLarge = isWhole
          ? f32(size / 2 ** 31) >= 0.5 * step * scale[i]!
          : size >= 0.5 * step * scale[i]! * most;
        if (!isLarge) return;
        half[i] = ((2 * size) / most) * f32(127 / step);
        scale[i] = half[i]! / 127;
        inverse[i] = 127 / half[i]!;
      } else if (size / (step * scale[i]!) > mostBias) {
        scale[i] = size / mostBias / step;
        inverse[i] = 1 / scale[i]!;
      }
    });
  }
  // Channels of zeros, and those whose steps, or whose bias's, are none.
  const least = products.reduce((most, { step }) => Math.max(most, tiny / step), tiny);
  scale.forEach((step, i) => {
    if (step >= least && inverse[i]! < Infinity) return;
    const isZero = largest[i] === 0;
    scale[i] = isZero ? 1 : least;
    inverse[i] = isZero ? 0 : 1 / least;
  });
  return { scale, inverse };
}

/** Of the newer quantizer: half of what int32 holds. */
const mostBias = 2 ** 30 - 1;

/** Steps of a bias: of what is summed. The newer quantizer divides a bias that gave its weights their steps itself. */
export function biasSteps(
  scheme: ConverterScheme,
  { scale }: Steps,
  bias: Float32Array,
  step: number,
): Steps {
  const own = scale.map((weight, i) => {
    const size = scale.length === 1 ? largestOf(bias) : Math.abs(bias[i]!);
    const isGiven = scheme === 'tflite-mlir' && f32(size / mostBias / step) === weight;
    return isGiven ? size / mostBias : step * weight;
  });
  return { scale: own, inverse: own.map((x) => 1 / x) };
}

function largestOf(values: Float32Array): number {
  return values.reduce((found, x) => Math.max(found, Math.abs(x)), 0);
}

/** A number in steps, within ±limit. */
export function levelOf(real: number, inverse: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, roundHalfAway(f32(real * inverse))));
}

/** Levels of a part of weights, one byte each, as the converter rounds them. */
export function storeLevels({ inverse }: Steps): StoreSlab {
  return (reals, { outer, channels, inner, firstScale, scales }) => {
    const levels = new Int8Array(reals.length);
    let at = 0;
    for (let row = 0; row < outer; row++)
      for (let channel = 0; channel < channels; channel++) {
        const own = inverse[firstScale + (scales === 1 ? 0 : channel)]!;
        for (let i = 0; i < inner; i++, at++) levels[at] = levelOf(reals[at]!, own, 127);
      }
    return bytesOf(levels);
  };
}

/** Levels of a constant that is added, multiplied or compared: around zero as weights by the older quantizer, over its range
 *  as values by the newer. */
export function operandSteps(
  scheme: ConverterScheme,
  min: number,
  max: number,
): { parameters: AffineParameters; store: StoreSlab } {
  if (scheme === 'tflite') {
    const steps = weightSteps(scheme, Float32Array.of(Math.max(max, -min)), []);
    return { parameters: { scale: steps.scale, zeroPoint: null }, store: storeLevels(steps) };
  }
  const { scale, zeroPoint } = activationSteps(min, max);
  const inverse = f32(1 / scale);
  const levelsOf = (reals: Float32Array): Int8Array =>
    Int8Array.from(reals, (real) => {
      const level = roundHalfAway(f32(real * inverse)) + zeroPoint;
      return Math.max(-128, Math.min(127, level));
    });
  return {
    parameters: { scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) },
    store: (reals) => bytesOf(levelsOf(reals)),
  };
}
