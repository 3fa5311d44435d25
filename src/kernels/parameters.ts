import { rangeError, typeError } from '../core/errors.ts';
import type { Backend } from '../wasm/load.ts';
import {
  axisLayout,
  cellsOf,
  checkShape,
  type Granularity,
  type Layout,
  repetitionOf,
  tensorLayout,
} from './layout.ts';
import type { IntegerArray } from './types.ts';

/** Scales and zero points of a quantized tensor, and where they apply.
 *
 *  A number, or an array of one, counts for the whole tensor. An array needs `shape` and `axis`: one value for each
 *  index along the axis or, with `blockSize`, one for each block, in row-major order of
 *  [sizes before the axis, ceil(size / blockSize), sizes after it]. */
export interface QuantizationParameters extends Granularity {
  /** Finite and not 0; rounded to float32. */
  scale: number | Float32Array | readonly number[];
  /** Integers in the type's range, never packed; default 0. As many as scales, or one. */
  zeroPoint?: number | IntegerArray | readonly number[] | undefined;
}

export interface ResolvedParameters {
  readonly layout: Layout;
  readonly scales: Float32Array;
  readonly zeros: Int32Array;
}

/** Checks parameters for a tensor of `count` elements.
 *  @param range  of the zero points
 *  @throws {RangeError | TypeError} naming the argument */
export function resolveParameters(
  count: number,
  options: QuantizationParameters,
  range: { min: number; max: number },
): ResolvedParameters {
  const { scale, zeroPoint = 0, shape, axis, blockSize } = options;
  const scales = toScales(scale);
  const whole = blockSize === undefined && scales.length === 1;
  if (!whole && shape === undefined) {
    throw typeError('shape', 'the sizes, as there are several scales', shape);
  }
  if (shape !== undefined) checkShape(shape, count);
  const layout = whole ? tensorLayout(count) : axisLayout(count, { shape, axis, blockSize });
  const cells = cellsOf(layout);
  if (!whole && scales.length !== cells)
    throw rangeError('scale', `${cells} values`, `${scales.length}`);
  return { layout, scales, zeros: toZeros(zeroPoint, scales.length, range) };
}

function toScales(scale: QuantizationParameters['scale']): Float32Array {
  if (typeof scale !== 'number' && !(scale instanceof Float32Array) && !Array.isArray(scale)) {
    throw typeError('scale', 'a number or a Float32Array', scale);
  }
  const scales =
    typeof scale === 'number'
      ? Float32Array.of(scale)
      : scale instanceof Float32Array
        ? scale
        : Float32Array.from(scale);
  // Quick, as there may be a scale for every few elements: v − v is 0 for finite numbers only.
  for (let i = 0; i < scales.length; i++) {
    const value = scales[i]!;
    if (value === 0 || value - value !== 0) {
      throw rangeError('scale', 'finite float32 values other than 0', value);
    }
  }
  return scales;
}

function toZeros(
  zeroPoint: unknown,
  count: number,
  { min, max }: { min: number; max: number },
): Int32Array {
  let given: ArrayLike<number>;
  if (typeof zeroPoint === 'number') given = [zeroPoint];
  else if (Array.isArray(zeroPoint) || isIntegerArray(zeroPoint)) given = zeroPoint;
  else throw typeError('zeroPoint', 'a number or an array of integers', zeroPoint);
  if (given.length !== 1 && given.length !== count)
    throw rangeError('zeroPoint', `${count} values`, `${given.length}`);
  for (let i = 0; i < given.length; i++) {
    const value = given[i]!;
    if (!Number.isInteger(value) || value < min || value > max) {
      throw rangeError('zeroPoint', `integers in ${min}..${max}`, value);
    }
  }
  return given.length === count ? Int32Array.from(given) : new Int32Array(count).fill(given[0]!);
}

function isIntegerArray(value: unknown): value is IntegerArray {
  return (
    ArrayBuffer.isView(value) &&
    !(
      value instanceof DataView ||
      value instanceof Float32Array ||
      value instanceof Float64Array
    ) &&
    !(value instanceof BigInt64Array || value instanceof BigUint64Array)
  );
}

/** The two kernels of a conversion, with what is not a parameter of the layout filled in. */
export interface ConversionKernels {
  /** Bytes of an element on either side. */
  readonly inputBytes: number;
  readonly outputBytes: number;
  runs(
    x: number,
    y: number,
    s: number,
    z: number,
    outer: number,
    length: number,
    block: number,
    shared: number,
  ): void;
  rows(
    x: number,
    y: number,
    s: number,
    z: number,
    outer: number,
    length: number,
    block: number,
    unit: number,
  ): void;
}

/** Runs a conversion on a part that is in wasm memory, by the kernel that its layout suits best. */
export function convertPart(
  { arena, simd }: Backend,
  kernels: ConversionKernels,
  part: Layout,
  x: number,
  y: number,
  { scales, zeros }: ResolvedParameters,
  cell: number,
): void {
  const { outer, length, block, unit, shared } = part;
  const cells = cellsOf(part);
  const repetition = repetitionOf(part);
  const columns = repetition === null ? 0 : repetition.period * repetition.copies;
  arena.withScratch([4 * cells, 4 * cells, 4 * columns, 4 * columns], (s, z, wideS, wideZ) => {
    const views = arena.views();
    views.f32.set(scales.subarray(cell, cell + cells), s >>> 2);
    views.i32.set(zeros.subarray(cell, cell + cells), z >>> 2);
    if (repetition === null) {
      if (unit === 1) kernels.runs(x, y, s, z, outer, length, block, shared ? 1 : 0);
      else kernels.rows(x, y, s, z, outer, length, block, unit);
      return;
    }
    const { period, steps, copies } = repetition;
    simd.u32_expand(s, wideS, ...repetition.arguments);
    simd.u32_expand(z, wideZ, ...repetition.arguments);
    const rows = Math.floor(steps / copies);
    kernels.rows(x, y, wideS, wideZ, 1, rows, rows, columns);
    const done = rows * columns;
    const rest = period * steps - done;
    if (rest > 0) {
      const { inputBytes, outputBytes } = kernels;
      kernels.rows(x + done * inputBytes, y + done * outputBytes, wideS, wideZ, 1, 1, 1, rest);
    }
  });
}
