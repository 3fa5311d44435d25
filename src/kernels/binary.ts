import { rangeError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import type { LibraryKernels } from '../wasm/kernels.ts';
import { libraryBackend } from '../wasm/library.ts';
import {
  type BroadcastKernel,
  type BroadcastOptions,
  type BroadcastView,
  broadcast,
  runBroadcast,
} from './broadcast.ts';
import { checkFloats, resultArray } from './types.ts';

/** Names of `binary`. */
export type BinaryOperation = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'pow' | 'prelu';
/** Names of `compare`. */
export type CompareOperation = 'equal' | 'less' | 'lessOrEqual' | 'greater' | 'greaterOrEqual';

const kernels: Readonly<Record<BinaryOperation, (simd: LibraryKernels) => BroadcastKernel>> = {
  add: (simd) => simd.f32_add,
  sub: (simd) => simd.f32_sub,
  mul: (simd) => simd.f32_mul,
  div: (simd) => simd.f32_div,
  min: (simd) => simd.f32_min,
  max: (simd) => simd.f32_max,
  pow: (simd) => simd.f32_pow,
  prelu: (simd) => simd.f32_prelu,
};

const comparisons: Readonly<Record<CompareOperation, (simd: LibraryKernels) => BroadcastKernel>> = {
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
  const view = viewOf(a, b, options);
  const result = resultArray<Float32Array>(options.output, Float32Array, volume(view.shape));
  runBroadcast(pick(libraryBackend().simd), a, b, view, result);
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
  const view = viewOf(left, right, shapes);
  const result = new Uint8Array(volume(view.shape));
  runBroadcast(pick(libraryBackend().simd), left, right, view, result);
  return result;
}

function viewOf(a: Float32Array, b: Float32Array, options: BroadcastOptions): BroadcastView {
  checkFloats('a', a);
  checkFloats('b', b);
  return broadcast(a.length, b.length, options);
}
