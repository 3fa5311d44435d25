// Products along one axis of a row-major tensor in wasm memory.
import { type Address, gram, product, viewAt, withFloats } from './matrix.ts';

/** Number of elements. */
export function volumeOf(shape: readonly number[]): number {
  return shape.reduce((volume, size) => volume * size, 1);
}

interface Sizes {
  outer: number;
  size: number;
  inner: number;
}

function sizesOf(dims: readonly number[], axis: number): Sizes {
  return {
    outer: volumeOf(dims.slice(0, axis)),
    size: dims[axis]!,
    inner: volumeOf(dims.slice(axis + 1)),
  };
}

/** square [size, size] = X Xᵀ for the unfolding X of x along an axis. */
export function modeGram(x: Address, dims: readonly number[], axis: number, square: Address): void {
  const { outer, size, inner } = sizesOf(dims, axis);
  if (outer === 1) gram(x, square, size, inner, false);
  else if (inner === 1) gram(x, square, size, outer, true);
  else {
    withFloats([outer * size * inner], (unfolded) => {
      moveAxis(x, unfolded, outer, size, inner);
      gram(unfolded, square, size, outer * inner, false);
    });
  }
}

/** y = x ×_axis f for f [rank, size]: the axis gets the size `rank`. */
export function modeProduct(
  x: Address,
  y: Address,
  dims: readonly number[],
  axis: number,
  f: Address,
  rank: number,
): void {
  const { outer, size, inner } = sizesOf(dims, axis);
  if (outer === 1) product([f, x, y], [rank, inner, size]);
  else if (inner === 1) product([x, f, y], [outer, rank, size], { transposeB: true });
  else {
    withFloats([outer * size * inner, outer * rank * inner], (unfolded, changed) => {
      moveAxis(x, unfolded, outer, size, inner);
      product([f, unfolded, changed], [rank, outer * inner, size]);
      moveAxis(changed, y, rank, outer, inner);
    });
  }
}

/** y [b, a, inner] of x [a, b, inner]. */
function moveAxis(x: Address, y: Address, a: number, b: number, inner: number): void {
  const from = viewAt(x, a * b * inner);
  const to = viewAt(y, a * b * inner);
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      const source = (i * b + j) * inner;
      const target = (j * a + i) * inner;
      for (let k = 0; k < inner; k++) to[target + k] = from[source + k]!;
    }
  }
}
