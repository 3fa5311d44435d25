import { isStatic, volume } from '../../../core/shape.ts';
import { asInt32, binary, cast, reshape, same, transpose } from './blocks.ts';
import { compare, workingType } from './elementwise.ts';
import { type Emitter, knownRank, knownSizes, numbersOf, type Row } from './emitter.ts';
import type { Operand } from './operand.ts';

/** Operators whose results are never negative: their results count from the front. */
const countFromFront: ReadonlySet<string> = new Set(['ArgMax', 'ArgMin', 'TopK', 'NonZero']);

/** Indices as int32 that count from the front: ONNX's may count from the end of an axis. */
function indices(e: Emitter, input: number, size: number | null): Operand {
  const given = e.in(input);
  const known = given.constant === null ? null : numbersOf(given.constant);
  if (known !== null) {
    if (!known.some((at) => at < 0)) return asInt32(e, given);
    if (size === null) throw e.fail('SHAPE', 'indices count from the end of an unknown size');
    return e.ints(
      known.map((at) => (at < 0 ? at + size : at)),
      given.constant!.shape,
    );
  }
  const small = asInt32(e, given);
  const producer = e.node.inputs[input]?.producer;
  if (size === null || (producer != null && countFromFront.has(producer.op))) return small;
  const isBehind = compare(e, 'LESS', small, e.scalar(0, 'int32'));
  const moved = binary(e, 'ADD', small, e.scalar(size, 'int32'));
  const result = e.temp('int32', small.shape);
  e.op('SELECT_V2', [isBehind, moved, small], [result]);
  return result;
}

function sizeOf(x: Operand, axis: number): number | null {
  const size = x.shape?.[axis];
  return typeof size === 'number' ? size : null;
}

/** Elements of an axis. */
function take(e: Emitter, x: Operand, at: Operand, axis: number, out?: Operand): Operand {
  const shape =
    x.shape === null || at.shape === null
      ? null
      : [...x.shape.slice(0, axis), ...at.shape, ...x.shape.slice(axis + 1)];
  const to = out ?? e.temp(x.dtype, shape);
  e.op('GATHER', [x, at], [to], { type: 'GatherOptions', value: { axis } });
  return to;
}

const gathered: Row = (e) => {
  const x = e.in(0);
  const rank = knownRank(e, x);
  const axis = (e.attributes.int('axis') + rank) % rank;
  take(e, x, indices(e, 1, sizeOf(x, axis)), axis, e.out());
};

/** A tensor's elements in one row, and places in it: index · stride of its axis + what the other axes add. */
function flatPlaces(e: Emitter, x: Operand, at: Operand, axis: number): Operand {
  const [sizes, wanted] = [knownSizes(e, x), knownSizes(e, at)];
  const strides = sizes.map((_, i) => volume(sizes.slice(i + 1)));
  const count = volume(wanted);
  const base = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    let rest = i;
    for (let a = wanted.length - 1; a >= 0; a--) {
      if (a !== axis) base[i]! += (rest % wanted[a]!) * strides[a]!;
      rest = Math.floor(rest / wanted[a]!);
    }
  }
  const scaled = binary(e, 'MUL', at, e.scalar(strides[axis]!, 'int32'));
  return binary(e, 'ADD', scaled, e.ints([...base], wanted));
}

const gatherElements: Row = (e) => {
  const x = e.in(0);
  const rank = knownRank(e, x);
  const axis = (e.attributes.int('axis') + rank) % rank;
  const places = flatPlaces(e, x, indices(e, 1, sizeOf(x, axis)), axis);
  take(e, reshape(e, x, [volume(knownSizes(e, x))]), places, 0, e.out());
};

/** Index vectors that count from the front. */
function indexVectors(e: Emitter, x: Operand, first: number): Operand {
  const given = e.in(1);
  const sizes = knownSizes(e, x);
  const depth = given.shape?.at(-1);
  if (typeof depth !== 'number') throw e.fail('SHAPE', 'how long index vectors are is not known');
  const bounds = sizes.slice(first, first + depth);
  const known = given.constant === null ? null : numbersOf(given.constant);
  if (known !== null) {
    const list = known.map((at, i) => (at < 0 ? at + bounds[i % depth]! : at));
    return e.ints(list, given.constant!.shape);
  }
  const small = asInt32(e, given);
  const isBehind = compare(e, 'LESS', small, e.scalar(0, 'int32'));
  const moved = binary(e, 'ADD', small, e.ints(bounds));
  const result = e.temp('int32', small.shape);
  e.op('SELECT_V2', [isBehind, moved, small], [result]);
  return result;
}

const gatherND: Row = (e) => {
  const x = e.in(0);
  const batch = e.attributes.int('batch_dims');
  const at = indexVectors(e, x, batch);
  if (batch === 0) {
    e.op('GATHER_ND', [x, at], [e.out()]);
    return;
  }
  // The batch's own numbers in front of the vectors, so that there is no batch.
  const sizes = knownSizes(e, at);
  const rows = volume(sizes.slice(0, -1));
  const each = volume(sizes.slice(batch, -1));
  const lead = sizes.slice(0, batch);
  const numbers: number[] = [];
  for (let row = 0; row < rows; row++) {
    let rest = Math.floor(row / each);
    const place = lead.map(() => 0);
    for (let a = batch - 1; a >= 0; a--) {
      place[a] = rest % lead[a]!;
      rest = Math.floor(rest / lead[a]!);
    }
    numbers.push(...place);
  }
  const front = e.ints(numbers, [...sizes.slice(0, -1), batch]);
  const whole = e.temp('int32', [...sizes.slice(0, -1), batch + sizes.at(-1)!]);
  const axis = sizes.length - 1;
  e.op('CONCATENATION', [front, at], [whole], { type: 'ConcatenationOptions', value: { axis } });
  e.op('GATHER_ND', [x, whole], [e.out()]);
};

/** SCATTER_ND gives sums of updates over zeros: they are added, or chosen where there is one. */
function scatter(e: Emitter, x: Operand, at: Operand, updates: Operand, out: Operand): void {
  const sizes = knownSizes(e, x);
  const dtype = workingType(e, x.dtype, ['float32', 'int32', 'int64']);
  const [data, parts] = [cast(e, x, dtype), cast(e, updates, dtype)];
  const how = e.attributes.string('reduction', 'none');
  const shape = e.ints(sizes);
  const sums = e.temp(dtype, sizes);
  e.op('SCATTER_ND', [at, parts, shape], [sums]);
  const to = dtype === x.dtype ? out : e.temp(dtype, sizes);
  if (how === 'add') binary(e, 'ADD', data, sums, to);
  else if (how === 'none') {
    const ones = e.constantOf(1, 'float32', knownSizes(e, updates));
    const counts = e.temp('float32', sizes);
    e.op('SCATTER_ND', [at, ones, shape], [counts]);
    const isNew = compare(e, 'GREATER', counts, e.scalar(0));
    e.op('SELECT_V2', [isNew, sums, data], [to]);
  } else throw e.fail('REDUCTION', `updates are joined by "${how}"`);
  if (to !== out) cast(e, to, x.dtype, out);
}

const scatterND: Row = (e) => {
  const x = e.in(0);
  scatter(e, x, indexVectors(e, x, 0), e.in(2), e.out());
};

const scatterElements: Row = (e) => {
  const x = e.in(0);
  const rank = knownRank(e, x);
  const axis = (e.attributes.int('axis') + rank) % rank;
  const at = indices(e, 1, sizeOf(x, axis));
  const places = reshape(e, flatPlaces(e, x, at, axis), [volume(knownSizes(e, at)), 1]);
  const sizes = knownSizes(e, x);
  const flat = e.temp(x.dtype, [volume(sizes)]);
  const updates = reshape(e, e.in(2), [volume(knownSizes(e, at))]);
  scatter(e, reshape(e, x, [volume(sizes)]), places, updates, flat);
  reshape(e, flat, sizes, e.out());
};

const oneHot: Row = (e) => {
  const out = e.out();
  const depth = reshape(e, asInt32(e, e.in(1)), []);
  const rank = knownRank(e, out);
  const axis = (e.attributes.int('axis') + rank) % rank;
  const at = e.in(0);
  const dtype = at.dtype === 'float32' ? cast(e, at, 'int32') : asInt32(e, at);
  const isBehind = compare(e, 'LESS', dtype, e.scalar(0, 'int32'));
  const places = e.temp('int32', at.shape);
  e.op('SELECT_V2', [isBehind, binary(e, 'ADD', dtype, depth), dtype], [places]);
  const values = e.in(2);
  const pick = (index: number): Operand => reshape(e, sliceOne(e, values, index), []);
  const inputs = [places, depth, pick(1), pick(0)];
  const value = { axis: axis === rank - 1 ? -1 : axis };
  e.op('ONE_HOT', inputs, [out], { type: 'OneHotOptions', value });
};

function sliceOne(e: Emitter, x: Operand, at: number): Operand {
  const numbers = x.constant === null ? null : numbersOf(x.constant);
  if (numbers !== null) return e.scalar(numbers[at]!, x.dtype);
  const to = e.temp(x.dtype, [1]);
  e.op('SLICE', [x, e.ints([at]), e.ints([1])], [to], { type: 'SliceOptions', value: {} });
  return to;
}

/** TOPK_V2 gives the largest of the last axis, sorted. */
const topK: Row = (e) => {
  const x = e.in(0);
  const dtype = workingType(e, x.dtype, ['float32', 'int32', 'int64', 'int8', 'uint8']);
  const rank = knownRank(e, x);
  const axis = (e.attributes.int('axis') + rank) % rank;
  const perm = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);
  perm.push(axis);
  const back = perm.map((_, i) => perm.indexOf(i));
  const largest = e.attributes.int('largest') !== 0;
  const wide = cast(e, x, dtype);
  const turned = transpose(e, largest ? wide : negated(e, wide), perm);
  const [values, places] = [e.out(0), e.isWanted(1) ? e.out(1) : null];
  const shape = perm.map((i) => values.shape![i]!);
  const [top, at] = [e.temp(dtype, shape), e.temp('int32', shape)];
  const k = e.numbers(1);
  const count = k === null ? reshape(e, asInt32(e, e.in(1)), []) : e.scalar(k[0]!, 'int32');
  e.op('TOPK_V2', [turned, count], [top, at], { type: 'TopKV2Options', value: {} });
  const signed = largest ? top : negated(e, top);
  const narrow = cast(e, signed, x.dtype);
  if (axis === rank - 1) binary(e, 'MAXIMUM', narrow, narrow, values);
  else transpose(e, narrow, back, values);
  if (places !== null) {
    const wider = cast(e, at, 'int64', axis === rank - 1 ? places : undefined);
    if (axis !== rank - 1) transpose(e, wider, back, places);
  }
};

function negated(e: Emitter, x: Operand): Operand {
  const to = e.temp(x.dtype, x.shape);
  e.op('NEG', [x], [to]);
  return to;
}

/** WHERE gives one row a place; NonZero one row an axis. */
const nonZero: Row = (e) => {
  const x = e.in(0);
  const rank = knownRank(e, x);
  const flags = x.dtype === 'bool' ? x : compare(e, 'NOT_EQUAL', x, e.scalar(0, x.dtype));
  const places = e.temp('int64', [null, rank]);
  e.op('WHERE', [flags], [places]);
  transpose(e, places, [1, 0], e.out());
};

/** Elements where a condition holds. */
const compress: Row = (e) => {
  const [x, condition] = [e.in(0), e.in(1)];
  const isFlat = !e.attributes.has('axis');
  const data = isFlat ? reshape(e, x, [volume(knownSizes(e, x))]) : x;
  const rank = knownRank(e, data);
  const axis = isFlat ? 0 : (e.attributes.int('axis') + rank) % rank;
  const places = e.temp('int64', [null, 1]);
  e.op('WHERE', [condition], [places]);
  const list = cast(e, reshape(e, places, [null]), 'int32');
  take(e, data, list, axis, e.out());
};

const reverseSequence: Row = (e) => {
  const { attributes } = e;
  const value = { seqDim: attributes.int('time_axis'), batchDim: attributes.int('batch_axis') };
  const inputs = [e.in(0), asInt32(e, e.in(1))];
  e.op('REVERSE_SEQUENCE', inputs, [e.out()], { type: 'ReverseSequenceOptions', value });
};

const range: Row = (e) => {
  const out = e.out();
  const dtype = workingType(e, out.dtype, ['float32', 'int32']);
  const ends = [0, 1, 2].map((i) => reshape(e, cast(e, e.in(i), dtype), []));
  const to = dtype === out.dtype ? out : e.temp(dtype, out.shape);
  e.op('RANGE', ends, [to], { type: 'RangeOptions', value: {} });
  if (to !== out) cast(e, to, out.dtype, out);
};

const filled: Row = (e, node) => {
  const out = e.out();
  const tensor = node.attributes.get('value');
  const number = tensor?.type === 'tensor' ? (numbersOf(tensor.value)?.[0] ?? 0) : 0;
  if (isStatic(out.shape)) return same(e, e.constantOf(number, out.dtype, out.shape));
  const dtype = workingType(e, out.dtype, ['float32', 'int32', 'int64', 'bool']);
  const to = dtype === out.dtype ? out : e.temp(dtype, out.shape);
  e.op('FILL', [asInt32(e, e.in(0)), e.scalar(number, dtype)], [to]);
  if (to !== out) cast(e, to, out.dtype, out);
};

/** Above or below a diagonal: where a constant mask says so. */
const trilu: Row = (e) => {
  const x = e.in(0);
  const [rows, columns] = knownSizes(e, x).slice(-2) as [number, number];
  const k = e.has(1) ? e.numbers(1)?.[0] : 0;
  if (k === undefined) throw e.fail('AXES', 'the diagonal of a Trilu is computed');
  const isUpper = e.attributes.int('upper') !== 0;
  const mask = Array.from({ length: rows * columns }, (_, i) => {
    const offset = (i % columns) - Math.floor(i / columns);
    return Number(isUpper ? offset >= k : offset <= k);
  });
  const dtype = workingType(e, x.dtype, ['float32', 'int32', 'int64', 'bool']);
  const flags = e.list(mask, 'bool', [rows, columns]);
  const to = dtype === x.dtype ? e.out() : e.temp(dtype, x.shape);
  const zero = e.constantOf(0, dtype, []);
  e.op('SELECT_V2', [flags, cast(e, x, dtype), zero], [to]);
  if (dtype !== x.dtype) cast(e, to, x.dtype, e.out());
};

export const gatherRows: Readonly<Record<string, Row>> = {
  Gather: gathered,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterND: scatterND,
  ScatterElements: scatterElements,
  OneHot: oneHot,
  TopK: topK,
  NonZero: nonZero,
  Compress: compress,
  ReverseSequence: reverseSequence,
  Range: range,
  ConstantOfShape: filled,
  Trilu: trilu,
  Constant: (e, node) => {
    e.operandOf(node.outputs[0]!);
  },
};
