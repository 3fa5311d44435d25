import { rangeError, typeError } from '../../core/errors.ts';
import { checkLength } from '../types.ts';
import {
  bytesOf,
  checkElements,
  checkLevels,
  checkSize,
  isUnsigned,
  type Levels,
  toZeroPoints,
  type ZeroPoints,
} from './bytes.ts';
import { engine } from './engine.ts';
import { Blocks, type Panels, packPanels, panelBytes, placePanels, storedZeros } from './panels.ts';
import { activationZeros, prepareActivations, product, slackBytes } from './product.ts';
import { type RequantizeOptions, requantize, resolveRequantization } from './requantize.ts';

export interface MatmulIntegerOptions {
  /** Of a, in its type's range: one, or one for each row. Default 0. */
  aZeroPoint?: ZeroPoints | undefined;
  /** Of b, in its type's range: one, or one for each column. Default 0. Those of a packed matrix are in it. */
  bZeroPoint?: ZeroPoints | undefined;
}

export interface MatmulRequantizedOptions extends MatmulIntegerOptions, RequantizeOptions {
  /** Added to the sums of each column. */
  bias?: Int32Array | undefined;
}

export interface PackIntegerOptions {
  /** Of b, in its type's range: one, or one for each column. Default 0. */
  zeroPoint?: ZeroPoints | undefined;
  /** b is [n, k], as in the weights of a fully connected layer. Default false. */
  transpose?: boolean | undefined;
}

/** A right operand in WebAssembly memory, ready for products. */
export interface PackedIntegerMatrix {
  readonly k: number;
  readonly n: number;
  /** Bytes of WebAssembly memory that it holds. */
  readonly bytes: number;
  /** Gives the memory back; the matrix is of no use afterwards. */
  dispose(): void;
}

class PackedMatrix implements PackedIntegerMatrix {
  readonly #panels: Panels;
  readonly #blocks: Blocks;
  #disposed = false;

  constructor(panels: Panels, blocks: Blocks) {
    this.#panels = panels;
    this.#blocks = blocks;
  }

  get k(): number {
    return this.#panels.k;
  }

  get n(): number {
    return this.#panels.n;
  }

  get bytes(): number {
    return this.#blocks.bytes;
  }

  get panels(): Panels {
    if (this.#disposed) throw typeError('b', 'a matrix that is not disposed', 'a disposed one');
    return this.#panels;
  }

  dispose(): void {
    this.#disposed = true;
    this.#blocks.release();
  }
}

/** Packs the right operand of integer products once for many of them, e.g. a layer's weights.
 *  @param b  row-major [k, n], or [n, k] with `transpose`
 *  @throws {TypeError} b of another class
 *  @throws {RangeError} sizes that b does not have; zero points outside of the type
 *  @throws {MemoryError} no room
 *  Cost O(k·n); holds k·n bytes, rounded up, until `dispose`. */
export function packIntegerMatrix(
  b: Int8Array | Uint8Array,
  k: number,
  n: number,
  options: PackIntegerOptions = {},
): PackedIntegerMatrix {
  checkLevels('b', b);
  checkSize('k', k);
  checkSize('n', n);
  checkLength('b', b.length, k * n);
  const unsigned = isUnsigned(b);
  const zeros = storedZeros(toZeroPoints('zeroPoint', options.zeroPoint, n, unsigned), n, unsigned);
  const strides = options.transpose === true ? { n: k, k: 1, tap: 0 } : { n: 1, k: n, tap: 0 };
  const chosen = engine();
  const blocks = new Blocks(chosen, 'weights');
  const { arena } = chosen.backend;
  try {
    const size = { n, taps: 1, k };
    const place = placePanels(chosen, blocks.take, size, zeros);
    return arena.withScratch([b.length + slackBytes], (source) => {
      arena.views().u8.set(bytesOf(b), source);
      return new PackedMatrix(
        packPanels(chosen, place, source, size, strides, unsigned, zeros),
        blocks,
      );
    });
  } catch (error) {
    blocks.release();
    throw error;
  }
}

/** Product of integer matrices: (a − aZeroPoint)·(b − bZeroPoint), in int32.
 *  Exact, also where the engine's fast dot product is not; sums wrap modulo 2^32 as int32 does, which needs
 *  k > 33,025 at the worst.
 *  @param a  row-major [m, k], signed or not
 *  @param b  row-major [k, n], signed or not, or packed by packIntegerMatrix
 *  @returns  row-major [m, n]
 *  @throws {TypeError} arrays of other classes
 *  @throws {RangeError} sizes that the arrays don't have; zero points outside of the types
 *  @throws {MemoryError} no room
 *  Cost O(m·k·n); works in scratch of about 10 MB or a packed b, whichever is more. Deterministic.
 *  Source: ONNX MatMulInteger-10. */
export function matmulInteger(
  a: Int8Array | Uint8Array,
  b: Int8Array | Uint8Array | PackedIntegerMatrix,
  m: number,
  k: number,
  n: number,
  options: MatmulIntegerOptions = {},
): Int32Array<ArrayBuffer> {
  checkOperands(a, b, m, k, n, options);
  const result = new Int32Array(m * n);
  eachBlock(a, b, m, k, n, options, null, (c, row, rows, column, columns, panels) => {
    const { i32 } = panels.engine.backend.arena.views();
    copyBlock(i32, c >>> 2, result, row, rows, column, columns, n);
  });
  return result;
}

/** Product of integer matrices, requantized to 8 bits: a fully connected layer of a quantized model.
 *  @param a        row-major [m, k], signed or not
 *  @param b        row-major [k, n], signed or not, or packed by packIntegerMatrix
 *  @param options  `scale` is scale(a)·scale(b)/scale(result); `rounding` names the contract
 *  @returns        row-major [m, n], Uint8Array for 'uint8'
 *  @throws {TypeError} arrays of other classes
 *  @throws {RangeError} sizes that the arrays don't have; zero points outside of the types; a scale that is not positive
 *  @throws {MemoryError} no room
 *  Cost O(m·k·n). Deterministic.
 *  Source: ONNX QLinearMatMul-21; TFLite FULLY_CONNECTED. */
export function matmulRequantized(
  a: Int8Array | Uint8Array,
  b: Int8Array | Uint8Array | PackedIntegerMatrix,
  m: number,
  k: number,
  n: number,
  options: MatmulRequantizedOptions,
): Int8Array<ArrayBuffer> | Uint8Array<ArrayBuffer> {
  checkOperands(a, b, m, k, n, options);
  const { bias = null } = options;
  if (bias !== null) checkBias(bias, n);
  const rule = resolveRequantization(options, n);
  const result = rule.unsigned ? new Uint8Array(m * n) : new Int8Array(m * n);
  eachBlock(a, b, m, k, n, options, bias, (c, row, rows, column, columns, panels) => {
    const { backend } = panels.engine;
    backend.arena.withScratch([rows * columns], (y) => {
      requantize(backend, rule, c, y, rows, columns, column);
      const views = backend.arena.views();
      const view = rule.unsigned ? views.u8 : views.i8;
      copyBlock(view, y, result, row, rows, column, columns, n);
    });
  });
  return result;
}

/** @throws {TypeError | RangeError} not an Int32Array of n elements */
export function checkBias(bias: unknown, n: number): void {
  if (!(bias instanceof Int32Array)) throw typeError('bias', 'an Int32Array', bias);
  checkLength('bias', bias.length, n);
}

function checkOperands(
  a: Levels,
  b: Levels | PackedIntegerMatrix,
  m: number,
  k: number,
  n: number,
  { bZeroPoint }: MatmulIntegerOptions,
): void {
  checkLevels('a', a);
  checkSize('m', m);
  checkSize('k', k);
  checkSize('n', n);
  checkLength('a', a.length, m * k);
  checkElements('m × n', m * n);
  if (b instanceof PackedMatrix) {
    if (b.k !== k) throw rangeError('k', `${b.k}, as packed`, k);
    if (b.n !== n) throw rangeError('n', `${b.n}, as packed`, n);
    if (bZeroPoint !== undefined)
      throw typeError('bZeroPoint', 'nothing, as the packed matrix has it', bZeroPoint);
  } else {
    checkLevels('b', b);
    checkLength('b', b.length, k * n);
  }
}

type Store = (
  c: number,
  row: number,
  rows: number,
  column: number,
  columns: number,
  panels: Panels,
) => void;

/** Bytes of b that are packed at a time. */
const columnBytes = 4 * 2 ** 20;
/** Bytes of activations, and of sums, of a block of rows: they stay in the second-level cache. */
const rowBytes = 2 ** 18;

/** Hands out the product in blocks, sums at c [rows, columns]. */
function eachBlock(
  a: Levels,
  b: Levels | PackedIntegerMatrix,
  m: number,
  k: number,
  n: number,
  { aZeroPoint, bZeroPoint }: MatmulIntegerOptions,
  bias: Int32Array | null,
  store: Store,
): void {
  const zeros = toZeroPoints('aZeroPoint', aZeroPoint, m, isUnsigned(a));
  if (b instanceof PackedMatrix) {
    eachRowBlock(a, b.panels, m, zeros, bias, 0, store);
    return;
  }
  const levels = b as Levels;
  const unsigned = isUnsigned(levels);
  const bZeros = storedZeros(toZeroPoints('bZeroPoint', bZeroPoint, n, unsigned), n, unsigned);
  const bytes = bytesOf(levels);
  const chosen = engine();
  const { arena } = chosen.backend;
  const most = Math.max(8, 8 * Math.floor(columnBytes / 8 / Math.max(k, 1)));
  for (let column = 0; column < n; column += most) {
    const columns = Math.min(most, n - column);
    const size = { n: columns, taps: 1, k };
    const scratch = [
      k * columns + slackBytes,
      panelBytes(chosen, columns, 1, k),
      panelBytes(chosen, 1, 1, k),
    ];
    arena.withScratch(scratch, (source, address, ones) => {
      const { u8 } = arena.views();
      if (columns === n) u8.set(bytes, source);
      else {
        for (let row = 0; row < k; row++) {
          const from = row * n + column;
          u8.set(bytes.subarray(from, from + columns), source + row * columns);
        }
      }
      const own = bZeros?.subarray(column, column + columns) ?? null;
      const strides = { n: 1, k: columns, tap: 0 };
      const panels = packPanels(chosen, { address, ones }, source, size, strides, unsigned, own);
      eachRowBlock(a, panels, m, zeros, bias, column, store);
    });
  }
}

function eachRowBlock(
  a: Levels,
  panels: Panels,
  m: number,
  aZeros: Int32Array,
  bias: Int32Array | null,
  column: number,
  store: Store,
): void {
  const { engine: chosen, n, k } = panels;
  const { arena } = chosen.backend;
  const size = chosen.activationBytes;
  const unsigned = isUnsigned(a);
  const bytes = bytesOf(a);
  // Whole tiles of 4 and of 6 rows.
  const most = 12 * Math.max(1, Math.floor(rowBytes / 12 / Math.max(size * k, 4 * n, 1)));
  const rows = Math.min(m, most);
  const sizes = [
    rows * k + slackBytes,
    size === 2 ? 2 * rows * k + slackBytes : 0,
    4 * rows,
    4 * rows * n,
  ];
  if (m === 0 || n === 0) return;
  arena.withScratch(sizes, (raw, wide, pointers, c) => {
    const read = activationZeros(chosen, aZeros, unsigned);
    const multiply = product(panels, read.length === 1 ? read[0]! : null, rows, bias, column);
    for (let row = 0; row < m; row += rows) {
      const count = Math.min(rows, m - row);
      const part = <T extends Int32Array>(each: T): Int32Array =>
        each.length === 1 ? each : each.subarray(row, row + count);
      arena.views().u8.set(bytes.subarray(row * k, (row + count) * k), raw);
      const from = prepareActivations(chosen, raw, wide, count, k, part(aZeros), unsigned);
      const { u32 } = arena.views();
      for (let i = 0; i < count; i++) u32[(pointers >>> 2) + i] = from + i * k * size;
      multiply.run(pointers, 0, c, count, n, part(read));
      store(c, row, count, column, n, panels);
    }
  });
}

function copyBlock<A extends Int32Array | Int8Array | Uint8Array>(
  view: A,
  at: number,
  result: A,
  row: number,
  rows: number,
  column: number,
  columns: number,
  n: number,
): void {
  if (columns === n) {
    result.set(view.subarray(at, at + rows * n), row * n);
    return;
  }
  for (let i = 0; i < rows; i++) {
    const from = at + i * columns;
    result.set(view.subarray(from, from + columns), (row + i) * n + column);
  }
}
