import { byteLengthOf } from '../../../core/dtype.ts';
import { bytesOf } from '../../../core/tensor.ts';
import { constantOf } from '../../../ir/constant.ts';
import type { Value } from '../../../ir/graph.ts';
import type { OperatorReader, Row } from './operator.ts';
import { countOf, rankOf, typeOf } from './values.ts';

/** Positions of the types that ONNX's Gather takes. */
function positions(o: OperatorReader, index: number): Value {
  const value = o.input(index);
  const { dtype } = typeOf(value);
  return dtype === 'int32' || dtype === 'int64' ? value : o.cast(value, 'int64');
}

function gather(o: OperatorReader): void {
  const { axis, batchDims } = o.options('GatherOptions');
  const x = o.input(0);
  if (batchDims === 0) {
    o.give('Gather', [x, positions(o, 1)], { axis });
    return;
  }
  const rank = rankOf(o, x);
  const indexRank = o.rank(1);
  const batch = batchDims < 0 ? batchDims + indexRank : batchDims;
  const along = axis < 0 ? axis + rank : axis;
  if (batch < 0 || batch > along || batch > indexRank || along >= rank)
    throw o.unsupported('axes that are not there');
  const list = o.add('Unsqueeze', [o.indices(1), o.ints('last', [-1])]);
  // What is between the batch and the axis goes behind the axis, and back in front of the indices.
  const between = along - batch;
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, i) => from + i);
  if (between === 0) {
    o.give('GatherND', [x, list], { batch_dims: batch });
    return;
  }
  const first = [...range(0, batch), along, ...range(batch, along), ...range(along + 1, rank)];
  const turned = o.add('Transpose', [x], { perm: first });
  const found = o.add('GatherND', [turned, list], { batch_dims: batch });
  const whole = rank + indexRank - batch - 1;
  const back = [...range(indexRank, indexRank + between), ...range(batch, indexRank)];
  const perm = [...range(0, batch), ...back, ...range(indexRank + between, whole)];
  o.give('Transpose', [found], { perm });
}

function gatherNd(o: OperatorReader): void {
  o.give('GatherND', [o.input(0), o.indices(1)]);
}

/** A zero of a value's type. */
function zeroOf(o: OperatorReader, value: Value): Value {
  const { dtype } = typeOf(value);
  if (dtype === null || dtype === 'string') throw o.unsupported('zeros of this type');
  return o.constant('zero', constantOf(dtype, [], new Uint8Array(byteLengthOf(dtype, 1))));
}

/** Updates of one place add up. */
function scatterNd(o: OperatorReader): void {
  const updates = o.input(1);
  const zeros = o.add('Expand', [zeroOf(o, updates), o.indices(2)]);
  const isBool = typeOf(updates).dtype === 'bool';
  const reduction = isBool ? undefined : 'add';
  o.give('ScatterND', [zeros, o.indices(0), updates], { reduction });
}

/** Places are scalars, a list, or rows of a matrix. */
function sparseToDense(o: OperatorReader): void {
  const rank = o.rank(0);
  const indices = o.indices(0);
  const places =
    rank === 2
      ? indices
      : o.add('Reshape', [indices, o.ints('rows', rank === 1 ? [-1, 1] : [1, 1])]);
  const values = o.input(2);
  const list = rank === 0 ? o.add('Reshape', [values, o.ints('list', [1])]) : values;
  const count = o.add('Shape', [places], { start: 0, end: 1 });
  const each = rankOf(o, list) === 0 ? o.add('Expand', [list, count]) : list;
  const rest = o.add('Expand', [o.input(3), o.indices(1)]);
  o.give('ScatterND', [rest, places, each]);
}

/** The condition of SELECT may be a list that chooses rows. */
function select(o: OperatorReader): void {
  let condition = o.input(0);
  const [rank, rows] = [o.rank(0), o.rank(1)];
  if (rank === 1 && rows > 1) {
    const sizes = [-1, ...new Array<number>(rows - 1).fill(1)];
    condition = o.add('Reshape', [condition, o.ints('rows', sizes)]);
  }
  o.give('Where', [condition, o.input(1), o.input(2)]);
}

function selectBroadcast(o: OperatorReader): void {
  o.give('Where', o.inputs());
}

function reverse(o: OperatorReader): void {
  const axes = o.known(1);
  const each = (value: number): number[] => axes.map(() => value);
  o.give('Slice', [
    o.input(0),
    o.ints('starts', each(-1)),
    o.ints('ends', each(-(2 ** 31))),
    o.ints('axes', axes),
    o.ints('steps', each(-1)),
  ]);
}

/** ONNX has time and batch as the first two axes. */
function reverseSequence(o: OperatorReader): void {
  const { seqDim, batchDim } = o.options('ReverseSequenceOptions');
  const x = o.input(0);
  const lengths = o.indices(1);
  if (seqDim + batchDim === 1 && seqDim * batchDim === 0) {
    o.give('ReverseSequence', [x, lengths], { time_axis: seqDim, batch_axis: batchDim });
    return;
  }
  const rank = rankOf(o, x);
  const rest = Array.from({ length: rank }, (_, i) => i).filter(
    (axis) => axis !== seqDim && axis !== batchDim,
  );
  const perm = [seqDim, batchDim, ...rest];
  const turned = o.add('Transpose', [x], { perm });
  const reversed = o.add('ReverseSequence', [turned, lengths], { time_axis: 0, batch_axis: 1 });
  o.give('Transpose', [reversed], { perm: perm.map((_, axis) => perm.indexOf(axis)) });
}

/** The last axis on the diagonal of a square matrix. */
function diagonal(o: OperatorReader): void {
  const size = o.size(0, -1);
  const column = o.add('Unsqueeze', [o.input(0), o.ints('last', [-1])]);
  o.give('Where', [identity(o, size, size), column, zeroOf(o, o.input(0))]);
}

function setDiagonal(o: OperatorReader): void {
  const [rows, columns] = [o.size(0, -2), o.size(0, -1)];
  const axis = columns <= rows ? -2 : -1;
  const spread = o.add('Unsqueeze', [o.input(1), o.ints('axis', [axis])]);
  o.give('Where', [identity(o, rows, columns), spread, o.input(0)]);
}

/** Whether an element is on the diagonal. */
function identity(o: OperatorReader, rows: number, columns: number): Value {
  const bytes = new Uint8Array(countOf(o, rows * columns));
  for (let i = 0; i < Math.min(rows, columns); i++) bytes[i * columns + i] = 1;
  return o.constant('diagonal', constantOf('bool', [rows, columns], bytes));
}

/** A box of the operand replaced: axis by axis, what is before the box, the box, and what is after it. */
function updateSlice(o: OperatorReader): void {
  const [whole, update] = [o.input(0), o.input(1)];
  const [sizes, boxes] = [typeOf(whole).shape, typeOf(update).shape];
  const isKnown = (list: typeof sizes): list is readonly number[] =>
    list?.every((size) => typeof size === 'number') === true;
  if (!isKnown(sizes) || !isKnown(boxes)) throw o.unsupported('unknown sizes');
  const moving = sizes.flatMap((size, axis) => (boxes[axis] === size ? [] : [axis]));
  if (moving.length === 0) {
    o.give('Identity', [update]);
    return;
  }
  const starts = o.indices(2);
  const bounds = moving.map((axis) => {
    const wished = o.add('Slice', [starts, o.ints('at', [axis]), o.ints('end', [axis + 1])]);
    const room = o.ints('room', [sizes[axis]! - boxes[axis]!]);
    const start = o.add('Max', [o.add('Min', [wished, room]), o.ints('zero', [0])]);
    return { axis, start, end: o.add('Add', [start, o.ints('size', [boxes[axis]!])]) };
  });
  const none = o.ints('first', [0]);
  const last = o.ints('rest', [2 ** 31 - 1]);
  const cut = (value: Value, from: Value, to: Value, axis: number): Value =>
    o.add('Slice', [value, from, to, o.ints('axis', [axis])]);
  const around: Value[] = [whole];
  for (const { axis, start, end } of bounds.slice(0, -1))
    around.push(cut(around.at(-1)!, start, end, axis));
  let box = update;
  for (const [i, { axis, start, end }] of [...bounds.entries()].reverse()) {
    const outer = around[i]!;
    const parts = [cut(outer, none, start, axis), box, cut(outer, end, last, axis)];
    if (i === 0) o.give('Concat', parts, { axis });
    else box = o.add('Concat', parts, { axis });
  }
}

/** Shifts of signed integers keep the sign: a division by a power of two, rounded down. */
function shiftRight(o: OperatorReader): void {
  const [a, count] = [o.input(0), o.input(1)];
  const { dtype } = typeOf(a);
  if (dtype?.startsWith('uint') === true) {
    o.give('BitShift', [a, count], { direction: 'RIGHT' });
    return;
  }
  if (dtype === null) throw o.unsupported('unknown types');
  const wide = o.cast(a, 'int64');
  const two = o.constant('two', constantOf('int64', [], bytesOf(BigInt64Array.of(2n))));
  const power = o.add('Pow', [two, o.cast(count, 'int64')]);
  const rest = o.add('Mod', [wide, power]);
  const shifted = o.add('Div', [o.add('Sub', [wide, rest]), power]);
  o.node('Identity', [o.cast(shifted, dtype)], {}, [o.output(0)!]);
}

export const gatherRows: Readonly<Record<string, Row>> = {
  GATHER: gather,
  GATHER_ND: gatherNd,
  SCATTER_ND: scatterNd,
  SPARSE_TO_DENSE: sparseToDense,
  SELECT: select,
  SELECT_V2: selectBroadcast,
  REVERSE_V2: reverse,
  REVERSE_SEQUENCE: reverseSequence,
  MATRIX_DIAG: diagonal,
  MATRIX_SET_DIAG: setDiagonal,
  DYNAMIC_UPDATE_SLICE: updateSlice,
  RIGHT_SHIFT: shiftRight,
};
