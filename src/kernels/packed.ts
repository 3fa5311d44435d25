import { typeError } from '../core/errors.ts';
import { libraryBackend } from '../wasm/library.ts';
import { sizeOf } from './sizes.ts';
import { checkFloats, checkLength, partElements } from './types.ts';

/** Columns of a panel: the width of the register tile. */
export const panelColumns = 8;

/** Columns as packed: whole panels. */
export const paddedColumns = (n: number): number => Math.ceil(n / panelColumns) * panelColumns;

/** How a right operand is given. */
export interface PackOptions {
  /** b is [n, k]. */
  transposed?: boolean | undefined;
  /** A factor for every element, default 1. */
  alpha?: number | undefined;
}

/** A right operand of `matmul` in the layout that the kernels read, in their memory until it is disposed of. */
export class PackedMatrix {
  readonly k: number;
  readonly n: number;
  /** Bytes of kernel memory that it holds. */
  readonly bytes: number;
  #address: number;

  /** `packMatrix` makes them. */
  constructor(k: number, n: number) {
    this.k = k;
    this.n = n;
    this.bytes = 4 * k * paddedColumns(n);
    this.#address = libraryBackend().arena.allocate('weights', this.bytes);
  }

  /** Where its panels are: [ceil(n/8)][k][8] float32.
   *  @throws {TypeError} after dispose() */
  get address(): number {
    if (this.#address === 0) checkLive();
    return this.#address;
  }

  /** Gives the memory back; any later use throws. */
  dispose(): void {
    if (this.#address === 0) return;
    libraryBackend().arena.free(this.#address);
    this.#address = 0;
  }
}

function checkLive(): never {
  throw typeError('b', 'a PackedMatrix that has not been disposed of', 'a disposed one');
}

/** Packs a right operand once for many products.
 *  @param b        row-major [k, n], or [n, k] when transposed
 *  @param k        rows of b, ≥ 0
 *  @param n        columns of b, ≥ 0
 *  @param options  transposed; alpha
 *  @returns        what `matmul` takes in place of b; dispose() gives its memory back
 *  @throws {TypeError} b is not a Float32Array
 *  @throws {RangeError} sizes that overflow or don't fit b
 *  @throws {MemoryError} no room
 *  Cost O(k·n); memory 4·k·(n rounded up to 8) bytes. */
export function packMatrix(
  b: Float32Array,
  k: number,
  n: number,
  options: PackOptions = {},
): PackedMatrix {
  checkFloats('b', b);
  checkLength('b', b.length, sizeOf('k·n', k, n));
  const packed = new PackedMatrix(k, n);
  try {
    packStrip({ b, k, n, ...options }, 0, k, packed.address);
  } catch (error) {
    packed.dispose();
    throw error;
  }
  return packed;
}

/** A right operand that is not packed. */
export interface Operand extends PackOptions {
  readonly b: Float32Array;
  readonly k: number;
  readonly n: number;
}

/** Packs rows `from` … `from + depth` of b to `target`, [ceil(n/8)][depth][8]. What is copied into kernel memory
 *  at a time stays in the cache until it is packed. */
export function packStrip(operand: Operand, from: number, depth: number, target: number): void {
  const { b, k, n, transposed = false, alpha = 1 } = operand;
  const { arena, simd } = libraryBackend();
  const panel = panelColumns * depth;
  if (depth === 0) return;
  if (!transposed) {
    const most = Math.max(1, Math.floor(partElements / Math.max(n, 1)));
    for (let row = 0; row < depth; row += most) {
      const rows = Math.min(most, depth - row);
      arena.withScratch([4 * rows * n], (raw) => {
        arena.views().f32.set(b.subarray((from + row) * n, (from + row + rows) * n), raw >>> 2);
        simd.f32_pack_columns(raw, target + 32 * row, rows, n, n, panel, alpha);
      });
    }
    return;
  }
  const most = Math.max(
    panelColumns,
    Math.floor(partElements / depth / panelColumns) * panelColumns,
  );
  for (let column = 0; column < n; column += most) {
    const columns = Math.min(most, n - column);
    arena.withScratch([4 * columns * depth], (raw) => {
      copyBlock(b, column * k + from, k, columns, depth, raw);
      simd.f32_pack_rows(raw, target + 4 * column * depth, depth, columns, depth, panel, alpha);
    });
  }
}

/** Copies a block of `rows` × `columns` elements, `stride` apart in x, densely to `target`. */
export function copyBlock(
  x: Float32Array,
  start: number,
  stride: number,
  rows: number,
  columns: number,
  target: number,
): void {
  const { f32 } = libraryBackend().arena.views();
  const to = target >>> 2;
  if (stride === columns) {
    f32.set(x.subarray(start, start + rows * columns), to);
    return;
  }
  for (let row = 0; row < rows; row++) {
    const at = start + row * stride;
    f32.set(x.subarray(at, at + columns), to + row * columns);
  }
}
