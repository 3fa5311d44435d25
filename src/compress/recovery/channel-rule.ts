import type { Node } from '../../ir/graph.ts';
import { activationOf } from '../../ops/activation.ts';
import { readAttributes } from '../../ops/attributes.ts';
import { ops } from '../../ops/index.ts';
import type { AttributeReader } from '../../ops/op.ts';
import type { ChannelMap, Channels } from './channels.ts';
import { digitsOfAxes, sameDigits } from './digits.ts';

/** What an operator does to channels: gives its outputs theirs. Returns the inputs whose factors it minds; those of others
 *  are pinned. */
export type ChannelRule = (node: Node, map: ChannelMap) => readonly number[];

/** Attributes of a node of an operator that is known. */
export const attributesOf = (node: Node): AttributeReader => {
  const op = ops.find(({ name, domain = '' }) => name === node.op && domain === node.domain)!;
  return readAttributes(op, node);
};

/** Whether the activation in an operator, if any, gives a multiple of the input the same multiple. */
export function isHomogeneous(node: Node): boolean {
  const { kind } = activationOf(node);
  return kind === 'none' || kind === 'Relu' || kind === 'LeakyRelu';
}

/** The axis of an image's channels. */
export const channelAxis = (node: Node, rank: number): number =>
  node.domain === 'mp' ? rank - 1 : 1;

/** Whether the channels are one whole axis. */
export function onAxis(channels: Channels, axis: number, shape: readonly number[]): boolean {
  return sameDigits(channels.digits, digitsOfAxes([axis], shape));
}
