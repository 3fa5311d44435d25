import type { Constant } from '../../ir/constant.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import { scaledConstant } from '../constants.ts';
import type { Found, Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';
import { floatConstant } from './constants.ts';

/** y = factor · x + shift, one pair for each channel; null for factors of 1. */
export interface Affine {
  input: Value;
  factors: Float64Array | null;
  shifts: Float64Array;
}

/** Numbers of a constant for each index along an axis of a value of some rank; null where it varies otherwise. */
export function perChannel(
  c: RuleContext,
  value: Value | null | undefined,
  rank: number,
  axis: number,
  channels: number,
): Float64Array | null {
  const constant = c.constant(value);
  const numbers = c.numbers(value);
  if (constant?.dtype !== 'float32' || numbers === null) return null;
  if (numbers.length === 1 && constant.shape.length <= rank)
    return new Float64Array(channels).fill(numbers[0]!);
  const at = axis - rank + constant.shape.length;
  const fits =
    numbers.length === channels && constant.shape[at] === channels && constant.shape.length <= rank;
  return fits ? Float64Array.from(numbers) : null;
}

/** What Add, Sub, Mul, Div and BatchNormalization by constants do to each index along an axis; null for anything else. */
export function affineOf(
  node: Node,
  c: RuleContext,
  axis: number,
  channels: number,
): Affine | null {
  const [input, operand] = node.inputs as [Value, Value];
  const rank = c.rank(input);
  if (rank === null) return null;
  if (node.op === 'BatchNormalization') return batchNorm(node, c, channels);
  const isSwapped = node.op === 'Sub' && c.constant(input) !== null;
  const constant = isSwapped ? input : operand;
  const numbers = perChannel(c, constant, c.rank(isSwapped ? operand : input) ?? 0, axis, channels);
  if (numbers === null) return null;
  const none = new Float64Array(channels);
  if (isSwapped) return { input: operand, factors: none.map(() => -1), shifts: numbers };
  if (node.op === 'Add') return { input, factors: null, shifts: numbers };
  if (node.op === 'Sub') return { input, factors: null, shifts: numbers.map((x) => -x) };
  if (node.op === 'Mul') return { input, factors: numbers, shifts: none };
  return { input, factors: numbers.map((x) => 1 / x), shifts: none };
}

function batchNorm(node: Node, c: RuleContext, channels: number): Affine | null {
  const attributes = c.attributes(node);
  const isTraining = attributes.int('training_mode', 0) !== 0;
  if (isTraining || node.outputs.slice(1).some(({ uses }) => uses.size > 0)) return null;
  const lists = [1, 2, 3, 4].map((at) => perChannel(c, node.inputs[at], 1, 0, channels));
  const [scale, shift, mean, variance] = lists;
  if (scale == null || shift == null || mean == null || variance == null) return null;
  const epsilon = attributes.float('epsilon');
  const factors = scale.map((x, i) => x / Math.sqrt(variance[i]! + epsilon));
  const shifts = shift.map((x, i) => x - mean[i]! * factors[i]!);
  return { input: node.inputs[0]!, factors, shifts };
}

/** The axis of the output channels: in the result, and in the weights. */
interface Channels {
  weight: Constant;
  weightAxis: number;
  axis: number;
  count: number;
}

function channelsOf(producer: Node, c: RuleContext): Channels | string {
  const weight = c.constant(producer.inputs[1]);
  const rank = c.rank(producer.outputs[0]);
  if (weight?.dtype !== 'float32') return 'its weights are no float32 constant';
  if (rank === null) return 'its rank is not known';
  const last = weight.shape.length - 1;
  const attributes = c.attributes(producer);
  switch (producer.op) {
    case 'Conv':
      return { weight, weightAxis: 0, axis: 1, count: weight.shape[0]! };
    case 'ConvTranspose':
      if (attributes.int('group') !== 1) return 'its weights are in groups along another axis';
      return { weight, weightAxis: 1, axis: 1, count: weight.shape[1]! };
    case 'Gemm': {
      const weightAxis = attributes.int('transB') !== 0 ? 0 : 1;
      return { weight, weightAxis, axis: 1, count: weight.shape[weightAxis]! };
    }
    default:
      if (last !== 1) return 'its weights are no matrix';
      return { weight, weightAxis: 1, axis: rank - 1, count: weight.shape[1]! };
  }
}

const linear = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'];

/** Finds the linear operator before a node that scales or shifts its result. */
function linearBefore(node: Node, c: RuleContext): Node | null {
  const inputs = node.op === 'Sub' ? node.inputs : node.inputs.slice(0, 1);
  for (const input of inputs) {
    const found = c.producer(input, ...linear);
    if (found !== null) return found;
  }
  return null;
}

/** Scales and shifts by constants go into the weights and the bias before them.
 *  @param copiesShared  whether weights that others read too are copied, or left alone */
export function affineIntoLinear(copiesShared: boolean, roots: readonly string[]): Rule {
  return {
    name: 'affine-into-linear',
    reason: 'a scale and a shift by constants fit into the weights before them',
    roots,
    find: (node, c) => {
      const producer = linearBefore(node, c);
      const made = producer?.outputs[0];
      if (producer == null || made === undefined) return null;
      const isByConstant = node.inputs.some((value) => c.constant(value) !== null);
      if (!isByConstant) return null;
      const channels = channelsOf(producer, c);
      if (typeof channels === 'string') return channels;
      const affine = affineOf(node, c, channels.axis, channels.count);
      if (affine?.input !== made) return 'it is not by one constant a channel';
      if (!c.isOnlyFor(made, node)) return 'the result before it has another reader';
      const rank = c.rank(made);
      if (rank === null || rank !== c.rank(node.outputs[0])) return 'it changes the shape';
      const weight = producer.inputs[1]!;
      if (affine.factors !== null && weight.uses.size > 1 && !copiesShared)
        return 'the weights have another reader';
      return fold(node, c, producer, channels, affine);
    },
  };
}

function fold(
  node: Node,
  c: RuleContext,
  producer: Node,
  { weight, weightAxis, count }: Channels,
  { factors, shifts }: Affine,
): Found {
  const [input, , bias] = producer.inputs;
  const isGemm = producer.op === 'Gemm';
  const beta = isGemm ? c.attributes(producer).float('beta') : 1;
  const before =
    bias == null
      ? new Float64Array(count)
      : isGemm
        ? perChannel(c, bias, 2, 1, count)
        : perChannel(c, bias, 1, 0, count);
  if (before === null) return 'its bias is not one constant a channel';
  if (producer.op === 'MatMul' && shifts.some((x) => x !== 0)) {
    if (c.rank(input) !== 2) return 'only a product of matrices has a bias in ONNX';
  }
  const added = before.map((x, i) => x * beta * (factors?.[i] ?? 1) + shifts[i]!);
  const fits = [...added, ...(factors ?? [])].every((x) => Number.isFinite(Math.fround(x)));
  if (!fits) return 'the numbers would not be finite';
  const { graph } = node;
  const weightName = producer.inputs[1]!.name;
  return () => {
    const scaled =
      factors === null
        ? producer.inputs[1]!
        : c.addConstant(graph, weightName, scaledConstant(weight, weightAxis, factors));
    const attributes = new Map<string, Attribute>(producer.attributes);
    attributes.delete('beta');
    const hasBias = bias != null || shifts.some((x) => x !== 0);
    const inputs = [input!, scaled];
    if (hasBias)
      inputs.push(
        c.addConstant(graph, bias?.name ?? `${weightName}_bias`, floatConstant(added, [count])),
      );
    const op = producer.op === 'MatMul' && hasBias ? 'Gemm' : producer.op;
    c.take(node, { op, inputs, attributes });
  };
}
