import { volume } from '../../../core/shape.ts';
import { constantOfValue, int64Constant } from '../../../ir/constant.ts';
import type { Node, Value } from '../../../ir/graph.ts';
import { elementsOf } from '../../../ir/levels.ts';
import { type Quantization, shapeOf, tensorType } from '../../../ir/types.ts';
import {
  isPermutable,
  permutedConstant,
  permutedQuantization,
} from '../../../passes/layout/permutation.ts';
import { fusesActivation } from './activation.ts';
import { type Legalizer, levelsOf } from './legalizer.ts';
import { flag, type Linear } from './linear-view.ts';
import { integers, shifted, shiftedQuantization, symmetric } from './weights.ts';

/** Makes a product run on integers: weights symmetric (or uint8 with one scale, as its values are), a bias of int32
 *  (int64 beside int16 values) in steps of what is summed.
 *  @returns why it can't */
export function legalizeLinear(l: Legalizer, node: Node, linear: Linear): string | null {
  const [x, y] = [levelsOf(node.inputs[0]), levelsOf(node.outputs[0])];
  if (x === null) return 'its input is real';
  if (y === null) return 'its result is real';
  if (x.storage !== y.storage) return `it makes ${y.storage} of ${x.storage}`;
  if (x.storage === 'int16' && (hasZero(x) || hasZero(y))) return 'int16 has zero points';
  if (!fusesActivation(node)) return 'its activation has no place in the operator';
  if (node.inputs[3] != null) return 'it adds another value';
  const alpha = node.attributes.get('alpha');
  if (alpha?.type === 'float' && alpha.value !== 1) return 'its product is scaled';
  if (flag(node, 'transA')) return 'its left operand is transposed';
  return linear.isConstant ? withConstant(l, node, linear, x) : withComputed(node, linear, x);
}

const hasZero = ({ zeroPoint }: Quantization): boolean =>
  zeroPoint?.some((zero) => zero !== 0) === true;

function withComputed(node: Node, { weights }: Linear, x: Quantization): string | null {
  const w = levelsOf(weights);
  if (node.op !== 'MatMul') return 'its weights are computed';
  if (w === null || w.storage !== x.storage) return 'its right operand is real';
  if (x.storage === 'uint8') return 'products of two uint8 values have no operator';
  return node.inputs[2] == null ? null : 'it has a bias beside computed weights';
}

function withConstant(l: Legalizer, node: Node, linear: Linear, x: Quantization): string | null {
  const why = legalizeWeights(l, node, linear, x);
  if (why !== null) return why;
  const w = node.inputs[1]!;
  const channels = channelsOf(node, w, linear.axis);
  if (channels === null) return 'the number of its outputs is not known';
  const bias = legalizeBias(l, node, channels, x, w.quantization!);
  if (bias !== null) return bias;
  const isSpatial = node.op === 'Conv' || node.op === 'ConvTranspose';
  if (isSpatial || l.byRow || node.inputs[1]!.quantization!.axis === null) return null;
  return asConvolution(l, node, linear);
}

function channelsOf(node: Node, w: Value, axis: number): number | null {
  const size = constantOfValue(w)!.shape[axis];
  if (size === undefined) return null;
  const group = node.attributes.get('group');
  const isTurned = node.op === 'ConvTranspose' && group?.type === 'int';
  return isTurned ? size * Number(group.value) : size;
}

function legalizeWeights(
  l: Legalizer,
  node: Node,
  { weights, axis }: Linear,
  x: Quantization,
): string | null {
  const { quantization } = weights;
  const constant = constantOfValue(weights)!;
  if (quantization === null) return 'its weights are real';
  if (quantization.blockSize !== null) return 'its weights have a scale for each block';
  if (quantization.view !== null) return 'its weights are quantized in another shape';
  const { storage } = quantization;
  if (x.storage === 'uint8') {
    if (storage === 'uint8' && quantization.axis === null) return null;
    return `it multiplies uint8 with ${storage}`;
  }
  if (node.op === 'ConvTranspose' && flagGroup(node) && quantization.axis !== null)
    return 'its groups have scales of their own';
  if (storage === 'uint8') {
    const moved = shiftedQuantization(quantization);
    if (!hasZero(moved) && fitsAxis(moved, axis)) {
      l.edit.setInput(node, 1, l.constant(node, weights.name, shifted(constant), moved));
      l.say(node, 'shifted', 'its weights are int8, 128 less: the same numbers');
      return null;
    }
  } else if (storage !== 'int8' && storage !== 'int4' && storage !== 'int2')
    return `its weights are ${storage}`;
  else if (!hasZero(quantization) && fitsAxis(quantization, axis)) return null;
  const made = symmetric(constant, quantization, axis);
  l.edit.setInput(node, 1, l.constant(node, weights.name, made.constant, made.quantization));
  const why = 'its weights are not symmetric along its outputs: quantized anew';
  l.say(node, 'weights', why, made.error);
  return null;
}

function fitsAxis(quantization: Quantization, axis: number): boolean {
  return quantization.axis === null || quantization.axis === axis;
}

function flagGroup({ attributes }: Node): boolean {
  const group = attributes.get('group');
  return group?.type === 'int' && Number(group.value) > 1;
}

function legalizeBias(
  l: Legalizer,
  node: Node,
  channels: number,
  x: Quantization,
  w: Quantization,
): string | null {
  const scale = w.scale.map((step) => step * x.scale[0]!);
  const storage = x.storage === 'int16' ? 'int64' : 'int32';
  const quantization: Quantization = {
    storage,
    view: null,
    scale,
    zeroPoint: null,
    axis: scale.length === 1 ? null : 0,
    blockSize: null,
  };
  const value = node.inputs[2] ?? null;
  const near = `${node.outputs[0]!.name}_bias`;
  if (value === null) {
    const zeros = integers(storage, [channels], new Float64Array(channels));
    l.edit.setInput(node, 2, l.constant(node, near, zeros, quantization));
    return null;
  }
  const constant = constantOfValue(value);
  if (constant === null) return 'its bias is computed';
  if (volume(constant.shape) !== channels) return 'its bias is not one number for each output';
  const own = value.quantization;
  if (own === null ? constant.dtype !== 'float32' : own.blockSize !== null)
    return 'its bias is of another type';
  const isExact = own !== null && isSame(own.scale, scale, channels) && !hasZero(own);
  if (isExact && own.storage === storage && constant.shape.length === 1) {
    // Scales that differ from the product in rounding only are as good.
    if (own.scale.length !== scale.length)
      l.edit.setInput(node, 2, l.constant(node, value.name, constant, quantization));
    return null;
  }
  const levels = elementsOf(constant);
  const step = (i: number): number => scale[scale.length === 1 ? 0 : i]!;
  let error = 0;
  // Sums beside int16 are multiplied in 48 bits. Source: kernels/internal/common.h, MultiplyByQuantizedMultiplier.
  const most = storage === 'int64' ? 2 ** 46 : 2 ** 31 - 1;
  const stored = levels.map((level, i) => {
    if (isExact) return level;
    const at = own === null || own.scale.length === 1 ? 0 : i;
    const real = own === null ? level : (level - (own.zeroPoint?.[at] ?? 0)) * own.scale[at]!;
    const result = Math.max(-most, Math.min(most, Math.round(real / step(i))));
    error = Math.max(error, Math.abs(result * step(i) - real));
    return result;
  });
  const made = integers(storage, [channels], stored);
  l.edit.setInput(node, 2, l.constant(node, value.name, made, quantization));
  if (!isExact) l.say(node, 'bias', 'its bias is in steps of what is summed', error);
  return null;
}

/** Whether bias scales are the products, but for rounding. */
function isSame(own: Float32Array, scale: Float32Array, channels: number): boolean {
  for (let i = 0; i < channels; i++) {
    const [a, b] = [own[own.length === 1 ? 0 : i]!, scale[scale.length === 1 ? 0 : i]!];
    if (Math.abs(a - b) > 2 ** -22 * b) return false;
  }
  return true;
}

/** A matrix product whose weights have a scale for each output is a 1 × 1 convolution in every runtime; of
 *  FULLY_CONNECTED only newer ones know such scales, and older ones compute nonsense. */
function asConvolution(l: Legalizer, node: Node, { axis }: Linear): string | null {
  const [x, w, bias] = node.inputs as [Value, Value, Value];
  const y = node.outputs[0]!;
  const [from, to] = [shapeOf(x.type), shapeOf(y.type)];
  const constant = constantOfValue(w)!;
  const unknown = to?.filter((dim) => typeof dim !== 'number').length ?? 2;
  if (constant.shape.length !== 2 || from === null || to === null || unknown > 1)
    return 'its weights have a scale for each output, and its sizes are not known';
  const [outs, ins] = axis === 0 ? [0, 1] : [1, 0];
  const [n, k] = [constant.shape[outs]!, constant.shape[ins]!];
  if (axis === 1 && !isPermutable(constant)) return 'its weights can not be transposed';
  const turned = axis === 0 ? constant : permutedConstant(constant, [1, 0]);
  const quantization = axis === 0 ? w.quantization! : permutedQuantization(w.quantization, [1, 0])!;
  const kernel = { ...turned, shape: [n, k, 1, 1] };
  const filter = l.constant(node, w.name, kernel, quantization);
  const reshape = (value: Value, sizes: readonly number[], near: string): Value => {
    const list = l.plain(node, `${near}_shape`, int64Constant(sizes));
    const type = tensorType(
      'float32',
      sizes.map((size) => (size < 0 ? null : size)),
    );
    const made = l.add(node, { op: 'Reshape', inputs: [value, list] }, near, type);
    made.quantization = value.quantization;
    l.integer.add(made.producer!);
    return made;
  };
  const rows = from.slice(0, -1);
  const count = rows.every((dim) => typeof dim === 'number') ? volume(rows as number[]) : -1;
  const image = reshape(x, [count, 1, 1, k], `${x.name}_image`);
  const activation = [...node.attributes].filter(([name]) => name.startsWith('activation'));
  const spec = { op: 'Conv', domain: 'mp', name: node.name, inputs: [image, filter, bias] };
  const type = tensorType('float32', [count < 0 ? null : count, 1, 1, n]);
  const sums = l.add(node, { ...spec, attributes: activation }, `${y.name}_image`, type);
  sums.quantization = y.quantization;
  l.integer.add(sums.producer!);
  const sizes = to.map((dim) => (typeof dim === 'number' ? dim : -1));
  const result = reshape(sums, sizes, y.name);
  l.edit.replaceUses(y, result);
  l.edit.rename(result, y.name);
  l.edit.removeNode(node);
  l.say(node, 'reshaped', 'a convolution: FULLY_CONNECTED takes one scale in many runtimes');
  return null;
}
