import { rangeError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import type { LibraryKernels } from '../wasm/kernels.ts';
import { libraryBackend } from '../wasm/library.ts';
import { checkShape } from './layout.ts';
import { checkFloats, partElements, resultArray } from './types.ts';

type Kernel = (a: number, b: number, y: number, outer: number, count: number, mode: number) => void;

/** Names of `binary`. */
export type BinaryOperation = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'pow' | 'prelu';
/** Names of `compare`. */
export type CompareOperation = 'equal' | 'less' | 'lessOrEqual' | 'greater' | 'greaterOrEqual';

/** Shapes of the operands: broadcast as in NumPy and ONNX. Default one axis each. */
export interface BroadcastOptions {
  aShape?: readonly number[];
  bShape?: readonly number[];
}

const kernels: Readonly<Record<BinaryOperation, (simd: LibraryKernels) => Kernel>> = {
  add: (simd) => simd.f32_add,
  sub: (simd) => simd.f32_sub,
  mul: (simd) => simd.f32_mul,
  div: (simd) => simd.f32_div,
  min: (simd) => simd.f32_min,
  max: (simd) => simd.f32_max,
  pow: (simd) => simd.f32_pow,
  prelu: (simd) => simd.f32_prelu,
};

const comparisons: Readonly<Record<CompareOperation, (simd: LibraryKernels) => Kernel>> = {
  equal: (simd) => simd.f32_equal,
  less: (simd) => simd.f32_less,
  lessOrEqual: (simd) => simd.f32_less_equal,
  greater: (simd) => simd.f32_less,
  greaterOrEqual: (simd) => simd.f32_less_equal,
};

/** A function of two numbers on all pairs of elements, after broadcasting.
 *
 *  add, sub, mul, div: the float32 operation. min, max: a NaN in either is one in the result. pow: within 1 ulp, IEEE
 *  special cases. prelu: a < 0 ? a · b : a.
 *  @param a, b     elements, row-major
 *  @param options  aShape and bShape; output: where to put the result
 *  @returns        elements of the broadcast shape (see `broadcastShape`)
 *  @throws {TypeError} not Float32Arrays
 *  @throws {RangeError} no such operation; shapes that don't fit the arrays or each other; an output of another length
 *  Cost O(n) of the result. Deterministic. */
export function binary(
  operation: BinaryOperation,
  a: Float32Array,
  b: Float32Array,
  options: BroadcastOptions & { output?: Float32Array } = {},
): Float32Array {
  const pick = Object.hasOwn(kernels, operation) ? kernels[operation] : undefined;
  if (pick === undefined)
    throw rangeError('operation', Object.keys(kernels).join(' | '), operation);
  const view = broadcast(a, b, options);
  const result = resultArray<Float32Array>(options.output, Float32Array, volume(view.shape));
  run(pick, a, b, view, result);
  return result;
}

/** Compares all pairs of elements, after broadcasting: 1 or 0 each. A NaN compares false.
 *  @returns  as many as the broadcast shape has
 *  @throws {TypeError} not Float32Arrays
 *  @throws {RangeError} no such operation; shapes that don't fit the arrays or each other
 *  Cost O(n) of the result. Deterministic. */
export function compare(
  operation: CompareOperation,
  a: Float32Array,
  b: Float32Array,
  options: BroadcastOptions = {},
): Uint8Array<ArrayBuffer> {
  const pick = Object.hasOwn(comparisons, operation) ? comparisons[operation] : undefined;
  if (pick === undefined)
    throw rangeError('operation', Object.keys(comparisons).join(' | '), operation);
  const swapped = operation.startsWith('greater');
  const [left, right] = swapped ? [b, a] : [a, b];
  const { aShape = [a.length], bShape = [b.length] } = options;
  const shapes = swapped ? { aShape: bShape, bShape: aShape } : { aShape, bShape };
  const view = broadcast(left, right, shapes);
  const result = new Uint8Array(volume(view.shape));
  run(pick, left, right, view, result);
  return result;
}

/** The shape of two broadcast tensors: aligned at the end, sizes of 1 repeat.
 *  @throws {RangeError} sizes that differ and are not 1 */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const p = a[i - rank + a.length] ?? 1;
    const q = b[i - rank + b.length] ?? 1;
    if (p !== q && p !== 1 && q !== 1) {
      throw rangeError(
        'bShape',
        `sizes that broadcast with [${a.join(', ')}]`,
        `[${b.join(', ')}]`,
      );
    }
    return p === 1 ? q : p;
  });
}

/** Axes of the result after merging: where an operand repeats its step is 0. */
interface Axis {
  size: number;
  aStep: number;
  bStep: number;
}

interface View {
  shape: number[];
  axes: Axis[];
}

function broadcast(a: Float32Array, b: Float32Array, options: BroadcastOptions): View {
  checkFloats('a', a);
  checkFloats('b', b);
  const { aShape = [a.length], bShape = [b.length] } = options;
  checkShape(aShape, a.length);
  checkShape(bShape, b.length);
  const shape = broadcastShape(aShape, bShape);
  volume(shape);
  const axes: Axis[] = [];
  let aSize = 1;
  let bSize = 1;
  for (let i = 1; i <= shape.length; i++) {
    const size = shape.at(-i)!;
    const p = aShape.at(-i) ?? 1;
    const q = bShape.at(-i) ?? 1;
    if (size === 1) continue;
    const aStep = p === 1 ? 0 : aSize;
    const bStep = q === 1 ? 0 : bSize;
    const inner = axes.at(-1);
    if (
      inner !== undefined &&
      (inner.aStep === 0) === (p === 1) &&
      (inner.bStep === 0) === (q === 1)
    ) {
      inner.size *= size;
    } else {
      axes.push({ size, aStep, bStep });
    }
    aSize *= p;
    bSize *= q;
  }
  if (axes.length === 0) axes.push({ size: 1, aStep: 1, bStep: 1 });
  return { shape, axes };
}

/** Blocks of the two innermost axes go to the kernel, the others are a loop here. */
function run(
  pick: (simd: LibraryKernels) => Kernel,
  a: Float32Array,
  b: Float32Array,
  { shape, axes }: View,
  result: Float32Array | Uint8Array,
): void {
  if (volume(shape) === 0) return;
  const inner = axes[0]!;
  const middle = axes[1] ?? { size: 1, aStep: 0, bStep: 0 };
  const rest = axes.slice(2).reverse();
  const { arena, simd } = libraryBackend();
  const kernel = pick(simd);
  const mode =
    (inner.aStep === 0 ? 1 : 0) |
    (inner.bStep === 0 ? 2 : 0) |
    (middle.aStep === 0 ? 4 : 0) |
    (middle.bStep === 0 ? 8 : 0);
  const columns = Math.min(inner.size, partElements);
  const rows = Math.max(1, Math.floor(partElements / columns));
  const floats = result instanceof Float32Array;
  const extent = (one: number, shared: number, height: number, width: number): number =>
    (mode & shared ? 1 : height) * (mode & one ? 1 : width);

  const block = (aAt: number, bAt: number, at: number, height: number, width: number): void => {
    const aCount = extent(1, 4, height, width);
    const bCount = extent(2, 8, height, width);
    arena.withScratch([4 * aCount, 4 * bCount, 4 * height * width], (left, right, out) => {
      const views = arena.views();
      views.f32.set(a.subarray(aAt, aAt + aCount), left >>> 2);
      views.f32.set(b.subarray(bAt, bAt + bCount), right >>> 2);
      kernel(left, right, out, height, width, mode);
      const from = floats ? out >>> 2 : out;
      result.set((floats ? views.f32 : views.u8).subarray(from, from + height * width), at);
    });
  };
  const plane = (aAt: number, bAt: number, at: number): void => {
    for (let row = 0; row < middle.size; row += rows) {
      const height = Math.min(rows, middle.size - row);
      for (let column = 0; column < inner.size; column += columns) {
        block(
          aAt + row * middle.aStep + column * Math.min(inner.aStep, 1),
          bAt + row * middle.bStep + column * Math.min(inner.bStep, 1),
          at + row * inner.size + column,
          height,
          Math.min(columns, inner.size - column),
        );
      }
    }
  };
  const planeSize = inner.size * middle.size;
  const walk = (depth: number, aAt: number, bAt: number, at: number): void => {
    const axis = rest[depth];
    if (axis === undefined) {
      plane(aAt, bAt, at);
      return;
    }
    let step = planeSize;
    for (const { size } of rest.slice(depth + 1)) step *= size;
    for (let i = 0; i < axis.size; i++) {
      walk(depth + 1, aAt + i * axis.aStep, bAt + i * axis.bStep, at + i * step);
    }
  };
  walk(0, 0, 0, 0);
}
