import { rangeError, typeError } from '../core/errors.ts';
import { normalizeAxis, volume } from '../core/shape.ts';
import type { LibraryKernels } from '../wasm/kernels.ts';
import { libraryBackend } from '../wasm/library.ts';
import { checkShape } from './layout.ts';
import { checkLength } from './types.ts';

/** Arrays of which elements are moved, whatever they mean. */
export type MovableArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

type Copy = LibraryKernels['x32_copy'];

const kernels: Readonly<Record<number, (simd: LibraryKernels) => Copy>> = {
  1: (simd) => simd.x8_copy,
  2: (simd) => simd.x16_copy,
  4: (simd) => simd.x32_copy,
  8: (simd) => simd.x64_copy,
};

/** @throws {TypeError} not a typed array */
export function checkMovable(name: string, x: unknown): asserts x is MovableArray {
  if (!ArrayBuffer.isView(x) || x instanceof DataView) throw typeError(name, 'a typed array', x);
}

/** A new array of the class of x. */
export function sameArray<A extends MovableArray>(x: A, length: number): A {
  return new (x.constructor as new (length: number) => A)(length);
}

const bytesOf = (x: MovableArray): Uint8Array =>
  new Uint8Array(x.buffer, x.byteOffset, x.byteLength);

interface Axis {
  size: number;
  step: number;
}

/** Bytes of x that are in memory at a time, and of a part of the result. */
const mostBytes = 2 ** 25;
const partBytes = 2 ** 20;

/** y[i…] = x[offset + Σ i · stride] for a result of the given sizes; strides may be 0 or negative. */
export function stridedCopy<A extends MovableArray>(
  x: A,
  sizes: readonly number[],
  strides: readonly number[],
  offset = 0,
): A {
  const y = sameArray(x, volume(sizes));
  if (y.length > 0) copyFrom(x, y, merged(sizes, strides), offset, 0);
  return y;
}

const countOf = (axes: readonly Axis[]): number =>
  axes.reduce((product, { size }) => product * size, 1);

/** The result of `axes` from `to` on. What it reads goes to memory as one piece if that is not too much. */
function copyFrom(
  x: MovableArray,
  y: MovableArray,
  axes: readonly Axis[],
  at: number,
  to: number,
): void {
  let low = 0;
  let high = 1;
  for (const { size, step } of axes) {
    low += Math.min(0, (size - 1) * step);
    high += Math.max(0, (size - 1) * step);
  }
  const width = x.BYTES_PER_ELEMENT;
  if ((high - low) * width <= mostBytes) {
    const { arena } = libraryBackend();
    arena.withScratch([(high - low) * width], (input) => {
      arena.views().u8.set(bytesOf(x).subarray((at + low) * width, (at + high) * width), input);
      copyWithin(y, axes, input! - low * width, to);
    });
    return;
  }
  const [first, ...inner] = axes as [Axis, ...Axis[]];
  if (axes.some(({ step }) => Math.abs(step) > Math.abs(first.step))) {
    copyPlainly(x, y, axes, at, to);
    return;
  }
  // The widest steps are the outermost: some of them at a time.
  const together = Math.max(1, Math.floor(mostBytes / 2 / width / Math.abs(first.step)));
  const count = countOf(inner);
  for (let i = 0; i < first.size; i += together) {
    const size = Math.min(together, first.size - i);
    const next = size === 1 && inner.length > 0 ? inner : [{ size, step: first.step }, ...inner];
    copyFrom(x, y, next, at + i * first.step, to + i * count);
  }
}

/** The same for elements that are in memory already, address by address of the first. */
function copyWithin(y: MovableArray, axes: readonly Axis[], address: number, to: number): void {
  const width = y.BYTES_PER_ELEMENT;
  const count = countOf(axes);
  const bytes = count * width;
  if (axes.length <= 4 && bytes <= partBytes) {
    const { arena, simd } = libraryBackend();
    const [a, b, c, d] = [...Array<Axis>(4 - axes.length).fill({ size: 1, step: 0 }), ...axes] as [
      Axis,
      Axis,
      Axis,
      Axis,
    ];
    arena.withScratch([bytes], (output) => {
      const copy = kernels[width]!(simd);
      copy(address, output!, a.size, b.size, c.size, d.size, a.step, b.step, c.step, d.step);
      bytesOf(y).set(arena.views().u8.subarray(output!, output! + bytes), to * width);
    });
    return;
  }
  const [first, ...inner] = axes as [Axis, ...Axis[]];
  const each = count / first.size;
  const together = axes.length > 4 ? 1 : Math.max(1, Math.floor(partBytes / (each * width)));
  for (let i = 0; i < first.size; i += together) {
    const size = Math.min(together, first.size - i);
    const next = size === 1 && inner.length > 0 ? inner : [{ size, step: first.step }, ...inner];
    copyWithin(y, next, address + i * first.step * width, to + i * each);
  }
}

/** Element by element, for what is spread too widely. */
function copyPlainly(
  x: MovableArray,
  y: MovableArray,
  [first, ...inner]: readonly Axis[],
  at: number,
  to: number,
): void {
  const { size, step } = first!;
  const count = countOf(inner);
  for (let i = 0; i < size; i++) {
    if (inner.length > 0) copyPlainly(x, y, inner, at + i * step, to + i * count);
    else (y as Float32Array)[to + i] = (x as Float32Array)[at + i * step]!;
  }
}

/** Axes of size 1 dropped, those that follow each other without a gap as one. */
function merged(sizes: readonly number[], strides: readonly number[]): Axis[] {
  const axes: Axis[] = [];
  sizes.forEach((size, i) => {
    if (size === 1) return;
    const step = strides[i]!;
    const before = axes.at(-1);
    if (before !== undefined && before.step === step * size) {
      before.size *= size;
      before.step = step;
    } else {
      axes.push({ size, step });
    }
  });
  return axes.length === 0 ? [{ size: 1, step: 1 }] : axes;
}

/** Strides of a row-major tensor, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  let step = 1;
  return shape
    .map((_, i, all) => {
      const size = all[all.length - 1 - i]!;
      const stride = step;
      step *= size;
      return stride;
    })
    .reverse();
}

/** Axes in another order: axis i of the result is axis `permutation[i]` of x.
 *  @param x            elements of any type, row-major
 *  @param shape        sizes of x
 *  @param permutation  each axis once; default the reverse order
 *  @throws {TypeError} x is not a typed array
 *  @throws {RangeError} a shape or permutation that does not fit
 *  Cost O(n): near a memory copy where runs stay whole, by tiles of 4 × 4 where 32-bit elements change places. */
export function transpose<A extends MovableArray>(
  x: A,
  shape: readonly number[],
  permutation: readonly number[] = shape.map((_, i) => shape.length - 1 - i),
): A {
  checkMovable('x', x);
  checkShape(shape, x.length);
  const order = permutation.map((axis) => normalizeAxis(axis, shape.length));
  if (order.length !== shape.length || new Set(order).size !== order.length) {
    throw rangeError(
      'permutation',
      `${shape.length} axes, each once`,
      `[${permutation.join(', ')}]`,
    );
  }
  const strides = stridesOf(shape);
  return stridedCopy(
    x,
    order.map((axis) => shape[axis]!),
    order.map((axis) => strides[axis]!),
  );
}

/** Options of `slice`: one value for each axis. */
export interface SliceOptions {
  shape: readonly number[];
  /** First index of each axis. */
  starts: readonly number[];
  /** Elements to take along each axis. */
  sizes: readonly number[];
  /** Distance of indices, default 1; negative to go backwards. */
  steps?: readonly number[];
}

/** Elements at regular places along each axis.
 *  @returns  elements of `sizes`
 *  @throws {TypeError} x is not a typed array
 *  @throws {RangeError} indices outside, arrays of another length
 *  Cost O(result). */
export function slice<A extends MovableArray>(x: A, options: SliceOptions): A {
  const { shape, starts, sizes, steps = shape.map(() => 1) } = options;
  checkMovable('x', x);
  checkShape(shape, x.length);
  for (const [name, list] of Object.entries({ starts, sizes, steps })) {
    checkLength(name, list.length, shape.length);
  }
  const strides = stridesOf(shape);
  let offset = 0;
  const empty = sizes.some((size) => size === 0);
  shape.forEach((size, i) => {
    const [start, count, step] = [starts[i]!, sizes[i]!, steps[i]!];
    if (!Number.isInteger(count) || count < 0) throw rangeError('sizes', 'integers ≥ 0', count);
    if (!Number.isInteger(step)) throw rangeError('steps', 'integers', step);
    const last = start + (count - 1) * step;
    const inside =
      Number.isInteger(start) && start >= 0 && start < size && last >= 0 && last < size;
    if (!inside && !empty) {
      throw rangeError('starts', `indices 0..${size - 1} on axis ${i}`, `${start} to ${last}`);
    }
    offset += start * strides[i]!;
  });
  return stridedCopy(
    x,
    sizes,
    strides.map((stride, i) => stride * steps[i]!),
    offset,
  );
}

/** Repeats axes of size 1: NumPy's broadcast_to.
 *  @param shape  sizes of x
 *  @param to     sizes of the result
 *  @throws {TypeError} x is not a typed array
 *  @throws {RangeError} sizes that differ and are not 1
 *  Cost O(result). */
export function expand<A extends MovableArray>(
  x: A,
  shape: readonly number[],
  to: readonly number[],
): A {
  checkMovable('x', x);
  checkShape(shape, x.length);
  const strides = stridesOf(shape);
  const missing = to.length - shape.length;
  const steps = to.map((size, i) => {
    const from = i < missing ? 1 : shape[i - missing]!;
    if (from !== size && from !== 1) {
      throw rangeError(
        'to',
        `sizes that [${shape.join(', ')}] broadcasts to`,
        `[${to.join(', ')}]`,
      );
    }
    return from === 1 ? 0 : strides[i - missing]!;
  });
  if (missing < 0) throw rangeError('to', `at least ${shape.length} axes`, to.length);
  return stridedCopy(x, to, steps);
}

/** Tensors one after the other along an axis.
 *  @param inputs  elements and sizes of each; all of one class, equal but for the axis
 *  @returns       elements and sizes
 *  @throws {TypeError} none, or arrays of different classes
 *  @throws {RangeError} sizes that don't fit
 *  Cost O(result): runs are copied whole. */
export function concat<A extends MovableArray>(
  inputs: readonly { data: A; shape: readonly number[] }[],
  axis: number,
): { data: A; shape: number[] } {
  const first = inputs[0];
  if (first === undefined) throw typeError('inputs', 'one tensor or more', 'none');
  const at = normalizeAxis(axis, first.shape.length);
  let size = 0;
  for (const { data, shape } of inputs) {
    checkMovable('inputs', data);
    if (data.constructor !== first.data.constructor) {
      throw typeError('inputs', 'arrays of one class', data);
    }
    checkShape(shape, data.length);
    const fits =
      shape.length === first.shape.length &&
      shape.every((n, i) => i === at || n === first.shape[i]);
    if (!fits) {
      throw rangeError(
        'inputs',
        `[${first.shape.join(', ')}] but for axis ${at}`,
        `[${shape.join(', ')}]`,
      );
    }
    size += shape[at]!;
  }
  const shape = first.shape.map((n, i) => (i === at ? size : n));
  const outer = volume(shape.slice(0, at));
  const unit = volume(shape.slice(at + 1));
  const y = sameArray(first.data, volume(shape));
  const target = bytesOf(y);
  const width = y.BYTES_PER_ELEMENT;
  let start = 0;
  for (const input of inputs) {
    const run = input.shape[at]! * unit * width;
    const source = bytesOf(input.data);
    for (let o = 0; o < outer; o++) {
      target.set(source.subarray(o * run, (o + 1) * run), o * size * unit * width + start);
    }
    start += run;
  }
  return { data: y, shape };
}
