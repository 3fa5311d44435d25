import { type DType, dtypes, integerRange } from '../../../core/dtype.ts';
import { roundHalfEven } from '../../../core/round.ts';
import { volume } from '../../../core/shape.ts';
import { bytesOf, typedArrayOf } from '../../../core/tensor.ts';
import { type Constant, constantOf, readConstant } from '../../../ir/constant.ts';
import { elementsOf, realsOf, scaleIndex } from '../../../ir/levels.ts';
import type { Quantization } from '../../../ir/types.ts';

/** Constants as integers with scales: moved to other integers, exactly or not. */

/** A constant of integers that are whole bytes. */
export function integers(
  dtype: DType,
  shape: readonly number[],
  values: ArrayLike<number>,
): Constant {
  if (dtype === 'int64') {
    const data = BigInt64Array.from(values as ArrayLike<number> as number[], BigInt);
    return constantOf(dtype, shape, bytesOf(data));
  }
  const data = typedArrayOf(dtype, new Uint8Array((values.length * dtypes[dtype].bits) / 8));
  (data as Int32Array).set(values);
  return constantOf(dtype, shape, bytesOf(data));
}

/** Levels of less than a byte as whole bytes: DEQUANTIZE takes these. The same levels. */
export function widened(
  constant: Constant,
  quantization: Quantization,
): { constant: Constant; quantization: Quantization } {
  const storage = dtypes[constant.dtype].kind === 'int' ? 'int8' : 'uint8';
  return {
    constant: integers(storage, constant.shape, elementsOf(constant)),
    quantization: { ...quantization, storage },
  };
}

/** uint8 as int8 with a zero point 128 less: the same real numbers. */
export function shifted(constant: Constant): Constant {
  const bytes = (readConstant(constant) as Uint8Array).map((byte) => byte ^ 128);
  return constantOf('int8', constant.shape, bytes);
}

/** The quantization of uint8 weights once they are stored as int8: zero points less 128. */
export function shiftedQuantization(quantization: Quantization): Quantization {
  const { scale, zeroPoint } = quantization;
  const zeros = Int32Array.from(scale, (_, i) => (zeroPoint?.[i] ?? 0) - 128);
  return {
    ...quantization,
    storage: 'int8',
    zeroPoint: zeros.some((zero) => zero !== 0) ? zeros : null,
  };
}

/** A constant in other levels: what its levels stand for, rounded to the nearest of them.
 *  @returns with the largest difference of a real number */
export function requantized(
  constant: Constant,
  from: Quantization,
  to: Quantization,
): { constant: Constant; error: number } {
  const { min, max } = integerRange(to.storage);
  const [scale, zero] = [to.scale[0]!, to.zeroPoint?.[0] ?? 0];
  const reals = readConstant(realsOf(constant, from)) as Uint8Array;
  let error = 0;
  const levels = Float64Array.from(typedArrayOf('float32', reals) as Float32Array, (real) => {
    const steps = roundHalfEven(Math.fround(real / scale)) + zero;
    const level = Math.max(min, Math.min(max, steps));
    error = Math.max(error, Math.abs((level - zero) * scale - real));
    return level;
  });
  return { constant: integers(to.storage, constant.shape, levels), error };
}

/** Weights as symmetric int8, one scale for each index of an axis.
 *  @returns with the largest difference of a weight */
export function symmetric(
  constant: Constant,
  quantization: Quantization,
  axis: number,
): { constant: Constant; quantization: Quantization; error: number } {
  const { shape } = constant;
  const levels = elementsOf(constant);
  const inner = volume(shape.slice(axis + 1));
  const channels = shape[axis]!;
  const index = scaleIndex(shape, quantization);
  const reals = levels.map((level, i) => {
    const at = index(i);
    return (level - (quantization.zeroPoint?.[at] ?? 0)) * quantization.scale[at]!;
  });
  const most = new Float64Array(channels);
  reals.forEach((real, i) => {
    const at = Math.floor(i / inner) % channels;
    most[at] = Math.max(most[at]!, Math.abs(real));
  });
  const scale = Float32Array.from(most, (max) => (max > 0 ? max / 127 : 1));
  let error = 0;
  const result = Int8Array.from(reals, (real, i) => {
    const step = scale[Math.floor(i / inner) % channels]!;
    const level = Math.max(-127, Math.min(127, Math.round(real / step)));
    error = Math.max(error, Math.abs(level * step - real));
    return level;
  });
  return {
    constant: constantOf('int8', shape, bytesOf(result)),
    quantization: { ...quantization, storage: 'int8', scale, zeroPoint: null, axis },
    error,
  };
}
