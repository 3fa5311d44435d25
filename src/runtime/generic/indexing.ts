import { MemoryError, ShapeError } from '../../core/errors.ts';
import { volume } from '../../core/shape.ts';

/** Where elements lie: strides, broadcasts, walks over axes. Offsets count elements. */

/** Elements that one evaluation may make: more are a mistake, or hostile. */
const mostElements = 2 ** 29;

/** The number of elements of sizes that an operand named.
 *  @throws {ShapeError} a size below 0, or none at all
 *  @throws {MemoryError} more than 2^29 elements */
export function countOf(dims: readonly number[]): number {
  let count = 1;
  for (const size of dims) {
    if (!(size >= 0 && Number.isSafeInteger(size)))
      throw new ShapeError(`sizes [${dims.join(', ')}] are not allowed`, { code: 'E_SHAPE_RANGE' });
    count *= size;
  }
  if (dims.includes(0)) return 0;
  if (count > mostElements)
    throw new MemoryError(
      `${count} elements are more than the ${mostElements} that one value may have`,
      {
        code: 'E_MEMORY',
      },
    );
  return count;
}

/** Row-major strides in elements. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let stride = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= dims[axis]!;
  }
  return strides;
}

/** Offsets of a strided view's elements in row-major order: transposes, slices and broadcasts are such views. */
export function viewOffsets(
  dims: readonly number[],
  strides: readonly number[],
  start = 0,
): Float64Array {
  const offsets = new Float64Array(countOf(dims));
  const index = new Array<number>(dims.length).fill(0);
  let at = start;
  for (let i = 0; i < offsets.length; i++) {
    offsets[i] = at;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      at -= strides[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return offsets;
}

/** numpy's rule for any number of operands.
 *  @throws {ShapeError} sizes that don't fit */
export function broadcastDims(operands: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...operands.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1;
    for (const dims of operands) {
      const dim = dims[axis - rank + dims.length] ?? 1;
      if (dim === 1 || dim === size) continue;
      if (size !== 1) {
        const text = operands.map((item) => `[${item.join(', ')}]`).join(' and ');
        throw new ShapeError(`${text} do not broadcast`, { code: 'E_SHAPE_BROADCAST' });
      }
      size = dim;
    }
    return size;
  });
}

/** For each element of `to`, which element of `from` it is by broadcasting. */
export function broadcastOffsets(from: readonly number[], to: readonly number[]): Float64Array {
  const own = stridesOf(from);
  const extra = to.length - from.length;
  const strides = to.map((_, axis) => {
    const at = axis - extra;
    return at < 0 || from[at] === 1 ? 0 : own[at]!;
  });
  return viewOffsets(to, strides);
}

/** A tensor as [outer, size, inner] around an axis. */
export function aroundAxis(
  dims: readonly number[],
  axis: number,
): { outer: number; size: number; inner: number } {
  return {
    outer: volume(dims.slice(0, axis)),
    size: dims[axis] ?? 1,
    inner: volume(dims.slice(axis + 1)),
  };
}

/** Index along each axis of an element. */
export function indexAt(offset: number, dims: readonly number[]): number[] {
  const index = new Array<number>(dims.length);
  let rest = offset;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    index[axis] = rest % dims[axis]!;
    rest = Math.floor(rest / dims[axis]!);
  }
  return index;
}

/** A copy with another size at an axis. */
export function replaceSize(dims: readonly number[], axis: number, size: number): number[] {
  const result = [...dims];
  result[axis] = size;
  return result;
}
