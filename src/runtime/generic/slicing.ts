import type { Tensor } from '../../core/tensor.ts';
import { pick, withDims } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { countOf, replaceSize, stridesOf, viewOffsets } from './indexing.ts';
import {
  axesIn,
  axisIn,
  integersAt,
  invalid,
  optionalAt,
  optionalIntegersAt,
  tensorAt,
} from './operands.ts';
import { transposed } from './reshape.ts';

function slice(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const [starts, ends] = [integersAt(c, 1), integersAt(c, 2)];
  const axes = axesIn(c, optionalIntegersAt(c, 3) ?? [...starts.keys()], x.dims.length);
  const steps = optionalIntegersAt(c, 4) ?? axes.map(() => 1);
  const strides = stridesOf(x.dims);
  const dims = [...x.dims];
  let first = 0;
  axes.forEach((axis, index) => {
    const size = x.dims[axis]!;
    const step = steps[index]!;
    if (step === 0) throw invalid(c, 'E_SHAPE_SLICE', 'a step is 0');
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const clamp = (bound: number): number =>
      Math.min(Math.max(bound < 0 ? bound + size : bound, low), high);
    const start = clamp(starts[index]!);
    const count = Math.max(0, Math.ceil((clamp(ends[index]!) - start) / step));
    dims[axis] = count;
    first += start * strides[axis]!;
    strides[axis]! *= step;
  });
  return [pick(x, viewOffsets(dims, strides, first), dims)];
}

/** `size` elements along an axis from `start`. */
export function part(x: Tensor, axis: number, start: number, size: number): Tensor {
  const strides = stridesOf(x.dims);
  const dims = replaceSize(x.dims, axis, size);
  return pick(x, viewOffsets(dims, strides, start * strides[axis]!), dims);
}

function split(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const axis = axisIn(c, c.attributes.int('axis'), x.dims.length);
  const size = x.dims[axis]!;
  const count = c.node.outputs.length;
  const even = Math.ceil(size / count);
  const sizes =
    optionalIntegersAt(c, 1) ??
    Array.from({ length: count }, (_, i) => Math.max(0, Math.min(even, size - i * even)));
  if (sizes.length !== count || sizes.reduce((a, b) => a + b, 0) !== size)
    throw invalid(c, 'E_SHAPE_SPLIT', `sizes [${sizes.join(', ')}] don't make up ${size}`);
  let start = 0;
  return sizes.map((length) => {
    start += length;
    return part(x, axis, start - length, length);
  });
}

type Border = (at: number, size: number) => number;

/** Which element a position outside of 0..size-1 stands for; −1 is the constant. */
const borders: Readonly<Record<string, Border>> = {
  constant: (at, size) => (at < 0 || at >= size ? -1 : at),
  edge: (at, size) => Math.min(Math.max(at, 0), size - 1),
  wrap: (at, size) => ((at % size) + size) % size,
  reflect: (at, size) => {
    if (size === 1) return 0;
    const period = 2 * (size - 1);
    const place = ((at % period) + period) % period;
    return place < size ? place : period - place;
  },
};

/** The tensor between more elements; negative pads cut off.
 *  @param before, after  by axis */
export function padded(
  x: Tensor,
  before: readonly number[],
  after: readonly number[],
  mode: string,
  fill?: Tensor,
): Tensor {
  const border = borders[mode]!;
  const dims = x.dims.map((size, axis) => size + before[axis]! + after[axis]!);
  const strides = stridesOf(x.dims);
  let offsets = Float64Array.of(0);
  dims.forEach((size, axis) => {
    const next = new Float64Array(countOf([offsets.length, size]));
    for (let i = 0; i < next.length; i++) {
      const sofar = offsets[Math.floor(i / size)]!;
      const at = border((i % size) - before[axis]!, x.dims[axis]!);
      next[i] = sofar < 0 || at < 0 ? -1 : sofar + at * strides[axis]!;
    }
    offsets = next;
  });
  return pick(x, offsets, dims, fill);
}

function pad(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const pads = integersAt(c, 1);
  const axes = axesIn(c, optionalIntegersAt(c, 3) ?? [...x.dims.keys()], x.dims.length);
  if (pads.length !== 2 * axes.length)
    throw invalid(c, 'E_SHAPE_PAD', `${pads.length} pads for ${axes.length} axes`);
  const before = x.dims.map(() => 0);
  const after = x.dims.map(() => 0);
  axes.forEach((axis, index) => {
    before[axis] = pads[index]!;
    after[axis] = pads[index + axes.length]!;
    if (x.dims[axis]! + before[axis]! + after[axis]! < 0)
      throw invalid(c, 'E_SHAPE_PAD', `axis ${axis} is shorter than what is cut off`);
  });
  return [padded(x, before, after, c.attributes.string('mode'), optionalAt(c, 2))];
}

/** Cut or padded around the middle, the odd element after it when padding. */
function centerCropPad(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const sizes = integersAt(c, 1);
  const axes = axesIn(c, c.attributes.ints('axes') ?? [...x.dims.keys()], x.dims.length);
  const before = x.dims.map(() => 0);
  const after = x.dims.map(() => 0);
  axes.forEach((axis, index) => {
    const more = sizes[index]! - x.dims[axis]!;
    before[axis] = more < 0 ? -Math.floor(-more / 2) : Math.floor(more / 2);
    after[axis] = more - before[axis]!;
  });
  return [padded(x, before, after, 'constant')];
}

/** Checks that sizes come out in blocks. */
function checkBlocks(c: EvaluateContext, x: Tensor, divided: readonly number[], by: number): void {
  if (x.dims.length !== 4 || by < 1 || divided.some((axis) => x.dims[axis]! % by !== 0))
    throw invalid(c, 'E_SHAPE_BLOCK', `[${x.dims}] does not divide into the blocks`);
}

function depthToSpace(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const [n, channels, h, w] = x.dims as [number, number, number, number];
  const block = c.attributes.int('blocksize');
  checkBlocks(c, x, [1], block * block);
  const depth = channels / (block * block);
  const result = [n, depth, h * block, w * block];
  const ordered =
    c.attributes.string('mode') === 'DCR'
      ? transposed(withDims(x, [n, block, block, depth, h, w]), [0, 3, 4, 1, 5, 2])
      : transposed(withDims(x, [n, depth, block, block, h, w]), [0, 1, 4, 2, 5, 3]);
  return [withDims(ordered, result)];
}

function spaceToDepth(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const [n, channels, height, width] = x.dims as [number, number, number, number];
  const block = c.attributes.int('blocksize');
  checkBlocks(c, x, [2, 3], block);
  const [h, w] = [height / block, width / block];
  const ordered = transposed(withDims(x, [n, channels, h, block, w, block]), [0, 3, 5, 1, 2, 4]);
  return [withDims(ordered, [n, channels * block * block, h, w])];
}

export const slicingEvaluators: readonly Evaluator[] = [
  { op: 'Slice', evaluate: slice },
  { op: 'Split', evaluate: split },
  { op: 'Pad', evaluate: pad },
  { op: 'CenterCropPad', evaluate: centerCropPad },
  { op: 'DepthToSpace', evaluate: depthToSpace },
  { op: 'SpaceToDepth', evaluate: spaceToDepth },
];
