import type { Value } from '../../../ir/graph.ts';
import { Padding } from '../schema-table.ts';
import { activationAttributes } from './activation.ts';
import { biasOf } from './bias.ts';
import type { OperatorReader, Row } from './operator.ts';
import { type Attributes, typeOf } from './values.ts';

/** SAME puts the odd element at the end, as SAME_UPPER does. */
export function autoPad(padding: number | undefined): string {
  return (padding ?? 0) === Padding.SAME ? 'SAME_UPPER' : 'VALID';
}

/** Filters [O, H, W, I] → [O, I, H, W]. */
const conv2d: Row = (o) => {
  const options = o.options('Conv2DOptions');
  const x = o.input(0);
  const w = o.permuted(1, [0, 3, 1, 2]);
  const channels = sizeAt(o, w, 1);
  const group = o.size(0, -1) / channels;
  if (!Number.isInteger(group)) throw o.unsupported(`filters of ${channels} channels`);
  o.give('mp.Conv', [x, w, biasOf(o, 2, x, w)], {
    strides: [options.strideH ?? 0, options.strideW ?? 0],
    dilations: [options.dilationHFactor ?? 1, options.dilationWFactor ?? 1],
    auto_pad: autoPad(options.padding),
    kernel_shape: [sizeAt(o, w, 2), sizeAt(o, w, 3)],
    ...(group === 1 ? {} : { group }),
    ...activationAttributes(o, options.fusedActivationFunction),
  });
};

/** Filters [1, H, W, C · m] → [C · m, 1, H, W]; each channel of the input makes m of the output. */
const depthwise: Row = (o) => {
  const options = o.options('DepthwiseConv2DOptions');
  const x = o.input(0);
  const w = o.permuted(1, [3, 0, 1, 2]);
  o.give('mp.Conv', [x, w, biasOf(o, 2, x, w)], {
    strides: [options.strideH ?? 0, options.strideW ?? 0],
    dilations: [options.dilationHFactor ?? 1, options.dilationWFactor ?? 1],
    auto_pad: autoPad(options.padding),
    kernel_shape: [sizeAt(o, w, 2), sizeAt(o, w, 3)],
    group: o.size(0, -1),
    ...activationAttributes(o, options.fusedActivationFunction),
  });
};

/** Filters [D, H, W, I, O] → [O, I, D, H, W]. */
const conv3d: Row = (o) => {
  const options = o.options('Conv3DOptions');
  const x = o.input(0);
  const w = o.permuted(1, [4, 3, 0, 1, 2]);
  const group = o.size(0, -1) / sizeAt(o, w, 1);
  if (!Number.isInteger(group)) throw o.unsupported('filters of another number of channels');
  const { strideD = 0, strideH = 0, strideW = 0 } = options;
  const { dilationDFactor = 1, dilationHFactor = 1, dilationWFactor = 1 } = options;
  o.give('mp.Conv', [x, w, biasOf(o, 2, x, w)], {
    strides: [strideD, strideH, strideW],
    dilations: [dilationDFactor, dilationHFactor, dilationWFactor],
    auto_pad: autoPad(options.padding),
    kernel_shape: [sizeAt(o, w, 2), sizeAt(o, w, 3), sizeAt(o, w, 4)],
    ...(group === 1 ? {} : { group }),
    ...activationAttributes(o, options.fusedActivationFunction),
  });
};

/** Inputs: output sizes, filters [O, H, W, I] (→ [I, O, H, W]), x, bias. */
const transposeConv: Row = (o) => {
  const options = o.options('TransposeConvOptions');
  const x = o.input(2);
  const w = o.permuted(1, [3, 0, 1, 2]);
  const sizes = outputSizes(o);
  const strides = [options.strideH ?? 0, options.strideW ?? 0];
  o.give('mp.ConvTranspose', [x, w, biasOf(o, 3, x, w)], {
    ...transposedWindow(o, x, w, sizes, strides, options.padding),
    ...activationAttributes(o, options.fusedActivationFunction),
  });
};

/** Filters [D, H, W, O, I] → [I, O, D, H, W]. */
const conv3dTranspose: Row = (o) => {
  const options = o.options('Conv3DOptions');
  const x = o.input(2);
  const w = o.permuted(1, [4, 3, 0, 1, 2]);
  const sizes = outputSizes(o);
  const { strideD = 0, strideH = 0, strideW = 0 } = options;
  const { dilationDFactor = 1, dilationHFactor = 1, dilationWFactor = 1 } = options;
  const dilations = [dilationDFactor, dilationHFactor, dilationWFactor];
  if (dilations.some((dilation) => dilation !== 1)) throw o.unsupported('dilations');
  o.give('mp.ConvTranspose', [x, w, biasOf(o, 3, x, w)], {
    ...transposedWindow(o, x, w, sizes, [strideD, strideH, strideW], options.padding),
    ...activationAttributes(o, options.fusedActivationFunction),
  });
};

/** MediaPipe's: x, filters, bias; options are the C struct { padding, stride_width, stride_height } with padding
 *  1 = SAME, 2 = VALID (mediapipe/util/tflite/operations/transpose_conv_bias.cc). */
const transposeConvBias: Row = (o) => {
  const raw = o.record.customOptions;
  if (raw === undefined || raw.length < 12) throw o.unsupported('options that are too short');
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const isSame = view.getInt32(0, true) === 1;
  const strides = [view.getInt32(8, true), view.getInt32(4, true)];
  const x = o.input(0);
  const w = o.permuted(1, [3, 0, 1, 2]);
  const sizes = strides.map((stride, i) => {
    const [size, kernel] = [o.size(0, i + 1), sizeAt(o, w, i + 2)];
    return isSame ? size * stride : size * stride + Math.max(kernel - stride, 0);
  });
  const padding = isSame ? Padding.SAME : Padding.VALID;
  o.give(
    'mp.ConvTranspose',
    [x, w, biasOf(o, 2, x, w)],
    transposedWindow(o, x, w, sizes, strides, padding),
  );
};

/** Sizes of a transposed convolution's output: input 0, or what the file says of a size that is computed. */
function outputSizes(o: OperatorReader): number[] {
  const output = o.output(0);
  const said = output === null ? null : typeOf(output).shape;
  const sizes = o.numbers(0) ?? said ?? o.known(0);
  return sizes.slice(1, -1).map((size) => {
    if (typeof size !== 'number') throw o.unsupported('an output of unknown size');
    return size;
  });
}

/** Element `i` of the input adds to the output from `i · stride − before` on, `before` being half of what SAME pads
 *  for the size of the output; what is outside is dropped (reference/transpose_conv.h). */
function transposedWindow(
  o: OperatorReader,
  x: Value,
  w: Value,
  sizes: readonly number[],
  strides: readonly number[],
  padding = 0,
): Attributes {
  const kernel = sizes.map((_, i) => sizeAt(o, w, i + 2));
  const before: number[] = [];
  const after: number[] = [];
  const beyond: number[] = [];
  sizes.forEach((size, i) => {
    const [stride, extent] = [strides[i]!, kernel[i]!];
    const isSame = padding === Padding.SAME;
    const given = typeOf(x).shape?.[i + 1];
    const steps = Math.ceil((isSame ? size : size - extent + 1) / stride);
    const input = typeof given === 'number' ? given : steps;
    const total = isSame ? Math.max((steps - 1) * stride + extent - size, 0) : 0;
    const start = Math.floor(total / 2);
    const end = (input - 1) * stride + extent - start - size;
    before.push(start);
    after.push(Math.max(end, 0));
    beyond.push(Math.max(-end, 0));
  });
  return {
    strides,
    kernel_shape: kernel,
    pads: [...before, ...after],
    ...(beyond.some((size) => size > 0) ? { output_padding: beyond } : {}),
  };
}

function sizeAt(o: OperatorReader, value: Value, axis: number): number {
  const dim = typeOf(value).shape?.[axis];
  if (typeof dim === 'number') return dim;
  throw o.unsupported('filters of unknown sizes');
}

export const convRows: Readonly<Record<string, Row>> = {
  CONV_2D: conv2d,
  DEPTHWISE_CONV_2D: depthwise,
  CONV_3D: conv3d,
  TRANSPOSE_CONV: transposeConv,
  CONV_3D_TRANSPOSE: conv3dTranspose,
  'CUSTOM:Convolution2DTransposeBias': transposeConvBias,
};
