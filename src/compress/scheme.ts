import { rangeError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';

/** Integers that weights are stored in. */
export type Storage = 'int8' | 'uint8' | 'int4' | 'uint4';
/** Integers that computed values, and constants beside them, are stored in. */
export type LevelStorage = 'int8' | 'uint8' | 'int16' | 'uint16';

export const levelStorages: readonly LevelStorage[] = ['int8', 'uint8', 'int16', 'uint16'];
export type Granularity = 'tensor' | 'channel' | 'block';

/** How one weight is stored: what a plan holds and a report shows. */
export interface Scheme {
  storage: Storage | LevelStorage;
  /** Symmetric: zero point 0 (128 or 8 for unsigned), range ±max. Affine: the weight's own minimum and maximum. */
  symmetric: boolean;
  granularity: Granularity;
  /** Axis of channels or blocks in `view`; null per tensor. */
  axis: number | null;
  blockSize: number | null;
  /** Shape that axis and blocks refer to: the weight's own, or one with merged axes. */
  view: readonly number[];
}

export const bitsOf: Readonly<Record<Storage | LevelStorage, number>> = {
  int8: 8,
  uint8: 8,
  int4: 4,
  uint4: 4,
  int16: 16,
  uint16: 16,
};

/** A weight as [outer, channels, inner]; blocks of `block` channels share a scale (1: one a channel;
 *  per tensor: one channel of everything). */
export interface ChannelView {
  outer: number;
  channels: number;
  inner: number;
  block: number;
  /** Number of scales. */
  scales: number;
  /** Whether outer and inner positions share a channel's scale (per channel) or have their own (blocks). */
  shared: boolean;
}

/** The view of a tensor in which a channel, or a block, is the middle axis. */
export function channelView(scheme: Pick<Scheme, 'axis' | 'blockSize' | 'view'>): ChannelView {
  const { view, axis, blockSize } = scheme;
  if (axis === null) {
    const inner = volume(view);
    return { outer: 1, channels: 1, inner, block: 1, scales: 1, shared: true };
  }
  const channels = view[axis];
  if (channels === undefined) throw rangeError('axis', `0..${view.length - 1}`, axis);
  const outer = volume(view.slice(0, axis));
  const inner = volume(view.slice(axis + 1));
  if (blockSize === null)
    return { outer, channels, inner, block: 1, scales: channels, shared: true };
  const blocks = Math.ceil(channels / blockSize);
  return {
    outer,
    channels,
    inner,
    block: blockSize,
    scales: outer * blocks * inner,
    shared: false,
  };
}

/** Shape of the scales of a scheme: [], [channels], or the view with blocks along the axis. */
export function scaleShape({
  view,
  axis,
  blockSize,
}: Pick<Scheme, 'axis' | 'blockSize' | 'view'>): number[] {
  if (axis === null) return [];
  if (blockSize === null) return [view[axis] ?? 1];
  return view.map((size, at) => (at === axis ? Math.ceil(size / blockSize) : size));
}

/** Bytes that a weight takes in a scheme: integers, scales, zero points, and the names and nodes around them. */
export function storedBytes(scheme: Scheme): number {
  const { scales } = channelView(scheme);
  const integers = Math.ceil((volume(scheme.view) * bitsOf[scheme.storage]) / 8);
  const zeroPoints = hasZeroPoint(scheme) ? Math.ceil((scales * bitsOf[scheme.storage]) / 8) : 0;
  return integers + 4 * scales + zeroPoints + surroundings;
}

/** Protobuf around one quantized weight: two or three tensors and a node, names of usual length. */
const surroundings = 160;

/** Signed symmetric integers need no zero point. */
export function hasZeroPoint({
  storage,
  symmetric,
}: Pick<Scheme, 'storage' | 'symmetric'>): boolean {
  return !(symmetric && !storage.startsWith('u'));
}

/** `int8 per channel (axis 0)` */
export function formatScheme(scheme: Scheme): string {
  const { storage, symmetric, granularity, axis, blockSize } = scheme;
  const kind = symmetric ? '' : ' affine';
  if (granularity === 'tensor') return `${storage}${kind} per tensor`;
  if (granularity === 'channel') return `${storage}${kind} per channel`;
  return `${storage}${kind} blocks of ${blockSize} (axis ${axis})`;
}

/** Whether a name is that of a storage type of weights. */
export function isStorage(name: string): name is Storage {
  return Object.hasOwn(bitsOf, name) && bitsOf[name as Storage] <= 8;
}
