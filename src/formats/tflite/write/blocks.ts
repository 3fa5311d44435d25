/** Operators that rows are made of. Each takes operands and gives one: of its own, or the one that it is told.
 *  What only moves a constant's elements moves them in the file, and emits nothing. */

import { equalDims } from '../../../core/dim.ts';
import type { DType } from '../../../core/dtype.ts';
import { type Dim, isStatic, type Shape, volume } from '../../../core/shape.ts';
import { permutedConstant } from '../../../ir/permute.ts';
import { isInOrder, permuted, permutedQuantization } from '../../../passes/layout/permutation.ts';
import type { BuiltinOptions } from '../records.ts';
import { type Emitter, knownRank, numbersOf } from './emitter.ts';
import { typeNumber } from './file.ts';
import type { Operand } from './operand.ts';
import { slicedConstant } from './sliced-constant.ts';

/** An operand for what only moves another's elements: quantized alike. */
export function like(e: Emitter, x: Operand, shape: Shape): Operand {
  const made = e.temp(x.dtype, shape);
  return e.isInteger ? { ...made, quantization: x.quantization } : made;
}

/** One operand in, one out, of the same shape and type. */
export function unary(
  e: Emitter,
  name: string,
  x: Operand,
  out: Operand = e.temp(x.dtype, x.shape),
  options?: BuiltinOptions,
): Operand {
  e.op(name, [x], [out], options);
  return out;
}

/** The same elements in another type. */
export function cast(e: Emitter, x: Operand, dtype: DType, out?: Operand): Operand {
  if (x.dtype === dtype && out === undefined) return x;
  const to = out ?? e.temp(dtype, x.shape);
  const value = { inDataType: typeNumber(x.dtype), outDataType: typeNumber(to.dtype) };
  e.op('CAST', [x], [to], { type: 'CastOptions', value });
  return to;
}

/** An index operand as int32: what most operators of TFLite take. */
export function asInt32(e: Emitter, x: Operand): Operand {
  if (x.dtype === 'int32') return x;
  const numbers = x.constant === null ? null : numbersOf(x.constant);
  if (numbers === null) return cast(e, x, 'int32');
  return e.ints(numbers.map(clampedToInt32), x.constant!.shape);
}

function clampedToInt32(x: number): number {
  return Math.min(Math.max(x, -(2 ** 31)), 2 ** 31 - 1);
}

/** The same elements in another shape, of which at most one size is unknown; `dynamic` says it where more are. */
export function reshape(
  e: Emitter,
  x: Operand,
  shape: readonly Dim[],
  out?: Operand,
  dynamic?: Operand,
): Operand {
  if (out === undefined && sameShape(x.shape, shape)) return x;
  if (out === undefined && x.constant !== null && isStatic(shape)) {
    const isWhole = x.quantization === null || x.quantization.axis === null;
    if (isWhole) return { ...x, shape, constant: { ...x.constant, shape }, index: -1 };
  }
  const to = out ?? like(e, x, shape);
  const unknown = shape.filter((dim) => typeof dim !== 'number').length;
  if (unknown > 1) {
    if (dynamic === undefined) return withAxis(e, x, shape, to);
    e.op('RESHAPE', [x, dynamic], [to]);
    return to;
  }
  const sizes = shape.map((dim) => (typeof dim === 'number' ? dim : -1));
  const inputs = sizes.length === 0 ? [x] : [x, e.ints(sizes)];
  const value = { newShape: Int32Array.from(sizes) };
  e.op('RESHAPE', inputs, [to], { type: 'ReshapeOptions', value });
  return to;
}

/** An axis of size 1 more or less: what can be said of sizes that nobody knows. */
function withAxis(e: Emitter, x: Operand, shape: readonly Dim[], to: Operand): Operand {
  const from = x.shape ?? [];
  const [longer, shorter] = from.length < shape.length ? [shape, from] : [from, shape];
  const axis = longer.findIndex((dim, i) => {
    if (dim !== 1 || longer.length !== shorter.length + 1) return false;
    return longer.toSpliced(i, 1).every((other, j) => equalDims(other, shorter[j]!));
  });
  if (axis < 0) throw e.fail('SHAPE', 'more than one size of a shape is not known');
  if (longer === shape) {
    const options = { type: 'ExpandDimsOptions', value: {} } as const;
    e.op('EXPAND_DIMS', [x, e.scalar(axis, 'int32')], [to], options);
  } else {
    const value = { squeezeDims: Int32Array.of(axis) };
    e.op('SQUEEZE', [x], [to], { type: 'SqueezeOptions', value });
  }
  return to;
}

/** Whether two shapes are known to be the same. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === null || b === null || a.length !== b.length) return false;
  return a.every((dim, axis) => dim !== null && dim === b[axis]);
}

/** Axes in another order: axis i of the result is axis perm[i]. */
export function transpose(e: Emitter, x: Operand, perm: readonly number[], out?: Operand): Operand {
  const shape = x.shape === null ? null : permuted(x.shape, perm);
  if (out === undefined && isInOrder(perm)) return x;
  if (out === undefined && x.constant !== null && x.constant.strings === undefined) {
    const constant = permutedConstant(x.constant, perm);
    const quantization = permutedQuantization(x.quantization, perm);
    return { ...x, shape, constant, quantization, index: -1 };
  }
  const isMoved = shape !== null && !isInOrder(perm.filter((axis) => x.shape![axis] !== 1));
  if (!isMoved && shape !== null && shape.filter((dim) => typeof dim !== 'number').length < 2)
    return reshape(e, x, shape, out);
  const to = out ?? like(e, x, shape);
  if (perm.length <= mostTransposed) {
    e.op('TRANSPOSE', [x, e.ints(perm)], [to]);
    return to;
  }
  if (!isStatic(x.shape)) throw e.fail('RANK', `axes of rank ${perm.length} change places`);
  return transposeInSteps(e, x, x.shape, perm, to);
}

/** Axes that TRANSPOSE takes. */
const mostTransposed = 5;

/** Axes that stay neighbors count as one, those of size 1 not at all; where too many are left, each is moved to its
 *  place by itself. */
function transposeInSteps(
  e: Emitter,
  x: Operand,
  sizes: readonly number[],
  perm: readonly number[],
  out: Operand,
): Operand {
  const moved = perm.filter((axis) => sizes[axis] !== 1);
  const real = sizes.map((_, axis) => axis).filter((axis) => sizes[axis] !== 1);
  const groups: number[][] = [];
  for (const axis of moved) {
    const last = groups.at(-1);
    const isNext = last !== undefined && real.indexOf(axis) === real.indexOf(last.at(-1)!) + 1;
    if (isNext) last.push(axis);
    else groups.push([axis]);
  }
  const before = [...groups].sort((a, b) => a[0]! - b[0]!);
  const sizeOf = (group: readonly number[]): number => volume(group.map((axis) => sizes[axis]!));
  if (groups.length <= mostTransposed) {
    const flat = reshape(e, x, before.map(sizeOf));
    const order = groups.map((group) => before.indexOf(group));
    return reshape(e, transpose(e, flat, order), out.shape!, out);
  }
  let now = x;
  const order = [...before];
  groups.forEach((group, to) => {
    const from = order.indexOf(group);
    if (from === to) return;
    const parts = [order.slice(0, to), order.slice(to, from), [group], order.slice(from + 1)];
    const flat = parts.map((part) => volume(part.map(sizeOf)));
    now = transpose(e, reshape(e, now, flat), [0, 2, 1, 3]);
    order.splice(from, 1);
    order.splice(to, 0, group);
  });
  return reshape(e, now, out.shape!, out);
}

/** Operators of two operands whose kernels broadcast only up to so many axes. */
const mostBroadcast = 4;

/** An operator of two operands, broadcast as in numpy.
 *  @param dtype  of the result, where it is not that of the operands */
export function binary(
  e: Emitter,
  name: string,
  a: Operand,
  b: Operand,
  out?: Operand,
  options?: BuiltinOptions,
  dtype: DType = a.dtype,
): Operand {
  const shape = broadcastShapes(a.shape, b.shape);
  const to = out ?? e.temp(dtype, shape);
  const rank = shape?.length ?? 0;
  const isPlain =
    rank <= mostBroadcast || sameShape(a.shape, b.shape) || isSingle(a) || isSingle(b);
  if (isPlain) {
    e.op(name, [a, b], [to], options);
    return to;
  }
  if (!isStatic(shape) || !isStatic(a.shape) || !isStatic(b.shape))
    throw e.fail('RANK', `operands of rank ${rank} are broadcast, and their sizes are not known`);
  const groups = broadcastGroups(a.shape, b.shape, shape);
  if (groups.length > mostBroadcast) {
    const wide = [a, b].map((x) => broadcastTo(e, x, shape));
    e.op(name, wide, [to], options);
    return to;
  }
  const sizes = (own: readonly number[]): number[] =>
    groups.map((axes) => volume(axes.map((axis) => padded(own, rank)[axis]!)));
  const [x, y] = [reshape(e, a, sizes(a.shape)), reshape(e, b, sizes(b.shape))];
  const flat = e.temp(dtype, sizes(shape));
  e.op(name, [x, y], [flat], options);
  return reshape(e, flat, shape, to);
}

function isSingle({ shape }: Operand): boolean {
  return isStatic(shape) && volume(shape) === 1;
}

function padded(shape: readonly number[], rank: number): number[] {
  return [...new Array<number>(rank - shape.length).fill(1), ...shape];
}

/** Neighboring axes over which the same operands are spread count as one. */
function broadcastGroups(
  a: readonly number[],
  b: readonly number[],
  shape: readonly number[],
): number[][] {
  const [x, y] = [padded(a, shape.length), padded(b, shape.length)];
  const groups: number[][] = [];
  let last = '';
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const kind = `${x[axis] === size} ${y[axis] === size}`;
    if (kind === last) groups.at(-1)!.push(axis);
    else groups.push([axis]);
    last = kind;
  });
  return groups;
}

/** The shape of numpy's broadcasting; null where a rank is not known. */
export function broadcastShapes(a: Shape, b: Shape): Shape {
  if (a === null || b === null) return null;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const x = a[axis - rank + a.length] ?? (axis < rank - a.length ? 1 : null);
    const y = b[axis - rank + b.length] ?? (axis < rank - b.length ? 1 : null);
    return broadcastDims(x, y);
  });
}

function broadcastDims(a: Dim, b: Dim): Dim {
  if (a === 1 || equalDims(a, b)) return b;
  if (b === 1) return a;
  return typeof a === 'number' ? a : typeof b === 'number' ? b : null;
}

/** A value spread over a known shape. */
export function broadcastTo(
  e: Emitter,
  x: Operand,
  shape: readonly number[],
  out?: Operand,
): Operand {
  if (out === undefined && sameShape(x.shape, shape)) return x;
  const to = out ?? e.temp(x.dtype, shape);
  e.op('BROADCAST_TO', [x, e.ints(shape)], [to], { type: 'BroadcastToOptions', value: {} });
  return to;
}

/** Values around a tensor.
 *  @param pads  before and after, for each axis
 *  @param value  what they are; 0 by default */
export function pad(
  e: Emitter,
  x: Operand,
  pads: readonly (readonly [number, number])[],
  value: Operand | null = null,
  out?: Operand,
): Operand {
  if (out === undefined && pads.every(([before, after]) => before === 0 && after === 0)) return x;
  const shape =
    x.shape?.map((dim, axis) =>
      typeof dim === 'number' ? dim + pads[axis]![0] + pads[axis]![1] : null,
    ) ?? null;
  const to = out ?? like(e, x, shape);
  const list = e.ints(pads.flat(), [pads.length, 2]);
  if (value === null) e.op('PAD', [x, list], [to], { type: 'PadOptions', value: {} });
  else e.op('PADV2', [x, list, value], [to], { type: 'PadV2Options', value: {} });
  return to;
}

/** A part of a tensor; size −1 is all that there is. */
export function slice(
  e: Emitter,
  x: Operand,
  begin: readonly number[],
  size: readonly number[],
  out?: Operand,
): Operand {
  const shape =
    x.shape?.map((dim, axis) => {
      if (size[axis]! >= 0) return size[axis]!;
      return typeof dim === 'number' ? dim - begin[axis]! : begin[axis] === 0 ? dim : null;
    }) ?? null;
  if (out === undefined && begin.every((at) => at === 0) && sameShape(shape, x.shape)) return x;
  if (out === undefined && x.constant !== null && isStatic(x.shape) && isStatic(shape)) {
    const constant = slicedConstant(x.constant, begin, shape);
    const isWhole = x.quantization === null || x.quantization.axis === null;
    if (constant !== null && isWhole) return { ...x, shape, constant, index: -1 };
  }
  const to = out ?? like(e, x, shape);
  e.op('SLICE', [x, e.ints(begin), e.ints(size)], [to], { type: 'SliceOptions', value: {} });
  return to;
}

/** A sum, mean, maximum … over some axes, which may be computed. */
export function reduce(
  e: Emitter,
  name: string,
  x: Operand,
  axes: readonly number[] | Operand,
  keepDims: boolean,
  out?: Operand,
): Operand {
  const options = { type: 'ReducerOptions', value: { keepDims } } as const;
  const rank = knownRank(e, x);
  if ('index' in axes) {
    const open = keepDims ? x.shape!.map(() => null) : null;
    const to = out ?? e.temp(x.dtype, open);
    e.op(name, [x, axes], [to], options);
    return to;
  }
  const list = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  const shape = x.shape!.flatMap((dim, axis): Dim[] =>
    !list.includes(axis) ? [dim] : keepDims ? [1] : [],
  );
  const to = out ?? e.temp(x.dtype, shape);
  e.op(name, [x, e.ints(list)], [to], options);
  return to;
}

/** Tensors one after the other. */
export function concat(
  e: Emitter,
  parts: readonly Operand[],
  axis: number,
  out?: Operand,
): Operand {
  const [first] = parts as [Operand, ...Operand[]];
  const rank = knownRank(e, first);
  const at = axis < 0 ? axis + rank : axis;
  let size: Dim = 0;
  for (const { shape } of parts) {
    const dim: Dim = shape?.[at] ?? null;
    size = typeof dim === 'number' && typeof size === 'number' ? size + dim : null;
  }
  const to = out ?? like(e, first, first.shape!.with(at, size));
  e.op('CONCATENATION', parts, [to], { type: 'ConcatenationOptions', value: { axis: at } });
  return to;
}

/** A row's result that is an operand that there already is: the same tensor, or a copy where the graph gives it. */
export function same(e: Emitter, x: Operand, index = 0): void {
  const value = e.node.outputs[index]!;
  const isOutput = [...value.uses].some(({ user }) => user === e.graph);
  if (!isOutput && x.quantization === value.quantization && !e.isKnown(value)) {
    e.define(value, x);
    return;
  }
  copy(e, x, e.out(index));
}

/** The same elements in another tensor. */
export function copy(e: Emitter, x: Operand, out: Operand): Operand {
  const isSameType = x.dtype === out.dtype;
  if (isSameType && isStatic(x.shape) && x.constant === null) return reshape(e, x, x.shape, out);
  return cast(e, x, out.dtype, out);
}
