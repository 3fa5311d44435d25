import type { Value } from '../../ir/graph.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** An axis that changes its size: numbers that are computed while it runs. */
interface Axis {
  readonly axis: number;
  readonly from: number;
  readonly to: Value;
  readonly scale: Value;
  /** Of the part that is cut out, as shares of the axis. */
  readonly start: Value | null;
  readonly end: Value | null;
}

/** Resizing by sizes or scales that are computed: axis by axis, elements that are picked by computed places. */
const computedResize: Expansion = (p) => {
  const x = p.in(0);
  const dims = p.dims(x);
  const { attributes } = p;
  if (p.dtype(x) !== 'float32') p.stop('it resizes other than float32');
  if (attributes.int('antialias', 0) !== 0) p.stop('how many elements count depends on the scale');
  const axes = axesOf(p, dims);
  const mode = attributes.string('mode', 'nearest');
  let now = x;
  for (const axis of axes) {
    const place = placeOf(p, axis);
    const rank = dims.length;
    const taken = (at: Value): Value => {
      const inside = p.binary('Min', p.binary('Max', at, 0), axis.from - 1);
      return p.op('Gather', [now, p.cast(inside, 'int64')], null, null, { axis: axis.axis });
    };
    const upright = (list: Value): Value => {
      const shape = Array.from({ length: rank }, (_, i) => (i === axis.axis ? -1 : 1));
      return p.op('Reshape', [list, p.ints(shape)], null, null);
    };
    if (mode === 'nearest') {
      now = taken(nearest(p, place));
    } else {
      const taps = mode === 'linear' ? linearTaps(p, place) : cubicTaps(p, place, axis.from);
      now = taps
        .map(({ at, share }) => p.op('Mul', [taken(at), upright(share)], null, null))
        .reduce((sum, part) => p.op('Add', [sum, part], null, null));
    }
    if (axis.start === null) continue;
    const isOutside = p.binary(
      'Or',
      p.test('Less', place, 0),
      p.test('Greater', place, axis.from - 1),
    );
    const value = p.floats([attributes.float('extrapolation_value', 0)], []);
    now = p.op('Where', [upright(isOutside), value, now], null, null);
  }
  p.end(0, now);
};

function axesOf(p: Parts, dims: readonly number[]): Axis[] {
  const { attributes } = p;
  const rank = dims.length;
  const list =
    attributes.ints('axes')?.map((axis) => (axis < 0 ? axis + rank : axis)) ??
    dims.map((_, axis) => axis);
  const isCrop =
    attributes.string('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize';
  const part = (input: number, at: number): Value => p.pick(p.cast(p.in(input), 'float32'), 0, at);
  const has = (input: number): boolean => p.has(input) && p.dims(p.in(input))[0] !== 0;
  const bySizes = has(3);
  if (!bySizes && !has(2)) p.stop('it has neither sizes nor scales');
  const policy = attributes.string('keep_aspect_ratio_policy', 'stretch');
  const ratios = list.map((axis, i) => (bySizes ? p.div(part(3, i), dims[axis]!) : part(2, i)));
  const common =
    policy === 'stretch'
      ? null
      : ratios.reduce((a, b) => p.binary(policy === 'not_larger' ? 'Min' : 'Max', a, b));
  return list.map((axis, i) => {
    const from = dims[axis]!;
    const scale = common ?? ratios[i]!;
    let to: Value;
    if (!bySizes) to = p.unary('Floor', p.mul(scale, from));
    else if (common === null) to = part(3, i);
    else to = p.unary('Floor', p.add(p.mul(common, from), 0.5));
    return {
      axis,
      from,
      to,
      scale,
      start: isCrop ? part(1, i) : null,
      end: isCrop ? part(1, i + list.length) : null,
    };
  });
}

/** Where each element of an axis comes from, as a real number. */
function placeOf(p: Parts, { from, to, scale, start, end }: Axis): Value {
  const number = (value: number): Value => p.floats([value], []);
  const x = p.op('Range', [number(0), to, number(1)], [null], 'float32');
  const halfPixel = (): Value => p.sub(p.div(p.add(x, 0.5), scale), 0.5);
  // The length of the result counts before it is cut to an integer.
  const length = p.mul(scale, from);
  const isOne = (): Value => p.test('Less', p.unary('Abs', p.sub(length, 1)), 1e-3);
  const steps = (): Value => p.where(isOne(), 1, p.sub(length, 1));
  const mode = p.attributes.string('coordinate_transformation_mode', 'half_pixel');
  switch (mode) {
    case 'half_pixel':
      return halfPixel();
    case 'half_pixel_symmetric': {
      const share = p.div(to, p.mul(scale, from));
      return p.add(halfPixel(), p.mul(p.sub(1, share), from / 2));
    }
    case 'pytorch_half_pixel':
      return p.where(isOne(), 0, halfPixel());
    case 'asymmetric':
      return p.div(x, scale);
    case 'align_corners':
      return p.div(p.mul(x, from - 1), steps());
    case 'tf_crop_and_resize': {
      const first = p.mul(start!, from - 1);
      const span = p.mul(p.sub(end!, start!), from - 1);
      const middle = p.mul(p.add(start!, end!), (from - 1) / 2);
      return p.where(isOne(), middle, p.add(first, p.div(p.mul(x, span), steps())));
    }
    default:
      return p.stop(`coordinates by ${mode}`);
  }
}

function nearest(p: Parts, place: Value): Value {
  switch (p.attributes.string('nearest_mode', 'round_prefer_floor')) {
    case 'floor':
      return p.unary('Floor', place);
    case 'ceil':
      return p.unary('Ceil', place);
    case 'round_prefer_ceil':
      return p.unary('Floor', p.add(place, 0.5));
    default:
      return p.unary('Ceil', p.sub(place, 0.5));
  }
}

/** Neighbors of places, and how much each of them counts. */
interface Tap {
  readonly at: Value;
  readonly share: Value;
}

function linearTaps(p: Parts, place: Value): Tap[] {
  const first = p.unary('Floor', place);
  const t = p.sub(place, first);
  return [
    { at: first, share: p.sub(1, t) },
    { at: p.add(first, 1), share: t },
  ];
}

/** Source: Keys 1981. */
function cubicTaps(p: Parts, place: Value, size: number): Tap[] {
  const first = p.unary('Floor', place);
  const shares = cubicShares(p, p.sub(place, first), p.attributes.float('cubic_coeff_a', -0.75));
  const taps = shares.map((share, i) => ({ at: p.add(first, i - 1), share }));
  if (p.attributes.int('exclude_outside', 0) === 0) return taps;
  const kept = taps.map(({ at, share }) => {
    const isInside = p.binary(
      'And',
      p.test('GreaterOrEqual', at, 0),
      p.test('LessOrEqual', at, size - 1),
    );
    return { at, share: p.where(isInside, share, 0) };
  });
  const sum = kept.map(({ share }) => share).reduce((a, b) => p.add(a, b));
  return kept.map(({ at, share }) => ({ at, share: p.div(share, sum) }));
}

/** Weights of the four neighbors of places between the middle two. */
export function cubicShares(p: Parts, t: Value, a: number): Value[] {
  const near = (d: Value): Value => p.add(p.mul(p.mul(p.sub(p.mul(d, a + 2), a + 3), d), d), 1);
  const far = (d: Value): Value =>
    p.sub(p.mul(p.add(p.mul(p.sub(p.mul(d, a), 5 * a), d), 8 * a), d), 4 * a);
  return [far(p.add(t, 1)), near(t), near(p.sub(1, t)), far(p.sub(2, t))];
}

export const resizeExpansions: Readonly<Record<string, Expansion>> = { Resize: computedResize };
