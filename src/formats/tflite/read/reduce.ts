import { byteLengthOf } from '../../../core/dtype.ts';
import { bytesOf } from '../../../core/tensor.ts';
import { constantOf } from '../../../ir/constant.ts';
import type { Value } from '../../../ir/graph.ts';
import { dtypeOf } from '../tensor-types.ts';
import type { OperatorReader, Row } from './operator.ts';
import { giveIntegers } from './shape.ts';
import { typeNumber, typeOf } from './values.ts';

/** No axes mean that nothing is reduced. */
const reduce =
  (op: string): Row =>
  (o) => {
    const { keepDims } = o.options('ReducerOptions');
    const known = o.numbers(1);
    const axes =
      known === null
        ? o.add('Reshape', [o.indices(1), o.ints('list', [-1])])
        : o.ints('axes', known);
    o.give(op, [o.input(0), axes], {
      keepdims: keepDims ? 1 : 0,
      noop_with_empty_axes: known?.length === 0 ? 1 : undefined,
    });
  };

const best =
  (op: 'ArgMax' | 'ArgMin'): Row =>
  (o) => {
    const axis = o.known(1)[0] ?? 0;
    giveIntegers(o, o.add(op, [o.input(0)], { axis, keepdims: 0 }));
  };

function topK(o: OperatorReader): void {
  const k = o.add('Reshape', [o.indices(1), o.ints('list', [1])]);
  const [values, places] = [o.output(0), o.output(1)];
  const indices = o.fresh('indices');
  o.node('TopK', [o.input(0), k], { axis: -1 }, [values ?? o.fresh('values'), indices]);
  if (places !== null) giveIntegers(o, indices, 1);
}

function cumulativeSum(o: OperatorReader): void {
  const { exclusive, reverse } = o.options('CumsumOptions');
  o.give('CumSum', [o.input(0), o.indices(1)], {
    exclusive: exclusive ? 1 : undefined,
    reverse: reverse ? 1 : undefined,
  });
}

/** Values in the order in which they first appear, and where each element is among them. */
function unique(o: OperatorReader): void {
  const places = o.fresh('places');
  const unused = [o.fresh('first'), o.fresh('counts')] as const;
  const values = o.output(0) ?? o.fresh('values');
  o.node('Unique', [o.input(0)], { sorted: 0 }, [values, unused[0], places, unused[1]]);
  giveIntegers(o, places, 1);
}

/** Sums of rows with the same id; ids ascend, the last says how many sums there are. */
function segmentSum(o: OperatorReader): void {
  const ids = o.indices(1);
  const known = o.numbers(1);
  const count =
    known === null
      ? o.add('Add', [o.add('ReduceMax', [ids], { keepdims: 1 }), o.ints('one', [1])])
      : o.ints('count', [(known.at(-1) ?? -1) + 1]);
  giveSegments(o, ids, count, 'add', zeroes(o), count);
}

const segments =
  (reduction: 'add' | 'mul' | 'max' | 'min', start: number): Row =>
  (o) => {
    const count = o.add('Reshape', [o.indices(2), o.ints('list', [1])]);
    // Negative ids are left out: they go to one more row, which is cut off.
    const ids = o.indices(1);
    const isOut = o.add('Less', [ids, o.ints('zero', [0])]);
    const kept = o.add('Where', [isOut, count, ids]);
    const rows = o.add('Add', [count, o.ints('one', [1])]);
    giveSegments(o, kept, rows, reduction, filled(o, start), count);
  };

function giveSegments(
  o: OperatorReader,
  ids: Value,
  rows: Value,
  reduction: string,
  start: Value,
  kept: Value,
): void {
  const data = o.input(0);
  const shape = o.add('Shape', [data], { start: o.shape(1)?.length ?? 1 });
  const whole = o.add('Concat', [rows, shape], { axis: 0 });
  const begin = o.add('Expand', [start, whole]);
  const places = o.add('Unsqueeze', [ids, o.ints('last', [-1])]);
  const inputs = [begin, places, data];
  if (kept === rows) {
    o.give('ScatterND', inputs, { reduction });
    return;
  }
  const all = o.add('ScatterND', inputs, { reduction });
  o.give('Slice', [all, o.ints('from', [0]), kept, o.ints('first', [0])]);
}

function zeroes(o: OperatorReader): Value {
  const { dtype } = typeOf(o.input(0));
  if (dtype === null || dtype === 'string') throw o.unsupported('zeros of this type');
  return o.constant('zero', constantOf(dtype, [], new Uint8Array(byteLengthOf(dtype, 1))));
}

/** A scalar of the data's type, or the type's limit for ±∞. */
function filled(o: OperatorReader, value: number): Value {
  const { dtype } = typeOf(o.input(0));
  if (dtype === 'float32') return o.scalar('start', clampFloat(value));
  if (dtype !== 'int32') throw o.unsupported(`segments of type ${dtype}`);
  const limited = Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1);
  return o.constant('start', constantOf('int32', [], bytesOf(Int32Array.of(limited))));
}

const largest = 2 ** 127 * (2 - 2 ** -23);

function clampFloat(value: number): number {
  return Math.min(Math.max(value, -largest), largest);
}

/** How many boundaries each element has passed. */
function bucketize(o: OperatorReader): void {
  const { boundaries = new Float32Array(0) } = o.options('BucketizeOptions');
  const limits = o.constant(
    'boundaries',
    constantOf('float32', [boundaries.length], bytesOf(Float32Array.from(boundaries))),
  );
  const x = o.add('Unsqueeze', [o.cast(o.input(0), 'float32'), o.ints('last', [-1])]);
  const passed = o.cast(o.add('GreaterOrEqual', [x, limits]), 'int32');
  o.give('ReduceSum', [passed, o.ints('axes', [-1])], { keepdims: 0 });
}

function oneHot(o: OperatorReader): void {
  const { axis } = o.options('OneHotOptions');
  const depth = o.add('Reshape', [o.indices(1), o.ints('list', [1])]);
  const list = o.ints('single', [1]);
  const [on, off] = [2, 3].map((index) => o.add('Reshape', [o.input(index), list]));
  o.give('OneHot', [o.input(0), depth, o.add('Concat', [off!, on!], { axis: 0 })], { axis });
}

/** The places of what is true, one row each. */
function where(o: OperatorReader): void {
  const found = o.add('NonZero', [o.input(0)]);
  giveIntegers(o, o.add('Transpose', [found], { perm: [1, 0] }));
}

function range(o: OperatorReader): void {
  o.give('Range', [o.input(0), o.input(1), o.input(2)]);
}

function randomLike(op: string): Row {
  return (o) => {
    const output = o.output(0);
    const dtype = output === null ? dtypeOf(0) : typeOf(output).dtype;
    const model = o.add('ConstantOfShape', [o.indices(0)]);
    o.give(op, [model], { dtype: typeNumber(dtype ?? 'float32') });
  };
}

export const reduceRows: Readonly<Record<string, Row>> = {
  SUM: reduce('ReduceSum'),
  MEAN: reduce('ReduceMean'),
  REDUCE_PROD: reduce('ReduceProd'),
  REDUCE_MAX: reduce('ReduceMax'),
  REDUCE_MIN: reduce('ReduceMin'),
  REDUCE_ANY: reduce('ReduceMax'),
  REDUCE_ALL: reduce('ReduceMin'),
  ARG_MAX: best('ArgMax'),
  ARG_MIN: best('ArgMin'),
  TOPK_V2: topK,
  CUMSUM: cumulativeSum,
  UNIQUE: unique,
  SEGMENT_SUM: segmentSum,
  UNSORTED_SEGMENT_SUM: segments('add', 0),
  UNSORTED_SEGMENT_PROD: segments('mul', 1),
  UNSORTED_SEGMENT_MAX: segments('max', -Infinity),
  UNSORTED_SEGMENT_MIN: segments('min', Infinity),
  BUCKETIZE: bucketize,
  ONE_HOT: oneHot,
  WHERE: where,
  RANGE: range,
  RANDOM_UNIFORM: randomLike('RandomUniformLike'),
  RANDOM_STANDARD_NORMAL: randomLike('RandomNormalLike'),
};
