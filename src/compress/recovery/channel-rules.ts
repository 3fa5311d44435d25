import { volume } from '../../core/shape.ts';
import { constantOfValue, floatsNow, smallValues } from '../../ir/constant.ts';
import type { Node, Value } from '../../ir/graph.ts';
import {
  attributesOf,
  type ChannelRule,
  channelAxis,
  isHomogeneous,
  onAxis,
} from './channel-rule.ts';
import { type ChannelMap, type Channels, mayChange } from './channels.ts';
import {
  axesOfDigits,
  type Digit,
  type Digits,
  digitsOf,
  digitsOfAxes,
  sameDigits,
} from './digits.ts';

import { convolution, product, transposedConvolution } from './linear-rules.ts';

/** A product of two values: columns of the second become columns of the result, matrix by matrix. */
const pair: ChannelRule = (node, map) => {
  const b = node.inputs[1];
  const [from, to] = [map.shape(b), map.shape(node.outputs[0])];
  const channels = map.channels(b);
  const isPlain = node.domain === '' && node.inputs.length === 2;
  if (channels === null || from === null || to === null || !isPlain || !isHomogeneous(node))
    return [];
  const axes = axesOfDigits(channels.digits, from);
  const fits =
    axes !== null &&
    from.length === to.length &&
    !axes.includes(from.length - 2) &&
    from.every((size, axis) => axis === from.length - 2 || size === to[axis]);
  if (!fits) return [];
  map.set(node.outputs[0]!, { digits: digitsOfAxes(axes, to), factors: channels.factors });
  return [1];
};

const matMul: ChannelRule = (node, map) =>
  node.inputs[1] != null && constantOfValue(node.inputs[1]) === null
    ? pair(node, map)
    : product(node, map);

/** Elementwise, or within each channel: the result's channels are the input's. */
const passing: ChannelRule = (node, map) => {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const channels = map.channels(x);
  const [from, to] = [map.shape(x), map.shape(y)];
  if (channels === null || from === null || to === null || y === undefined) return [];
  if (!isHomogeneous(node) || node.outputs.slice(1).some(({ uses }) => uses.size > 0)) return [];
  const axes = axesOfDigits(channels.digits, from);
  if (axes === null || from.length !== to.length) return [];
  if (axes.some((axis) => from[axis] !== to[axis])) return [];
  map.set(y, { digits: digitsOfAxes(axes, to), factors: channels.factors });
  return [0];
};

/** Pools of an image's pixels. */
const pooling: ChannelRule = (node, map) => {
  const [x] = node.inputs;
  const channels = map.channels(x);
  const shape = map.shape(x);
  const isImage =
    channels !== null && shape !== null && onAxis(channels, channelAxis(node, shape.length), shape);
  return isImage ? passing(node, map) : [];
};

/** Only zeros come in. */
const padding: ChannelRule = (node, map) => {
  const mode = attributesOf(node).string('mode', 'constant');
  const value = node.inputs[2];
  const isZero =
    value == null ||
    (constantOfValue(value) !== null &&
      smallValues(constantOfValue(value)!)?.every((x) => Number(x) === 0) === true);
  if (mode !== 'constant') return passing(node, map);
  return !isZero ? [] : (zeroChannelsBeside(node, map) ?? passing(node, map));
};

/** Zeros as more channels: they may be divided by anything. */
function zeroChannelsBeside(node: Node, map: ChannelMap): readonly number[] | null {
  const [x, pads, , axes] = node.inputs;
  const channels = map.channels(x);
  const [from, to] = [map.shape(x), map.shape(node.outputs[0])];
  const constant = pads == null || axes != null ? null : constantOfValue(pads);
  const counts = constant === null ? null : smallValues(constant)?.map(Number);
  if (channels === null || from === null || to === null || counts == null) return null;
  const axis = from.findIndex((_, i) => onAxis(channels, i, from));
  const [before, after] = [counts[axis], counts[axis + from.length]];
  if (axis < 0 || before === undefined || after === undefined || before < 0 || after < 0)
    return null;
  if (before + after === 0) return null;
  const zeros = map.fresh([{ inner: 1, size: before + after }]).factors;
  const parts = [...zeros.slice(0, before), ...channels.factors, ...zeros.slice(before)];
  map.set(node.outputs[0]!, {
    digits: digitsOfAxes([axis], to),
    factors: Int32Array.from(parts),
  });
  return [0];
}

/** Elements stay in their order. */
const reshaping: ChannelRule = (node, map) => {
  const channels = map.channels(node.inputs[0]);
  if (channels === null) return [];
  map.set(node.outputs[0]!, channels);
  return [0];
};

const transposing: ChannelRule = (node, map) => {
  const [x] = node.inputs;
  const channels = map.channels(x);
  const [from, to] = [map.shape(x), map.shape(node.outputs[0])];
  if (channels === null || from === null || to === null) return [];
  const axes = axesOfDigits(channels.digits, from);
  if (axes === null) return [];
  const order = attributesOf(node).ints('perm') ?? [...from.keys()].reverse();
  const moved = axes.map((axis) => order.indexOf(axis));
  map.set(node.outputs[0]!, { digits: digitsOfAxes(moved, to), factors: channels.factors });
  return [0];
};

/** Numbers of a constant that is added, by the place of the result that each goes to first; null where one goes to
 *  several channels. */
function spread(value: Value, { digits, factors }: Channels, to: readonly number[]): Digits | null {
  const { shape } = constantOfValue(value)!;
  const sizes = [...new Array<number>(Math.max(0, to.length - shape.length)).fill(1), ...shape];
  const axes = axesOfDigits(digits, to);
  if (axes === null || sizes.length !== to.length) return null;
  if (axes.some((axis) => sizes[axis] !== to[axis])) return null;
  const own = digitsOfAxes(axes, sizes);
  return own.reduce((count, { size }) => count * size, 1) === factors.length ? own : null;
}

/** Both are divided alike. */
const adding: ChannelRule = (node, map) => {
  const [a, b] = node.inputs;
  const [y] = node.outputs;
  const to = map.shape(y);
  if (a == null || b == null || y === undefined || to === null || !isHomogeneous(node)) return [];
  if (node.inputs.length > 2) return [];
  const [first, second] = [map.channels(a), map.channels(b)];
  const isAlike = (value: Value): boolean => volume(map.shape(value) ?? []) === volume(to);
  if (first !== null && second !== null) {
    if (!sameDigits(first.digits, second.digits) || !isAlike(a) || !isAlike(b)) return [];
    map.unite(first.factors, second.factors);
    map.set(y, first);
    return [0, 1];
  }
  const [channels, index, other] =
    first !== null ? ([first, 0, b] as const) : ([second, 1, a] as const);
  if (channels === null || !isAlike(node.inputs[index]!)) return [];
  const constant = constantOfValue(other);
  if (constant === null) return [];
  const isZero = smallValues(constant)?.every((x) => Number(x) === 0) === true;
  if (!isZero) {
    const digits = mayChange(other) ? spread(other, channels, to) : null;
    if (digits === null) return [];
    const input = 1 - index;
    map.scaled.push({ node, input, power: -1, digits, factors: channels.factors });
  }
  map.set(y, channels);
  return [index];
};

/** One operand's channels pass; constants on something without any can be what makes them. */
const multiplying: ChannelRule = (node, map) => {
  const [a, b] = node.inputs;
  const [y] = node.outputs;
  const to = map.shape(y);
  if (a == null || b == null || y === undefined || to === null || !isHomogeneous(node)) return [];
  const indexes = node.op === 'Div' ? [0] : [0, 1];
  for (const index of indexes) {
    const value = node.inputs[index]!;
    const channels = map.channels(value);
    if (channels === null || volume(map.shape(value) ?? []) !== volume(to)) continue;
    map.set(y, channels);
    return [index];
  }
  for (const index of indexes) {
    const value = node.inputs[index]!;
    if (node.op === 'Div' || !mayChange(value)) continue;
    const { shape } = constantOfValue(value)!;
    const wide = [...shape.keys()].filter((axis) => shape[axis] !== 1);
    if (wide.length !== 1) continue;
    const made = map.fresh(digitsOfAxes([wide[0]! + to.length - shape.length], to));
    const digits = digitsOfAxes(wide, shape);
    if (made.factors.length !== shape[wide[0]!]) continue;
    map.scaled.push({ node, input: index, power: -1, digits, factors: made.factors });
    map.set(y, made);
    return [];
  }
  return [];
};

/** Normalizations end with a factor and a sum of their own for each channel.
 *  @param axisOf  the channels' axis, or null where the numbers are of several */
function normalizing(axisOf: (node: Node, rank: number) => number | null): ChannelRule {
  return (node, map) => {
    const [y] = node.outputs;
    const to = map.shape(y);
    const numbers = node.inputs.slice(1, 3).filter((value): value is Value => value != null);
    if (y === undefined || to === null || !numbers.every((value) => mayChange(value))) return [];
    if (numbers.length === 0 || node.outputs.slice(1).some(({ uses }) => uses.size > 0)) return [];
    const axis = axisOf(node, to.length);
    const size = axis === null ? undefined : to[axis];
    if (axis === null || numbers.some((value) => volume(constantOfValue(value)!.shape) !== size))
      return [];
    const made = map.fresh(digitsOfAxes([axis], to));
    const digits = digitsOf([{ inner: 1, size: size! }]);
    numbers.forEach((_, i) => {
      map.scaled.push({ node, input: i + 1, power: -1, digits, factors: made.factors });
    });
    map.set(y, made);
    return [];
  };
}

const lastAxis = (node: Node, rank: number): number | null => {
  const axis = attributesOf(node).int('axis', -1);
  return (axis < 0 ? axis + rank : axis) === rank - 1 ? rank - 1 : null;
};

/** Channels one after the other: each keeps its factor. */
const joining: ChannelRule = (node, map) => {
  const [y] = node.outputs;
  const to = map.shape(y);
  if (y === undefined || to === null) return [];
  const given = attributesOf(node).int('axis', 0);
  const axis = given < 0 ? given + to.length : given;
  const parts: Int32Array[] = [];
  for (const value of node.inputs) {
    const shape = map.shape(value);
    if (value === null || shape === null) return [];
    const channels = map.channels(value);
    if (channels !== null && onAxis(channels, axis, shape)) parts.push(channels.factors);
    else parts.push(zeroChannels(value, shape[axis]!, map));
  }
  const factors = new Int32Array(to[axis]!);
  let at = 0;
  for (const part of parts) {
    factors.set(part, at);
    at += part.length;
  }
  map.set(y, { digits: digitsOfAxes([axis], to), factors });
  return [...node.inputs.keys()].filter((index) => {
    const channels = map.channels(node.inputs[index]);
    return channels !== null && onAxis(channels, axis, map.shape(node.inputs[index])!);
  });
};

/** Zeros may be divided by anything; other values by nothing. */
function zeroChannels(value: Value, count: number, map: ChannelMap): Int32Array {
  const free = map.fresh([{ inner: 1, size: count } satisfies Digit]).factors;
  const constant = constantOfValue(value);
  const { producer } = value;
  const filled = producer?.op === 'ConstantOfShape' ? producer.attributes.get('value') : undefined;
  const isZeroFill = producer?.op === 'ConstantOfShape' && filled === undefined;
  const isZero = isZeroFill || (constant !== null && isAllZero(constant));
  if (!isZero) map.pinFactors(free);
  return free;
}

function isAllZero(constant: NonNullable<ReturnType<typeof constantOfValue>>): boolean {
  return constant.dtype === 'float32' && floatsNow(constant)?.every((x) => x === 0) === true;
}

/** Equal parts or given ones along an axis. */
const splitting: ChannelRule = (node, map) => {
  const [x] = node.inputs;
  const channels = map.channels(x);
  const from = map.shape(x);
  if (channels === null || from === null) return [];
  const given = attributesOf(node).int('axis', 0);
  const axis = given < 0 ? given + from.length : given;
  const isAlong = onAxis(channels, axis, from);
  const axes = axesOfDigits(channels.digits, from);
  if (axes === null || (!isAlong && axes.includes(axis))) return [];
  let at = 0;
  for (const y of node.outputs) {
    const to = map.shape(y);
    if (to === null) return [];
    const factors = isAlong ? channels.factors.slice(at, at + to[axis]!) : channels.factors;
    at += to[axis]!;
    map.set(y, { digits: digitsOfAxes(axes, to), factors });
  }
  return [0];
};

const each = (rule: ChannelRule, ...names: string[]): [string, ChannelRule][] =>
  names.map((name) => [name, rule]);

export const channelRules: Readonly<Record<string, ChannelRule | undefined>> = Object.fromEntries([
  ...each(convolution, 'Conv', 'mp.Conv'),
  ...each(transposedConvolution, 'ConvTranspose', 'mp.ConvTranspose'),
  ...each(product, 'Gemm'),
  ...each(matMul, 'MatMul', 'mp.MatMul'),
  ...each(passing, 'Relu', 'LeakyRelu', 'PRelu', 'Identity', 'Dropout', 'Abs', 'Neg'),
  ...each(pooling, 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool'),
  ...each(pooling, 'mp.MaxPool', 'mp.AveragePool', 'mp.GlobalAveragePool', 'mp.GlobalMaxPool'),
  ...each(passing, 'ReduceMean', 'Resize', 'mp.Resize', 'Slice'),
  ...each(padding, 'Pad'),
  ...each(reshaping, 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'),
  ...each(transposing, 'Transpose'),
  ...each(adding, 'Add', 'Sub', 'mp.Add', 'mp.Sub'),
  ...each(multiplying, 'Mul', 'mp.Mul', 'Div'),
  ...each(normalizing(lastAxis), 'LayerNormalization', 'RMSNormalization'),
  ...each(
    normalizing((_, rank) => (rank > 1 ? 1 : null)),
    'InstanceNormalization',
  ),
  ...each(
    normalizing((_, rank) => (rank > 1 ? 1 : null)),
    'BatchNormalization',
  ),
  ...each(joining, 'Concat'),
  ...each(splitting, 'Split'),
]);
