import { rangeError } from '../core/errors.ts';

/** Most float32 elements that WebAssembly memory can address. */
const mostElements = 2 ** 30;

/** The product of sizes.
 *  @throws {RangeError} a size that is not an integer ≥ 0, or a product beyond 2^30 float32 elements */
export function sizeOf(name: string, ...sizes: readonly number[]): number {
  let product = 1;
  for (const size of sizes) {
    if (!Number.isSafeInteger(size) || size < 0) throw rangeError(name, 'integers ≥ 0', size);
    product *= size;
  }
  if (product > mostElements) throw rangeError(name, 'at most 2^30 elements', product);
  return product;
}

/** Limits of results, −Infinity and Infinity where there are none.
 *  @throws {RangeError} NaN, or min > max */
export function limitsOf(options: { min?: number | undefined; max?: number | undefined }): {
  min: number;
  max: number;
} {
  const { min = -Infinity, max = Infinity } = options;
  if (!(min <= max)) throw rangeError('min', `a number ≤ max (${max})`, min);
  return { min, max };
}
