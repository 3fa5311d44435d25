import {
  addDims,
  ceilDivideDims,
  floorDivideDims,
  isNonNegativeDim,
  maxDims,
  minDims,
  multiplyDims,
  subtractDims,
  sumOfDims,
} from '../core/dim.ts';
import type { Dim } from '../core/shape.ts';
import type { InferContext, Op, OutputInfo } from './op.ts';
import {
  axesOf,
  axisOf,
  has,
  invalid,
  maxValues,
  numbersOf,
  replaceDim,
  tensor,
  unknownDims,
} from './rules.ts';
import { pickValues } from './values.ts';

/** Sizes are below this, so a bound at or beyond it means "to the end". */
const endless = 2 ** 31 - 1;

function sliceRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  const dtype = c.dtype(0);
  if (shape === null) return [tensor(dtype, null)];
  const starts = c.values(1);
  const ends = c.values(2);
  const count = starts?.length ?? ends?.length ?? null;
  const axes = has(c, 3) ? numbersOf(c, 3) : count === null ? null : [...new Array(count).keys()];
  const steps = has(c, 4) ? c.values(4) : new Array<Dim>(count ?? 0).fill(1);
  if (axes === null) return [tensor(dtype, unknownDims(shape.length))];
  const normal = axesOf(c, axes, shape.length);
  for (const list of [starts, ends, has(c, 4) ? steps : null]) {
    if (list !== null && list.length !== normal.length)
      throw invalid(c, 'E_SHAPE_SLICE', `${list.length} bounds for ${normal.length} axes`);
  }
  const dims: Dim[] = [...shape];
  const picked: (readonly number[] | null)[] = shape.map((size) => indexesOf(size, 0, endless, 1));
  normal.forEach((axis, index) => {
    const start = starts?.[index] ?? null;
    const end = ends?.[index] ?? null;
    const step = steps?.[index] ?? null;
    if (step === 0) throw invalid(c, 'E_SHAPE_SLICE', 'a step is 0');
    dims[axis] = slicedDim(shape[axis]!, start, end, step);
    picked[axis] = indexesOf(shape[axis]!, start, end, step);
  });
  const isKnown = picked.every((indexes) => indexes !== null);
  return [tensor(dtype, dims, isKnown ? pickValues(c.values(0), shape, picked) : null)];
}

/** ⌈(end − start) / step⌉ with both clamped to the axis, not below 0. */
function slicedDim(size: Dim, start: Dim, end: Dim, step: Dim): Dim {
  if (typeof step !== 'number' || start === null || end === null) return null;
  if (typeof size === 'number' && typeof start === 'number' && typeof end === 'number') {
    const [from, to] = clampedRange(size, start, end, step);
    return Math.max(0, Math.ceil((to - from) / step));
  }
  if (step < 0) {
    const isWhole = start === -1 || (typeof start === 'number' && start >= endless);
    const isToStart = typeof end === 'number' && end <= -endless;
    return isWhole && isToStart ? ceilDivideDims(size, -step) : null;
  }
  // A start behind the end leaves nothing with or without clamping.
  const from = isForward(start) ? start : clampedBound(start, size);
  const to = clampedBound(end, size);
  if (from === null || to === null) return null;
  const length = subtractDims(to, from);
  return ceilDivideDims(isNonNegativeDim(length) ? length : maxDims(length, 0), step);
}

function isForward(start: Dim): boolean {
  return typeof start === 'number' ? start >= 0 && start < endless : isNonNegativeDim(start);
}

function clampedRange(size: number, start: number, end: number, step: number): [number, number] {
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (bound: number): number =>
    Math.min(Math.max(bound < 0 ? bound + size : bound, low), high);
  return [clamp(start), clamp(end)];
}

/** A bound of a forward slice: min(bound, size), or from the end max(size + bound, 0). */
function clampedBound(bound: Dim, size: Dim): Dim {
  if (typeof bound === 'number') {
    if (bound >= endless) return size;
    if (bound <= -endless || bound === 0) return 0;
    return bound < 0 ? maxDims(addDims(size, bound), 0) : minDims(bound, size);
  }
  if (isNonNegativeDim(bound)) return minDims(bound, size);
  return isNonNegativeDim(multiplyDims(bound, -1)) ? maxDims(addDims(size, bound), 0) : null;
}

/** Which elements of a short axis a slice takes. */
function indexesOf(size: Dim, start: Dim, end: Dim, step: Dim): readonly number[] | null {
  if (typeof size !== 'number' || size > maxValues) return null;
  if (typeof start !== 'number' || typeof end !== 'number' || typeof step !== 'number') return null;
  const [from, to] = clampedRange(size, start, end, step);
  const result: number[] = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) result.push(at);
  return result;
}

function splitRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  const dtype = c.dtype(0);
  const count = c.node.outputs.length;
  if (shape === null) return c.node.outputs.map(() => tensor(dtype, null));
  const axis = axisOf(c, c.attributes.int('axis'), shape.length);
  const sizes = has(c, 1) ? c.values(1) : evenSizes(c, shape[axis]!, count);
  if (sizes !== null) checkSplit(c, sizes, shape[axis]!, count);
  const values = shape.length === 1 ? c.values(0) : null;
  let at: number | null = 0;
  return c.node.outputs.map((_, index) => {
    const size = sizes?.[index] ?? null;
    const isKnown = at !== null && typeof size === 'number';
    const part = isKnown ? (values?.slice(at!, at! + size) ?? null) : null;
    at = isKnown ? at! + size : null;
    return tensor(dtype, replaceDim(shape, axis, size), part);
  });
}

/** Equal parts, the last one smaller where they don't come out. */
function evenSizes(c: InferContext, size: Dim, count: number): readonly Dim[] {
  if (c.attributes.int('num_outputs', count) !== count) {
    const named = c.attributes.int('num_outputs', count);
    throw invalid(c, 'E_SHAPE_SPLIT', `num_outputs is ${named}, it has ${count} outputs`);
  }
  const part = ceilDivideDims(size, count);
  const last = subtractDims(size, multiplyDims(part, count - 1));
  if (typeof last === 'number' && last < 0)
    throw invalid(c, 'E_SHAPE_SPLIT', `${size} can't be split into ${count} parts`);
  return Array.from({ length: count }, (_, index) => (index === count - 1 ? last : part));
}

function checkSplit(c: InferContext, sizes: readonly Dim[], size: Dim, count: number): void {
  if (sizes.length !== count)
    throw invalid(c, 'E_SHAPE_SPLIT', `${sizes.length} sizes for ${count} outputs`);
  const sum = sumOfDims(sizes);
  const isOff = typeof sum === 'number' && typeof size === 'number' && sum !== size;
  if (isOff || sizes.some((part) => typeof part === 'number' && part < 0))
    throw invalid(c, 'E_SHAPE_SPLIT', `sizes [${sizes.join(', ')}] don't make up ${size}`);
}

function padRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  const dtype = c.dtype(0);
  if (shape === null) return [tensor(dtype, null)];
  const pads = c.values(1);
  const axes = has(c, 3) ? numbersOf(c, 3) : shape.map((_, axis) => axis);
  if (pads === null || axes === null) return [tensor(dtype, unknownDims(shape.length))];
  const normal = axesOf(c, axes, shape.length);
  if (pads.length !== 2 * normal.length)
    throw invalid(c, 'E_SHAPE_PAD', `${pads.length} pads for ${normal.length} axes`);
  const dims: Dim[] = [...shape];
  normal.forEach((axis, index) => {
    const both = addDims(pads[index]!, pads[index + normal.length]!);
    const dim = addDims(shape[axis]!, both);
    if (typeof dim === 'number' && dim < 0)
      throw invalid(c, 'E_SHAPE_PAD', `axis ${axis} would have size ${dim}`);
    dims[axis] = dim;
  });
  return [tensor(dtype, dims)];
}

function centerCropPadRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  if (shape === null) return [tensor(c.dtype(0), null)];
  const sizes = c.values(1);
  const axes = c.attributes.ints('axes') ?? shape.map((_, axis) => axis);
  const dims: Dim[] = [...shape];
  axesOf(c, axes, shape.length).forEach((axis, index) => {
    dims[axis] = sizes?.[index] ?? null;
  });
  return [tensor(c.dtype(0), dims)];
}

/** The same elements in blocks of space or of channels. */
function blocks(name: string, toDepth: boolean): Op {
  return {
    name,
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {
      blocksize: { kind: 'int', required: true, min: 1 },
      ...(toDepth ? {} : { mode: { kind: 'string', default: 'DCR', oneOf: ['DCR', 'CRD'] } }),
    },
    infer: (c) => {
      const shape = c.shape(0);
      if (shape === null) return [tensor(c.dtype(0), [null, null, null, null])];
      if (shape.length !== 4) throw invalid(c, 'E_SHAPE_RANK', `rank ${shape.length}, expected 4`);
      const size = c.attributes.int('blocksize');
      const area = size * size;
      const [batch, channels, height, width] = shape as [Dim, Dim, Dim, Dim];
      const divided = toDepth ? [height, width] : [channels];
      for (const dim of divided) {
        if (typeof dim === 'number' && dim % (toDepth ? size : area) !== 0)
          throw invalid(c, 'E_SHAPE_BLOCK', `size ${dim} is not a multiple of the block's`);
      }
      const dims = toDepth
        ? [
            batch,
            multiplyDims(channels, area),
            floorDivideDims(height, size),
            floorDivideDims(width, size),
          ]
        : [
            batch,
            floorDivideDims(channels, area),
            multiplyDims(height, size),
            multiplyDims(width, size),
          ];
      return [tensor(c.dtype(0), dims)];
    },
    traits: { moves: 'permuted' },
  };
}

export const slicingOps: readonly Op[] = [
  { name: 'Slice', inputs: [3, 5], outputs: [1, 1], attributes: {}, infer: sliceRule },
  {
    name: 'Split',
    inputs: [1, 2],
    outputs: [1, Infinity],
    attributes: { axis: { kind: 'int', default: 0 }, num_outputs: { kind: 'int', min: 1 } },
    infer: splitRule,
  },
  {
    name: 'Pad',
    inputs: [2, 4],
    outputs: [1, 1],
    attributes: {
      mode: {
        kind: 'string',
        default: 'constant',
        oneOf: ['constant', 'reflect', 'edge', 'wrap'],
      },
    },
    infer: padRule,
  },
  {
    name: 'CenterCropPad',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: { axes: { kind: 'ints' } },
    infer: centerCropPadRule,
  },
  blocks('DepthToSpace', false),
  blocks('SpaceToDepth', true),
];
