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

/** One axis of a window, with its number of results. */
export interface PoolAxis {
  size: number;
  taps: number;
  stride: number;
  gap: number;
  before: number;
  after: number;
  out: number;
}

const unused: PoolAxis = { size: 1, taps: 1, stride: 1, gap: 1, before: 0, after: 0, out: 1 };

/** Sizes of what a pooling window gives.
 *  @throws {RangeError} sizes that don't fit */
export function poolShape(options: PoolOptions): number[] {
  const { shape } = options;
  return [shape[0]!, ...poolAxes(options).map(({ out }) => out), shape.at(-1)!];
}

/** @throws {RangeError} sizes that don't fit */
export function poolAxes({
  shape,
  kernel,
  strides,
  pads,
  dilations,
  ceilMode = false,
}: PoolOptions): PoolAxis[] {
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
  const { sizes, taps, after, from, to } = poolArguments(options);
  const y = new Float32Array(volume(poolShape(options)));
  eachSlab(x, y, shape[0]!, from, to, [], (simd, [input, output], n) => {
    if (include === null) simd.f32_max_pool(input!, output!, n, ...sizes, ...taps);
    else simd.f32_average_pool(input!, output!, n, ...sizes, ...taps, ...after, include);
  });
  return y;
}

type Three = [number, number, number];

/** Arguments of a pooling kernel, in its order but for the addresses and the batch. */
export interface PoolArguments {
  readonly sizes: readonly [...Three, number, ...Three];
  /** Taps, strides, dilations and padding before. */
  readonly taps: readonly [...Three, ...Three, ...Three, ...Three];
  readonly after: readonly [...Three];
  /** Elements of a sample before and after. */
  readonly from: number;
  readonly to: number;
}

/** The window's axes as the last ones of three.
 *  @throws {RangeError} sizes that don't fit */
export function poolArguments(options: PoolOptions): PoolArguments {
  const given = poolAxes(options);
  const axes = [...Array<PoolAxis>(3 - given.length).fill(unused), ...given];
  const channels = options.shape.at(-1)!;
  const each = (pick: (axis: PoolAxis) => number): Three => axes.map(pick) as Three;
  const size = each((axis) => axis.size);
  const out = each((axis) => axis.out);
  return {
    sizes: [...size, channels, ...out],
    taps: [
      ...each((axis) => axis.taps),
      ...each((axis) => axis.stride),
      ...each((axis) => axis.gap),
      ...each((axis) => axis.before),
    ],
    after: each((axis) => axis.after),
    from: volume(size) * channels,
    to: volume(out) * channels,
  };
}
