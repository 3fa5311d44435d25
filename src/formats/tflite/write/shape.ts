import { type Dim, isStatic } from '../../../core/shape.ts';
import {
  asInt32,
  binary,
  broadcastTo,
  cast,
  concat,
  pad,
  reshape,
  same,
  slice,
  transpose,
} from './blocks.ts';
import { type Emitter, knownRank, knownSizes, numbersOf, type Row } from './emitter.ts';
import { typeNumber } from './file.ts';
import type { Operand } from './operand.ts';

/** Types that RESHAPE's neighbors move. */
const reshaped: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  const unknown = out.shape?.filter((dim) => typeof dim !== 'number').length ?? 2;
  if (out.shape !== null && unknown < 2) {
    reshape(e, x, out.shape, out);
    return;
  }
  if (e.node.op !== 'Reshape') return dynamicReshape(e, x, out);
  const target = e.numbers(1);
  if (target !== null && e.attributes.int('allowzero') === 0) {
    // A 0 keeps a size: where those are known, or one of them is the only unknown, −1 says the rest.
    const shape = target.map((dim, axis) =>
      dim === 0 ? (x.shape?.[axis] ?? null) : dim < 0 ? null : dim,
    );
    if (shape.filter((dim) => typeof dim !== 'number').length < 2) {
      reshape(e, x, shape, out);
      return;
    }
  }
  if (target?.includes(0) === true) return dynamicReshape(e, x, out);
  e.op('RESHAPE', [x, asInt32(e, e.in(1))], [out]);
};

/** A shape of several unknown sizes that the operand has too: they are read from it. */
function dynamicReshape(e: Emitter, x: Operand, out: Operand): void {
  if (out.shape === null || x.shape === null) throw e.fail('SHAPE', 'a rank is not known');
  const sizes = e.temp('int32', [x.shape.length]);
  e.op('SHAPE', [x], [sizes], { type: 'ShapeOptions', value: { outType: 2 } });
  const used = new Set<number>();
  let free = false;
  const parts = out.shape.map((dim) => {
    if (typeof dim === 'number') return e.ints([dim]);
    const axis = x.shape!.findIndex(
      (other, index) => other === dim && dim !== null && !used.has(index),
    );
    if (axis >= 0) {
      used.add(axis);
      return slice(e, sizes, [axis], [1]);
    }
    if (free) throw e.fail('SHAPE', 'more than one size of a shape is not known');
    free = true;
    return e.ints([-1]);
  });
  e.op('RESHAPE', [x, concat(e, parts, 0)], [out]);
}

const expand: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  const wide = out.dtype === 'bool' || out.dtype === 'float32' || /int(32|64)$/.test(out.dtype);
  if (isStatic(out.shape)) {
    if (wide && !out.shape.includes(0)) broadcastTo(e, x, out.shape, out);
    else cast(e, broadcastTo(e, cast(e, x, 'int32'), out.shape), out.dtype, out);
    return;
  }
  const target = e.numbers(1);
  if (target !== null) {
    // Sizes of 1 keep what the operand has: multiplying by ones, or or-ing with false, spreads it.
    const ones = target.map((dim) => Math.max(dim, 1));
    if (x.dtype === 'bool')
      binary(e, 'LOGICAL_OR', x, broadcastTo(e, e.scalar(0, 'bool'), ones), out);
    else binary(e, 'MUL', x, broadcastTo(e, e.scalar(1, x.dtype), ones), out);
    return;
  }
  const ones = e.temp('int32', out.shape);
  e.op('BROADCAST_TO', [e.scalar(1, 'int32'), asInt32(e, e.in(1))], [ones]);
  if (x.dtype === 'bool') {
    throw e.fail('SHAPE', 'booleans are spread over a computed shape');
  } else binary(e, 'MUL', x, cast(e, ones, x.dtype), out);
};

const tile: Row = (e) => {
  e.op('TILE', [e.in(0), asInt32(e, e.in(1))], [e.out()]);
};

const concatenation: Row = (e, node) => {
  const axis = e.attributes.int('axis');
  const parts = node.inputs.map((_, index) => e.in(index));
  // Parts of no elements only get in the way.
  const full = parts.filter(({ shape }) => shape?.includes(0) !== true);
  if (full.length === 1) return same(e, full[0]!);
  concat(e, full.length === 0 ? parts : full, axis, e.out());
};

const split: Row = (e, node) => {
  const x = e.in(0);
  const rank = knownRank(e, x);
  const axis = (e.attributes.int('axis') + rank) % rank;
  const outs = node.outputs.map((_, index) => e.out(index));
  const sizes = outs.map(({ shape }) => shape?.[axis] ?? null);
  if (!sizes.every((size) => typeof size === 'number'))
    throw e.fail('SHAPE', 'the sizes of parts are not known');
  if (outs.length === 1) return same(e, x);
  const at = e.scalar(axis, 'int32');
  if (sizes.every((size) => size === sizes[0])) {
    e.op('SPLIT', [at, x], outs, { type: 'SplitOptions', value: { numSplits: outs.length } });
    return;
  }
  const options = { type: 'SplitVOptions', value: { numSplits: outs.length } } as const;
  e.op('SPLIT_V', [x, e.ints(sizes as number[]), at], outs, options);
};

/** ONNX's starts, ends and steps over some axes, all constants: STRIDED_SLICE with masks for whole axes. */
const sliced: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  const rank = knownRank(e, x);
  const starts = e.numbers(1);
  const ends = e.numbers(2);
  const axes = e.has(3) ? e.numbers(3) : starts?.map((_, index) => index);
  const steps = e.has(4) ? e.numbers(4) : starts?.map(() => 1);
  if (starts === null || ends === null || axes == null || steps == null)
    return computedSlice(e, x, out);
  const begin = new Array<number>(rank).fill(0);
  const end = new Array<number>(rank).fill(0);
  const stride = new Array<number>(rank).fill(1);
  let [beginMask, endMask] = [(1 << rank) - 1, (1 << rank) - 1];
  axes.forEach((given, index) => {
    const axis = given < 0 ? given + rank : given;
    const step = Math.max(Math.min(steps[index]!, 2 ** 31 - 1), -(2 ** 31 - 1));
    stride[axis] = step;
    const size = x.shape![axis];
    const range = typeof size === 'number' ? known(starts[index]!, ends[index]!, step, size) : null;
    if (range === null && typeof size !== 'number') {
      const [from, to] = [starts[index]!, ends[index]!];
      if (!(step > 0 ? from === 0 : from >= 2 ** 31 - 1 || from === -1)) {
        begin[axis] = clamp(from);
        beginMask &= ~(1 << axis);
      }
      if (!(step > 0 ? to >= 2 ** 31 - 1 : to < -(2 ** 31 - 2))) {
        end[axis] = clamp(to);
        endMask &= ~(1 << axis);
      }
      return;
    }
    begin[axis] = range!.begin;
    beginMask &= ~(1 << axis);
    if (range!.end !== null) {
      end[axis] = range!.end;
      endMask &= ~(1 << axis);
    }
  });
  stridedSlice(e, x, { begin, end, stride, beginMask, endMask }, out);
};

function clamp(x: number): number {
  return Math.max(Math.min(x, 2 ** 31 - 1), -(2 ** 31));
}

/** ONNX's clamping, done here; `end` null: up to the very first element, going down. */
function known(
  start: number,
  end: number,
  step: number,
  size: number,
): { begin: number; end: number | null } {
  const within = (at: number, low: number, high: number): number =>
    Math.min(Math.max(at < 0 ? at + size : at, low), high);
  if (step > 0) {
    const begin = within(start, 0, size);
    return { begin, end: Math.max(within(end, 0, size), begin) };
  }
  const begin = within(start, 0, size - 1);
  const stop = within(end, -1, size - 1);
  return { begin, end: stop < 0 ? null : Math.min(stop, begin) };
}

interface Strided {
  begin: number[];
  end: number[];
  stride: number[];
  beginMask: number;
  endMask: number;
}

/** The kernel has 5 axes: whole ones in front are folded into one. */
function stridedSlice(e: Emitter, x: Operand, s: Strided, out: Operand): void {
  const rank = s.begin.length;
  const value = { beginMask: s.beginMask, endMask: s.endMask };
  const isPlain = s.stride.every((step) => step === 1) && isStatic(x.shape) && isStatic(out.shape);
  if (isPlain && rank <= 5) {
    const begin = s.begin.map((at, axis) => (s.beginMask & (1 << axis) ? 0 : at));
    slice(e, x, begin, out.shape as number[], out);
    return;
  }
  if (rank > 5) {
    // One axis at a time, as [before, axis, after].
    let now = x;
    const sizes = [...knownSizes(e, x)];
    const target = knownSizes(e, out);
    const changed = sizes
      .map((_, axis) => axis)
      .filter((axis) => sizes[axis] !== target[axis] || s.stride[axis] !== 1);
    for (const axis of changed) {
      const outer = sizes.slice(0, axis).reduce((a, b) => a * b, 1);
      const inner = sizes.slice(axis + 1).reduce((a, b) => a * b, 1);
      const flat = reshape(e, now, [outer, sizes[axis]!, inner]);
      const part = e.temp(x.dtype, [outer, target[axis]!, inner]);
      const bit = (mask: number): number => 5 | ((mask >> axis) & 1 ? 2 : 0);
      const options = { beginMask: bit(s.beginMask), endMask: bit(s.endMask) };
      const lists = [s.begin, s.end, s.stride].map((list, i) =>
        e.ints([i === 2 ? 1 : 0, list[axis]!, i === 2 ? 1 : 0]),
      );
      e.op('STRIDED_SLICE', [flat, ...lists], [part], {
        type: 'StridedSliceOptions',
        value: options,
      });
      sizes[axis] = target[axis]!;
      now = part;
    }
    reshape(e, now, target, out);
    return;
  }
  const inputs = [x, e.ints(s.begin), e.ints(s.end), e.ints(s.stride)];
  e.op('STRIDED_SLICE', inputs, [out], { type: 'StridedSliceOptions', value });
}

/** Places that are computed: spread over all axes first, clamped to what int32 holds. */
function computedSlice(e: Emitter, x: Operand, out: Operand): void {
  const rank = knownRank(e, x);
  if (rank > 5) throw e.fail('RANK', `a slice at computed places of rank ${rank}`);
  const count = e.in(1).shape?.[0];
  const axes = e.has(3) ? e.numbers(3) : Array.from({ length: Number(count ?? 0) }, (_, i) => i);
  const steps = e.has(4) ? e.numbers(4) : axes?.map(() => 1);
  if (axes == null || steps == null || typeof count !== 'number')
    throw e.fail('AXES', 'the axes or steps of a slice are computed');
  const list = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  const spread = (index: number): Operand => {
    const given = e.in(index);
    const small = given.constant === null ? clampedCast(e, given) : asInt32(e, given);
    const parts = Array.from({ length: rank }, (_, axis) => {
      const at = list.indexOf(axis);
      return at < 0 ? e.ints([0]) : slice(e, small, [at], [1]);
    });
    return parts.length === 1 ? parts[0]! : concat(e, parts, 0);
  };
  let mask = (1 << rank) - 1;
  const stride = new Array<number>(rank).fill(1);
  list.forEach((axis, index) => {
    mask &= ~(1 << axis);
    stride[axis] = steps[index]!;
  });
  const inputs = [x, spread(1), spread(2), e.ints(stride)];
  const value = { beginMask: mask, endMask: mask };
  e.op('STRIDED_SLICE', inputs, [out], { type: 'StridedSliceOptions', value });
}

function clampedCast(e: Emitter, x: Operand): Operand {
  if (x.dtype !== 'int64') return asInt32(e, x);
  const top = binary(e, 'MINIMUM', x, e.scalar(2 ** 31 - 1, 'int64'));
  return cast(e, binary(e, 'MAXIMUM', top, e.scalar(-(2 ** 31), 'int64')), 'int32');
}

const modes: Readonly<Record<string, number>> = { reflect: 0 };

const padded: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  const rank = knownRank(e, x);
  const given = e.numbers(1);
  const axes = e.has(3) ? e.numbers(3) : Array.from({ length: rank }, (_, axis) => axis);
  if (given === null || axes === null) throw e.fail('AXES', 'the sizes of a Pad are computed');
  const pads = Array.from({ length: rank }, (): [number, number] => [0, 0]);
  axes.forEach((axis, index) => {
    pads[axis < 0 ? axis + rank : axis] = [given[index]!, given[index + axes.length]!];
  });
  const mode = e.attributes.string('mode');
  const cropped = crop(e, x, pads);
  const grown = pads.map(([a, b]): [number, number] => [Math.max(a, 0), Math.max(b, 0)]);
  const isCropped = pads.some(([a, b]) => a < 0 || b < 0);
  if (isCropped && grown.every(([a, b]) => a + b === 0)) {
    slice(
      e,
      x,
      pads.map(([a]) => Math.max(-a, 0)),
      knownSizes(e, out),
      out,
    );
    return;
  }
  if (mode === 'constant') {
    const value = e.has(2) ? e.in(2) : null;
    const number = value?.constant == null ? null : numbersOf(value.constant)?.[0];
    pad(e, cropped, grown, value === null || number === 0 ? null : reshape(e, value, []), out);
    return;
  }
  if (modes[mode] !== undefined) {
    const options = { type: 'MirrorPadOptions', value: { mode: modes[mode] } } as const;
    e.op('MIRROR_PAD', [cropped, e.ints(grown.flat(), [rank, 2])], [out], options);
    return;
  }
  // edge and wrap: the places that each element comes from, axis by axis.
  let now = cropped;
  const changed = grown
    .map((_, axis) => axis)
    .filter((axis) => grown[axis]![0] + grown[axis]![1] > 0);
  changed.forEach((axis, index) => {
    const size = now.shape![axis];
    if (typeof size !== 'number') throw e.fail('SHAPE', 'the size of a padded axis is not known');
    const [before, after] = grown[axis]!;
    const order = Array.from({ length: before + size + after }, (_, to) => {
      const at = to - before;
      return mode === 'edge' ? Math.min(Math.max(at, 0), size - 1) : ((at % size) + size) % size;
    });
    const isLast = index === changed.length - 1;
    const to = isLast ? out : e.temp(x.dtype, now.shape!.with(axis, order.length));
    e.op('GATHER', [now, e.ints(order)], [to], { type: 'GatherOptions', value: { axis } });
    now = to;
  });
  if (changed.length === 0) same(e, now);
};

function crop(e: Emitter, x: Operand, pads: readonly [number, number][]): Operand {
  if (pads.every(([a, b]) => a >= 0 && b >= 0)) return x;
  const sizes = knownSizes(e, x);
  const begin = pads.map(([a]) => Math.max(-a, 0));
  return slice(
    e,
    x,
    begin,
    sizes.map((size, axis) => size - begin[axis]! - Math.max(-pads[axis]![1], 0)),
  );
}

/** Sizes, some of them: SHAPE and a slice of it. */
const shape: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  const rank = knownRank(e, x);
  const bound = (at: number): number => Math.min(Math.max(at < 0 ? at + rank : at, 0), rank);
  const start = bound(e.attributes.int('start', 0));
  const end = e.attributes.has('end') ? bound(e.attributes.int('end')) : rank;
  const options = { type: 'ShapeOptions', value: { outType: typeNumber('int64') } } as const;
  if (start === 0 && end === rank) e.op('SHAPE', [x], [out], options);
  else {
    const all = e.temp('int64', [rank]);
    e.op('SHAPE', [x], [all], options);
    slice(e, all, [start], [Math.max(end - start, 0)], out);
  }
};

const size: Row = (e) => {
  const x = e.in(0);
  const all = e.temp('int32', [knownRank(e, x)]);
  e.op('SHAPE', [x], [all], { type: 'ShapeOptions', value: { outType: 2 } });
  const product = e.temp('int32', []);
  e.op('REDUCE_PROD', [all, e.ints([0])], [product], { type: 'ReducerOptions', value: {} });
  cast(e, product, 'int64', e.out());
};

export const shapeRows: Readonly<Record<string, Row>> = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: (e) => squeezed(e),
  Unsqueeze: (e) => squeezed(e),
  Expand: expand,
  Tile: tile,
  Concat: concatenation,
  Split: split,
  Slice: sliced,
  Pad: padded,
  Shape: shape,
  Size: size,
  Transpose: (e) => {
    const x = e.in(0);
    const rank = knownRank(e, x);
    const perm = e.attributes.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
    transpose(e, x, perm, e.out());
  },
};

/** Squeeze and Unsqueeze: RESHAPE where the sizes allow, else their own operators. */
function squeezed(e: Emitter): void {
  const [x, out] = [e.in(0), e.out()];
  const unknown = out.shape?.filter((dim) => typeof dim !== 'number').length ?? 2;
  if (unknown < 2) {
    reshape(e, x, out.shape!, out);
    return;
  }
  const axes = e.has(1) ? e.numbers(1) : [];
  if (axes === null) throw e.fail('AXES', 'axes are computed');
  if (e.node.op === 'Squeeze') {
    const value = { squeezeDims: Int32Array.from(axes) };
    e.op('SQUEEZE', [x], [out], { type: 'SqueezeOptions', value });
    return;
  }
  const rank = out.shape?.length ?? knownRank(e, x) + axes.length;
  const sorted = axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
  let now = x;
  sorted.forEach((axis, index) => {
    const dims = [...now.shape!.slice(0, axis), 1, ...now.shape!.slice(axis)] as Dim[];
    const to = index === sorted.length - 1 ? out : e.temp(x.dtype, dims);
    e.op('EXPAND_DIMS', [now, e.scalar(axis, 'int32')], [to], {
      type: 'ExpandDimsOptions',
      value: {},
    });
    now = to;
  });
}
