import { isStatic } from '../../../core/shape.ts';
import { bytesOf } from '../../../core/tensor.ts';
import { constantOf } from '../../../ir/constant.ts';
import { Padding } from '../schema-table.ts';
import { concat, reshape, slice, transpose } from './blocks.ts';
import { type Emitter, knownSizes, numbersOf } from './emitter.ts';
import type { Operand } from './operand.ts';

interface Axis {
  kernel: number;
  stride: number;
  /** Of what is left of the full result. */
  before: number;
  size: number;
  input: number;
}

/** mp.ConvTranspose without its activation: x [N, …, C], w [C, O / group, …]. */
export function convTranspose(e: Emitter, out: Operand): void {
  const [x, w] = [e.in(0), e.in(1)];
  const rank = knownSizes(e, w).length - 2;
  if (rank === 2) {
    image(e, x, w, axesOf(e, x, w, out), out);
    return;
  }
  if (rank !== 1) throw e.fail('RANK', `TFLite has no transposed convolution over ${rank} axes`);
  const [n, l, c] = knownSizes(e, x) as readonly [number, number, number];
  const [i, o, k] = knownSizes(e, w) as readonly [number, number, number];
  const line = axesOf(e, x, w, out)[0]!;
  const flat: Axis = { kernel: 1, stride: 1, before: 0, size: 1, input: 1 };
  const channels = out.shape!.at(-1)!;
  const result = e.temp('float32', [n, 1, line.size, channels]);
  image(e, reshape(e, x, [n, 1, l, c]), reshape(e, w, [i, o, 1, k]), [flat, line], result);
  reshape(e, result, out.shape!, out);
}

/** Where in the full result, which is not padded, the wanted one begins. */
function axesOf(e: Emitter, x: Operand, w: Operand, out: Operand): Axis[] {
  const { attributes } = e;
  const kernel = knownSizes(e, w).slice(2);
  const inputs = knownSizes(e, x).slice(1, -1);
  if (!isStatic(out.shape)) throw e.fail('SHAPE', 'the size of its result is not known');
  const sizes = out.shape.slice(1, -1);
  const auto = attributes.string('auto_pad', 'NOTSET');
  const strides = attributes.ints('strides');
  const dilations = attributes.ints('dilations');
  const pads = attributes.ints('pads');
  const extra = attributes.ints('output_padding');
  const isGiven = attributes.has('output_shape');
  return kernel.map((k, axis) => {
    const [stride, dilation] = [strides?.[axis] ?? 1, dilations?.[axis] ?? 1];
    const full = stride * (inputs[axis]! - 1) + (extra?.[axis] ?? 0) + (k - 1) * dilation + 1;
    const total = Math.max(full - sizes[axis]!, 0);
    let before = pads?.[axis] ?? 0;
    if (auto === 'VALID') before = 0;
    else if (auto === 'SAME_UPPER') before = Math.floor(total / 2);
    else if (auto === 'SAME_LOWER') before = Math.ceil(total / 2);
    else if (isGiven) before = Math.ceil(total / 2);
    const input = inputs[axis]!;
    return { kernel: (k - 1) * dilation + 1, stride, before, size: sizes[axis]!, input };
  });
}

function image(e: Emitter, x: Operand, w: Operand, axes: readonly Axis[], out: Operand): void {
  const filter = transpose(e, dilated(e, w, axes), [1, 2, 3, 0]);
  const group = e.attributes.int('group');
  const bias = e.maybe(2);
  if (group === 1) {
    scatter(e, x, filter, axes, bias, out);
    return;
  }
  const [each, , , inputs] = knownSizes(e, filter) as readonly [number, number, number, number];
  const part = inputs / group;
  const parts = Array.from({ length: group }, (_, g) => {
    const to = e.temp('float32', out.shape!.with(3, each));
    const input = slice(e, x, [0, 0, 0, g * part], [-1, -1, -1, part]);
    const weights = slice(e, filter, [0, 0, 0, g * part], [-1, -1, -1, part]);
    const offset = bias === null ? null : slice(e, bias, [g * each], [each]);
    scatter(e, input, weights, axes, offset, to);
    return to;
  });
  concat(e, parts, 3, out);
}

function scatter(
  e: Emitter,
  x: Operand,
  filter: Operand,
  axes: readonly Axis[],
  bias: Operand | null,
  out: Operand,
): void {
  const [n, , , channels] = knownSizes(e, out) as readonly [number, number, number, number];
  const [h, v] = axes as readonly [Axis, Axis];
  const total = (axis: Axis): number =>
    Math.max((axis.input - 1) * axis.stride + axis.kernel - axis.size, 0);
  const isSame = axes.every(
    (axis) =>
      Math.ceil(axis.size / axis.stride) === axis.input &&
      axis.before === Math.floor(total(axis) / 2),
  );
  const isWhole = axes.every((axis) => axis.before === 0 && total(axis) === 0);
  const emit = (sizes: readonly number[], padding: number, to: Operand): void => {
    const inputs = [e.ints([n, ...sizes, channels]), filter, x, ...(bias === null ? [] : [bias])];
    const value = { padding, strideH: h.stride, strideW: v.stride };
    e.op('TRANSPOSE_CONV', inputs, [to], { type: 'TransposeConvOptions', value });
  };
  const sizes = axes.map(({ size }) => size);
  if (isWhole) {
    emit(sizes, Padding.VALID, out);
    return;
  }
  if (isSame) {
    emit(sizes, Padding.SAME, out);
    return;
  }
  const full = axes.map((axis) =>
    Math.max((axis.input - 1) * axis.stride + axis.kernel, axis.before + axis.size),
  );
  const whole = e.temp('float32', [n, ...full, channels]);
  emit(full, Padding.VALID, whole);
  const begin = [0, ...axes.map(({ before }) => before), 0];
  slice(e, whole, begin, [n, ...sizes, channels], out);
}

/** Weights with zeros between them: TFLite has no dilation here. */
function dilated(e: Emitter, w: Operand, axes: readonly Axis[]): Operand {
  const [i, o, kh, kw] = knownSizes(e, w) as readonly [number, number, number, number];
  const [h, v] = axes as readonly [Axis, Axis];
  if (h.kernel === kh && v.kernel === kw) return w;
  const numbers = w.constant === null || w.quantization !== null ? null : numbersOf(w.constant);
  if (numbers === null) throw e.fail('DILATION', 'its weights are computed, and dilated');
  const [dh, dv] = [(h.kernel - 1) / Math.max(kh - 1, 1), (v.kernel - 1) / Math.max(kw - 1, 1)];
  const wide = new Float32Array(i * o * h.kernel * v.kernel);
  numbers.forEach((number, index) => {
    const [image, y, x] = [Math.floor(index / (kh * kw)), Math.floor(index / kw) % kh, index % kw];
    wide[(image * h.kernel + y * dh) * v.kernel + x * dv] = number;
  });
  return e.constant(constantOf('float32', [i, o, h.kernel, v.kernel], bytesOf(wide)), 'dilated');
}
