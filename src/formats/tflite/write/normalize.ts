import { isStatic, volume } from '../../../core/shape.ts';
import { binary, reduce, reshape, unary } from './blocks.ts';
import { type Emitter, knownRank, type Row } from './emitter.ts';
import type { Operand } from './operand.ts';

/** (x − mean) / √(variance + ε) over some axes; what came out on the way, too. */
function standardized(
  e: Emitter,
  x: Operand,
  axes: readonly number[],
  epsilon: number,
): { result: Operand; mean: Operand; deviation: Operand } {
  const mean = reduce(e, 'MEAN', x, axes, true);
  const centered = binary(e, 'SUB', x, mean);
  const variance = reduce(e, 'MEAN', unary(e, 'SQUARE', centered), axes, true);
  const deviation = unary(e, 'SQRT', binary(e, 'ADD', variance, e.scalar(epsilon)));
  return { result: binary(e, 'DIV', centered, deviation), mean, deviation };
}

/** x · scale + bias, either of which may be absent. */
function scaled(
  e: Emitter,
  x: Operand,
  scale: Operand | null,
  bias: Operand | null,
  out: Operand,
): void {
  let now = x;
  if (scale !== null) now = binary(e, 'MUL', now, scale, bias === null ? out : undefined);
  if (bias !== null) binary(e, 'ADD', now, bias, out);
  else if (scale === null) binary(e, 'ADD', now, e.scalar(0), out);
}

/** One multiplication and one addition a channel; the channels are last. */
const batch: Row = (e) => {
  if (e.attributes.int('training_mode') !== 0 || e.isWanted(1))
    throw e.fail('TRAINING', 'statistics of a batch are computed');
  const epsilon = e.attributes.float('epsilon');
  const constants = [1, 2, 3, 4].map((index) => e.numbers(index));
  const [x, out] = [e.in(0), e.out()];
  if (constants.every((list) => list !== null)) {
    const [scale, bias, mean, variance] = constants as [number[], number[], number[], number[]];
    const factor = scale.map((s, i) => s / Math.sqrt(variance[i]! + epsilon));
    const offset = bias.map((b, i) => b - mean[i]! * factor[i]!);
    scaled(e, x, e.floats(factor), e.floats(offset), out);
    return;
  }
  const deviation = unary(e, 'SQRT', binary(e, 'ADD', e.in(4), e.scalar(epsilon)));
  const centered = binary(e, 'SUB', x, e.in(3));
  scaled(e, binary(e, 'DIV', centered, deviation), e.in(1), e.in(2), out);
};

const instance: Row = (e) => {
  const x = e.in(0);
  const axes = Array.from({ length: knownRank(e, x) - 2 }, (_, axis) => axis + 1);
  const { result } = standardized(e, x, axes, e.attributes.float('epsilon'));
  scaled(e, result, e.in(1), e.in(2), e.out());
};

/** Channels in groups: [N, space, groups, channels of one]. */
const group: Row = (e) => {
  const x = e.in(0);
  const channels = x.shape?.at(-1);
  const groups = e.attributes.int('num_groups');
  if (typeof channels !== 'number') throw e.fail('SHAPE', 'the number of channels is not known');
  const space = x.shape!.slice(1, -1);
  const places = isStatic(space) ? volume(space) : null;
  const wide = reshape(e, x, [x.shape![0]!, places, groups, channels / groups]);
  const { result } = standardized(e, wide, [1, 3], e.attributes.float('epsilon'));
  scaled(e, reshape(e, result, x.shape!), e.in(1), e.in(2), e.out());
};

function trailingAxes(e: Emitter, x: Operand): number[] {
  const rank = knownRank(e, x);
  const first = e.attributes.int('axis', -1);
  const from = first < 0 ? first + rank : first;
  return Array.from({ length: rank - from }, (_, index) => from + index);
}

const layer: Row = (e) => {
  const x = e.in(0);
  const axes = trailingAxes(e, x);
  const { result, mean, deviation } = standardized(e, x, axes, e.attributes.float('epsilon'));
  scaled(e, result, e.maybe(1), e.maybe(2), e.out());
  if (e.isWanted(1)) binary(e, 'ADD', mean, e.scalar(0), e.out(1));
  if (e.isWanted(2)) binary(e, 'DIV', e.scalar(1), deviation, e.out(2));
};

const rms: Row = (e) => {
  const x = e.in(0);
  const axes = trailingAxes(e, x);
  const power = reduce(e, 'MEAN', unary(e, 'SQUARE', x), axes, true);
  const root = unary(e, 'SQRT', binary(e, 'ADD', power, e.scalar(e.attributes.float('epsilon'))));
  binary(e, 'MUL', binary(e, 'DIV', x, root), e.in(1), e.out());
};

const meanVariance: Row = (e) => {
  const x = e.in(0);
  const axes = e.attributes.ints('axes') ?? [0, 2, 3];
  const mean = reduce(e, 'MEAN', x, axes, true);
  const centered = binary(e, 'SUB', x, mean);
  const variance = reduce(e, 'MEAN', unary(e, 'SQUARE', centered), axes, true);
  const deviation = binary(e, 'ADD', unary(e, 'SQRT', variance), e.scalar(1e-9));
  binary(e, 'DIV', centered, deviation, e.out());
};

export const normalizationRows: Readonly<Record<string, Row>> = {
  'mp.BatchNormalization': batch,
  // Of rank 2: [N, C].
  BatchNormalization: (e, node) => {
    if (knownRank(e, e.in(0)) > 2) throw e.fail('TRAINING', 'statistics of a batch are computed');
    batch(e, node);
  },
  'mp.InstanceNormalization': instance,
  'mp.GroupNormalization': group,
  LayerNormalization: layer,
  RMSNormalization: rms,
  MeanVarianceNormalization: meanVariance,
};
