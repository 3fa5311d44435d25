import { volume } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  itemsFor,
  itemsOf,
  lanesOf,
  pick,
  tensorOfIntegers,
  tensorOfItems,
  withDims,
} from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import {
  aroundAxis,
  broadcastDims,
  broadcastOffsets,
  replaceSize,
  stridesOf,
  viewOffsets,
} from './indexing.ts';
import {
  axesIn,
  axisIn,
  integersAt,
  invalid,
  optionalIntegersAt,
  tensorAt,
  tensorsFrom,
} from './operands.ts';

function reshape(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const copies = c.attributes.int('allowzero') === 0;
  const dims = integersAt(c, 1).map((size, axis) =>
    size === 0 && copies ? (x.dims[axis] ?? 0) : size,
  );
  const open = dims.indexOf(-1);
  if (open >= 0) {
    const rest = dims.reduce(
      (product, size, axis) => (axis === open ? product : product * size),
      1,
    );
    dims[open] = rest === 0 ? 0 : x.size / rest;
  }
  if (dims.some((size) => !(size >= 0 && Number.isInteger(size))) || volume(dims) !== x.size)
    throw invalid(c, 'E_SHAPE_RESHAPE', `${x.size} elements can't fill [${integersAt(c, 1)}]`);
  return [withDims(x, dims)];
}

function flatten(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const axis = c.attributes.int('axis');
  const at = axis === x.dims.length ? axis : axisIn(c, axis, x.dims.length);
  return [withDims(x, [volume(x.dims.slice(0, at)), volume(x.dims.slice(at))])];
}

function squeeze(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const given = optionalIntegersAt(c, 1);
  const dropped = new Set(
    given === undefined
      ? [...x.dims.keys()].filter((axis) => x.dims[axis] === 1)
      : axesIn(c, given, x.dims.length),
  );
  for (const axis of dropped)
    if (x.dims[axis] !== 1)
      throw invalid(c, 'E_SHAPE_SQUEEZE', `axis ${axis} has size ${x.dims[axis]}, not 1`);
  return [
    withDims(
      x,
      x.dims.filter((_, axis) => !dropped.has(axis)),
    ),
  ];
}

function unsqueeze(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const axes = integersAt(c, 1);
  const rank = x.dims.length + axes.length;
  const added = new Set(axesIn(c, axes, rank));
  const rest = x.dims.values();
  const dims = Array.from({ length: rank }, (_, axis) =>
    added.has(axis) ? 1 : rest.next().value!,
  );
  return [withDims(x, dims)];
}

/** The tensor with its axes in another order. */
export function transposed(x: Tensor, perm: readonly number[]): Tensor {
  const strides = stridesOf(x.dims);
  const dims = perm.map((axis) => x.dims[axis]!);
  const offsets = viewOffsets(
    dims,
    perm.map((axis) => strides[axis]!),
  );
  return pick(x, offsets, dims);
}

function transpose(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const perm = c.attributes.ints('perm') ?? [...x.dims.keys()].reverse();
  if (perm.length !== x.dims.length)
    throw invalid(
      c,
      'E_SHAPE_RANK',
      `perm [${perm.join(', ')}] does not fit rank ${x.dims.length}`,
    );
  return [transposed(x, axesIn(c, perm, x.dims.length))];
}

function expand(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const dims = broadcastDims([x.dims, integersAt(c, 1)]);
  return [pick(x, broadcastOffsets(x.dims, dims), dims)];
}

function tile(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const repeats = integersAt(c, 1);
  if (repeats.length !== x.dims.length)
    throw invalid(c, 'E_SHAPE_RANK', `${repeats.length} repeats for rank ${x.dims.length}`);
  const strides = stridesOf(x.dims);
  // [repeat, size] for each axis, the repeats standing still.
  const split = viewOffsets(
    x.dims.flatMap((size, axis) => [repeats[axis]!, size]),
    x.dims.flatMap((_, axis) => [0, strides[axis]!]),
  );
  return [
    pick(
      x,
      split,
      x.dims.map((size, axis) => size * repeats[axis]!),
    ),
  ];
}

/** Tensors one after the other along an axis.
 *  @throws {ShapeError} other sizes that differ */
export function joined(c: EvaluateContext, parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  if (first === undefined) throw invalid(c, 'E_SHAPE_MISMATCH', 'there is nothing to join');
  for (const { dims } of parts)
    if (`${replaceSize(dims, axis, 0)}` !== `${replaceSize(first.dims, axis, 0)}`)
      throw invalid(c, 'E_SHAPE_MISMATCH', `[${first.dims}] and [${dims}] don't join`);
  const size = parts.reduce((sum, part) => sum + part.dims[axis]!, 0);
  const dims = replaceSize(first.dims, axis, size);
  const lanes = lanesOf(first.type);
  const result = itemsFor(first.type, volume(dims)) as unknown[];
  const { outer, inner } = aroundAxis(dims, axis);
  let before = 0;
  for (const part of parts) {
    const items = itemsOf(part) as unknown[];
    const run = part.dims[axis]! * inner * lanes;
    for (let o = 0; o < outer; o++) {
      const to = (o * size + before) * inner * lanes;
      for (let i = 0; i < run; i++) result[to + i] = items[o * run + i];
    }
    before += part.dims[axis]!;
  }
  return tensorOfItems(first.type, result as string[], dims);
}

function concat(c: EvaluateContext): Tensor[] {
  const parts = tensorsFrom(c);
  const axis = axisIn(c, c.attributes.int('axis'), parts[0]?.dims.length ?? 0);
  return [joined(c, parts, axis)];
}

function shape(c: EvaluateContext): Tensor[] {
  const { dims } = tensorAt(c, 0);
  const clamp = (axis: number): number =>
    Math.min(Math.max(axis < 0 ? axis + dims.length : axis, 0), dims.length);
  const start = clamp(c.attributes.int('start'));
  const end = clamp(c.attributes.int('end', dims.length));
  return [tensorOfIntegers(dims.slice(start, Math.max(start, end)))];
}

export const reshapeEvaluators: readonly Evaluator[] = [
  { op: 'Reshape', evaluate: reshape },
  { op: 'Flatten', evaluate: flatten },
  { op: 'Squeeze', evaluate: squeeze },
  { op: 'Unsqueeze', evaluate: unsqueeze },
  { op: 'Transpose', evaluate: transpose },
  { op: 'Expand', evaluate: expand },
  { op: 'Tile', evaluate: tile },
  { op: 'Concat', evaluate: concat },
  { op: 'Shape', evaluate: shape },
  { op: 'Size', evaluate: (c) => [tensorOfIntegers([tensorAt(c, 0).size], [])] },
];
