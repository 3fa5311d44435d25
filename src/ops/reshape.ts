import { equalDims, floorDivideDims, multiplyDims, productOfDims, sumOfDims } from '../core/dim.ts';
import type { Dim, Shape } from '../core/shape.ts';
import type { InferContext, Op, OutputInfo } from './op.ts';
import {
  axesOf,
  axisOf,
  broadcast,
  has,
  invalid,
  maxValues,
  numbersOf,
  tensor,
  unknownDims,
} from './rules.ts';
import { permuteValues } from './values.ts';

/** Operators that give the same elements another shape or place, and those that ask for shapes. */

function reshapeRule(c: InferContext): OutputInfo[] {
  const input = c.shape(0);
  const target = c.values(1);
  const dtype = c.dtype(0);
  if (target === null) {
    const rank = c.shape(1)?.[0];
    return [
      tensor(
        dtype,
        typeof rank === 'number' ? unknownDims(limitedRank(c, rank)) : null,
        c.values(0),
      ),
    ];
  }
  limitedRank(c, target.length);
  return [tensor(dtype, reshaped(c, input, target), c.values(0))];
}

function limitedRank(c: InferContext, rank: number): number {
  if (rank > 64) throw invalid(c, 'E_SHAPE_RANK', `rank ${rank} is more than 64`);
  return rank;
}

function reshaped(c: InferContext, input: Shape, target: readonly Dim[]): Shape {
  const copies = c.attributes.int('allowzero') === 0;
  const copied = new Set<number>();
  let open = -1;
  const shape = target.map((dim, axis): Dim => {
    if (dim === 0 && copies) {
      if (input === null) return null;
      if (axis >= input.length)
        throw invalid(c, 'E_SHAPE_RESHAPE', `size ${axis} copies an axis that is not there`);
      copied.add(axis);
      return input[axis]!;
    }
    if (typeof dim === 'number' && dim < 0) {
      if (dim !== -1 || open >= 0)
        throw invalid(c, 'E_SHAPE_RESHAPE', `shape [${target.join(', ')}] is not allowed`);
      open = axis;
      return null;
    }
    return dim;
  });
  if (input === null) return shape;
  const missing = shape.flatMap((dim, axis) => (dim === null && !copied.has(axis) ? [axis] : []));
  // The copied axes are on both sides: they cancel even where they are not known.
  const total = productOfDims(input.filter((_, axis) => !copied.has(axis)));
  const rest = productOfDims(
    shape.filter((_, axis) => !copied.has(axis) && !missing.includes(axis)),
  );
  const at = open >= 0 ? open : missing[0];
  if (at !== undefined && missing.length === 1) {
    if (rest === 0) return shape;
    if (typeof total === 'number' && typeof rest === 'number' && total % rest !== 0)
      throw invalid(c, 'E_SHAPE_RESHAPE', `${total} elements don't divide by ${rest}`);
    shape[at] = floorDivideDims(total, rest);
  } else if (missing.length === 0 && typeof total === 'number' && typeof rest === 'number') {
    if (total !== rest)
      throw invalid(c, 'E_SHAPE_RESHAPE', `${total} elements can't fill [${shape.join(', ')}]`);
  }
  return shape;
}

function flattenRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  const axis = c.attributes.int('axis');
  if (shape === null) return [tensor(c.dtype(0), [null, null])];
  // An axis past the last is allowed: everything before it is kept together.
  const at = axis === shape.length ? axis : axisOf(c, axis, shape.length);
  const dims = [productOfDims(shape.slice(0, at)), productOfDims(shape.slice(at))];
  return [tensor(c.dtype(0), dims, c.values(0))];
}

function squeezeRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  const dtype = c.dtype(0);
  const axes = has(c, 1) ? numbersOf(c, 1) : [];
  if (shape === null || axes === null) return [tensor(dtype, null, c.values(0))];
  if (!has(c, 1)) {
    const isKnown = shape.every((dim) => typeof dim === 'number');
    return [tensor(dtype, isKnown ? shape.filter((dim) => dim !== 1) : null, c.values(0))];
  }
  const dropped = new Set(axesOf(c, axes, shape.length));
  for (const axis of dropped) {
    const dim = shape[axis];
    if (typeof dim === 'number' && dim !== 1)
      throw invalid(c, 'E_SHAPE_SQUEEZE', `axis ${axis} has size ${dim}, not 1`);
  }
  return [
    tensor(
      dtype,
      shape.filter((_, axis) => !dropped.has(axis)),
      c.values(0),
    ),
  ];
}

function unsqueezeRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  const axes = numbersOf(c, 1);
  if (shape === null) return [tensor(c.dtype(0), null, c.values(0))];
  if (axes === null) {
    const count = c.shape(1)?.[0];
    const rank = typeof count === 'number' ? limitedRank(c, shape.length + count) : null;
    return [tensor(c.dtype(0), unknownDims(rank), c.values(0))];
  }
  const rank = limitedRank(c, shape.length + axes.length);
  const added = new Set(axesOf(c, axes, rank));
  const rest = shape[Symbol.iterator]();
  const dims = Array.from(
    { length: rank },
    (_, axis): Dim => (added.has(axis) ? 1 : (rest.next().value ?? null)),
  );
  return [tensor(c.dtype(0), dims, c.values(0))];
}

function transposeRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  const perm = c.attributes.ints('perm');
  if (shape === null) return [tensor(c.dtype(0), unknownDims(perm?.length ?? null))];
  if (perm === null) {
    return [
      tensor(
        c.dtype(0),
        shape.toReversed(),
        permuteValues(c.values(0), shape, [...shape.keys()].reverse()),
      ),
    ];
  }
  if (perm.length !== shape.length)
    throw invalid(c, 'E_SHAPE_RANK', `perm [${perm.join(', ')}] does not fit rank ${shape.length}`);
  const axes = axesOf(c, perm, shape.length);
  const dims = axes.map((axis) => shape[axis]!);
  return [tensor(c.dtype(0), dims, permuteValues(c.values(0), shape, axes))];
}

function expandRule(c: InferContext): OutputInfo[] {
  const target = c.values(1);
  const rank = c.shape(1)?.[0];
  const shape = target ?? (typeof rank === 'number' ? unknownDims(limitedRank(c, rank)) : null);
  const dims = broadcast(c, [c.shape(0), shape]);
  return [tensor(c.dtype(0), dims, repeatedValues(c.values(0), dims))];
}

function repeatedValues(values: readonly Dim[] | null, dims: Shape): readonly Dim[] | null {
  if (values?.length !== 1 || dims === null || dims.length > 1) return null;
  const count = dims[0] ?? 1;
  return typeof count === 'number' && count >= 0 && count <= maxValues
    ? new Array<Dim>(count).fill(values[0]!)
    : null;
}

function tileRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  const repeats = c.values(1);
  const dtype = c.dtype(0);
  if (shape === null) return [tensor(dtype, unknownDims(repeats?.length ?? null))];
  if (repeats === null) return [tensor(dtype, unknownDims(shape.length))];
  if (repeats.length !== shape.length)
    throw invalid(c, 'E_SHAPE_RANK', `${repeats.length} repeats for rank ${shape.length}`);
  const dims = shape.map((dim, axis) => multiplyDims(dim, repeats[axis]!));
  return [tensor(dtype, dims, repeatedValues(c.values(0), dims))];
}

function shapeRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  if (shape === null) return [tensor('int64', [null])];
  const clamp = (axis: number): number =>
    Math.min(Math.max(axis < 0 ? axis + shape.length : axis, 0), shape.length);
  const start = clamp(c.attributes.int('start'));
  const end = clamp(c.attributes.int('end', shape.length));
  const dims = shape.slice(start, Math.max(start, end));
  return [tensor('int64', [dims.length], dims)];
}

function sizeRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  return [tensor('int64', [], shape === null ? null : [productOfDims(shape)])];
}

function concatRule(c: InferContext): OutputInfo[] {
  const indexes = c.node.inputs.map((_, index) => index);
  const dtype = indexes.map((index) => c.dtype(index)).find((type) => type !== null) ?? null;
  const shapes = indexes.map((index) => c.shape(index));
  const dims = joinedShape(c, shapes, c.attributes.int('axis'));
  return [tensor(dtype, dims, dims?.length === 1 ? joinedValues(c, indexes) : null)];
}

/** The shape of tensors one after the other along an axis. */
export function joinedShape(c: InferContext, shapes: readonly Shape[], along: number): Shape {
  const known = shapes.find((shape) => shape !== null);
  if (known == null) return null;
  const axis = axisOf(c, along, known.length);
  const dims: Dim[] = [...known];
  for (const shape of shapes) {
    if (shape === null) continue;
    if (shape.length !== known.length)
      throw invalid(c, 'E_SHAPE_RANK', `ranks ${known.length} and ${shape.length} differ`);
    shape.forEach((dim, at) => {
      if (at !== axis) dims[at] = mergedDim(c, dims[at]!, dim, at);
    });
  }
  dims[axis] = sumOfDims(shapes.map((shape) => shape?.[axis] ?? null));
  return dims;
}

function mergedDim(c: InferContext, a: Dim, b: Dim, axis: number): Dim {
  if (typeof a === 'number' && typeof b === 'number' && a !== b)
    throw invalid(c, 'E_SHAPE_MISMATCH', `sizes ${a} and ${b} of axis ${axis} differ`);
  if (typeof a === 'number' || equalDims(a, b)) return a;
  return typeof b === 'number' ? b : (a ?? b);
}

/** Vectors one after the other; the elements of one that is not known are unknown, not the others. */
function joinedValues(c: InferContext, indexes: readonly number[]): readonly Dim[] | null {
  const result: Dim[] = [];
  for (const index of indexes) {
    const length = c.shape(index)?.[0];
    const values = c.values(index);
    if (values !== null) result.push(...values);
    else if (typeof length === 'number' && length <= maxValues)
      result.push(...new Array<Dim>(length).fill(null));
    else return null;
    if (result.length > maxValues) return null;
  }
  return result;
}

export const reshapeOps: readonly Op[] = [
  {
    name: 'Reshape',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: { allowzero: { kind: 'int', default: 0, min: 0, max: 1 } },
    infer: reshapeRule,
    traits: { moves: 'same-order' },
  },
  {
    name: 'Flatten',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { axis: { kind: 'int', default: 1 } },
    infer: flattenRule,
    traits: { moves: 'same-order' },
  },
  {
    name: 'Squeeze',
    inputs: [1, 2],
    outputs: [1, 1],
    attributes: {},
    infer: squeezeRule,
    traits: { moves: 'same-order' },
  },
  {
    name: 'Unsqueeze',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {},
    infer: unsqueezeRule,
    traits: { moves: 'same-order' },
  },
  {
    name: 'Identity',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => [{ type: c.type(0), values: c.values(0) }],
    traits: { moves: 'same-order', elementwise: true },
  },
  {
    name: 'Transpose',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { perm: { kind: 'ints' } },
    infer: transposeRule,
    traits: { moves: 'permuted' },
  },
  {
    name: 'Expand',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {},
    infer: expandRule,
  },
  { name: 'Tile', inputs: [2, 2], outputs: [1, 1], attributes: {}, infer: tileRule },
  {
    name: 'Shape',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { start: { kind: 'int', default: 0 }, end: { kind: 'int' } },
    infer: shapeRule,
  },
  { name: 'Size', inputs: [1, 1], outputs: [1, 1], attributes: {}, infer: sizeRule },
  {
    name: 'Concat',
    inputs: [1, Infinity],
    outputs: [1, 1],
    attributes: { axis: { kind: 'int', required: true } },
    infer: concatRule,
  },
];
