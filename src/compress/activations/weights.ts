import { volume } from '../../core/shape.ts';
import { bytesOf } from '../../core/tensor.ts';
import { type Constant, constantOf, constantOfValue } from '../../ir/constant.ts';
import type { Edit } from '../../ir/edit.ts';
import { Node, type Value } from '../../ir/graph.ts';
import { type Quantization, tensorType } from '../../ir/types.ts';
import { freshName } from '../../ir/walk.ts';
import { asInitializer, floatsOf, removeHolder } from '../../passes/constants.ts';
import { formatDecibels } from '../../report/units.ts';
import type { ResolvedQuantize } from '../options.ts';
import { type Measured, measure, quantizationOf, quantizedConstant } from '../quantized.ts';
import type { Scheme } from '../scheme.ts';
import { isBias, weightSlot } from '../slots.ts';

/** Weights that kernels on integers take: int8 around zero, with one scale, or one for each output. */
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
  const found = known.get(value) ?? (await measured(value, constant, axis, settings));
  known.set(value, found);
  return found;
}

async function measured(
  value: Value,
  constant: Constant,
  axis: number,
  { granularity, minSqnrDb }: ResolvedQuantize,
): Promise<LinearWeight | string> {
  if (value.quantization !== null) return 'its weights are quantized already';
  if (constant.dtype !== 'float32') return 'its weights are not float32';
  const isWhole = granularity === 'tensor';
  const scheme: Scheme = {
    storage: 'int8',
    symmetric: true,
    granularity: isWhole ? 'tensor' : 'channel',
    axis: isWhole ? null : axis,
    blockSize: null,
    view: constant.shape,
  };
  const found = await measure(constant, scheme);
  if (Number.isNaN(found.sqnrDb)) return 'its weights have NaN or infinite elements';
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

/** A product that is to run on integers, and the step of its input. */
export interface Product {
  readonly node: Node;
  readonly step: number;
}

/** Largest integer of a bias: sums have room beside it. As TFLite's converter has it. */
const mostBias = 2 ** 30;

/** Stores weights as integers, and the biases of their products as int32 in steps of what is summed. Where a bias
 *  would not fit, the weights of its output get larger steps: channels that are all but dead have steps near 0.
 *  @returns  the weights with the scales that they got */
export async function storeLinear(
  edit: Edit,
  weight: LinearWeight,
  products: readonly Product[],
  names: Set<string>,
): Promise<Quantization> {
  const { constant, scheme, measured } = weight;
  const scale = Float32Array.from(measured.parameters.scale);
  for (const { node, step } of products) {
    const bias = await realBias(node);
    bias?.forEach((real, i) => {
      const at = scale.length === 1 ? 0 : i;
      const least = Math.fround(Math.abs(real) / (step * mostBias));
      if (least > scale[at]!) scale[at] = least;
    });
  }
  const parameters = { scale, zeroPoint: null };
  const value = asInitializer(edit, weight.value);
  edit.fixConstant(value);
  const quantization = quantizationOf(constant, scheme, parameters);
  edit.setConstant(value, quantizedConstant(constant, scheme, parameters), quantization);
  for (const { node, step } of products) {
    const bias = await realBias(node);
    if (bias !== null) storeBias(edit, node, bias, steps(scale, step), names);
  }
  return quantization;
}

async function realBias(node: Node): Promise<Float32Array | null> {
  const bias = node.inputs[2] == null ? null : constantOfValue(node.inputs[2]);
  return bias === null ? null : await floatsOf(bias);
}

const steps = (scale: Float32Array, step: number): Float32Array =>
  scale.map((weight) => weight * step);

function storeBias(
  edit: Edit,
  node: Node,
  reals: Float32Array,
  scale: Float32Array,
  names: Set<string>,
): void {
  const levels = Int32Array.from(reals, (real, i) =>
    Math.round(real / scale[scale.length === 1 ? 0 : i]!),
  );
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
