import { volume } from '../../core/shape.ts';
import { bytesOf } from '../../core/tensor.ts';
import { type Constant, constantOf, constantOfValue } from '../../ir/constant.ts';
import type { Edit } from '../../ir/edit.ts';
import { Node, type Value } from '../../ir/graph.ts';
import { realsOf, scaleIndex } from '../../ir/levels.ts';
import { heldConstant } from '../../ir/permute.ts';
import { type Quantization, tensorType } from '../../ir/types.ts';
import { freshName } from '../../ir/walk.ts';
import { asInitializer, floatsOf, removeHolder } from '../../passes/constants.ts';
import { formatDecibels } from '../../report/units.ts';
import type { ResolvedQuantize } from '../options.ts';
import {
  extremesOf,
  type Measured,
  measure,
  quantizationOf,
  quantizedConstant,
  within7Bits,
} from '../quantized.ts';
import { setRealBias } from '../rounding/bias.ts';
import { levelsConstant } from '../rounding/levels-constant.ts';
import type { RoundedWeight } from '../rounding/sequential.ts';
import type { Scheme } from '../scheme.ts';
import { isBias, weightSlot } from '../slots.ts';
import {
  biasSteps,
  type ConverterScheme,
  levelOf,
  type Steps,
  storeLevels,
  weightSteps,
} from './converter.ts';

/** Weights that kernels on integers take: int8 or int4 around zero, with one scale, or one for each output. */
export interface LinearWeight {
  readonly value: Value;
  readonly constant: Constant;
  readonly scheme: Scheme;
  readonly measured: Measured;
}

/** The weights of a product, measured; or why it stays with real numbers.
 *  @param known  results by value: weights may have several users */
export async function linearWeight(
  node: Node,
  settings: ResolvedQuantize,
  known: Map<Value, LinearWeight | string>,
): Promise<LinearWeight | string> {
  const value = node.inputs[1];
  const constant = value == null ? null : constantOfValue(value);
  if (value == null || constant === null) return 'its weights are computed';
  const axis = channelOf(node, constant);
  if (axis === null) return 'its weights have more axes than kernels on integers take';
  for (const { user, index } of value.uses) {
    const isAlike = user instanceof Node && index === 1 && channelOf(user, constant) === axis;
    if (!isAlike) return 'its weights have another use';
  }
  const why = biasFault(node, constant, axis);
  if (why !== null) return why;
  if ((await realBias(node))?.every(Number.isFinite) === false)
    return 'its bias has NaN or infinite elements';
  const found = known.get(value) ?? (await chosen(node, value, constant, axis, settings));
  known.set(value, found);
  return found;
}

/** One scale for all must be so good that another for each output gains nothing: levels of 8 bits of what is multiplied
 *  are no better. */
const wholeDb = 35;

async function chosen(
  node: Node,
  value: Value,
  constant: Constant,
  axis: number,
  settings: ResolvedQuantize,
): Promise<LinearWeight | string> {
  const { granularity, scheme, wholeWhereGood } = settings;
  const storage = settings.weights === 'int4' ? 'int4' : 'int8';
  if (value.quantization !== null) return asStored(value, constant, axis, settings);
  const tryWhole = async (): Promise<LinearWeight | string> =>
    measured(value, constant, schemeOf(constant, storage, null), settings);
  if (granularity === 'tensor' && (scheme === null || isMatrix(node))) return tryWhole();
  if (wholeWhereGood && isMatrix(node)) {
    const whole = await tryWhole();
    if (typeof whole !== 'string' && whole.measured.sqnrDb >= wholeDb) return whole;
  }
  return measured(value, constant, schemeOf(constant, storage, axis), settings);
}

/** TFLite's FULLY_CONNECTED: by its converter's rule it has one scale, where convolutions have one for each output. */
function isMatrix({ op }: Node): boolean {
  return op === 'MatMul' || op === 'Gemm';
}

function schemeOf({ shape }: Constant, storage: 'int8' | 'int4', axis: number | null): Scheme {
  const granularity = axis === null ? 'tensor' : 'channel';
  return { storage, symmetric: true, granularity, axis, blockSize: null, view: shape };
}

/** Weights that are int8 around zero already, as hybrid files of TFLite have them: what they stand for has the same levels. */
async function asStored(
  value: Value,
  constant: Constant,
  channel: number,
  settings: ResolvedQuantize,
): Promise<LinearWeight | string> {
  const { storage, zeroPoint, axis, blockSize, view } = value.quantization!;
  const isCentered = zeroPoint === null || zeroPoint.every((zero) => zero === 0);
  const isPlain = blockSize === null && view === null && (axis === null || axis === channel);
  if (storage !== 'int8' || !isCentered || !isPlain)
    return 'its weights are quantized already, in another way';
  const reals = realsOf(await heldConstant(constant), value.quantization!);
  return measured(value, reals, schemeOf(reals, 'int8', axis), settings);
}

async function measured(
  value: Value,
  constant: Constant,
  scheme: Scheme,
  { minSqnrDb, reduceRange }: ResolvedQuantize,
): Promise<LinearWeight | string> {
  if (constant.dtype !== 'float32') return 'its weights are not float32';
  const whole = await measure(constant, scheme);
  const found = reduceRange && scheme.storage === 'int8' ? within7Bits(whole) : whole;
  if (Number.isNaN(found.sqnrDb)) return 'its weights have NaN or infinite elements';
  if (found.parameters.scale.some((step) => step > widest)) return 'its weights are too large';
  if (found.sqnrDb < minSqnrDb)
    return `its weights would lose too much: ${formatDecibels(found.sqnrDb)} of ${minSqnrDb} dB`;
  return { value, constant, scheme, measured: found };
}

/** Axis of the outputs. */
function channelOf(node: Node, { shape }: Constant): number | null {
  const slot = weightSlot(node, 1, shape.length);
  const isSpatial = node.op === 'Conv' || node.op === 'ConvTranspose';
  if (slot === null || volume(shape) === 0 || (!isSpatial && shape.length !== 2)) return null;
  const group = node.attributes.get('group');
  const isGrouped = group?.type === 'int' && Number(group.value) !== 1;
  return node.op === 'ConvTranspose' && isGrouped ? null : slot.channel;
}

function biasFault(node: Node, weights: Constant, axis: number): string | null {
  if (node.inputs.slice(3).some((value) => value !== null)) return 'it adds another value';
  const bias = node.inputs[2];
  if (bias == null) return null;
  const constant = isBias(node, 2) ? constantOfValue(bias) : null;
  if (constant === null || bias.quantization !== null) return 'its bias is computed';
  if (constant.dtype !== 'float32') return 'its bias is not float32';
  if (volume(constant.shape) !== weights.shape[axis])
    return 'its bias is not one number for each output';
  return null;
}

/** A product that is to run on integers, and the step of its input; null where its bias stays real. */
export interface Product {
  readonly node: Node;
  readonly step: number | null;
}

/** Largest integer of a bias: sums have room beside it. As TFLite's converter has it. */
const mostBias = 2 ** 30;

/** Stores weights as integers, and the biases of their products as int32 in steps of what is summed. Where a bias
 *  would not fit, the weights of its output get larger steps: channels that are all but dead have steps near 0.
 *  @param rule     how scales and levels are computed: null for the nearest levels
 *  @param rounded  levels that were chosen, with biases that go with them
 *  @returns  the weights with the scales that they got */
export async function storeLinear(
  edit: Edit,
  weight: LinearWeight,
  products: readonly Product[],
  rule: ConverterScheme | null,
  names: Set<string>,
  rounded?: RoundedWeight,
): Promise<Quantization> {
  const { constant, scheme } = weight;
  const biased = await Promise.all(
    products.map(async ({ node, step }) => ({
      node,
      step: step ?? 1,
      bias: step === null ? null : (rounded?.bias ?? (await realBias(node))),
    })),
  );
  const steps = rule === null ? null : await converterSteps(rule, weight, biased);
  const parameters = {
    scale: steps?.scale ?? roomyScale(rounded ?? weight.measured, biased),
    zeroPoint: null,
  };
  const value = asInitializer(edit, weight.value);
  edit.fixConstant(value);
  const quantization = quantizationOf(constant, scheme, parameters);
  const stored =
    steps !== null
      ? quantizedConstant(constant, scheme, parameters, storeLevels(steps))
      : rounded === undefined
        ? quantizedConstant(constant, scheme, parameters)
        : levelsConstant(scheme, constant.shape, rescaled(rounded, quantization, constant.shape));
  edit.setConstant(value, stored, quantization);
  if (rounded?.bias != null)
    for (const { node, step } of products)
      if (step === null) setRealBias(edit, node, rounded.bias, names);
  for (const { node, step, bias } of biased) {
    if (bias === null) continue;
    if (rule === null || steps === null) {
      const scale = parameters.scale.map((each) => each * step);
      const levels = Int32Array.from(bias, (real, i) => Math.round(real / ofOutput(scale, i)));
      storeBias(edit, node, levels, scale, names);
    } else {
      const { scale, inverse } = biasSteps(rule, steps, bias, step);
      const levels = Int32Array.from(bias, (real, i) =>
        levelOf(real, ofOutput(inverse, i), 2 ** 31 - 1),
      );
      storeBias(edit, node, levels, scale, names);
    }
  }
  return quantization;
}

/** Levels for the scales that biases left. */
function rescaled(
  { levels, parameters }: RoundedWeight,
  quantization: Quantization,
  shape: readonly number[],
): Int16Array {
  const index = scaleIndex(shape, quantization);
  const factors = parameters.scale.map((old, i) => old / quantization.scale[i]!);
  return levels.map((level, i) => Math.round(level * factors[index(i)]!));
}

const ofOutput = (each: Float32Array, i: number): number => each[each.length === 1 ? 0 : i]!;

interface Biased {
  readonly node: Node;
  readonly step: number;
  readonly bias: Float32Array | null;
}

/** Smallest normal float32. */
const tiny = 2 ** -126;
/** Steps of weights whose products with those of values are float32. */
const widest = 2 ** 24;

/** Scales that leave room for the biases, and whose products with the steps of inputs are not lost. */
function roomyScale(
  { parameters }: Pick<Measured, 'parameters'>,
  products: readonly Biased[],
): Float32Array {
  const scale = Float32Array.from(parameters.scale);
  const raise = (at: number, least: number): void => {
    if (Math.fround(least) > scale[at]!) scale[at] = least;
  };
  for (const { bias, step } of products) {
    scale.forEach((_, at) => {
      raise(at, tiny / step);
    });
    bias?.forEach((real, i) => {
      raise(scale.length === 1 ? 0 : i, Math.abs(real) / (step * mostBias));
    });
  }
  return scale;
}

async function converterSteps(
  rule: ConverterScheme,
  { constant, scheme }: LinearWeight,
  products: readonly Biased[],
): Promise<Steps> {
  const { min, max } = await extremesOf(constant, scheme);
  const largest = max.map((x, i) => Math.max(x, -min[i]!));
  return weightSteps(rule, largest, products);
}

async function realBias(node: Node): Promise<Float32Array | null> {
  const bias = node.inputs[2] == null ? null : constantOfValue(node.inputs[2]);
  return bias === null ? null : await floatsOf(bias);
}

function storeBias(
  edit: Edit,
  node: Node,
  levels: Int32Array,
  scale: Float32Array,
  names: Set<string>,
): void {
  const old = node.inputs[2]!;
  // The last that reads the real numbers leaves their name to the integers.
  const isLast = old.uses.size === 1 && constantOfValue(old) !== null;
  const { name } = old;
  if (isLast) edit.rename(old, freshName(names, `${name}_as_was`));
  const value = edit.addConstant(
    node.graph,
    isLast ? name : freshName(names, `${name}_int32`),
    constantOf('int32', [levels.length], bytesOf(levels)),
  );
  value.type = tensorType('float32', [levels.length]);
  value.quantization = {
    storage: 'int32',
    view: null,
    scale,
    zeroPoint: null,
    axis: scale.length === 1 ? null : 0,
    blockSize: null,
  };
  edit.setInput(node, 2, value);
  if (old.uses.size === 0) removeHolder(edit, old);
}
