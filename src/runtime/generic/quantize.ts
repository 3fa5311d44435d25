import { type DType, integerRange } from '../../core/dtype.ts';
import { roundHalfEven } from '../../core/round.ts';
import { volume } from '../../core/shape.ts';
import { Tensor } from '../../core/tensor.ts';
import { isIntegerType, numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { indexAt, stridesOf } from './indexing.ts';
import { axisIn, dtypeIn, invalid, optionalAt, tensorAt } from './operands.ts';

/** Scaled reals as integers: rounded half to even, moved by the zero point, saturated; float8 is only rounded.
 *  @param zeros  one for each element */
export function quantizedTo(
  type: DType,
  scaled: Float64Array,
  zeros: ArrayLike<number> | null,
  dims: readonly number[],
): Tensor {
  if (!isIntegerType(type)) return tensorOf(type, scaled, dims, { saturate: true });
  const { min, max } = integerRange(type);
  const levels = scaled.map((v, i) => {
    const level = roundHalfEven(v) + (zeros === null ? 0 : zeros[i]!);
    return Math.min(Math.max(level, min), max);
  });
  return tensorOf(type, levels, dims);
}

/** A parameter for each element: one for all, one along `axis`, or one for each block along it. */
function parameterOf(c: EvaluateContext, parameter: Tensor, dims: readonly number[]): Float64Array {
  const values = numbersOf(parameter);
  const count = volume(dims);
  if (parameter.size === 1 && parameter.dims.length <= 1)
    return new Float64Array(count).fill(values[0]!);
  const axis = axisIn(c, c.attributes.int('axis'), dims.length);
  const block = c.attributes.int('block_size');
  const stride = stridesOf(dims)[axis]!;
  if (block === 0 && parameter.dims.length === 1) {
    if (parameter.size !== dims[axis])
      throw invalid(c, 'E_SHAPE_MISMATCH', `${parameter.size} scales for ${dims[axis]} channels`);
    return Float64Array.from(
      { length: count },
      (_, i) => values[Math.floor(i / stride) % dims[axis]!]!,
    );
  }
  if (parameter.dims.length !== dims.length)
    throw invalid(c, 'E_SHAPE_RANK', `scales of rank ${parameter.dims.length} for [${dims}]`);
  const strides = stridesOf(parameter.dims);
  const size = block > 0 ? block : Math.ceil(dims[axis]! / parameter.dims[axis]!);
  return Float64Array.from({ length: count }, (_, i) => {
    const place = indexAt(i, dims);
    place[axis] = Math.floor(place[axis]! / size);
    return values[place.reduce((sum, at, a) => sum + at * strides[a]!, 0)]!;
  });
}

function quantize(c: EvaluateContext): Tensor[] {
  const [x, scale, zero] = [tensorAt(c, 0), tensorAt(c, 1), optionalAt(c, 2)];
  const type = zero?.type ?? dtypeIn(c, 'output_dtype') ?? 'uint8';
  const precision = dtypeIn(c, 'precision') ?? (x.type === scale.type ? x.type : 'float32');
  const scales = parameterOf(c, scale, x.dims);
  const quotients = numbersOf(x).map((v, i) => v / scales[i]!);
  const scaled = numbersOf(tensorOf(precision, quotients, x.dims));
  const zeros = zero === undefined ? null : parameterOf(c, zero, x.dims);
  if (isIntegerType(type)) return [quantizedTo(type, scaled, zeros, x.dims)];
  const moved = zeros === null ? scaled : scaled.map((v, i) => v + zeros[i]!);
  return [tensorOf(type, moved, x.dims, { saturate: c.attributes.int('saturate') !== 0 })];
}

function dequantize(c: EvaluateContext): Tensor[] {
  const [x, scale, zero] = [tensorAt(c, 0), tensorAt(c, 1), optionalAt(c, 2)];
  const scales = parameterOf(c, scale, x.dims);
  const zeros = zero === undefined ? null : parameterOf(c, zero, x.dims);
  const reals = numbersOf(x).map((v, i) => (v - (zeros === null ? 0 : zeros[i]!)) * scales[i]!);
  return [tensorOf(dtypeIn(c, 'output_dtype') ?? scale.type, reals, x.dims)];
}

/** To uint8 by the range of the elements and 0, all steps in float32. */
function dynamicQuantize(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const values = numbersOf(x);
  const top = values.reduce((a, b) => Math.max(a, b), 0);
  const low = values.reduce((a, b) => Math.min(a, b), 0);
  const scale = Math.fround((top === low ? 1 : Math.fround(top - low)) / 255);
  const zero = roundHalfEven(Math.min(Math.max(-Math.fround(low / scale), 0), 255));
  const scaled = values.map((v) => Math.fround(v / scale));
  return [
    quantizedTo('uint8', scaled, new Float64Array(x.size).fill(zero), x.dims),
    new Tensor('float32', [scale], []),
    new Tensor('uint8', [zero], []),
  ];
}

export const quantizeEvaluators: readonly Evaluator[] = [
  { op: 'QuantizeLinear', evaluate: quantize },
  { op: 'DequantizeLinear', evaluate: dequantize },
  { op: 'DynamicQuantizeLinear', evaluate: dynamicQuantize },
];
