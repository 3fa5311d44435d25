import { typeError } from '../core/errors.ts';
import type { LibraryKernels } from '../wasm/kernels.ts';
import { libraryBackend } from '../wasm/library.ts';
import { eachDouble, eachFloat } from './elementwise.ts';

// The functions that JavaScript's Math has too, but whose last bits differ from engine to engine there.

/** A number, or an array of them. */
export type Numeric = number | Float32Array | Float64Array;

type Kernel = (x: number, y: number, count: number) => void;

function each<X extends Numeric>(
  x: X,
  single: (simd: LibraryKernels) => Kernel,
  double: (simd: LibraryKernels) => Kernel,
): X {
  if (x instanceof Float32Array) {
    return eachFloat(x, undefined, (simd, ...parts) => single(simd)(...parts)) as Float32Array as X;
  }
  return eachDouble(x as number | Float64Array, double) as X;
}

/** e^x of a number or of every element: within 1 ulp in float64, 1.1 in float32.
 *  @throws {TypeError} neither a number, a Float32Array nor a Float64Array
 *  Cost O(n). Deterministic, unlike Math.exp: the same bits in every runtime. */
export function exp<X extends Numeric>(x: X): X {
  return each(
    x,
    (simd) => simd.f32_exp,
    (simd) => simd.f64_exp,
  );
}

/** ln x of a number or of every element: −∞ of 0, NaN of negative numbers; within 1 ulp.
 *  @throws {TypeError} neither a number, a Float32Array nor a Float64Array
 *  Cost O(n). Deterministic, unlike Math.log. */
export function log<X extends Numeric>(x: X): X {
  return each(
    x,
    (simd) => simd.f32_log,
    (simd) => simd.f64_log,
  );
}

/** tanh x of a number or of every element: within 1 ulp in float64, 1.5 in float32.
 *  @throws {TypeError} neither a number, a Float32Array nor a Float64Array
 *  Cost O(n). Deterministic, unlike Math.tanh. */
export function tanh<X extends Numeric>(x: X): X {
  return each(
    x,
    (simd) => simd.f32_tanh,
    (simd) => simd.f64_tanh,
  );
}

/** erf x = 2/√π ∫₀ˣ e^−t² dt of a number or of every element: within 1 ulp.
 *  @throws {TypeError} neither a number, a Float32Array nor a Float64Array
 *  Cost O(n). Deterministic. */
export function erf<X extends Numeric>(x: X): X {
  return each(
    x,
    (simd) => simd.f32_erf,
    (simd) => simd.f64_erf,
  );
}

/** sin x, x in radians, of a number or of every element, however large: within 1 ulp.
 *  @throws {TypeError} neither a number, a Float32Array nor a Float64Array
 *  Cost O(n). Deterministic, unlike Math.sin. */
export function sin<X extends Numeric>(x: X): X {
  return each(
    x,
    (simd) => simd.f32_sin,
    (simd) => simd.f64_sin,
  );
}

/** cos x, x in radians, of a number or of every element, however large: within 1 ulp.
 *  @throws {TypeError} neither a number, a Float32Array nor a Float64Array
 *  Cost O(n). Deterministic, unlike Math.cos. */
export function cos<X extends Numeric>(x: X): X {
  return each(
    x,
    (simd) => simd.f32_cos,
    (simd) => simd.f64_cos,
  );
}

/** x^y of two numbers: within 1.5 ulp; special cases as in IEEE 754-2019, 9.2.1, so that 1^y is 1 for every y.
 *  For arrays see `binary('pow', …)`.
 *  @throws {TypeError} not numbers
 *  Deterministic, unlike Math.pow. */
export function pow(x: number, y: number): number {
  if (typeof x !== 'number') throw typeError('x', 'a number', x);
  if (typeof y !== 'number') throw typeError('y', 'a number', y);
  const { arena, simd } = libraryBackend();
  return arena.withScratch([8, 8, 8], (a, b, result) => {
    const { f64 } = arena.views();
    f64[a >>> 3] = x;
    f64[b >>> 3] = y;
    simd.f64_pow(a, b, result, 1);
    return f64[result >>> 3]!;
  });
}
