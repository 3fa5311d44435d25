import { rangeError } from '../core/errors.ts';
import { normalizeAxis, volume } from '../core/shape.ts';
import { checkShape } from './layout.ts';
import { checkMovable, type MovableArray, sameArray, stridesOf } from './move.ts';
import { checkLength } from './types.ts';

type Indices = ArrayLike<number>;

/** An index from 0, one from −size counted from the end. */
function place(index: number, size: number): number {
  const at = index < 0 ? index + size : index;
  if (!Number.isInteger(at) || at < 0 || at >= size) {
    throw rangeError('indices', `integers ${-size}..${size - 1}`, index);
  }
  return at;
}

/** Slices at the given indices of an axis: ONNX Gather.
 *  @param indices  integers, negative from the end, in any shape (given flat)
 *  @returns        elements of [sizes before the axis, indices, sizes after it]
 *  @throws {TypeError} x is not a typed array
 *  @throws {RangeError} indices outside, a shape that does not fit
 *  Cost O(result). */
export function gather<A extends MovableArray>(
  x: A,
  shape: readonly number[],
  indices: Indices,
  axis = 0,
): A {
  const size = shape[normalizeAxis(axis, shape.length)] ?? 1;
  return take(
    x,
    shape,
    axis,
    Array.from(indices, (index) => place(index, size)),
  );
}

/** The same for indices that are known to fit; −1 leaves the element of the result at 0, or at `otherwise`. */
export function take<A extends MovableArray>(
  x: A,
  shape: readonly number[],
  axis: number,
  indices: readonly number[],
  otherwise = 0,
): A {
  checkMovable('x', x);
  checkShape(shape, x.length);
  const at = normalizeAxis(axis, shape.length);
  const outer = volume(shape.slice(0, at));
  const size = shape[at]!;
  const unit = volume(shape.slice(at + 1));
  const y = sameArray(x, volume([outer, indices.length, unit]));
  const numbers = y as Float32Array;
  const source = x as Float32Array;
  if (otherwise !== 0) numbers.fill(otherwise);
  let to = 0;
  for (let o = 0; o < outer; o++) {
    const base = o * size;
    for (const index of indices) {
      if (index >= 0) {
        const from = (base + index) * unit;
        if (unit < 16) for (let u = 0; u < unit; u++) numbers[to + u] = source[from + u]!;
        else numbers.set(source.subarray(from, from + unit), to);
      }
      to += unit;
    }
  }
  return y;
}

/** How an axis continues beyond its ends: with a number, mirrored without repeating the end, with the end, or from the
 *  other end. */
export type PadMode = 'constant' | 'reflect' | 'edge' | 'wrap';

/** What `pad` takes. */
export interface PadOptions {
  shape: readonly number[];
  /** Elements to add before each axis, then after each; negative to remove. */
  pads: readonly number[];
  /** Default `constant`. */
  mode?: PadMode;
  /** Of `constant`; default 0. */
  value?: number;
}

/** Elements added around a tensor: ONNX Pad.
 *  @throws {TypeError} x is not a typed array
 *  @throws {RangeError} a shape, pads or a mode that don't fit; nothing to continue
 *  Cost O(result) for each axis that is padded. */
export function pad<A extends MovableArray>(
  x: A,
  options: PadOptions,
): { data: A; shape: number[] } {
  const { shape, pads, mode = 'constant', value = 0 } = options;
  checkMovable('x', x);
  checkShape(shape, x.length);
  checkLength('pads', pads.length, 2 * shape.length);
  if (!Object.hasOwn(continued, mode)) {
    throw rangeError('mode', Object.keys(continued).join(' | '), mode);
  }
  let data = x;
  const sizes = [...shape];
  shape.forEach((size, axis) => {
    const before = pads[axis]!;
    const after = pads[axis + shape.length]!;
    if (before === 0 && after === 0) return;
    const length = size + before + after;
    if (!Number.isSafeInteger(length) || length < 0) throw rangeError('pads', 'integers', before);
    // What is cut off is not there to be mirrored.
    const first = Math.max(0, -before);
    const kept = size - first - Math.max(0, -after);
    if (kept <= 0 && mode !== 'constant' && length > 0) {
      throw rangeError('pads', `an axis ${axis} with elements to continue`, size);
    }
    const indices = Array.from({ length }, (_, i) => {
      const at = i - Math.max(0, before);
      if (at >= 0 && at < kept) return first + at;
      const inside = continued[mode](at, kept);
      return inside < 0 ? -1 : first + inside;
    });
    data = take(data, sizes, axis, indices, value);
    sizes[axis] = length;
  });
  return { data: data === x ? (x.slice() as A) : data, shape: sizes };
}

const modulo = (i: number, n: number): number => ((i % n) + n) % n;

const continued: Readonly<Record<PadMode, (i: number, size: number) => number>> = {
  constant: () => -1,
  edge: (i, size) => Math.min(Math.max(i, 0), size - 1),
  wrap: modulo,
  reflect: (i, size) => {
    if (size === 1) return 0;
    const at = modulo(i, 2 * size - 2);
    return at < size ? at : 2 * size - 2 - at;
  },
};

/** For each place of `indices` the element of x at that place, but for the index along the axis: ONNX GatherElements.
 *  @param indexShape  sizes of `indices`, at most those of x but for the axis
 *  @throws {TypeError} x is not a typed array
 *  @throws {RangeError} indices outside, shapes that don't fit
 *  Cost O(indices). */
export function gatherElements<A extends MovableArray>(
  x: A,
  shape: readonly number[],
  indices: Indices,
  indexShape: readonly number[],
  axis = 0,
): A {
  checkMovable('x', x);
  const y = sameArray(x, indices.length);
  eachElement(x.length, shape, indices, indexShape, axis, (from, i) => {
    (y as Float32Array)[i] = (x as Float32Array)[from]!;
  });
  return y;
}

/** How `scatterElements` combines. */
export type ScatterReduction = 'none' | 'add' | 'mul' | 'min' | 'max';

const combined: Readonly<Record<ScatterReduction, (old: number, value: number) => number>> = {
  none: (_, value) => value,
  add: (old, value) => old + value,
  mul: (old, value) => old * value,
  min: (old, value) => Math.min(old, value),
  max: (old, value) => Math.max(old, value),
};

/** A copy of x with `updates` written at those places, in order: ONNX ScatterElements.
 *  @throws {TypeError} x is not a typed array of numbers
 *  @throws {RangeError} indices outside, shapes that don't fit, no such reduction
 *  Cost O(x + indices). Deterministic. */
export function scatterElements<A extends Exclude<MovableArray, BigInt64Array | BigUint64Array>>(
  x: A,
  shape: readonly number[],
  indices: Indices,
  updates: A,
  indexShape: readonly number[],
  options: { axis?: number; reduction?: ScatterReduction } = {},
): A {
  const { axis = 0, reduction = 'none' } = options;
  checkMovable('x', x);
  checkMovable('updates', updates);
  checkLength('updates', updates.length, indices.length);
  if (!Object.hasOwn(combined, reduction)) {
    throw rangeError('reduction', Object.keys(combined).join(' | '), reduction);
  }
  const combine = combined[reduction];
  const y = x.slice() as A;
  eachElement(x.length, shape, indices, indexShape, axis, (to, i) => {
    y[to] = combine(y[to]!, updates[i]!);
  });
  return y;
}

/** Calls `use` with the place in x for each element of `indices`. */
function eachElement(
  count: number,
  shape: readonly number[],
  indices: Indices,
  indexShape: readonly number[],
  axis: number,
  use: (at: number, i: number) => void,
): void {
  checkShape(shape, count);
  checkShape(indexShape, indices.length);
  const along = normalizeAxis(axis, shape.length);
  const fits =
    indexShape.length === shape.length &&
    indexShape.every((size, i) => i === along || size <= shape[i]!);
  if (!fits)
    throw rangeError('indexShape', `at most [${shape.join(', ')}]`, `[${indexShape.join(', ')}]`);
  const strides = stridesOf(shape);
  const inner = stridesOf(indexShape);
  for (let i = 0; i < indices.length; i++) {
    let at = place(indices[i]!, shape[along]!) * strides[along]!;
    for (let k = 0; k < shape.length; k++) {
      if (k !== along) at += (Math.floor(i / inner[k]!) % indexShape[k]!) * strides[k]!;
    }
    use(at, i);
  }
}

/** The k greatest (or least) elements along an axis, with their indices, the most extreme first; of equal ones the
 *  first comes first. A NaN counts as greater than any number. With k the size of the axis this sorts.
 *  @param options  shape; axis, default the last; largest, default true
 *  @returns        values and indices of [sizes before the axis, k, sizes after it]
 *  @throws {TypeError} x is not a typed array of numbers
 *  @throws {RangeError} k or a shape that does not fit, no such axis
 *  Cost O(n log n). Deterministic. */
export function topK<A extends Exclude<MovableArray, BigInt64Array | BigUint64Array>>(
  x: A,
  k: number,
  options: { shape?: readonly number[]; axis?: number; largest?: boolean } = {},
): { values: A; indices: Uint32Array<ArrayBuffer> } {
  checkMovable('x', x);
  const { shape = [x.length], axis = -1, largest = true } = options;
  checkShape(shape, x.length);
  const along = normalizeAxis(axis, shape.length);
  const size = shape[along]!;
  if (!Number.isInteger(k) || k < 0 || k > size) throw rangeError('k', `0..${size}`, k);
  const outer = volume(shape.slice(0, along));
  const unit = volume(shape.slice(along + 1));
  const values = sameArray(x, outer * k * unit);
  const indices = new Uint32Array(outer * k * unit);
  const run = new Float64Array(size);
  const order = new Uint32Array(size);
  const sign = largest ? -1 : 1;
  for (let o = 0; o < outer; o++) {
    for (let u = 0; u < unit; u++) {
      for (let i = 0; i < size; i++) {
        const value = x[(o * size + i) * unit + u]!;
        // NaN beyond infinity, in a scale where the least comes first.
        run[i] = Number.isNaN(value) ? sign * Infinity : sign * value;
        order[i] = i;
      }
      const isNaNAt = (i: number): boolean => Number.isNaN(x[(o * size + i) * unit + u]!);
      order.sort((a, b) => {
        const [p, q] = [run[a]!, run[b]!];
        if (p !== q) return p < q ? -1 : 1;
        const nan = sign * (Number(isNaNAt(a)) - Number(isNaNAt(b)));
        return nan === 0 ? a - b : nan;
      });
      for (let i = 0; i < k; i++) {
        const to = (o * k + i) * unit + u;
        indices[to] = order[i]!;
        values[to] = x[(o * size + order[i]!) * unit + u]!;
      }
    }
  }
  return { values, indices };
}
