import { type Constant, floatsNow } from '../../ir/constant.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import { scaledConstant } from '../constants.ts';
import type { Found, Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';
import { type Affine, affineOf, perChannel } from './affine.ts';
import { floatConstant } from './constants.ts';

/** How the input's channels lie in the weights of a linear operator: element i of the weights belongs to channel
 *  `channelOf(i)` of the input and to output `outputOf(i)`. */
interface Weights {
  constant: Constant;
  /** Axis of the input's channels in the input. */
  axis: number;
  channels: number;
  outputs: number;
  /** Axis of the weights that factors go along, and the channel of each of its indexes. */
  weightAxis: number;
  channelAt: (index: number) => number;
  channelOf: (element: number) => number;
  outputOf: (element: number) => number;
}

function weightsOf(node: Node, c: RuleContext): Weights | string {
  const constant = c.constant(node.inputs[1]);
  const rank = c.rank(node.inputs[0]);
  if (constant?.dtype !== 'float32') return 'the weights are no float32 constant';
  if (rank === null) return 'its rank is not known';
  const { shape } = constant;
  if (node.op === 'Conv') {
    const [outputs, depth, ...kernel] = shape as [number, number, ...number[]];
    const taps = kernel.reduce((a, b) => a * b, 1);
    const groups = c.attributes(node).int('group');
    if (groups > 1 && depth > 1) return 'the convolution has groups of several channels';
    const each = outputs / groups;
    const outputOf = (element: number): number => Math.floor(element / (depth * taps));
    const isDense = groups === 1;
    const channelAt = (index: number): number => (isDense ? index : Math.floor(index / each));
    return {
      constant,
      axis: 1,
      channels: isDense ? depth : groups,
      outputs,
      weightAxis: isDense ? 1 : 0,
      channelAt,
      channelOf: (element) =>
        isDense ? Math.floor(element / taps) % depth : channelAt(outputOf(element)),
      outputOf,
    };
  }
  if (shape.length !== 2) return 'the weights are no matrix';
  const attributes = node.op === 'Gemm' ? c.attributes(node) : null;
  if (attributes !== null && attributes.int('transA') !== 0) return 'its input is transposed';
  const isTurned = attributes !== null && attributes.int('transB') !== 0;
  const [rows, columns] = shape as [number, number];
  const row = (element: number): number => Math.floor(element / columns);
  const column = (element: number): number => element % columns;
  return {
    constant,
    axis: rank - 1,
    channels: isTurned ? columns : rows,
    outputs: isTurned ? rows : columns,
    weightAxis: isTurned ? 1 : 0,
    channelAt: (index) => index,
    channelOf: isTurned ? column : row,
    outputOf: isTurned ? row : column,
  };
}

/** A convolution that pads sees zeros there that were not shifted. */
function pads(node: Node, c: RuleContext): boolean {
  if (node.op !== 'Conv') return false;
  const attributes = c.attributes(node);
  const rule = attributes.string('auto_pad');
  if (rule === 'VALID') return false;
  return rule !== 'NOTSET' || (attributes.ints('pads')?.some((x) => x !== 0) ?? false);
}

/** Scales and shifts by constants go into the weights and the bias after them.
 *  @param copiesShared  whether weights that others read too are copied, or left alone */
export function affineBeforeLinear(copiesShared: boolean): Rule {
  return {
    name: 'affine-before-linear',
    reason: 'a scale and a shift by constants fit into the weights after them',
    roots: ['Conv', 'Gemm', 'MatMul'],
    find: (node, c) => {
      const [input, weight] = node.inputs as [Value, Value];
      const before = c.producer(input, 'BatchNormalization', 'Mul', 'Div', 'Add', 'Sub');
      if (before === null || before.inputs.every((value) => c.constant(value) === null))
        return null;
      const weights = weightsOf(node, c);
      if (typeof weights === 'string') return weights;
      const affine = affineOf(before, c, weights.axis, weights.channels);
      if (affine === null) return 'it is not by one constant a channel';
      if (!c.isOnlyFor(input, node)) return 'what is scaled has another reader';
      if (!c.sameShape(affine.input, input)) return 'it changes the shape';
      if (weight.uses.size > 1 && affine.factors !== null && !copiesShared)
        return 'the weights have another reader';
      const isShifted = affine.shifts.some((x) => x !== 0);
      if (isShifted && pads(node, c)) return 'the convolution pads with zeros that are not shifted';
      if (isShifted && node.op === 'MatMul' && c.rank(input) !== 2)
        return 'only a product of matrices has a bias in ONNX';
      return fold(node, c, weights, affine, isShifted);
    },
  };
}

function fold(
  node: Node,
  c: RuleContext,
  weights: Weights,
  affine: Affine,
  isShifted: boolean,
): Found {
  const { constant, outputs, weightAxis, channelAt, channelOf, outputOf } = weights;
  const attributes = new Map<string, Attribute>(node.attributes);
  const reader = node.op === 'Gemm' ? c.attributes(node) : null;
  const [alpha, beta] = [reader?.float('alpha') ?? 1, reader?.float('beta') ?? 1];
  const bias = node.inputs[2];
  const added = new Float64Array(outputs);
  if (isShifted) {
    const before =
      bias == null
        ? added
        : perChannel(c, bias, reader === null ? 1 : 2, reader === null ? 0 : 1, outputs);
    const numbers = floatsNow(constant);
    if (before === null) return 'its bias is not one constant a channel';
    if (numbers === null) return 'the weights can only be read by waiting for them';
    added.forEach((_, i) => {
      added[i] = before[i]! * beta;
    });
    for (let i = 0; i < numbers.length; i++)
      added[outputOf(i)]! += alpha * numbers[i]! * affine.shifts[channelOf(i)]!;
    attributes.delete('beta');
  }
  const { factors } = affine;
  const along =
    factors === null
      ? null
      : Float64Array.from(
          { length: constant.shape[weightAxis]! },
          (_, i) => factors[channelAt(i)]!,
        );
  const fits = [...added, ...(along ?? [])].every((x) => Number.isFinite(Math.fround(x)));
  if (!fits) return 'the numbers would not be finite';
  const { graph } = node;
  const weight = node.inputs[1]!;
  return () => {
    const scaled =
      along === null
        ? weight
        : c.addConstant(graph, weight.name, scaledConstant(constant, weightAxis, along));
    const name = bias?.name ?? `${weight.name}_bias`;
    const inputs = [affine.input, scaled];
    if (isShifted) inputs.push(c.addConstant(graph, name, floatConstant(added, [outputs])));
    else if (bias != null) inputs.push(bias);
    const op = node.op === 'MatMul' && isShifted ? 'Gemm' : node.op;
    c.take(node, { op, inputs, attributes });
  };
}
