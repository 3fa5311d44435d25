import { volume } from '../../core/shape.ts';
import type { Value } from '../../ir/graph.ts';
import { cubicShares } from './computed-resize.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** Neighbors on one axis that a point takes: where, and how much. */
interface Tap {
  /** A whole number, perhaps beyond the image. */
  readonly at: Value;
  readonly share: Value | null;
}

/** Reflects places between two borders as often as needed. */
function reflected(p: Parts, place: Value, low: number, high: number): Value {
  const range = high - low;
  if (range <= 0) return p.mul(place, 0);
  const distance = p.unary('Abs', p.sub(place, low));
  const times = p.unary('Floor', p.mul(distance, 1 / range));
  const rest = p.sub(distance, p.mul(times, range));
  const half = p.mul(times, 0.5);
  const isEven = p.test('Equal', half, p.unary('Floor', half));
  return p.where(isEven, p.add(rest, low), p.sub(high, rest));
}

const clamped = (p: Parts, place: Value, size: number): Value =>
  p.binary('Min', p.binary('Max', place, 0), size - 1);

/** Neighbors of a place by the method of interpolation. */
function tapsAt(p: Parts, mode: string, place: Value): Tap[] {
  if (mode === 'nearest') return [{ at: p.unary('Round', place), share: null }];
  const first = p.unary('Floor', place);
  const t = p.sub(place, first);
  if (mode === 'linear')
    return [
      { at: first, share: p.sub(1, t) },
      { at: p.add(first, 1), share: t },
    ];
  const shares = cubicShares(p, t, -0.75);
  return shares.map((share, i) => ({ at: p.add(first, i - 1), share }));
}

/** Samples images [N, C, …] at the places of a grid [N, …, axes] in [−1, 1], the last axis first. */
const gridSample: Expansion = (p) => {
  const [x, grid] = [p.in(0), p.in(1)];
  const [batch, channels, ...sizes] = p.dims(x) as [number, number, ...number[]];
  const dims = p.dims(grid);
  const spatial = sizes.length;
  const points = volume(dims.slice(1, -1));
  const isAligned = p.attributes.int('align_corners', 0) !== 0;
  const mode = p.attributes.string('mode', 'linear').replace(/^bi/, '');
  const padding = p.attributes.string('padding_mode', 'zeros');
  const places = p.reshape(grid, [batch, points, spatial]);
  // Offsets within a plane, shares, and whether it lies in the image, of all neighbors so far.
  let taps: { offset: Value | null; share: Value | null; inside: Value | null }[] = [
    { offset: null, share: null, inside: null },
  ];
  sizes.forEach((size, axis) => {
    const last = spatial - 1 - axis;
    const u = p.reshape(p.slice(places, 2, last, last + 1), [batch, points]);
    const scaled = isAligned
      ? p.mul(p.add(u, 1), (size - 1) / 2)
      : p.sub(p.mul(p.add(u, 1), size / 2), 0.5);
    const [low, high] = isAligned ? [0, size - 1] : [-0.5, size - 0.5];
    let place = scaled;
    if (padding === 'border') place = clamped(p, scaled, size);
    else if (padding === 'reflection') place = reflected(p, scaled, low, high);
    const own = tapsAt(p, mode, place).map(({ at, share }) => {
      const isInside =
        padding === 'zeros'
          ? p.binary('And', p.test('GreaterOrEqual', at, 0), p.test('LessOrEqual', at, size - 1))
          : null;
      const folded = padding === 'reflection' ? p.unary('Round', reflected(p, at, low, high)) : at;
      return { at: clamped(p, folded, size), share, isInside };
    });
    taps = taps.flatMap((tap) =>
      own.map(({ at, share, isInside }) => ({
        offset: tap.offset === null ? at : p.add(p.mul(tap.offset, size), at),
        share: both(p, 'Mul', tap.share, share),
        inside: both(p, 'And', tap.inside, isInside),
      })),
    );
  });
  const area = volume(sizes);
  if (batch * area > 1 << 24) p.stop('offsets are no longer exact in float32');
  const last = spatial + 1;
  const moved = p.transpose(x, [0, ...sizes.map((_, i) => i + 2), 1]);
  const rows = p.reshape(moved, [batch * area, p.dims(moved)[last]!]);
  const starts = p.floats(
    Float32Array.from({ length: batch }, (_, n) => n * area),
    [batch, 1],
  );
  let sum: Value | null = null;
  for (const { offset, share, inside } of taps) {
    const index = p.cast(p.add(offset!, starts), 'int64');
    let own = p.gather(rows, index, 0);
    if (share !== null) own = p.mul(own, p.reshape(share, [batch, points, 1]));
    if (inside !== null) own = p.where(p.reshape(inside, [batch, points, 1]), own, 0);
    sum = sum === null ? own : p.add(sum, own);
  }
  const result = p.transpose(sum!, [0, 2, 1]);
  p.end(0, p.reshape(result, [batch, channels, ...dims.slice(1, -1)]));
};

function both(p: Parts, op: string, a: Value | null, b: Value | null): Value | null {
  return a === null || b === null ? (a ?? b) : p.binary(op, a, b);
}

/** Places of an image under an affine map [N, axes, axes + 1]: for each axis what all others add to it. */
const affineGrid: Expansion = (p) => {
  const theta = p.in(0);
  const [batch, rank] = p.dims(theta) as [number, number];
  const isAligned = p.attributes.int('align_corners', 0) !== 0;
  const sizes = p.cast(p.in(1), 'float32');
  const raw = (op: string, inputs: Value[]): Value => p.op(op, inputs, null, 'float32');
  // Numbers from −1 to 1 on each axis of the image, the last one first.
  const places = Array.from({ length: rank }, (_, axis) => {
    const at = rank - 1 - axis;
    const size = p.pick(sizes, 0, 2 + at);
    const index = p.op('Range', [p.floats([0], []), size, p.floats([1], [])], [null], 'float32');
    const step = isAligned
      ? p.sub(p.div(p.mul(index, 2), p.binary('Max', p.sub(size, 1), 1)), 1)
      : p.sub(p.div(p.add(p.mul(index, 2), 1), size), 1);
    const isOne = p.test('LessOrEqual', size, 1);
    const shape = [1, ...Array.from({ length: rank }, (_, i) => (i === at ? -1 : 1)), 1];
    return raw('Reshape', [isAligned ? p.where(isOne, 0, step) : step, p.ints(shape)]);
  });
  const column = (axis: number): Value =>
    p.reshape(p.slice(theta, 2, axis, axis + 1), [batch, ...places.map(() => 1), rank]);
  const sum = places
    .map((place, axis) => raw('Mul', [column(axis), place]))
    .reduce((all, part) => raw('Add', [all, part]), column(rank));
  p.end(0, sum);
};

export const samplingExpansions: Readonly<Record<string, Expansion>> = {
  GridSample: gridSample,
  AffineGrid: affineGrid,
};
