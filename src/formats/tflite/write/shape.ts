import { type Dim, isStatic } from '../../../core/shape.ts';
import { constantOfValue } from '../../../ir/constant.ts';
import {
  asInt32,
  binary,
  broadcastTo,
  cast,
  concat,
  reshape,
  same,
  slice,
  transpose,
} from './blocks.ts';
import { type Emitter, knownRank, type Row } from './emitter.ts';
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
  Constant: (e, node) => {
    const constant = constantOfValue(node.outputs[0]!);
    if (constant === null) throw e.fail('VALUE', 'a constant that is no tensor');
    same(e, e.constant(constant));
  },
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
