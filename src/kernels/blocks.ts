import { normalizeAxis, volume } from '../core/shape.ts';
import type { LibraryKernels } from '../wasm/kernels.ts';
import { libraryBackend } from '../wasm/library.ts';
import { checkShape } from './layout.ts';
import { partElements } from './types.ts';

/** A tensor around one axis: [outer, length, unit]. */
export interface AxisView {
  readonly shape: readonly number[];
  readonly axis: number;
  readonly outer: number;
  readonly length: number;
  readonly unit: number;
}

/** @throws {RangeError} the shape does not have `count` elements; no such axis */
export function axisView(
  count: number,
  shape: readonly number[] | undefined,
  axis: number,
): AxisView {
  const dims = shape ?? [count];
  checkShape(dims, count);
  const at = normalizeAxis(axis, dims.length);
  return {
    shape: dims,
    axis: at,
    outer: volume(dims.slice(0, at)),
    length: dims[at] ?? 1,
    unit: volume(dims.slice(at + 1)),
  };
}

/** Runs a kernel on slabs of `from` elements that become slabs of `to`, as many at a time as a part of memory takes.
 *  @param extra  arrays that every call needs too
 *  @param run    with the addresses of x, y and the extras, and the number of slabs */
export function eachSlab<Y extends Float32Array | Uint32Array>(
  x: Float32Array,
  y: Y,
  slabs: number,
  from: number,
  to: number,
  extra: readonly (Float32Array | Int32Array)[],
  run: (simd: LibraryKernels, addresses: readonly number[], slabs: number) => void,
): void {
  if (y.length === 0) return;
  const { arena, simd } = libraryBackend();
  const some = Math.max(1, Math.floor(partElements / Math.max(from, to, 1)));
  const sizes = extra.map((array) => array.byteLength);
  for (let at = 0; at < slabs; at += some) {
    const n = Math.min(some, slabs - at);
    arena.withScratch([4 * n * from, 4 * n * to, ...sizes], (input, output, ...rest) => {
      const views = arena.views();
      views.f32.set(x.subarray(at * from, (at + n) * from), input! >>> 2);
      extra.forEach((array, i) => {
        const view = array instanceof Float32Array ? views.f32 : views.i32;
        view.set(array, rest[i]! >>> 2);
      });
      run(simd, [input!, output!, ...rest], n);
      const view = y instanceof Float32Array ? views.f32 : views.u32;
      const first = output! >>> 2;
      y.set(view.subarray(first, first + n * to), at * to);
    });
  }
}
