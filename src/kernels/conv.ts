import { typeError } from '../core/errors.ts';
import { libraryBackend } from '../wasm/library.ts';
import { convWinograd } from './conv-winograd.ts';
import { type Convolution, convolve, type Plane } from './convolve.ts';
import { depthwise } from './depthwise.ts';
import {
  type AxisTable,
  axisTable,
  type ConvShape,
  type ConvTransposeShape,
  convGeometry,
  convTables,
  convTransposeGeometry,
  type Geometry,
} from './geometry.ts';
import { isDepthwise, PackedConv } from './packed-conv.ts';
import { limitsOf, sizeOf } from './sizes.ts';
import { checkFloats, checkLength, resultArray } from './types.ts';
import { type ConvAlgorithm, winogradChosen, winogradPlan } from './winograd.ts';

/** What a convolution adds, and limits of its results. */
export interface ConvAddend {
  /** Added to every pixel, [output channels]. */
  readonly bias?: Float32Array | undefined;
  /** Results below become this: 0 for ReLU. */
  readonly min?: number | undefined;
  /** Results above become this. */
  readonly max?: number | undefined;
  /** Where the result goes, of its length; not x. */
  readonly output?: Float32Array<ArrayBuffer> | undefined;
}

export interface ConvOptions extends ConvShape, ConvAddend {
  /** 'direct' sums by definition; 'winograd' is for 3 × 3 kernels without steps and groups, with at least 4 channels
   *  on both sides. By default what is faster. */
  readonly algorithm?: ConvAlgorithm | undefined;
}
/** What is left to say with packed weights. */
export interface PackedConvOptions extends ConvAddend {
  /** Sizes of x: [batch, …space, channels]. */
  readonly shape: readonly number[];
  /** Padding before each axis, then after each axis, as in ONNX; default 0. */
  readonly pads?: readonly number[] | undefined;
}

export type ConvTransposeOptions = ConvTransposeShape & ConvAddend;

/** The shape of `conv`'s result: [batch, …space, output channels].
 *  @throws {RangeError} as conv */
export function convShape(options: ConvShape): number[] {
  return shapeOf(convGeometry(options));
}

/** The shape of `convTranspose`'s result: [batch, …space, output channels].
 *  @throws {RangeError} as convTranspose */
export function convTransposeShape(options: ConvTransposeShape): number[] {
  return shapeOf(convTransposeGeometry(options));
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

const shapeOf = ({ batch, output, outChannels }: Geometry): number[] => [
  batch,
  ...output,
  outChannels,
];

/** Convolution (cross-correlation, as in ONNX) in one, two, three or more axes, channels last.
 *  @param x        shape [batch, …space, channels]
 *  @param w        weightShape [output channels, …kernel, channels / groups], or what packConv made of it
 *  @param options  shape and weightShape; strides, pads, dilations, groups, algorithm; bias; min and max. With packed
 *                  weights not what they know: weightShape, strides, dilations, groups, algorithm
 *  @returns        [batch, …space, output channels], sizes by `convShape`
 *  @throws {TypeError} not Float32Arrays; packed weights that are disposed of, or given what they know
 *  @throws {RangeError} sizes that overflow or don't fit each other or the arrays; steps < 1; padding < 0; min > max; 'winograd' for another kind of convolution
 *  @throws {MemoryError} no room for an image
 *  Cost: a product of matrices of the same multiply-adds, or a quarter of them by Winograd; depthwise reads x about
 *  once. Scratch: one image, the weights (four times them by Winograd), and 2 MB; for depthwise one more image, or
 *  about 0.5 MB in all where it is 3 × 3 without dilation.
 *  Deterministic, in float32 without fused multiply-add. Directly, sums start with the bias and go over taps, then
 *  channels; |error| ≤ (terms + 2)·2⁻²⁴·Σ|x·w|. By Winograd errors are about twice those on data of one magnitude
 *  (measured: at most 3 times, and 1e-5 of the largest result), but they go with the largest of the 6 × 6 pixels around, and what is not finite makes NaN of its
 *  whole tile of 4 × 4. NaN stays NaN under the limits.
 *  Source: Dukhan 2019, The Indirect Convolution Algorithm; Lavin & Gray 2016, Fast Algorithms for Convolutional
 *  Neural Networks. */
export function conv(
  x: Float32Array,
  w: Float32Array,
  options: ConvOptions,
): Float32Array<ArrayBuffer>;
export function conv(
  x: Float32Array,
  w: PackedConv,
  options: PackedConvOptions,
): Float32Array<ArrayBuffer>;
export function conv(
  x: Float32Array,
  w: Float32Array | PackedConv,
  options: ConvOptions | PackedConvOptions,
): Float32Array<ArrayBuffer> {
  const whole = w instanceof PackedConv ? complete(w, options) : (options as ConvOptions);
  const geometry = convGeometry(whole);
  const { output, common } = prepare(x, w, whole, geometry);
  const weights = w instanceof PackedConv ? w.address : w;
  const plan =
    w instanceof PackedConv
      ? w.algorithm === 'winograd' && winogradPlan(geometry)
      : winogradChosen(geometry, whole.algorithm, 1 / geometry.batch);
  if (output.length === 0) return output;
  if (plan) {
    convWinograd(plan, { ...common, w: weights, output });
    return output;
  }
  const { outChannels, kernel, strides } = geometry;
  if (isDepthwise(geometry)) {
    const { bias, min, max } = common;
    depthwise(geometry, { x, w: weights, bias, min, max, output });
    return output;
  }
  const pixels = product(geometry.output);
  const same = geometry.output.every((size, axis) => size === geometry.input[axis]);
  const pointwise = same && product(kernel) === 1 && geometry.begins.every((size) => size === 0);
  const tables = convTables(geometry);
  convolve({
    ...common,
    parts: [{ w: weights, tables }],
    pointwise: pointwise && strides.every((step) => step === 1),
    plane: planeOf(geometry),
    store: (results, _part, image, from, count) => {
      const start = results >>> 2;
      const { f32 } = libraryBackend().arena.views();
      const values = f32.subarray(start, start + count * outChannels);
      output.set(values, (image * pixels + from) * outChannels);
    },
  });
  return output;
}

/** The options of a convolution with what its packed weights know. */
function complete(w: PackedConv, options: PackedConvOptions | ConvOptions): ConvOptions {
  const given: Partial<ConvOptions> = options;
  for (const name of ['weightShape', 'strides', 'dilations', 'groups', 'algorithm'] as const)
    if (given[name] !== undefined)
      throw typeError(name, 'nothing, as the packed weights have it', given[name]);
  const { weightShape, strides, dilations, groups } = w;
  return { ...options, weightShape, strides, dilations, groups };
}

/** One or two axes of space as a plane; null for more, and for taps that are apart. */
function planeOf({ input, kernel, strides, dilations, begins }: Geometry): Plane | null {
  if (input.length > 2 || dilations.some((step) => step !== 1)) return null;
  const [height, width] = input.length === 2 ? input : [1, ...input];
  const [kernelHeight, kernelWidth] = kernel.length === 2 ? kernel : [1, ...kernel];
  const [down, right] = strides.length === 2 ? strides : [1, ...strides];
  const [top, left] = begins.length === 2 ? begins : [0, ...begins];
  return {
    height: height!,
    width: width!,
    kernelHeight: kernelHeight!,
    kernelWidth: kernelWidth!,
    down: down!,
    right: right!,
    top: top!,
    left: left!,
  };
}

/** Transposed convolution: the gradient of `conv` with respect to its input, as ONNX's ConvTranspose.
 *  @param x        shape [batch, …space, channels]
 *  @param w        weightShape [output channels, …kernel, channels / groups], taps not reversed
 *  @param options  shape and weightShape; strides, pads, dilations, groups, outputPadding; bias; min and max
 *  @returns        [batch, …space, output channels], sizes by `convTransposeShape`
 *  @throws {TypeError} not Float32Arrays
 *  @throws {RangeError} as conv; pads that leave nothing
 *  @throws {MemoryError} no room for an image
 *  Cost and accuracy of `conv`: outputs that are the same distance from a stride take the same taps, so each such
 *  set is a convolution without a zero in it. Scratch: one image more. Deterministic. */
export function convTranspose(
  x: Float32Array,
  w: Float32Array,
  options: ConvTransposeOptions,
): Float32Array<ArrayBuffer> {
  const geometry = convTransposeGeometry(options);
  const { output, common } = prepare(x, w, options, geometry);
  if (output.length === 0) return output;
  const phases = phasesOf(geometry);
  const size = product(geometry.output) * geometry.outChannels;
  const { arena } = libraryBackend();
  arena.withScratch([4 * size], (whole) => {
    convolve({
      ...common,
      parts: phases.map((phase) => ({
        w: weightsOf(geometry, w, phase),
        tables: phase.map(({ table }) => table),
      })),
      pointwise: false,
      plane: null,
      store: (results, part, _image, from, pixels) =>
        place(geometry, phases[part]!, results, whole, from, pixels),
      done: (image) => {
        const { f32 } = arena.views();
        output.set(f32.subarray(whole >>> 2, (whole >>> 2) + size), image * size);
      },
    });
  });
  return output;
}

function prepare(
  x: Float32Array,
  w: Float32Array | PackedConv,
  { bias, min, max, output: given, shape, weightShape }: ConvOptions,
  geometry: Geometry,
): {
  output: Float32Array<ArrayBuffer>;
  common: Omit<Convolution, 'parts' | 'pointwise' | 'plane' | 'store'>;
} {
  const { batch, channels, outChannels, groups, input } = geometry;
  checkFloats('x', x);
  checkLength('x', x.length, product(shape));
  if (!(w instanceof PackedConv)) {
    checkFloats('w', w);
    checkLength('w', w.length, product(weightShape));
  }
  if (bias !== undefined) {
    checkFloats('bias', bias);
    checkLength('bias', bias.length, outChannels);
  }
  const limits = limitsOf({ min, max });
  const size = sizeOf('result', ...shapeOf(geometry));
  const output = resultArray(given, Float32Array, size) as Float32Array<ArrayBuffer>;
  const inPixels = product(input);
  return { output, common: { x, bias, ...limits, batch, inPixels, channels, outChannels, groups } };
}

/** Outputs at `first`, `first` + stride … along an axis, and the taps that reach them. */
interface Phase {
  readonly first: number;
  readonly taps: readonly number[];
  readonly table: AxisTable;
}

/** Every combination of the axes' phases that has outputs. */
function phasesOf(geometry: Geometry): Phase[][] {
  const { output, kernel, strides, dilations, begins } = geometry;
  const axes = output.map((size, axis) => {
    const stride = strides[axis]!;
    const phases: Phase[] = [];
    for (let first = 0; first < Math.min(stride, size); first++) {
      const distance = (tap: number): number => first + begins[axis]! - tap * dilations[axis]!;
      const taps = Array.from({ length: kernel[axis]! }, (_, tap) => tap).filter(
        (tap) => distance(tap) % stride === 0,
      );
      const count = Math.ceil((size - first) / stride);
      const table = axisTable(geometry, axis, count, taps.length, (at, i) => {
        return at + distance(taps[i]!) / stride;
      });
      phases.push({ first, taps, table });
    }
    return phases;
  });
  return axes.reduce<Phase[][]>(
    (all, phases) => all.flatMap((some) => phases.map((phase) => [...some, phase])),
    [[]],
  );
}

/** The weights of a phase's taps. */
function weightsOf(
  { kernel, outChannels, channels, groups }: Geometry,
  w: Float32Array,
  phase: readonly Phase[],
): Float32Array {
  const inner = channels / groups;
  const taps = phase.reduce<number[]>(
    (all, { taps: own }, axis) =>
      all.flatMap((base) => own.map((tap) => base * kernel[axis]! + tap)),
    [0],
  );
  const all = product(kernel);
  const some = new Float32Array(outChannels * taps.length * inner);
  for (let channel = 0; channel < outChannels; channel++) {
    taps.forEach((tap, i) => {
      const from = (channel * all + tap) * inner;
      some.set(w.subarray(from, from + inner), (channel * taps.length + i) * inner);
    });
  }
  return some;
}

/** Copies a phase's results, from its pixel `from` on, to their pixels in the whole image, line by line. */
function place(
  { output: sizes, strides, outChannels }: Geometry,
  phase: readonly Phase[],
  results: number,
  whole: number,
  from: number,
  pixels: number,
): void {
  const { simd } = libraryBackend();
  const step = strides.at(-1)! * outChannels;
  const { size } = phase.at(-1)!.table;
  for (let i = 0; i < pixels; ) {
    const count = Math.min(size - ((from + i) % size), pixels - i);
    let rest = from + i;
    let at = 0;
    let span = 1;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      const { first, table } = phase[axis]!;
      at += (first + (rest % table.size) * strides[axis]!) * span;
      rest = Math.floor(rest / table.size);
      span *= sizes[axis]!;
    }
    const source = results + 4 * i * outChannels;
    const target = whole + 4 * at * outChannels;
    simd.f32_copy_matrix(source, target, count, outChannels, outChannels, step);
    i += count;
  }
}
