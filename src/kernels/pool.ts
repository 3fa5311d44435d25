import { rangeError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import { eachSlab } from './blocks.ts';
import { checkShape } from './layout.ts';
import { checkFloats } from './types.ts';

/** A pooling window over x [batch, spatial …, channels] with one to three spatial axes, as in ONNX. */
export interface PoolOptions {
  /** Sizes of x, channels last. */
  shape: readonly number[];
  /** Size of the window on each spatial axis. */
  kernel: readonly number[];
  /** Default 1. */
  strides?: readonly number[];
  /** Before each spatial axis, then after each; default 0. Smaller than the window. */
  pads?: readonly number[];
  /** Default 1. */
  dilations?: readonly number[];
  /** Round output sizes up: windows that begin inside but end outside count. */
  ceilMode?: boolean;
}

interface Axis {
  size: number;
  taps: number;
  stride: number;
  gap: number;
  before: number;
  after: number;
  out: number;
}

const unused: Axis = { size: 1, taps: 1, stride: 1, gap: 1, before: 0, after: 0, out: 1 };

/** Sizes of what a pooling window gives.
 *  @throws {RangeError} sizes that don't fit */
export function poolShape(options: PoolOptions): number[] {
  const { shape } = options;
  return [shape[0]!, ...axesOf(options).map(({ out }) => out), shape.at(-1)!];
}

function axesOf({
  shape,
  kernel,
  strides,
  pads,
  dilations,
  ceilMode = false,
}: PoolOptions): Axis[] {
  const spatial = shape.length - 2;
  if (spatial < 1 || spatial > 3) throw rangeError('shape', '3..5 sizes', shape.length);
  const list = (
    name: string,
    given: readonly number[] | undefined,
    count: number,
    least: number,
  ): readonly number[] => {
    const values = given ?? Array<number>(count).fill(least);
    const fine = values.every((n) => Number.isInteger(n) && n >= least && n < 2 ** 24);
    if (values.length !== count || !fine)
      throw rangeError(name, `${count} integers ≥ ${least}`, `[${values.join(', ')}]`);
    return values;
  };
  const taps = list('kernel', kernel, spatial, 1);
  const steps = list('strides', strides, spatial, 1);
  const gaps = list('dilations', dilations, spatial, 1);
  const padding = list('pads', pads, 2 * spatial, 0);
  return taps.map((count, i) => {
    const size = shape[i + 1]!;
    const before = padding[i]!;
    const after = padding[i + spatial]!;
    const reach = (count - 1) * gaps[i]! + 1;
    if (before >= reach || after >= reach) {
      throw rangeError('pads', `less than the window's ${reach}`, Math.max(before, after));
    }
    const room = size + before + after - reach;
    const stride = steps[i]!;
    let out = (ceilMode ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    // The last window begins inside or in the padding before.
    if (ceilMode && (out - 1) * stride >= size + before) out -= 1;
    if (room < 0 || out < 1)
      throw rangeError('kernel', `a window within ${size + before + after}`, reach);
    return { size, taps: count, stride, gap: gaps[i]!, before, after, out };
  });
}

/** The greatest element of every window. A NaN is passed over.
 *  @returns  elements of `poolShape(options)`
 *  @throws {TypeError} x is not a Float32Array
 *  @throws {RangeError} sizes that don't fit
 *  Cost O(result · window). Exact. */
export function maxPool(x: Float32Array, options: PoolOptions): Float32Array<ArrayBuffer> {
  return run(x, options, null);
}

/** The mean of every window: a float32 sum in order, then one division.
 *  @param options  countIncludePad: divide by the taps within the padding too, not only by those inside
 *  @returns        elements of `poolShape(options)`
 *  @throws {TypeError} x is not a Float32Array
 *  @throws {RangeError} sizes that don't fit
 *  Cost O(result · window). Deterministic; within window · 2^-24 · Σ|x|. */
export function averagePool(
  x: Float32Array,
  options: PoolOptions & { countIncludePad?: boolean },
): Float32Array<ArrayBuffer> {
  return run(x, options, options.countIncludePad ? 1 : 0);
}

function run(
  x: Float32Array,
  options: PoolOptions,
  include: number | null,
): Float32Array<ArrayBuffer> {
  checkFloats('x', x);
  const { shape } = options;
  checkShape(shape, x.length);
  const axes = axesOf(options);
  const [a, b, c] = [...Array<Axis>(3 - axes.length).fill(unused), ...axes] as [Axis, Axis, Axis];
  const channels = shape.at(-1)!;
  const y = new Float32Array(volume(poolShape(options)));
  const from = a.size * b.size * c.size * channels;
  const to = a.out * b.out * c.out * channels;
  eachSlab(x, y, shape[0]!, from, to, [], (simd, [input, output], n) => {
    const sizes = [n, a.size, b.size, c.size, channels, a.out, b.out, c.out] as const;
    const taps = [a.taps, b.taps, c.taps] as const;
    const strides = [a.stride, b.stride, c.stride] as const;
    const gaps = [a.gap, b.gap, c.gap] as const;
    const before = [a.before, b.before, c.before] as const;
    if (include === null) {
      simd.f32_max_pool(input!, output!, ...sizes, ...taps, ...strides, ...gaps, ...before);
    } else {
      const after = [a.after, b.after, c.after] as const;
      simd.f32_average_pool(
        input!,
        output!,
        ...sizes,
        ...taps,
        ...strides,
        ...gaps,
        ...before,
        ...after,
        include,
      );
    }
  });
  return y;
}
