import { bigintsOf, numbersOf } from '../generic/elements.ts';
import type { LowerContext, Operand } from '../lower/lowering.ts';
import { activationLimits, type Limits, within } from './limits.ts';
import { type Multiplier, multiplierOf, scaled, scaledWide } from './multiplier.ts';
import { type Meaning, smallMeaning } from './stored.ts';

/** How sums of products of levels become levels. */

/** How sums are rounded: as TFLite's reference kernels, or once and to even. */
export type Rounding = 'reference' | 'once';

/** One for each column or channel of a result. */
export interface Sums {
  /** Zero points of what is multiplied. */
  readonly inputZero: number;
  readonly weightZeros: Int32Array;
  /** What sums begin with. */
  readonly bias: Float64Array;
  /** The level of a sum. */
  level(sum: number, channel: number): number;
}

/** To the nearest integer, ties to even. */
function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

interface Weights {
  readonly scales: Float32Array;
  readonly zeros: Int32Array;
}

const weightTypes: readonly string[] = ['int8', 'uint8', 'int4', 'uint4', 'int2', 'int16'];

/** Scales and zero points of a weight by channel; null for blocks, and for what is no weight.
 *  @param axis  of the channels */
function weightsOf(operand: Operand, axis: number, channels: number): Weights | null {
  const { quantization } = operand;
  if (quantization === null || !weightTypes.includes(operand.storage)) return null;
  const { scale, zeroPoint, blockSize, view } = quantization;
  if (blockSize !== null) return null;
  const isWhole = scale.length === 1;
  if (!isWhole && (view !== null || quantization.axis !== axis || scale.length !== channels))
    return null;
  return {
    scales: Float32Array.from({ length: channels }, (_, i) => scale[isWhole ? 0 : i]!),
    zeros: Int32Array.from({ length: channels }, (_, i) => zeroPoint?.[isWhole ? 0 : i] ?? 0),
  };
}

/** Whole numbers of a bias in units of the sums; null for another. */
function biasOf(c: LowerContext, input: number, channels: number): Float64Array | null {
  const operand = c.inputs[input];
  if (operand == null) return new Float64Array(channels);
  const known = c.known(input);
  if (known === null || operand.size !== channels) return null;
  if (operand.storage === 'int64') return Float64Array.from(bigintsOf(known), Number);
  return operand.storage === 'int32' || operand.storage === 'int16' ? numbersOf(known) : null;
}

/** Factors from sums to levels. TFLite multiplies scales as floats where a weight has only one. */
export function factorsOf(
  x: Meaning,
  scales: Float32Array,
  y: Meaning,
  isWhole: boolean,
): Float64Array {
  return Float64Array.from(scales, (scale) =>
    isWhole ? Math.fround(x.scale * scale) / y.scale : (x.scale * scale) / y.scale,
  );
}

/** What sums of products of an input's levels with a weight's become; null for operands without one.
 *  @param axis    of the weight's output channels
 *  @param single  whether a weight with one scale has a factor of floats, as FULLY_CONNECTED */
export function sumsOf(
  c: LowerContext,
  axis: number,
  channels: number,
  single: boolean,
  rounding: Rounding,
): Sums | null {
  const x = smallMeaning(c.inputs[0]);
  const y = smallMeaning(c.outputs[0]);
  const weight = c.inputs[1];
  if (x === null || y === null || weight == null) return null;
  const weights = weightsOf(weight, axis, channels);
  const limits = activationLimits(c.attributes, y);
  const bias = biasOf(c, 2, channels);
  if (weights === null || limits === null || bias === null) return null;
  const isWhole = weight.quantization!.scale.length === 1;
  const isUnsigned = x.storage === 'uint8';
  const factors = factorsOf(x, weights.scales, y, isWhole && (single || isUnsigned));
  const base = { inputZero: x.zero, weightZeros: weights.zeros, bias };
  if (rounding === 'once') return { ...base, level: onceOf(factors, y, limits) };
  const isWide = x.storage === 'int16' && c.inputs[2]?.storage !== 'int32';
  return { ...base, level: referenceOf(factors, y, limits, isWide) };
}

function onceOf(factors: Float64Array, y: Meaning, limits: Limits): Sums['level'] {
  return (sum, channel) => within(roundEven(sum * factors[channel]!) + y.zero, limits);
}

function referenceOf(
  factors: Float64Array,
  y: Meaning,
  limits: Limits,
  isWide: boolean,
): Sums['level'] {
  const multipliers: Multiplier[] = Array.from(factors, multiplierOf);
  if (isWide)
    return (sum, channel) => within(scaledWide(sum, multipliers[channel]!) + y.zero, limits);
  return (sum, channel) => within(scaled(sum | 0, multipliers[channel]!) + y.zero, limits);
}
