import { volume } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { spread } from './binary.ts';
import { numbersOf, tensorOf, withDims } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { gated, sigmoid } from './functions.ts';
import { countOf } from './indexing.ts';
import { integersAt, invalid, optionalAt, scalarAt, tensorAt } from './operands.ts';
import { quantizedTo } from './quantize.ts';
import { joined } from './reshape.ts';
import { part } from './slicing.ts';
import {
  givenWindow,
  slidWindow,
  spanOf,
  spatialList,
  splitPads,
  tapTable,
  type Window,
} from './windows.ts';

/** Numbers with sizes, before they become a tensor of some type. */
interface Reals {
  readonly values: Float64Array;
  readonly dims: readonly number[];
}

const realsOf = (x: Tensor): Reals => ({ values: numbersOf(x), dims: x.dims });

/** x [N, C, …] with w [M, C/groups, …] → [N, M, …], summed over channels, then taps. */
function convolved(
  x: Reals,
  w: Reals,
  groups: number,
  window: Window,
  places: readonly number[],
  bias: Float64Array | null,
): Reals {
  const [n, channels] = x.dims as [number, number];
  const [filters, depth] = w.dims as [number, number];
  const sizes = x.dims.slice(2);
  const area = volume(sizes);
  const taps = volume(window.kernel);
  const count = volume(places);
  const table = tapTable(sizes, places, window);
  const values = new Float64Array(countOf([n, filters, count]));
  for (let b = 0; b < n; b++) {
    for (let m = 0; m < filters; m++) {
      const first = Math.floor(m / (filters / groups)) * depth;
      for (let p = 0; p < count; p++) {
        let sum = 0;
        for (let d = 0; d < depth; d++) {
          const from = (b * channels + first + d) * area;
          const weights = (m * depth + d) * taps;
          for (let t = 0; t < taps; t++) {
            const at = table[p * taps + t]!;
            if (at >= 0) sum += x.values[from + at]! * w.values[weights + t]!;
          }
        }
        values[(b * filters + m) * count + p] = sum + (bias === null ? 0 : bias[m]!);
      }
    }
  }
  return { values, dims: [n, filters, ...places] };
}

/** Checks operands and slides the node's window. */
function convolution(c: EvaluateContext, x: Reals, w: Reals, bias: Float64Array | null): Reals {
  const groups = c.attributes.int('group');
  if (x.dims.length < 3 || x.dims.length !== w.dims.length)
    throw invalid(c, 'E_SHAPE_RANK', `input [${x.dims}], weight [${w.dims}]`);
  if (x.dims[1] !== w.dims[1]! * groups || w.dims[0]! % groups !== 0)
    throw invalid(
      c,
      'E_SHAPE_CHANNELS',
      `input [${x.dims}], weight [${w.dims}] in ${groups} groups`,
    );
  const given = givenWindow(c, x.dims.length - 2, w.dims.slice(2));
  const { window, places } = slidWindow(c, x.dims.slice(2), given);
  return convolved(x, w, groups, window, places, bias);
}

function conv(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const bias = optionalAt(c, 2);
  const biases = bias === undefined ? null : numbersOf(bias);
  const { values, dims } = convolution(c, realsOf(x), realsOf(tensorAt(c, 1)), biases);
  return [tensorOf(x.type, values, dims)];
}

/** Integers less their zero point: one for all, or one for each filter. */
function shifted(x: Tensor, zero: Tensor | undefined): Reals {
  if (zero === undefined) return realsOf(x);
  const upright =
    zero.size !== 1
      ? withDims(zero, [zero.size, ...x.dims.slice(1).map(() => 1)])
      : withDims(zero, []);
  const zeros = spread(upright, x.dims);
  return { values: numbersOf(x).map((v, i) => v - zeros[i]!), dims: x.dims };
}

function convInteger(c: EvaluateContext): Tensor[] {
  const x = shifted(tensorAt(c, 0), optionalAt(c, 2));
  const w = shifted(tensorAt(c, 1), optionalAt(c, 3));
  const { values, dims } = convolution(c, x, w, null);
  return [tensorOf('int32', values, dims)];
}

/** Exact integer sums, scaled in float64 by the float32 product of the scales. */
function qlinearConv(c: EvaluateContext): Tensor[] {
  const x = shifted(tensorAt(c, 0), tensorAt(c, 2));
  const w = shifted(tensorAt(c, 3), tensorAt(c, 5));
  const bias = optionalAt(c, 8);
  const { values, dims } = convolution(c, x, w, bias === undefined ? null : numbersOf(bias));
  const [xScale, wScales, yScale] = [1, 4, 6].map((input) => numbersOf(tensorAt(c, input)));
  const count = volume(dims.slice(2));
  const scaled = values.map((v, i) => {
    const filter = wScales!.length > 1 ? Math.floor(i / count) % dims[1]! : 0;
    return v * Math.fround(Math.fround(xScale![0]! * wScales![filter]!) / yScale![0]!);
  });
  const zero = tensorAt(c, 7);
  const zeros = new Float64Array(values.length).fill(scalarAt(c, 7));
  return [quantizedTo(zero.type, scaled, zeros, dims)];
}

/** Sizes and pads of the transposed window: pads follow from sizes that are asked for. */
function spreadWindow(
  c: EvaluateContext,
  sizes: readonly number[],
  given: Window,
): { window: Window; result: number[] } {
  const spatial = sizes.length;
  const mode = c.attributes.string('auto_pad');
  const extra = spatialList(c, 'output_padding', spatial, 0);
  const asked = c.attributes.ints('output_shape');
  const before = [...given.before];
  const after = [...given.after];
  const result = sizes.map((size, axis) => {
    const stride = given.strides[axis]!;
    const full = (size - 1) * stride + extra[axis]! + spanOf(given, axis);
    const wanted =
      asked !== null && asked.length > 0
        ? asked.slice(-spatial)[axis]!
        : mode.startsWith('SAME')
          ? size * stride
          : null;
    if (wanted === null) {
      if (mode === 'VALID') [before[axis], after[axis]] = [0, 0];
      return full - before[axis]! - after[axis]!;
    }
    const total = Math.max(0, full - wanted);
    // Unlike a convolution's, the odd pad stands before the input unless SAME_UPPER says otherwise.
    [before[axis], after[axis]] = splitPads(total, mode === 'SAME_UPPER' ? mode : 'SAME_LOWER');
    return wanted;
  });
  if (result.some((size) => size < 0))
    throw invalid(c, 'E_SHAPE_WINDOW', `the result would have sizes [${result.join(', ')}]`);
  return { window: { ...given, before, after }, result };
}

/** x [N, C, …] with w [C, M/groups, …] → [N, M, …]: every element adds its multiple of the kernel. */
function convTranspose(c: EvaluateContext): Tensor[] {
  const [x, w] = [tensorAt(c, 0), tensorAt(c, 1)];
  const groups = c.attributes.int('group');
  const [n, channels] = x.dims as [number, number];
  if (x.dims.length !== w.dims.length || channels !== w.dims[0] || channels % groups !== 0)
    throw invalid(c, 'E_SHAPE_CHANNELS', `input [${x.dims}], weight [${w.dims}]`);
  const sizes = x.dims.slice(2);
  const { window, result } = spreadWindow(c, sizes, givenWindow(c, sizes.length, w.dims.slice(2)));
  const depth = w.dims[1]!;
  const filters = depth * groups;
  // Seen from the result, the input's elements are the places of the window.
  const table = tapTable(result, sizes, window);
  const [from, taps, area] = [volume(sizes), volume(window.kernel), volume(result)];
  const [inputs, weights] = [numbersOf(x), numbersOf(w)];
  const bias = optionalAt(c, 2);
  const biases = bias === undefined ? null : numbersOf(bias);
  const values = new Float64Array(countOf([n, filters, area])).map((_, i) =>
    biases === null ? 0 : biases[Math.floor(i / area) % filters]!,
  );
  for (let b = 0; b < n; b++) {
    for (let ch = 0; ch < channels; ch++) {
      const group = Math.floor(ch / (channels / groups));
      for (let d = 0; d < depth; d++) {
        const to = (b * filters + group * depth + d) * area;
        for (let p = 0; p < from; p++) {
          const input = inputs[(b * channels + ch) * from + p]!;
          for (let t = 0; t < taps; t++) {
            const at = table[p * taps + t]!;
            if (at >= 0) values[to + at]! += input * weights[(ch * depth + d) * taps + t]!;
          }
        }
      }
    }
  }
  return [tensorOf(x.type, values, [n, filters, ...result])];
}

/** Columns [N, C·block, L] added up at their places in an image [N, C, …]. */
function col2Im(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const image = integersAt(c, 1);
  const block = integersAt(c, 2);
  const { window, places } = slidWindow(c, image, givenWindow(c, image.length, block));
  const table = tapTable(image, places, window);
  const [taps, area, count] = [volume(block), volume(image), volume(places)];
  const [n, rows, columns] = x.dims as [number, number, number];
  if (rows % taps !== 0 || columns !== count)
    throw invalid(c, 'E_SHAPE_BLOCK', `[${x.dims}] is not made of ${count} blocks of ${taps}`);
  const channels = rows / taps;
  const values = new Float64Array(countOf([n, channels, area]));
  numbersOf(x).forEach((v, i) => {
    const place = i % count;
    const row = Math.floor(i / count) % rows;
    const batch = Math.floor(i / (count * rows));
    const at = table[place * taps + (row % taps)]!;
    if (at >= 0) values[(batch * channels + Math.floor(row / taps)) * area + at]! += v;
  });
  return [tensorOf(x.type, values, [n, channels, ...image])];
}

/** One filter for each channel over the past and the input; the last positions are the next past. */
function causalConv(c: EvaluateContext): Tensor[] {
  const [x, w] = [tensorAt(c, 0), tensorAt(c, 1)];
  const [n, channels, length] = x.dims as [number, number, number];
  const taps = w.dims[2]!;
  if (x.dims.length !== 3 || w.dims.length !== 3 || w.dims[0] !== channels || w.dims[1] !== 1)
    throw invalid(c, 'E_SHAPE_CHANNELS', `input [${x.dims}], weight [${w.dims}]`);
  if (taps < 1) throw invalid(c, 'E_SHAPE_WINDOW', 'the filters are empty');
  const past =
    optionalAt(c, 3) ??
    tensorOf(x.type, new Float64Array(n * channels * (taps - 1)), [n, channels, taps - 1]);
  const whole = joined(c, [past, x], 2);
  const bias = optionalAt(c, 2);
  const window: Window = { kernel: [taps], strides: [1], dilations: [1], before: [0], after: [0] };
  const { values, dims } = convolved(
    realsOf(whole),
    realsOf(w),
    channels,
    window,
    [length],
    bias === undefined ? null : numbersOf(bias),
  );
  const rounded = tensorOf(x.type, values, dims);
  const activated =
    c.attributes.string('activation') === 'none'
      ? rounded
      : tensorOf(x.type, gated(numbersOf(rounded), sigmoid(numbersOf(rounded))), dims);
  return [activated, part(whole, 2, whole.dims[2]! - (taps - 1), taps - 1)];
}

export const convEvaluators: readonly Evaluator[] = [
  { op: 'Conv', evaluate: conv },
  { op: 'ConvInteger', evaluate: convInteger },
  { op: 'QLinearConv', evaluate: qlinearConv },
  { op: 'ConvTranspose', evaluate: convTranspose },
  { op: 'Col2Im', evaluate: col2Im },
  { op: 'CausalConvWithState', evaluate: causalConv },
];
