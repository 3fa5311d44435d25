import { rangeError } from '../core/errors.ts';
import { normalizeAxis, volume } from '../core/shape.ts';

/** How a tensor and its parameters (scales, ranges …) go together, as kernels see it: elements are
 *  [outer, length, unit], and `block` steps along `length` share `unit` parameters. With `shared`, all outer
 *  slabs use the parameters of the first. */
export interface Layout {
  readonly outer: number;
  readonly length: number;
  readonly block: number;
  readonly unit: number;
  readonly shared: boolean;
}

/** Where parameters apply: nothing for the whole tensor, an axis for each index along it, and a block size for
 *  each `blockSize` steps along it at each of the other indices (ONNX `block_size`; the last block may be short). */
export interface Granularity {
  /** Sizes of the tensor; default one axis. */
  shape?: readonly number[] | undefined;
  /** Axis of the parameters, negative from the end. Default 1 as in ONNX, 0 for one axis. */
  axis?: number | undefined;
  /** Steps along the axis that share parameters. */
  blockSize?: number | undefined;
}

/** One set of parameters for all elements. */
export function tensorLayout(count: number): Layout {
  return count === 0
    ? emptyLayout(1)
    : { outer: 1, length: count, block: count, unit: 1, shared: false };
}

/** No elements, but parameters all the same. */
function emptyLayout(cells: number): Layout {
  return { outer: 0, length: cells, block: 1, unit: 1, shared: true };
}

/** Parameters along an axis, or for blocks along it.
 *  @throws {RangeError} the shape does not have `count` elements; no such axis; a block size that is not ≥ 1 */
export function axisLayout(count: number, { shape, axis, blockSize }: Granularity): Layout {
  const dims = shape ?? [count];
  checkShape(dims, count);
  const at = normalizeAxis(axis ?? (dims.length > 1 ? 1 : 0), dims.length);
  const outer = volume(dims.slice(0, at));
  const size = dims[at] ?? 1;
  const inner = volume(dims.slice(at + 1));
  if (blockSize === undefined) {
    if (count === 0) return emptyLayout(size);
    return inner === 1
      ? { outer: 1, length: outer, block: outer, unit: size, shared: false }
      : { outer, length: size * inner, block: inner, unit: 1, shared: true };
  }
  if (!Number.isSafeInteger(blockSize) || blockSize < 1) {
    throw rangeError('blockSize', 'an integer ≥ 1', blockSize);
  }
  return {
    outer,
    length: size,
    block: Math.min(blockSize, Math.max(size, 1)),
    unit: inner,
    shared: false,
  };
}

/** @throws {RangeError} a size that is not an integer ≥ 0, or another number of elements than `count` */
export function checkShape(shape: readonly number[], count: number): void {
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) throw rangeError('shape', 'integers ≥ 0', size);
  }
  if (volume(shape) !== count) {
    throw rangeError('shape', `sizes of ${count} elements in all`, `[${shape.join(', ')}]`);
  }
}

export const elementsOf = ({ outer, length, unit }: Layout): number => outer * length * unit;

/** Parameters that a layout takes. */
export const cellsOf = ({ outer, length, block, unit, shared }: Layout): number =>
  (shared ? 1 : outer) * Math.ceil(length / block) * unit;

/** A part of a tensor that fits in scratch: elements from `at`, parameters from `cell`. */
export type Visit = (part: Layout, at: number, cell: number) => void;

/** Cuts a layout into parts of at most `limit` elements, in order and without gaps. */
export function eachPart(whole: Layout, limit: number, visit: Visit): void {
  const { outer, length, block, unit, shared } = whole;
  const slab = length * unit;
  if (outer * slab === 0) return;
  const slabCells = shared ? 0 : Math.ceil(length / block) * unit;
  if (slab <= limit) {
    const most = Math.floor(limit / slab);
    for (let o = 0; o < outer; o += most) {
      visit({ ...whole, outer: Math.min(most, outer - o) }, o * slab, o * slabCells);
    }
    return;
  }
  for (let o = 0; o < outer; o++) {
    eachPartOfSlab(whole, limit, (part, at, cell) =>
      visit(part, o * slab + at, o * slabCells + cell),
    );
  }
}

function eachPartOfSlab({ length, block, unit }: Layout, limit: number, visit: Visit): void {
  const blocks = Math.max(1, Math.floor(limit / (block * unit)));
  for (let start = 0; start < length; start += blocks * block) {
    const steps = Math.min(blocks * block, length - start);
    const part = { outer: 1, length: steps, block, unit, shared: false };
    const cell = (start / block) * unit;
    if (steps * unit <= limit) visit(part, start * unit, cell);
    else
      eachPartOfBlock(part, limit, (piece, at, first) =>
        visit(piece, start * unit + at, cell + first),
      );
  }
}

/** One block: rows of it or, if even one row is too long, parts of a row. */
function eachPartOfBlock({ length, unit }: Layout, limit: number, visit: Visit): void {
  if (unit <= limit) {
    const most = Math.floor(limit / unit);
    for (let row = 0; row < length; row += most) {
      const rows = Math.min(most, length - row);
      visit({ outer: 1, length: rows, block: rows, unit, shared: false }, row * unit, 0);
    }
    return;
  }
  for (let row = 0; row < length; row++) {
    for (let first = 0; first < unit; first += limit) {
      const columns = Math.min(limit, unit - first);
      visit(
        { outer: 1, length: 1, block: 1, unit: columns, shared: false },
        row * unit + first,
        first,
      );
    }
  }
}

/** A layout of few parameters in a row, seen as `steps` repetitions of `period` elements that each have their own
 *  parameter. `copies` of the period, written out by u32_expand with `arguments`, make rows long enough for SIMD. */
export interface Repetition {
  readonly period: number;
  readonly steps: number;
  readonly copies: number;
  readonly arguments: readonly [
    outer: number,
    length: number,
    block: number,
    unit: number,
    shared: number,
  ];
}

/** Below this, a contiguous run or row is not worth a vector loop of its own. */
const shortest = 16;
/** Columns that a row is repeated to. */
const longRow = 1024;

/** How to lengthen the rows of a layout whose runs are short; null when they are long enough. */
export function repetitionOf(layout: Layout): Repetition | null {
  const { outer, length, block, unit, shared } = layout;
  const cells = outer * Math.ceil(length / block);
  if (cells === 0) return null;
  if (unit === 1 && (cells === 1 || Math.min(block, length) >= shortest)) return null;
  if (unit >= 4 * shortest || (unit >= shortest && cells > 1)) return null;
  if (unit === 1 && shared) {
    const copies = copiesOf(length, outer);
    return { period: length, steps: outer, copies, arguments: [copies, length, block, 1, 1] };
  }
  if (cells === 1) {
    const copies = copiesOf(unit, length);
    return { period: unit, steps: length, copies, arguments: [copies, 1, 1, unit, 1] };
  }
  const period = elementsOf(layout);
  return { period, steps: 1, copies: 1, arguments: [outer, length, block, unit, 0] };
}

function copiesOf(period: number, steps: number): number {
  return Math.max(1, Math.min(steps, Math.floor(longRow / period)));
}
