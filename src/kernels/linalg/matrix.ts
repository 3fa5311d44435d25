import { NumericError, rangeError, typeError } from '../../core/errors.ts';
import { libraryBackend } from '../../wasm/library.ts';

/** A matrix's elements, row-major. Computation is in float64 either way. */
export type FloatArray = Float32Array | Float64Array;

/** Where something starts in wasm memory, in bytes. */
export type Address = number;

const mostElements = 2 ** 28;

/** @throws {TypeError} not a Float32Array or a Float64Array */
export function checkFloatArray(name: string, a: unknown): asserts a is FloatArray {
  if (!(a instanceof Float32Array || a instanceof Float64Array)) {
    throw typeError(name, 'a Float32Array or a Float64Array', a);
  }
}

/** @throws {RangeError} not a size from 1 up whose square is a size that memory can hold */
export function checkSize(name: string, size: number): void {
  if (!Number.isInteger(size) || size < 1 || size > mostElements)
    throw rangeError(name, `an integer 1..${mostElements}`, size);
}

/** Checks a matrix [m, n] and its sizes.
 *  @throws {TypeError} not a float array
 *  @throws {RangeError} sizes that overflow or don't fit the array */
export function checkMatrix(
  name: string,
  a: unknown,
  m: number,
  n: number,
): asserts a is FloatArray {
  checkFloatArray(name, a);
  checkSize('m', m);
  checkSize('n', n);
  if (m * n > mostElements) throw rangeError('m × n', `at most ${mostElements}`, m * n);
  if (a.length !== m * n) {
    throw rangeError(name, `${m * n} elements (${m} × ${n})`, `${a.length} elements`);
  }
}

/** The largest magnitude.
 *  @throws {NumericError} NaN or an infinity */
export function magnitude(name: string, a: FloatArray): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const x = Math.abs(a[i]!);
    if (x <= most) continue;
    // Larger, or NaN.
    if (!(x < Infinity)) {
      throw new NumericError(`"${name}" has ${a[i]} at ${i}`, {
        code: 'E_NOT_FINITE',
        where: `${name}[${i}]`,
        hint: 'decompositions take finite numbers only',
      });
    }
    most = x;
  }
  return most;
}

/** The power of two that brings a magnitude near 1: scaling by it is exact, and squares neither overflow nor vanish. */
export function normalizer(most: number): number {
  if (most === 0) return 1;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, most);
  const exponent = Math.max(-1000, Math.min(1000, ((bits.getUint16(0) >>> 4) & 2047) - 1022));
  bits.setFloat64(0, 0);
  bits.setUint16(0, (1023 - exponent) << 4);
  return bits.getFloat64(0);
}

/** Copies an array, times a factor, to an address as f64. */
export function copyIn(a: FloatArray, address: Address, factor = 1): void {
  const to = viewAt(address, a.length);
  if (factor === 1) to.set(a);
  else for (let i = 0; i < a.length; i++) to[i] = a[i]! * factor;
}

/** A view of f64 elements; growing memory detaches it. */
export function viewAt(address: Address, count: number): Float64Array<ArrayBuffer> {
  return libraryBackend()
    .arena.views()
    .f64.subarray(address >>> 3, (address >>> 3) + count);
}

/** Runs `use` on scratch for as many f64 elements as each count says. */
export function withFloats<T>(counts: readonly number[], use: (...at: Address[]) => T): T {
  return libraryBackend().arena.withScratch(
    counts.map((count) => 8 * count),
    use,
  );
}

/** How a product is formed. */
export interface ProductOptions {
  transposeA?: boolean;
  transposeB?: boolean;
  /** c = 0, c += 1, c −= 2. */
  mode?: 0 | 1 | 2;
  /** Elements from a row of c to the next, default n. */
  stride?: number;
}

/** c [m, n] = op(a) op(b) over k, all f64 at addresses. */
export function product(
  [a, b, c]: readonly [Address, Address, Address],
  [m, n, k]: readonly [number, number, number],
  { transposeA = false, transposeB = false, mode = 0, stride = n }: ProductOptions = {},
): void {
  withFloats([64 * 256, panelFloats(n)], (left, right) => {
    const { simd } = libraryBackend();
    const [first, second] = [transposeA ? 1 : 0, transposeB ? 1 : 0];
    simd.f64_matmul(a, b, c, left, right, m, n, k, stride, first, second, mode);
  });
}

/** c [n, n] = op(a) op(a)ᵀ over k; op(a) is [n, k], kept as [k, n] when transposed. */
export function gram(a: Address, c: Address, n: number, k: number, transposed: boolean): void {
  withFloats([64 * 256, panelFloats(n)], (left, right) => {
    libraryBackend().simd.f64_gram(a, c, left, right, n, k, transposed ? 1 : 0);
  });
}

const panelFloats = (n: number): number => Math.ceil(n / 4) * 4 * 256;

/** Of rows [count, length], those named, times ±1, as columns [length, order.length] of a new array. */
export function columnsOf(
  rows: Address,
  length: number,
  order: readonly number[],
  signs: readonly number[],
): Float64Array<ArrayBuffer> {
  const count = order.length;
  return withFloats([count, count, length * count], (places, factors, columns) => {
    const { arena, simd } = libraryBackend();
    arena.views().i32.set(order, places >>> 2);
    viewAt(factors, count).set(signs);
    simd.f64_columns(rows, places, factors, columns, count, length);
    return viewAt(columns, length * count).slice();
  });
}

/** Of the first rows [count, length], 1 or −1 each: what makes the largest component positive, the first of equal
 *  ones. */
export function signsOf(rows: Address, count: number, length: number): number[] {
  return withFloats([count], (signs) => {
    libraryBackend().simd.f64_row_signs(rows, signs, count, length);
    return [...viewAt(signs, count)];
  });
}

/** Indices of values from the largest to the smallest, equal ones in their order. */
export function descending(values: ArrayLike<number>): number[] {
  return Array.from(values, (_, i) => i).sort((i, j) => values[j]! - values[i]! || i - j);
}
