import { rangeError, typeError } from '../core/errors.ts';
import { libraryBackend } from '../wasm/library.ts';
import { copyBlock, PackedMatrix, packStrip, paddedColumns, panelColumns } from './packed.ts';
import { limitsOf, sizeOf } from './sizes.ts';
import { checkFloats, checkLength, resultArray } from './types.ts';

/** What `matmul` adds to a product, and how its operands lie. */
export interface MatmulOptions {
  /** a is [k, m]. */
  transposeA?: boolean | undefined;
  /** b is [n, k]. */
  transposeB?: boolean | undefined;
  /** A factor for the product, default 1; b's elements are multiplied by it first. */
  alpha?: number | undefined;
  /** A factor for c, default 1. */
  beta?: number | undefined;
  /** Added to the result, [m, n]. */
  c?: Float32Array | undefined;
  /** Added to every row, [n]. */
  bias?: Float32Array | undefined;
  /** Results below become this: 0 for ReLU. */
  min?: number | undefined;
  /** Results above become this. */
  max?: number | undefined;
  /** Where the result goes, [m, n]; it may be c. */
  output?: Float32Array<ArrayBuffer> | undefined;
}

/** Elements of b that are packed at a time: 4 MB. */
const stripElements = 2 ** 20;
/** Elements of a, and of the result, that are in kernel memory at a time. */
const chunkElements = 2 ** 17;
/** Least depth of a strip: below, moving results in and out would show. */
const leastDepth = 64;

/** Product of matrices: clamp(alpha·a·b + beta·c + bias, min, max).
 *  @param a        row-major [m, k], or [k, m] with transposeA
 *  @param b        row-major [k, n], or [n, k] with transposeB, or what packMatrix made of it
 *  @param m        rows of the result, ≥ 0
 *  @param k        terms of each sum, ≥ 0
 *  @param n        columns of the result, ≥ 0
 *  @param options  see MatmulOptions
 *  @returns        row-major [m, n]
 *  @throws {TypeError} operands of other classes; a packed matrix that is disposed of
 *  @throws {RangeError} sizes that overflow or don't fit the arrays; transposeB or alpha with a packed matrix, whose
 *                      packing they belong to; min > max
 *  @throws {MemoryError} no room
 *  Cost O(m·k·n); scratch at most about 4 MB for b and 2 MB for the rest, however large. Deterministic: each
 *  element is summed in the order of k in float32, without fused multiply-add, so a row's bits don't depend on m;
 *  |error| ≤ (k + 2)·2⁻²⁴·Σ|a·b|. NaN stays NaN under the limits. Misaligned views are fine.
 *  Source: Goto & van de Geijn 2008. */
export function matmul(
  a: Float32Array,
  b: Float32Array | PackedMatrix,
  m: number,
  k: number,
  n: number,
  options: MatmulOptions = {},
): Float32Array<ArrayBuffer> {
  const { transposeA = false, transposeB, alpha, beta = 1, c, bias } = options;
  checkFloats('a', a);
  checkLength('a', a.length, sizeOf('m·k', m, k));
  const size = sizeOf('m·n', m, n);
  checkRight(b, k, n, options);
  if (c !== undefined) {
    checkFloats('c', c);
    checkLength('c', c.length, size);
  }
  if (bias !== undefined) {
    checkFloats('bias', bias);
    checkLength('bias', bias.length, n);
  }
  const limits = limitsOf(options);
  const output = resultArray(options.output, Float32Array, size) as Float32Array<ArrayBuffer>;
  if (size === 0) return output;

  const { arena, simd } = libraryBackend();
  const columns = paddedColumns(n);
  const operand = b instanceof PackedMatrix ? null : { b, k, n, transposed: transposeB, alpha };
  const mostDepth = operand === null ? k : depthOfStrips(k, columns);
  const mostRows = rowsOfChunks(m, Math.max(mostDepth, n));
  arena.withScratch(
    [4 * columns, operand === null ? 0 : 4 * mostDepth * columns],
    (offsets, panels) => {
      setBias(offsets, columns, bias);
      let from = 0;
      do {
        const depth = Math.min(mostDepth, k - from);
        const last = from + depth === k;
        if (operand !== null) packStrip(operand, from, depth, panels);
        const right = b instanceof PackedMatrix ? b.address : panels;
        for (let row = 0; row < m; row += mostRows) {
          const rows = Math.min(mostRows, m - row);
          arena.withScratch([4 * rows * depth, 4 * rows * n], (left, result) => {
            if (transposeA) copyTransposed(a, m, from, depth, row, rows, left);
            else copyBlock(a, row * k + from, k, rows, depth, left);
            const part = output.subarray(row * n, (row + rows) * n);
            if (from > 0) arena.views().f32.set(part, result >>> 2);
            const [low, high] =
              last && c === undefined ? [limits.min, limits.max] : [-Infinity, Infinity];
            simd.f32_gemm(
              left,
              right,
              offsets,
              result,
              rows,
              n,
              depth,
              depth,
              panelColumns * depth,
              n,
              from > 0 ? 1 : 0,
              low,
              high,
            );
            if (last && c !== undefined) {
              addScaled(result, c.subarray(row * n, (row + rows) * n), n, beta, limits);
            }
            part.set(arena.views().f32.subarray(result >>> 2, (result >>> 2) + rows * n));
          });
        }
        from += depth;
      } while (from < k);
    },
  );
  return output;
}

function checkRight(
  b: Float32Array | PackedMatrix,
  k: number,
  n: number,
  { transposeB, alpha }: MatmulOptions,
): void {
  const size = sizeOf('k·n', k, n);
  if (!(b instanceof PackedMatrix)) {
    if (!(b instanceof Float32Array)) throw typeError('b', 'a Float32Array or a PackedMatrix', b);
    checkLength('b', b.length, size);
    return;
  }
  if (b.k !== k || b.n !== n) throw rangeError('b', `[${k}, ${n}]`, `[${b.k}, ${b.n}]`);
  if (transposeB) throw rangeError('transposeB', 'false for a packed matrix', true);
  if (alpha !== undefined && alpha !== 1) throw rangeError('alpha', '1 for a packed matrix', alpha);
  void b.address;
}

function depthOfStrips(k: number, columns: number): number {
  return Math.min(k, Math.max(leastDepth, Math.floor(stripElements / columns)));
}

/** Rows in a chunk: a multiple of the tile's four. */
function rowsOfChunks(m: number, width: number): number {
  return Math.min(m, Math.max(4, Math.floor(chunkElements / Math.max(width, 1) / 4) * 4));
}

/** The bias as the kernels read it: a whole number of panels. */
function setBias(address: number, columns: number, bias: Float32Array | undefined): void {
  const { f32 } = libraryBackend().arena.views();
  f32.fill(0, address >>> 2, (address >>> 2) + columns);
  if (bias !== undefined) f32.set(bias, address >>> 2);
}

/** Rows `row` … of the transpose of a [k, m], from column `from` on. */
function copyTransposed(
  a: Float32Array,
  m: number,
  from: number,
  depth: number,
  row: number,
  rows: number,
  target: number,
): void {
  const { arena, simd } = libraryBackend();
  arena.withScratch([4 * rows * depth], (raw) => {
    copyBlock(a, from * m + row, m, depth, rows, raw);
    simd.f32_transpose_matrix(raw, target, depth, rows, rows, depth);
  });
}

function addScaled(
  result: number,
  c: Float32Array,
  n: number,
  beta: number,
  { min, max }: { min: number; max: number },
): void {
  const { arena, simd } = libraryBackend();
  arena.withScratch([4 * c.length], (addend) => {
    arena.views().f32.set(c, addend >>> 2);
    simd.f32_add_scaled(result, addend, c.length / n, n, n, n, 1, beta, min, max);
  });
}
