import { rangeError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import { libraryBackend } from '../wasm/library.ts';
import { checkShape } from './layout.ts';
import { partElements } from './types.ts';

/** Shapes of the operands: broadcast as in NumPy and ONNX. Default one axis each. */
export interface BroadcastOptions {
  aShape?: readonly number[];
  bShape?: readonly number[];
}

/** The shape of two broadcast tensors: aligned at the end, sizes of 1 repeat.
 *  @throws {RangeError} sizes that differ and are not 1 */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const p = a[i - rank + a.length] ?? 1;
    const q = b[i - rank + b.length] ?? 1;
    if (p !== q && p !== 1 && q !== 1) {
      throw rangeError(
        'bShape',
        `sizes that broadcast with [${a.join(', ')}]`,
        `[${b.join(', ')}]`,
      );
    }
    return p === 1 ? q : p;
  });
}

/** Axes of the result after merging: where an operand repeats its step is 0. */
interface Axis {
  size: number;
  aStep: number;
  bStep: number;
}

/** How two tensors go together. */
export interface BroadcastView {
  shape: number[];
  axes: Axis[];
}

/** @throws {RangeError} shapes that don't fit the numbers of elements or each other */
export function broadcast(
  aCount: number,
  bCount: number,
  options: BroadcastOptions,
): BroadcastView {
  const { aShape = [aCount], bShape = [bCount] } = options;
  checkShape(aShape, aCount);
  checkShape(bShape, bCount);
  const shape = broadcastShape(aShape, bShape);
  volume(shape);
  const axes: Axis[] = [];
  let aSize = 1;
  let bSize = 1;
  for (let i = 1; i <= shape.length; i++) {
    const size = shape.at(-i)!;
    const p = aShape.at(-i) ?? 1;
    const q = bShape.at(-i) ?? 1;
    if (size === 1) continue;
    const aStep = p === 1 ? 0 : aSize;
    const bStep = q === 1 ? 0 : bSize;
    const inner = axes.at(-1);
    if (
      inner !== undefined &&
      (inner.aStep === 0) === (p === 1) &&
      (inner.bStep === 0) === (q === 1)
    ) {
      inner.size *= size;
    } else {
      axes.push({ size, aStep, bStep });
    }
    aSize *= p;
    bSize *= q;
  }
  if (axes.length === 0) axes.push({ size: 1, aStep: 1, bStep: 1 });
  return { shape, axes };
}

type Bytes = Float32Array | Uint8Array | Int8Array;

/** A kernel on rows; see assembly/binary.ts for the mode. */
export type BroadcastKernel = (
  a: number,
  b: number,
  y: number,
  outer: number,
  count: number,
  mode: number,
) => void;

const bytesOf = (x: Bytes): Uint8Array => new Uint8Array(x.buffer, x.byteOffset, x.byteLength);

/** Blocks of the two innermost axes go to the kernel, the others are a loop here. */
export function runBroadcast(
  kernel: BroadcastKernel,
  a: Bytes,
  b: Bytes,
  { shape, axes }: BroadcastView,
  result: Bytes,
): void {
  if (volume(shape) === 0) return;
  const inner = axes[0]!;
  const middle = axes[1] ?? { size: 1, aStep: 0, bStep: 0 };
  const rest = axes.slice(2).reverse();
  const { arena } = libraryBackend();
  const mode =
    (inner.aStep === 0 ? 1 : 0) |
    (inner.bStep === 0 ? 2 : 0) |
    (middle.aStep === 0 ? 4 : 0) |
    (middle.bStep === 0 ? 8 : 0);
  const columns = Math.min(inner.size, partElements);
  const rows = Math.max(1, Math.floor(partElements / columns));
  const [aBytes, bBytes, target] = [bytesOf(a), bytesOf(b), bytesOf(result)];
  const [aSize, bSize, size] = [a, b, result].map((x) => x.BYTES_PER_ELEMENT) as [
    number,
    number,
    number,
  ];
  const extent = (one: number, shared: number, height: number, width: number): number =>
    (mode & shared ? 1 : height) * (mode & one ? 1 : width);

  const block = (aAt: number, bAt: number, at: number, height: number, width: number): void => {
    const aEnd = aAt + extent(1, 4, height, width);
    const bEnd = bAt + extent(2, 8, height, width);
    const count = height * width * size;
    arena.withScratch([(aEnd - aAt) * aSize, (bEnd - bAt) * bSize, count], (left, right, out) => {
      const { u8 } = arena.views();
      u8.set(aBytes.subarray(aAt * aSize, aEnd * aSize), left!);
      u8.set(bBytes.subarray(bAt * bSize, bEnd * bSize), right!);
      kernel(left!, right!, out!, height, width, mode);
      target.set(u8.subarray(out!, out! + count), at * size);
    });
  };
  const plane = (aAt: number, bAt: number, at: number): void => {
    for (let row = 0; row < middle.size; row += rows) {
      const height = Math.min(rows, middle.size - row);
      for (let column = 0; column < inner.size; column += columns) {
        block(
          aAt + row * middle.aStep + column * Math.min(inner.aStep, 1),
          bAt + row * middle.bStep + column * Math.min(inner.bStep, 1),
          at + row * inner.size + column,
          height,
          Math.min(columns, inner.size - column),
        );
      }
    }
  };
  const planeSize = inner.size * middle.size;
  const walk = (depth: number, aAt: number, bAt: number, at: number): void => {
    const axis = rest[depth];
    if (axis === undefined) {
      plane(aAt, bAt, at);
      return;
    }
    let step = planeSize;
    for (const { size } of rest.slice(depth + 1)) step *= size;
    for (let i = 0; i < axis.size; i++) {
      walk(depth + 1, aAt + i * axis.aStep, bAt + i * axis.bStep, at + i * step);
    }
  };
  walk(0, 0, 0, 0);
}
