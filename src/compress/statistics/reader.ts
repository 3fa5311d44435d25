import { volume } from '../../core/shape.ts';
import { constantOfValue } from '../../ir/constant.ts';
import type { Node, Value } from '../../ir/graph.ts';
import { axisTable, type Geometry, outerRows } from '../../kernels/geometry.ts';
import { readAttributes } from '../../ops/attributes.ts';
import { ops } from '../../ops/index.ts';
import type { AttributeReader } from '../../ops/op.ts';
import { windowNumbers } from '../../runtime/lower/window.ts';
import { weightOf } from '../weight-of.ts';

/** Writes the vectors that a place of a linear layer's output is computed from, [groups][size], each group's at
 *  `at + group · stride`. */
export type PutRow = (
  data: Float32Array,
  place: number,
  to: Float64Array,
  at: number,
  stride: number,
) => void;

export interface Places {
  readonly places: number;
  readonly put: PutRow;
}

/** How a linear layer reads its input: which vectors its weights are multiplied with. */
export interface Reader {
  /** The value that is read. */
  readonly input: string;
  /** Equal for layers that read the same vectors. */
  readonly key: string;
  readonly groups: number;
  /** Elements of a vector, in the order of the weight's axes that are not outputs. */
  readonly size: number;
  /** Channels of the output: rows of the matrix that the vectors are multiplied with, group by group. */
  readonly outputs: number;
  /** Where the element of a row that meets a vector's element is in the weight. */
  element(output: number, k: number): number;
  /** For an input of these sizes: how many places of the output there are, in the order of the batch, and how the
   *  vectors of one are found. Null for sizes that don't fit. */
  at(dims: readonly number[]): Places | null;
}

/** The reader of a layer whose weights are its operand 1: Conv, ConvTranspose, Gemm, MatMul and their kin of domain mp.
 *  Null for other nodes, for weights that are computed or batched, and for forms without a fixed window. */
export function readerOf(node: Node): Reader | null {
  const make = node.domain === '' || node.domain === 'mp' ? makers[node.op] : undefined;
  const op = ops.find(({ name, domain = '' }) => name === node.op && domain === node.domain);
  const [x, w] = node.inputs;
  if (make === undefined || op === undefined || x == null || w == null) return null;
  const shape = shapeOfWeight(w);
  if (shape === null || volume(shape) === 0) return null;
  return make({ x, shape, attributes: readAttributes(op, node), isLast: node.domain === 'mp' });
}

interface Layer {
  x: Value;
  /** Of the weights. */
  shape: readonly number[];
  attributes: AttributeReader;
  /** Whether images have their channels last. */
  isLast: boolean;
}

const makers: Readonly<Record<string, (layer: Layer) => Reader | null>> = {
  Conv: convolution,
  ConvTranspose: transposed,
  Gemm: product,
  MatMul: product,
};

function shapeOfWeight(value: Value): readonly number[] | null {
  return constantOfValue(value)?.shape ?? weightOf(value)?.shape ?? null;
}

function product({ x, shape, attributes }: Layer): Reader | null {
  if (shape.length !== 2) return null;
  const size = shape[attributes.int('transB', 0) === 0 ? 0 : 1]!;
  const isTurned = attributes.int('transA', 0) !== 0;
  const outputs = volume(shape) / size;
  const isRows = attributes.int('transB', 0) !== 0;
  return {
    outputs,
    element: (output, k) => (isRows ? output * size + k : k * outputs + output),
    input: x.name,
    key: `product ${x.name} ${isTurned}`,
    groups: 1,
    size,
    at(dims) {
      const [rows, columns] = isTurned
        ? [dims.at(-1) ?? 1, dims.at(-2) ?? 1]
        : [dims.at(-2) ?? 1, dims.at(-1) ?? 1];
      if (columns !== size) return null;
      const [down, across] = isTurned ? [1, rows] : [size, 1];
      return {
        places: volume(dims) / size,
        put(data, place, to, at) {
          const row = place % rows;
          const from = (place - row) * size + row * down;
          for (let k = 0; k < size; k++) to[at + k] = data[from + k * across]!;
        },
      };
    },
  };
}

function convolution(layer: Layer): Reader | null {
  const { x, shape, attributes } = layer;
  const groups = attributes.int('group', 1);
  const kernel = shape.slice(2);
  if (shape.length < 3 || shape[0]! % groups !== 0) return null;
  const size = volume(shape.slice(1));
  const window = JSON.stringify([
    attributes.ints('strides'),
    attributes.ints('pads'),
    attributes.ints('dilations'),
    attributes.string('auto_pad', 'NOTSET'),
  ]);
  return {
    input: x.name,
    key: `Conv ${x.name} ${groups} ${shape.slice(1).join('×')} ${window} ${layer.isLast}`,
    groups,
    size,
    outputs: shape[0]!,
    element: (output, k) => output * size + k,
    at: remembered((dims) => {
      const spatial = spaceOf(layer, dims, groups * shape[1]!);
      if (spatial === null) return null;
      const { strides, dilations, pads } = windowNumbers(attributes, spatial, kernel);
      const output = spatial.map((size, axis) => {
        const room = size + pads[axis]! + pads[axis + spatial.length]!;
        return Math.floor((room - dilations[axis]! * (kernel[axis]! - 1) - 1) / strides[axis]!) + 1;
      });
      return patches(layer, groups, dims, spatial, output, (axis, at, tap) => {
        return at * strides[axis]! + tap * dilations[axis]! - pads[axis]!;
      });
    }),
  };
}

/** What an output pixel sums: the input pixels that spread to it, zeros where none does. */
function transposed(layer: Layer): Reader | null {
  const { x, shape, attributes } = layer;
  const groups = attributes.int('group', 1);
  const kernel = shape.slice(2);
  const isPlain = attributes.string('auto_pad', 'NOTSET') === 'NOTSET';
  const given = attributes.ints('output_shape') ?? [];
  if (shape.length < 3 || shape[0]! % groups !== 0 || !isPlain || given.length > 0) return null;
  const extra = attributes.ints('output_padding') ?? [];
  const taps = volume(kernel);
  const each = shape[1]!;
  const window = JSON.stringify([
    attributes.ints('strides'),
    attributes.ints('pads'),
    attributes.ints('dilations'),
    extra,
  ]);
  return {
    input: x.name,
    key: `ConvTranspose ${x.name} ${groups} ${kernel.join('×')} ${window} ${layer.isLast}`,
    groups,
    size: (shape[0]! / groups) * taps,
    outputs: groups * each,
    element(output, k) {
      const channel = Math.floor(output / each) * (shape[0]! / groups) + Math.floor(k / taps);
      return (channel * each + (output % each)) * taps + (k % taps);
    },
    at: remembered((dims) => {
      const spatial = spaceOf(layer, dims, shape[0]!);
      if (spatial === null) return null;
      const { strides, dilations, pads } = windowNumbers(attributes, spatial, kernel);
      const output = spatial.map((size, axis) => {
        const whole = strides[axis]! * (size - 1) + dilations[axis]! * (kernel[axis]! - 1) + 1;
        return whole + (extra[axis] ?? 0) - pads[axis]! - pads[axis + spatial.length]!;
      });
      return patches(layer, groups, dims, spatial, output, (axis, at, tap) => {
        const from = (at + pads[axis]! - tap * dilations[axis]!) / strides[axis]!;
        return Number.isInteger(from) ? from : -1;
      });
    }),
  };
}

/** A function of sizes that mostly gets the same ones. */
function remembered(find: (dims: readonly number[]) => Places | null): Reader['at'] {
  let last = '';
  let found: Places | null = null;
  return (dims) => {
    const key = dims.join();
    if (key !== last) [last, found] = [key, find(dims)];
    return found;
  };
}

/** Sizes of space of an image; null where it has others, or other channels. */
function spaceOf(
  { shape, isLast }: Layer,
  dims: readonly number[],
  channels: number,
): readonly number[] | null {
  if (dims.length !== shape.length || dims.at(isLast ? -1 : 1) !== channels) return null;
  return isLast ? dims.slice(1, -1) : dims.slice(2);
}

/** Vectors of an image's patches, [channels of the group, …kernel].
 *  @param coordinate  where along an axis the tap of an output pixel reads; outside: 0 */
function patches(
  { shape, isLast }: Layer,
  groups: number,
  dims: readonly number[],
  input: readonly number[],
  output: readonly number[],
  coordinate: (axis: number, at: number, tap: number) => number,
): Places | null {
  if (output.some((size) => size < 1)) return null;
  const pixels = volume(input);
  const places = volume(output);
  const channels = isLast ? dims.at(-1)! : dims[1]!;
  const own = channels / groups;
  const tables = output.map((size, axis) =>
    axisTable({ input } as Geometry, axis, size, shape[axis + 2]!, (at, tap) =>
      coordinate(axis, at, tap),
    ),
  );
  const known: number[][] = [];
  const [alongChannel, alongPixel] = isLast ? [1, channels] : [pixels, 1];
  return {
    places: dims[0]! * places,
    put(data, place, to, at, stride) {
      const pixel = place % places;
      const image = ((place - pixel) / places) * channels * pixels;
      known[pixel] ??= outerRows(tables, pixel);
      const taps = known[pixel];
      for (let group = 0; group < groups; group++) {
        let target = at + group * stride;
        for (let c = 0; c < own; c++) {
          const from = image + (group * own + c) * alongChannel;
          for (const tap of taps) to[target++] = tap < 0 ? 0 : data[from + tap * alongPixel]!;
        }
      }
    },
  };
}
