import { rangeError } from '../../core/errors.ts';
import { volume } from '../../core/shape.ts';
import { checkElements, checkSize } from './bytes.ts';

/** Where a convolution's window goes; lists have one entry for each spatial axis. */
export interface ConvGeometryOptions {
  /** Sizes of x: [batch, ...spatial, channels], one to three spatial axes. */
  shape: readonly number[];
  /** Default all 1. */
  strides?: readonly number[] | undefined;
  /** Begins, then ends; default all 0. Padding is the zero point of x. */
  pads?: readonly number[] | undefined;
  /** Default all 1. */
  dilations?: readonly number[] | undefined;
}

/** Sizes of a kernel and of its groups. */
export interface KernelSizes {
  readonly outputs: number;
  /** Input channels of a group. */
  readonly inputs: number;
  readonly spatial: readonly number[];
  readonly groups: number;
}

/** One spatial axis. */
interface Axis {
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  /** Input index for [output index, kernel index], −1 in the padding. */
  readonly indices: Int32Array;
}

export interface ConvGeometry {
  readonly batch: number;
  readonly channels: number;
  /** Input positions of a sample. */
  readonly positions: number;
  /** Output positions of a sample. */
  readonly pixels: number;
  readonly taps: number;
  /** Always three, outer ones of size 1 first. */
  readonly axes: readonly [Axis, Axis, Axis];
  /** Sizes of the result. */
  readonly outputShape: readonly number[];
}

/** @throws {RangeError} sizes that don't fit together, or a result without a whole window */
export function convGeometry(options: ConvGeometryOptions, kernel: KernelSizes): ConvGeometry {
  const { shape, strides, pads, dilations } = options;
  const rank = kernel.spatial.length;
  if (shape.length !== rank + 2)
    throw rangeError('shape', `${rank + 2} sizes, as the kernel has`, shape.length);
  for (const size of shape) checkSize('shape', size);
  const list = (
    name: string,
    given: readonly number[] | undefined,
    count: number,
    least: number,
  ) => {
    const values = given ?? Array.from({ length: count }, () => least);
    if (values.length !== count) throw rangeError(name, `${count} values`, values.length);
    for (const value of values) checkSize(name, value, least);
    return values;
  };
  const step = list('strides', strides, rank, 1);
  const spread = list('dilations', dilations, rank, 1);
  const margins = list('pads', pads, 2 * rank, 0);
  const [batch = 0] = shape;
  const channels = shape[rank + 1]!;
  if (channels !== kernel.inputs * kernel.groups)
    throw rangeError('shape', `${kernel.inputs * kernel.groups} channels`, channels);
  const axes = kernel.spatial.map((size, i) => {
    const input = shape[i + 1]!;
    const reach = input + margins[i]! + margins[rank + i]! - (size - 1) * spread[i]! - 1;
    const output = reach < 0 ? 0 : Math.floor(reach / step[i]!) + 1;
    if (output === 0 && volume(shape) > 0)
      throw rangeError('shape', 'room for the window on every axis', input);
    checkElements('kernel × output', output * size);
    return axis(input, output, size, step[i]!, spread[i]!, margins[i]!);
  });
  while (axes.length < 3) axes.unshift(axis(1, 1, 1, 1, 1, 0));
  const outputs = axes.slice(3 - rank).map(({ output }) => output);
  const outputShape = [batch, ...outputs, kernel.outputs];
  checkElements('result', volume(outputShape));
  return {
    batch,
    channels,
    positions: volume(axes.map(({ input }) => input)),
    pixels: volume(outputs),
    taps: volume(kernel.spatial),
    axes: axes as [Axis, Axis, Axis],
    outputShape,
  };
}

function axis(
  input: number,
  output: number,
  kernel: number,
  stride: number,
  dilation: number,
  pad: number,
): Axis {
  const indices = new Int32Array(output * kernel);
  for (let o = 0; o < output; o++) {
    for (let k = 0; k < kernel; k++) {
      const at = o * stride + k * dilation - pad;
      indices[o * kernel + k] = at < input ? Math.max(at, -1) : -1;
    }
  }
  return { input, output, kernel, indices };
}

/** Writes where each tap of each pixel reads.
 *  @param target  words of wasm memory, from `at` on: [count][perPixel], perPixel ≥ taps
 *  @param base    address of the sample's first position; `bytes` from one position to the next
 *  @param zeros   address of a position that is all padding */
export function writePointers(
  { axes: [planes, rows, columns] }: ConvGeometry,
  target: Int32Array,
  at: number,
  perPixel: number,
  firstPixel: number,
  count: number,
  base: number,
  bytes: number,
  zeros: number,
): void {
  const rowBytes = columns.input * bytes;
  const planeBytes = rows.input * rowBytes;
  const taps = planes.kernel * rows.kernel * columns.kernel;
  if (perPixel > taps) target.fill(zeros, at, at + count * perPixel);
  for (let done = 0; done < count; ) {
    const pixel = firstPixel + done;
    const column = pixel % columns.output;
    const whole = Math.floor(pixel / columns.output);
    const row = whole % rows.output;
    const plane = Math.floor(whole / rows.output);
    const run = Math.min(columns.output - column, count - done);
    // Taps outside, pixels of a row inside: a plain loop for each tap.
    let to = at + done * perPixel;
    for (let i = 0; i < planes.kernel; i++) {
      const z = planes.indices[plane * planes.kernel + i]!;
      for (let j = 0; j < rows.kernel; j++) {
        const y = rows.indices[row * rows.kernel + j]!;
        const from = (base + z * planeBytes + y * rowBytes) | 0;
        for (let k = 0; k < columns.kernel; k++) {
          if ((z | y) < 0) fillStrided(target, to, perPixel, run, zeros);
          else {
            const first = column * columns.kernel + k;
            writeRow(columns, target, to, perPixel, run, first, from, bytes, zeros);
          }
          to++;
        }
      }
    }
    done += run;
  }
}

function fillStrided(
  target: Int32Array,
  to: number,
  step: number,
  count: number,
  value: number,
): void {
  for (let i = 0; i < count; i++) target[to + i * step] = value;
}

function writeRow(
  { indices, kernel }: Axis,
  target: Int32Array,
  to: number,
  step: number,
  count: number,
  first: number,
  from: number,
  bytes: number,
  zeros: number,
): void {
  let at = to;
  for (let i = 0; i < count; i++) {
    const x = indices[first + i * kernel]!;
    // As int32, which engines compute without a detour; an address past 2^31 wraps to the same bits.
    target[at] = x < 0 ? zeros : (from + Math.imul(x, bytes)) | 0;
    at += step;
  }
}
