import { volume } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, pick, tensorOfIntegers } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { aroundAxis, countOf, indexAt, stridesOf } from './indexing.ts';
import { axisIn, indexIn, integersAt, invalid, scalarAt, tensorAt } from './operands.ts';

function gather(c: EvaluateContext): Tensor[] {
  const [x, indices] = [tensorAt(c, 0), tensorAt(c, 1)];
  const axis = axisIn(c, c.attributes.int('axis'), x.dims.length);
  return [taken(c, x, indices, axis)];
}

/** Slices along an axis at these indices. */
export function taken(c: EvaluateContext, x: Tensor, indices: Tensor, axis: number): Tensor {
  const { outer, size, inner } = aroundAxis(x.dims, axis);
  const picks = numbersOf(indices).map((index) => indexIn(c, index, size));
  const offsets = new Float64Array(countOf([outer, picks.length, inner]));
  let to = 0;
  for (let o = 0; o < outer; o++)
    for (const index of picks)
      for (let i = 0; i < inner; i++) offsets[to++] = (o * size + index) * inner + i;
  return pick(x, offsets, [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)]);
}

/** The element of `x` that each element of `indices` names along an axis. */
export function elementOffsets(
  c: EvaluateContext,
  x: Tensor,
  indices: Tensor,
  axis: number,
): Float64Array {
  if (indices.dims.length !== x.dims.length)
    throw invalid(c, 'E_SHAPE_RANK', `ranks ${x.dims.length} and ${indices.dims.length} differ`);
  const strides = stridesOf(x.dims);
  return numbersOf(indices).map((index, i) => {
    const place = indexAt(i, indices.dims);
    place[axis] = indexIn(c, index, x.dims[axis]!);
    return place.reduce((sum, at, a) => sum + at * strides[a]!, 0);
  });
}

function gatherElements(c: EvaluateContext): Tensor[] {
  const [x, indices] = [tensorAt(c, 0), tensorAt(c, 1)];
  const axis = axisIn(c, c.attributes.int('axis'), x.dims.length);
  return [pick(x, elementOffsets(c, x, indices, axis), indices.dims)];
}

/** First element of each slice that rows of indices name.
 *  @param batch  leading axes that both share */
export function rowOffsets(
  c: EvaluateContext,
  dims: readonly number[],
  indices: Tensor,
  batch = 0,
): { starts: Float64Array; slice: readonly number[] } {
  const depth = indices.dims.at(-1) ?? 0;
  if (batch + depth > dims.length)
    throw invalid(
      c,
      'E_SHAPE_RANK',
      `indices go ${batch + depth} axes deep into rank ${dims.length}`,
    );
  const strides = stridesOf(dims);
  const rows = numbersOf(indices);
  const count = volume(indices.dims.slice(0, -1));
  const perBatch = volume(indices.dims.slice(batch, -1));
  const batchStride = volume(dims.slice(batch));
  const starts = Float64Array.from({ length: count }, (_, row) => {
    let at = perBatch === 0 ? 0 : Math.floor(row / perBatch) * batchStride;
    for (let d = 0; d < depth; d++)
      at += indexIn(c, rows[row * depth + d]!, dims[batch + d]!) * strides[batch + d]!;
    return at;
  });
  return { starts, slice: dims.slice(batch + depth) };
}

function gatherND(c: EvaluateContext): Tensor[] {
  const [x, indices] = [tensorAt(c, 0), tensorAt(c, 1)];
  const { starts, slice } = rowOffsets(c, x.dims, indices, c.attributes.int('batch_dims'));
  const size = volume(slice);
  const offsets = new Float64Array(countOf([starts.length, size])).map(
    (_, i) => starts[Math.floor(i / size)]! + (i % size),
  );
  return [pick(x, offsets, [...indices.dims.slice(0, -1), ...slice])];
}

/** Elements, or slices along an axis, where the condition holds. */
function compress(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const kept = integersAt(c, 1).flatMap((holds, index) => (holds !== 0 ? [index] : []));
  if (!c.attributes.has('axis')) {
    return [pick(x, kept, [kept.length])];
  }
  const axis = axisIn(c, c.attributes.int('axis'), x.dims.length);
  return [taken(c, x, tensorOfIntegers(kept), axis)];
}

function nonZero(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const found = Array.from(numbersOf(x), (value, at) => (value !== 0 ? at : -1)).filter(
    (at) => at >= 0,
  );
  const places = found.map((at) => indexAt(at, x.dims));
  const rows = x.dims.flatMap((_, axis) => places.map((place) => place[axis]!));
  return [tensorOfIntegers(rows, [x.dims.length, found.length])];
}

/** Rows of each batch up to its length, in reverse order. */
function reverseSequence(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const lengths = integersAt(c, 1);
  const batchAxis = axisIn(c, c.attributes.int('batch_axis'), x.dims.length);
  const timeAxis = axisIn(c, c.attributes.int('time_axis'), x.dims.length);
  const strides = stridesOf(x.dims);
  const offsets = Float64Array.from({ length: x.size }, (_, i) => {
    const place = indexAt(i, x.dims);
    const length = lengths[place[batchAxis]!]!;
    const time = place[timeAxis]!;
    return time < length ? i + (length - 1 - 2 * time) * strides[timeAxis]! : i;
  });
  return [pick(x, offsets, x.dims)];
}

/** The lower or upper triangle of matrices; the rest becomes 0. */
function trilu(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const k = scalarAt(c, 1, 0);
  const upper = c.attributes.int('upper') !== 0;
  const [rows, columns] = x.dims.slice(-2) as [number, number];
  const offsets = Float64Array.from({ length: x.size }, (_, i) => {
    const column = i % columns;
    const row = Math.floor(i / columns) % rows;
    return (upper ? column - row >= k : column - row <= k) ? i : -1;
  });
  return [pick(x, offsets, x.dims)];
}

/** The index's place along a new axis has the second of two values, all others the first. Indices out of range have
 *  no place. */
function oneHot(c: EvaluateContext): Tensor[] {
  const indices = tensorAt(c, 0);
  const depth = scalarAt(c, 1);
  const values = tensorAt(c, 2);
  const axis = axisIn(c, c.attributes.int('axis'), indices.dims.length + 1);
  const dims = [...indices.dims.slice(0, axis), depth, ...indices.dims.slice(axis)];
  const { inner } = aroundAxis(dims, axis);
  const given = numbersOf(indices);
  const offsets = Float64Array.from({ length: countOf(dims) }, (_, i) => {
    const at = Math.floor(i / (inner * depth)) * inner + (i % inner);
    const index = given[at]!;
    return (index < 0 ? index + depth : index) === Math.floor(i / inner) % depth ? 1 : 0;
  });
  return [pick(values, offsets, dims)];
}

export const gatherEvaluators: readonly Evaluator[] = [
  { op: 'Gather', evaluate: gather },
  { op: 'GatherElements', evaluate: gatherElements },
  { op: 'GatherND', evaluate: gatherND },
  { op: 'Compress', evaluate: compress },
  { op: 'NonZero', evaluate: nonZero },
  { op: 'ReverseSequence', evaluate: reverseSequence },
  { op: 'Trilu', evaluate: trilu },
  { op: 'OneHot', evaluate: oneHot },
];
