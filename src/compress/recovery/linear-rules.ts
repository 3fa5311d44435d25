import { volume } from '../../core/shape.ts';
import { constantOfValue } from '../../ir/constant.ts';
import type { Node } from '../../ir/graph.ts';
import {
  attributesOf,
  type ChannelRule,
  channelAxis,
  isHomogeneous,
  onAxis,
} from './channel-rule.ts';
import { type ChannelMap, type Channels, mayChange } from './channels.ts';
import { type Digits, digitsOf, digitsOfAxes } from './digits.ts';

interface Weights {
  /** The axis of the image's channels; null: digits within the last axis. */
  inputs: (x: Channels, shape: readonly number[]) => Digits | null;
  outputs: Digits;
  /** Channels of the result. */
  result: Digits;
}

function linear(describe: (node: Node, map: ChannelMap) => Weights | null): ChannelRule {
  return (node, map) => {
    const [x, weight, bias] = node.inputs;
    const [y] = node.outputs;
    const more = node.inputs.slice(3).some((value) => value !== null);
    if (x == null || y === undefined || more || !mayChange(weight)) return [];
    const found = describe(node, map);
    if (found === null) return [];
    const taken: number[] = [];
    const channels = map.channels(x);
    const shape = map.shape(x);
    const digits = channels === null || shape === null ? null : found.inputs(channels, shape);
    if (channels !== null && digits !== null) {
      const scaled = { node, input: 1, power: 1, digits, factors: channels.factors } as const;
      map.scaled.push(scaled);
      map.readers.push({ node, weight: scaled, outputs: found.outputs });
      taken.push(0);
    }
    if (!isHomogeneous(node) || (bias != null && !mayChange(bias))) return taken;
    const made = map.fresh(found.result);
    const { factors } = made;
    if (bias != null) {
      const places = digitsOf([{ inner: 1, size: factors.length }]);
      if (volume(constantOfValue(bias)!.shape) !== factors.length) return taken;
      map.scaled.push({ node, input: 2, power: -1, digits: places, factors });
    }
    map.scaled.push({ node, input: 1, power: -1, digits: found.outputs, factors });
    map.set(y, made);
    return taken;
  };
}

/** Conv. */
export const convolution: ChannelRule = linear((node, map) => {
  const shape = constantOfValue(node.inputs[1]!)!.shape;
  const y = map.shape(node.outputs[0]);
  const groups = attributesOf(node).int('group', 1);
  const [outputs = 0, depth = 0] = shape;
  if (y === null || shape.length < 3) return null;
  const taps = volume(shape.slice(2));
  const axis = channelAxis(node, y.length);
  return {
    inputs: (x, dims) =>
      onAxis(x, channelAxis(node, dims.length), dims)
        ? digitsOf([
            { inner: (outputs / groups) * depth * taps, size: groups },
            { inner: taps, size: depth },
          ])
        : null,
    outputs: digitsOf([{ inner: depth * taps, size: outputs }]),
    result: digitsOfAxes([axis], y),
  };
});

/** ConvTranspose. */
export const transposedConvolution: ChannelRule = linear((node, map) => {
  const shape = constantOfValue(node.inputs[1]!)!.shape;
  const y = map.shape(node.outputs[0]);
  const groups = attributesOf(node).int('group', 1);
  const [inputs = 0, each = 0] = shape;
  if (y === null || shape.length < 3) return null;
  const taps = volume(shape.slice(2));
  return {
    inputs: (x, dims) =>
      onAxis(x, channelAxis(node, dims.length), dims)
        ? digitsOf([{ inner: each * taps, size: inputs }])
        : null,
    outputs: digitsOf([
      { inner: (inputs / groups) * each * taps, size: groups },
      { inner: taps, size: each },
    ]),
    result: digitsOfAxes([channelAxis(node, y.length)], y),
  };
});

/** Products with a matrix; the channels may be a part of what is summed over: an image that was made a row. */
export const product: ChannelRule = linear((node, map) => {
  const { shape } = constantOfValue(node.inputs[1]!)!;
  const y = map.shape(node.outputs[0]);
  const attributes = attributesOf(node);
  if (shape.length !== 2 || y === null || attributes.int('transA', 0) !== 0) return null;
  const isTurned = attributes.int('transB', 0) !== 0;
  const [depth, columns] = isTurned ? [shape[1]!, shape[0]!] : [shape[0]!, shape[1]!];
  const step = isTurned ? 1 : columns;
  return {
    inputs: ({ digits }) =>
      digits.every(({ inner, size }) => inner * size <= depth)
        ? digits.map(({ inner, size }) => ({ inner: inner * step, size }))
        : null,
    outputs: digitsOf([{ inner: isTurned ? depth : 1, size: columns }]),
    result: digitsOfAxes([y.length - 1], y),
  };
});
