import { rangeError, typeError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import { libraryBackend } from '../wasm/library.ts';
import { axisView } from './blocks.ts';
import { type BroadcastOptions, broadcast, runBroadcast } from './broadcast.ts';
import { dequantize } from './dequantize.ts';
import { type UnaryOperation, type UnaryOptions, unary } from './elementwise.ts';
import { checkShape } from './layout.ts';
import { exp } from './math.ts';
import { type PoolOptions, poolArguments, poolShape } from './pool.ts';
import { quantize } from './quantize.ts';
import { checkLength, partElements } from './types.ts';

// Functions of 8-bit levels: dequantize, compute, quantize, with one rounding to a level, half to even. int8 and uint8
// alike; operands and results of a call are of one class.

/** 8-bit levels of one scale. */
export type Levels = Int8Array | Uint8Array;

/** What levels stand for: scale · (level − zeroPoint). */
export interface LevelParameters {
  /** Finite and > 0; rounded to float32. */
  scale: number;
  /** In the range of the levels, default 0. */
  zeroPoint?: number;
}

/** Parameters of two operands and the result, and the operands' shapes. */
export interface QuantizedBinaryOptions extends BroadcastOptions {
  a: LevelParameters;
  b: LevelParameters;
  output: LevelParameters;
}

interface Resolved {
  readonly scale: number;
  /** Less 128 for unsigned levels. */
  readonly zero: number;
  readonly zeroPoint: number;
}

function checkLevels(name: string, x: unknown): asserts x is Levels {
  if (!(x instanceof Int8Array || x instanceof Uint8Array)) {
    throw typeError(name, 'an Int8Array or Uint8Array', x);
  }
}

const isUnsigned = (x: Levels): boolean => x instanceof Uint8Array;

function sameLevels<X extends Levels>(x: X, length: number): X {
  return (isUnsigned(x) ? new Uint8Array(length) : new Int8Array(length)) as X;
}

function resolve(name: string, { scale, zeroPoint = 0 }: LevelParameters, x: Levels): Resolved {
  const rounded = Math.fround(scale);
  if (!(rounded > 0 && rounded < Infinity))
    throw rangeError(`${name}.scale`, 'a number > 0', scale);
  const least = isUnsigned(x) ? 0 : -128;
  if (!Number.isInteger(zeroPoint) || zeroPoint < least || zeroPoint > least + 255) {
    throw rangeError(`${name}.zeroPoint`, `an integer in ${least}..${least + 255}`, zeroPoint);
  }
  return { scale: rounded, zero: zeroPoint - (isUnsigned(x) ? 128 : 0), zeroPoint };
}

/** The sum of two tensors of levels, broadcast: with fa = float32(a.scale / output.scale) and fb likewise,
 *  saturate(rint(float32((a − za) · fa) + float32((b − zb) · fb)) + z), the sum in float32, ties to even.
 *  @throws {TypeError} not two Int8Arrays or two Uint8Arrays
 *  @throws {RangeError} shapes, scales or zero points that don't fit
 *  Cost O(n). Exact. */
export function addQuantized<X extends Levels>(a: X, b: X, options: QuantizedBinaryOptions): X {
  return pairwise(a, b, options, (simd, p, q, z, unsigned) => {
    const fa = Math.fround(p.scale / z.scale);
    const fb = Math.fround(q.scale / z.scale);
    return (x, y, out, outer, count, mode) =>
      simd.q8_add(x, y, out, outer, count, mode, p.zero, q.zero, z.zero, fa, fb, unsigned);
  });
}

/** The product of two tensors of levels, broadcast: with f = float32(a.scale · b.scale / output.scale),
 *  saturate(rint(float32((a − za) · (b − zb) · f)) + z), ties to even.
 *  @throws {TypeError} not two Int8Arrays or two Uint8Arrays
 *  @throws {RangeError} shapes, scales or zero points that don't fit
 *  Cost O(n). Exact. */
export function multiplyQuantized<X extends Levels>(
  a: X,
  b: X,
  options: QuantizedBinaryOptions,
): X {
  return pairwise(a, b, options, (simd, p, q, z, unsigned) => {
    const factor = Math.fround((p.scale * q.scale) / z.scale);
    return (x, y, out, outer, count, mode) =>
      simd.q8_mul(x, y, out, outer, count, mode, p.zero, q.zero, z.zero, factor, unsigned);
  });
}

function pairwise<X extends Levels>(
  a: X,
  b: X,
  options: QuantizedBinaryOptions,
  kernelOf: (
    simd: ReturnType<typeof libraryBackend>['simd'],
    a: Resolved,
    b: Resolved,
    output: Resolved,
    unsigned: number,
  ) => Parameters<typeof runBroadcast>[0],
): X {
  checkLevels('a', a);
  checkLevels('b', b);
  if (isUnsigned(a) !== isUnsigned(b)) throw typeError('b', `a ${a.constructor.name}, as a is`, b);
  const view = broadcast(a.length, b.length, options);
  const [p, q, z] = [
    resolve('a', options.a, a),
    resolve('b', options.b, b),
    resolve('output', options.output, a),
  ];
  const y = sameLevels(a, volume(view.shape));
  const kernel = kernelOf(libraryBackend().simd, p, q, z, isUnsigned(a) ? 1 : 0);
  runBroadcast(kernel, a, b, view, y);
  return y;
}

/** table[x], where a negative level of an Int8Array takes entry 256 + level: any function of one level.
 *  @param table  256 levels of the same class
 *  @throws {TypeError} arrays of another class
 *  @throws {RangeError} a table of another length
 *  Cost O(n). Exact. */
export function lookup<X extends Levels>(x: X, table: X): X {
  checkLevels('x', x);
  checkLevels('table', table);
  if (isUnsigned(x) !== isUnsigned(table)) {
    throw typeError('table', `a ${x.constructor.name}, as x is`, table);
  }
  checkLength('table', table.length, 256);
  const y = sameLevels(x, x.length);
  const { arena, simd } = libraryBackend();
  arena.withScratch([256, partElements], (entries, data) => {
    const { u8 } = arena.views();
    u8.set(table, entries!);
    for (let at = 0; at < x.length; at += partElements) {
      const part = x.subarray(at, at + partElements);
      u8.set(part, data!);
      simd.x8_lookup(data!, data!, entries!, part.length);
      y.set(u8.subarray(data!, data! + part.length), at);
    }
  });
  return y;
}

/** An activation on levels: what quantizing `unary` of the dequantized level gives, by a table of the 256 levels.
 *  @param operation  of `unary`
 *  @throws {TypeError} x is not an Int8Array or Uint8Array
 *  @throws {RangeError} no such operation, scales or zero points that don't fit
 *  Cost O(n + 256). Exact. */
export function activateQuantized<X extends Levels>(
  operation: UnaryOperation,
  x: X,
  options: { input: LevelParameters; output: LevelParameters } & Pick<
    UnaryOptions,
    'alpha' | 'beta'
  >,
): X {
  checkLevels('x', x);
  const input = resolve('input', options.input, x);
  const output = resolve('output', options.output, x);
  const { alpha, beta } = options;
  const levels = sameLevels(x, 256);
  for (let i = 0; i < 256; i++) levels[i] = i;
  const values = unary(operation, dequantize(levels, input), {
    ...(alpha === undefined ? {} : { alpha }),
    ...(beta === undefined ? {} : { beta }),
  });
  const type = isUnsigned(x) ? 'uint8' : 'int8';
  return lookup(x, quantize(values, { ...output, type }) as X);
}

/** The greatest level of every window of [batch, spatial …, channels]. Scale and zero point stay.
 *  @returns  elements of `poolShape(options)`
 *  @throws {TypeError} x is not an Int8Array or Uint8Array
 *  @throws {RangeError} sizes that don't fit
 *  Cost O(result · window). Exact. */
export function maxPoolQuantized<X extends Levels>(x: X, options: PoolOptions): X {
  return pool(x, options, (simd, input, output, n, { sizes, taps }, unsigned) =>
    simd.q8_max_pool(input, output, n, ...sizes, ...taps, unsigned),
  );
}

/** The mean of every window: saturate(rint(float32(float32(Σ(x − zx) · f) / taps)) + z), ties to even, with an exact
 *  sum and f = float32(input.scale / output.scale).
 *  @param options  countIncludePad: divide by the taps within the padding too, which stand for 0
 *  @returns        elements of `poolShape(options)`
 *  @throws {TypeError} x is not an Int8Array or Uint8Array
 *  @throws {RangeError} sizes, scales or zero points that don't fit
 *  Cost O(result · window). Exact. */
export function averagePoolQuantized<X extends Levels>(
  x: X,
  options: PoolOptions & {
    input: LevelParameters;
    output: LevelParameters;
    countIncludePad?: boolean;
  },
): X {
  checkLevels('x', x);
  const from = resolve('input', options.input, x);
  const to = resolve('output', options.output, x);
  const factor = Math.fround(from.scale / to.scale);
  const include = options.countIncludePad ? 1 : 0;
  return pool(x, options, (simd, input, output, n, { sizes, taps, after }, unsigned) =>
    simd.q8_average_pool(
      input,
      output,
      n,
      ...sizes,
      ...taps,
      ...after,
      include,
      from.zero,
      to.zero,
      factor,
      unsigned,
    ),
  );
}

function pool<X extends Levels>(
  x: X,
  options: PoolOptions,
  run: (
    simd: ReturnType<typeof libraryBackend>['simd'],
    input: number,
    output: number,
    n: number,
    sizes: ReturnType<typeof poolArguments>,
    unsigned: number,
  ) => void,
): X {
  checkLevels('x', x);
  checkShape(options.shape, x.length);
  const sizes = poolArguments(options);
  const y = sameLevels(x, volume(poolShape(options)));
  const { arena, simd } = libraryBackend();
  const { from, to } = sizes;
  for (let n = 0; n < options.shape[0]! && y.length > 0; n++) {
    arena.withScratch([from, to], (input, output) => {
      const { u8 } = arena.views();
      u8.set(x.subarray(n * from, (n + 1) * from), input!);
      run(simd, input!, output!, 1, sizes, isUnsigned(x) ? 1 : 0);
      y.set(u8.subarray(output!, output! + to), n * to);
    });
  }
  return y;
}

/** Softmax of levels along the last axis: with w[d] = rint(2^24 · e^(−d · input.scale)) for d levels below the
 *  greatest, saturate(rint(w · f / Σ w) + z), an integer sum and a float64 quotient, f = float32(1 / output.scale).
 *  @param options  shape, default one axis; input, of which the zero point does not matter; output, default what
 *                  TFLite asks for: 1/256, zero point the least level
 *  @throws {TypeError} x is not an Int8Array or Uint8Array
 *  @throws {RangeError} sizes, scales or zero points that don't fit
 *  Cost O(n). Exact: within one level of the softmax of the dequantized levels. */
export function softmaxQuantized<X extends Levels>(
  x: X,
  options: { shape?: readonly number[]; input: LevelParameters; output?: LevelParameters },
): X {
  checkLevels('x', x);
  const least = isUnsigned(x) ? 0 : -128;
  const input = resolve('input', options.input, x);
  const output = resolve('output', options.output ?? { scale: 1 / 256, zeroPoint: least }, x);
  const { outer, length } = axisView(x.length, options.shape, -1);
  const y = sameLevels(x, x.length);
  if (y.length === 0) return y;
  const { arena, simd } = libraryBackend();
  const distances = Float64Array.from({ length: 256 }, (_, d) => -d * input.scale);
  const weights = Uint32Array.from(exp(distances), (value) => Math.floor(value * 2 ** 24 + 0.5));
  const some = Math.max(1, Math.floor(partElements / length));
  for (let row = 0; row < outer; row += some) {
    const n = Math.min(some, outer - row);
    arena.withScratch([n * length, 1024], (data, table) => {
      const { u8, u32 } = arena.views();
      u8.set(x.subarray(row * length, (row + n) * length), data!);
      u32.set(weights, table! >>> 2);
      const factor = Math.fround(1 / output.scale);
      simd.q8_softmax(data!, data!, table!, n, length, factor, output.zero, isUnsigned(x) ? 1 : 0);
      y.set(u8.subarray(data!, data! + n * length), row * length);
    });
  }
  return y;
}
