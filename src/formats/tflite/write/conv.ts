import type { Dim } from '../../../core/shape.ts';
import { activationOf, noActivation } from '../../../ops/activation.ts';
import { activate, activated, fusedActivation } from './activation.ts';
import { binary, concat, like, pad, reshape, slice, transpose } from './blocks.ts';
import { convTranspose } from './conv-transpose.ts';
import { type Emitter, knownSizes, type Row } from './emitter.ts';
import type { Operand } from './operand.ts';
import { outputSize, paddingOf, type WindowAxis, windowOf } from './window.ts';

/** mp.Conv: x [N, …, C], w [O, C / group, …], perhaps a bias, and a value of the output's shape to add. */
const conv: Row = (e) => {
  const x = e.in(0);
  const w = e.in(1);
  const kernel = knownSizes(e, w).slice(2);
  const axes = windowOf(e, x.shape?.slice(1, -1) ?? [], kernel);
  const addend = e.maybe(3);
  if (addend === null) {
    activated(e, (fused, out) => spatial(e, x, w, axes, fused, out));
    return;
  }
  const out = e.out();
  const sum = e.temp('float32', out.shape);
  spatial(e, x, w, axes, 0, sum);
  activated(e, (fused, to) => {
    const options = { type: 'AddOptions', value: { fusedActivationFunction: fused } } as const;
    binary(e, 'ADD', sum, addend, to, options);
  });
};

function spatial(
  e: Emitter,
  x: Operand,
  w: Operand,
  axes: readonly WindowAxis[],
  fused: number,
  out: Operand,
): void {
  if (axes.length === 2) {
    convolve2d(e, x, w, axes, fused, out);
    return;
  }
  if (axes.length === 3) {
    convolve3d(e, x, w, axes, fused, out);
    return;
  }
  if (axes.length !== 1) throw e.fail('RANK', `TFLite has no convolution over ${axes.length} axes`);
  // [N, L, C] as an image of height 1.
  const [n, l, c] = x.shape as readonly Dim[];
  const [o, i, k] = knownSizes(e, w) as readonly [number, number, number];
  const flat: WindowAxis = { size: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };
  const image = reshape(e, x, [n!, 1, l!, c!]);
  const filter = reshape(e, w, [o, i, 1, k]);
  const [, length] = out.shape as readonly Dim[];
  const result = e.temp('float32', [n!, 1, length ?? outputSize(axes[0]!), o]);
  const like = e.isInteger ? { ...result, quantization: out.quantization } : result;
  convolve2d(e, image, filter, [flat, axes[0]!], fused, like);
  reshape(e, like, out.shape!, out);
}

function bias(e: Emitter, count: number): Operand {
  const given = e.maybe(2);
  if (given !== null) return given;
  return e.floats(new Float32Array(count));
}

/** The operand with its padding, where TFLite's own is another. */
function paddedInput(
  e: Emitter,
  x: Operand,
  axes: readonly WindowAxis[],
): { input: Operand; padding: number } {
  const { padding, explicit } = paddingOf(axes);
  if (explicit === null) return { input: x, padding };
  return { input: pad(e, x, [[0, 0], ...explicit, [0, 0]]), padding };
}

function convolve2d(
  e: Emitter,
  x: Operand,
  w: Operand,
  axes: readonly WindowAxis[],
  fused: number,
  out: Operand,
): void {
  const [o, i] = knownSizes(e, w) as readonly [number, number];
  const { input, padding } = paddedInput(e, x, axes);
  const [h, v] = axes as readonly [WindowAxis, WindowAxis];
  const value = {
    padding,
    strideH: h.stride,
    strideW: v.stride,
    dilationHFactor: h.dilation,
    dilationWFactor: v.dilation,
    fusedActivationFunction: fused,
  };
  const group = e.attributes.int('group');
  if (group > 1 && i === 1) {
    const filter = transpose(e, w, [1, 2, 3, 0]);
    const options = { ...value, depthMultiplier: o / group };
    const type = 'DepthwiseConv2DOptions';
    e.op('DEPTHWISE_CONV_2D', [input, filter, bias(e, o)], [out], { type, value: options });
    return;
  }
  const filter = transpose(e, w, [0, 2, 3, 1]);
  const emit: Convolve = (image, part, offset, to) =>
    e.op('CONV_2D', [image, part, offset], [to], { type: 'Conv2DOptions', value });
  if (group > 1 && e.lacks('CONV_2D', groupedVersion)) {
    const count = { group, each: o / group, inputs: i };
    inGroups(e, count, [input, filter, bias(e, o), out], 0, emit);
  } else emit(input, filter, bias(e, o), out);
}

/** The version of CONV_2D with groups. */
const groupedVersion = 6;

type Convolve = (image: Operand, filter: Operand, bias: Operand, to: Operand) => void;

/** A convolution for each group of channels.
 *  @param axis  of the filter's outputs */
function inGroups(
  e: Emitter,
  { group, each, inputs }: { group: number; each: number; inputs: number },
  [input, filter, offset, out]: readonly [Operand, Operand, Operand, Operand],
  axis: number,
  emit: Convolve,
): void {
  const part = (x: Operand, at: number, begin: number, size: number): Operand => {
    const rank = x.shape!.length;
    const where = (value: number, rest: number): number[] =>
      new Array<number>(rank).fill(rest).with(at, value);
    return slice(e, x, where(begin, 0), where(size, -1));
  };
  const last = out.shape!.length - 1;
  const parts = Array.from({ length: group }, (_, g) => {
    const to = like(e, out, out.shape!.with(last, each));
    const weights = part(filter, axis, g * each, each);
    emit(part(input, last, g * inputs, inputs), weights, part(offset, 0, g * each, each), to);
    return to;
  });
  concat(e, parts, last, out);
}

function convolve3d(
  e: Emitter,
  x: Operand,
  w: Operand,
  axes: readonly WindowAxis[],
  fused: number,
  out: Operand,
): void {
  const [o, i] = knownSizes(e, w) as readonly [number, number];
  const { input, padding } = paddedInput(e, x, axes);
  const [d, h, v] = axes as readonly [WindowAxis, WindowAxis, WindowAxis];
  const value = {
    padding,
    strideD: d.stride,
    strideH: h.stride,
    strideW: v.stride,
    dilationDFactor: d.dilation,
    dilationHFactor: h.dilation,
    dilationWFactor: v.dilation,
    fusedActivationFunction: fused,
  };
  const filter = transpose(e, w, [2, 3, 4, 1, 0]);
  const emit: Convolve = (image, part, offset, to) =>
    e.op('CONV_3D', [image, part, offset], [to], { type: 'Conv3DOptions', value });
  const group = e.attributes.int('group');
  if (group === 1) emit(input, filter, bias(e, o), out);
  else {
    const count = { group, each: o / group, inputs: i };
    inGroups(e, count, [input, filter, bias(e, o), out], 4, emit);
  }
}

export const convRows: Readonly<Record<string, Row>> = {
  'mp.Conv': conv,
  'mp.ConvTranspose': (e) => {
    const activation = activationOf(e.node);
    const fused = fusedActivation(activation);
    const out = e.out();
    const isPlain = fused === fusedActivation(noActivation);
    const before = isPlain ? out : e.temp('float32', out.shape);
    convTranspose(e, before);
    if (!isPlain) activate(e, before, activation, out);
  },
};
