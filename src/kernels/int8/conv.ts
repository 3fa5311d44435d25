import { typeError } from '../../core/errors.ts';
import { volume } from '../../core/shape.ts';
import { type ConvShape, convGeometry } from '../geometry.ts';
import { sizeOf } from '../sizes.ts';
import { checkLength } from '../types.ts';
import { checkLevels, isUnsigned, type Levels, toZeroPoints } from './bytes.ts';
import { convolve } from './conv-run.ts';
import { type ConvWeightOptions, type ConvWeights, kernelSizes, packConv } from './conv-weights.ts';
import { engine } from './engine.ts';
import { checkBias } from './matmul.ts';
import { Blocks } from './panels.ts';
import { type RequantizeOptions, requantize, resolveRequantization } from './requantize.ts';

/** Where the window of a convolution goes and what its levels mean. Left out with packed weights, which know them:
 *  weightShape, groups, wZeroPoint. */
export interface ConvIntegerOptions
  extends Omit<ConvShape, 'weightShape'>,
    Partial<ConvWeightOptions> {
  /** Of x, in its type's range. Default 0. */
  xZeroPoint?: number | undefined;
}

export interface ConvRequantizedOptions extends ConvIntegerOptions, RequantizeOptions {
  /** Added to the sums of each output channel. */
  bias?: Int32Array | undefined;
}

/** A convolution's weights in WebAssembly memory, ready for use. */
export interface PackedIntegerConv {
  /** [output channels, …space, channels / groups]. */
  readonly weightShape: readonly number[];
  readonly groups: number;
  /** Bytes of WebAssembly memory that they hold. */
  readonly bytes: number;
  /** Gives the memory back; the weights are of no use afterwards. */
  dispose(): void;
}

class PackedConv implements PackedIntegerConv {
  readonly #weights: ConvWeights;
  readonly #weightShape: readonly number[];
  readonly #blocks: Blocks;
  #disposed = false;

  constructor(weights: ConvWeights, weightShape: readonly number[], blocks: Blocks) {
    this.#weights = weights;
    this.#weightShape = weightShape;
    this.#blocks = blocks;
  }

  get weightShape(): readonly number[] {
    return this.#weightShape;
  }

  get groups(): number {
    return this.#weights.sizes.groups;
  }

  get bytes(): number {
    return this.#blocks.bytes;
  }

  get weights(): ConvWeights {
    if (this.#disposed) throw typeError('w', 'weights that are not disposed', 'disposed ones');
    return this.#weights;
  }

  dispose(): void {
    this.#disposed = true;
    this.#blocks.release();
  }
}

/** Packs a convolution's weights once for many runs.
 *  @param w  row-major [output channels, …space, channels / groups]
 *  @throws {TypeError} w of another class
 *  @throws {RangeError} sizes that w does not have; zero points outside of the type
 *  @throws {MemoryError} no room
 *  Cost O(weights); holds their bytes, channels rounded up, until `dispose`. */
export function packIntegerConv(
  w: Int8Array | Uint8Array,
  options: ConvWeightOptions,
): PackedIntegerConv {
  checkLevels('w', w);
  const sizes = kernelSizes(options);
  const chosen = engine();
  const blocks = new Blocks(chosen, 'weights');
  try {
    const weights = packConv(chosen, blocks.take, w, sizes, options.wZeroPoint);
    return new PackedConv(weights, [...options.weightShape], blocks);
  } catch (error) {
    blocks.release();
    throw error;
  }
}

/** Convolution of integers, (x − xZeroPoint) ∗ (w − wZeroPoint), in int32; channels come last.
 *  Exact in every engine; padding counts as the zero point.
 *  @param x        row-major [batch, …space, channels], `shape`
 *  @param w        row-major [output channels, …space, channels / groups], `weightShape`; or packed weights
 *  @returns        row-major [batch, …space, output channels], sizes by `convShape`
 *  @throws {TypeError} arrays of other classes
 *  @throws {RangeError} sizes that don't fit together; zero points outside of the types
 *  @throws {MemoryError} no room
 *  Cost: the multiplications of its definition; works in scratch of three samples of x. Deterministic.
 *  Source: ONNX ConvInteger-10, channels last. */
export function convInteger(
  x: Int8Array | Uint8Array,
  w: Int8Array | Uint8Array | PackedIntegerConv,
  options: ConvIntegerOptions,
): Int32Array<ArrayBuffer> {
  return withWeights(w, options, (weights, weightShape) => {
    const { geometry, count, zero } = resolve(x, weights, weightShape, options);
    const result = new Int32Array(count);
    const { outputs } = weights.sizes;
    const { arena } = weights.engine.backend;
    convolve(x, weights, geometry, zero, null, (c, first, pixels) => {
      const sums = arena.views().i32.subarray(c >>> 2, (c >>> 2) + pixels * outputs);
      result.set(sums, first * outputs);
    });
    return result;
  });
}

/** Convolution of 8-bit levels to 8-bit levels, as in quantized models; channels come last.
 *  @param x        row-major [batch, …space, channels], `shape`
 *  @param w        row-major [output channels, …space, channels / groups], `weightShape`; or packed weights
 *  @param options  `scale` is scale(x)·scale(w)/scale(result); `rounding` names the contract
 *  @returns        row-major [batch, …space, output channels], sizes by `convShape`, Uint8Array for 'uint8'
 *  @throws {TypeError} arrays of other classes
 *  @throws {RangeError} sizes that don't fit together; zero points outside of the types; a scale that is not positive
 *  @throws {MemoryError} no room
 *  Cost: the multiplications of its definition; works in scratch of three samples of x. Deterministic.
 *  Source: ONNX QLinearConv-10, channels last; TFLite CONV_2D, DEPTHWISE_CONV_2D. */
export function convRequantized(
  x: Int8Array | Uint8Array,
  w: Int8Array | Uint8Array | PackedIntegerConv,
  options: ConvRequantizedOptions,
): Int8Array<ArrayBuffer> | Uint8Array<ArrayBuffer> {
  return withWeights(w, options, (weights, weightShape) => {
    const { geometry, count, zero } = resolve(x, weights, weightShape, options);
    const { outputs } = weights.sizes;
    const { bias = null } = options;
    if (bias !== null) checkBias(bias, outputs);
    const rule = resolveRequantization(options, outputs);
    const result = rule.unsigned ? new Uint8Array(count) : new Int8Array(count);
    const { backend } = weights.engine;
    convolve(x, weights, geometry, zero, bias, (c, first, pixels) => {
      backend.arena.withScratch([pixels * outputs], (y) => {
        requantize(backend, rule, c, y, pixels, outputs, 0);
        const views = backend.arena.views();
        const view = rule.unsigned ? views.u8 : views.i8;
        result.set(view.subarray(y, y + pixels * outputs), first * outputs);
      });
    });
    return result;
  });
}

function resolve(
  x: Levels,
  { sizes }: ConvWeights,
  weightShape: readonly number[],
  options: ConvIntegerOptions,
) {
  checkLevels('x', x);
  const geometry = convGeometry({ ...options, weightShape, groups: sizes.groups });
  checkLength('x', x.length, volume(options.shape));
  const count = sizeOf('result', geometry.batch, ...geometry.output, geometry.outChannels);
  const [zero = 0] = toZeroPoints('xZeroPoint', options.xZeroPoint, 1, isUnsigned(x));
  return { geometry, count, zero };
}

/** Runs `use` on packed weights, or on weights that are packed in scratch for it. */
function withWeights<T>(
  w: Levels | PackedIntegerConv,
  options: ConvIntegerOptions,
  use: (weights: ConvWeights, weightShape: readonly number[]) => T,
): T {
  if (w instanceof PackedConv) {
    for (const name of ['weightShape', 'groups', 'wZeroPoint'] as const)
      if (options[name] !== undefined)
        throw typeError(name, 'nothing, as the packed weights have it', options[name]);
    return use(w.weights, w.weightShape);
  }
  const levels = w as Levels;
  checkLevels('w', levels);
  const { weightShape } = options;
  if (weightShape === undefined) throw typeError('weightShape', 'the sizes of w', weightShape);
  const sizes = kernelSizes({ ...options, weightShape });
  const chosen = engine();
  const { arena } = chosen.backend;
  const mark = arena.mark();
  try {
    const take = (bytes: number): number => arena.scratch(bytes)[0]!;
    return use(packConv(chosen, take, levels, sizes, options.wZeroPoint), weightShape);
  } finally {
    arena.release(mark);
  }
}
