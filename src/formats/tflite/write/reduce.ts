import type { DType } from '../../../core/dtype.ts';
import {
  asInt32,
  binary,
  cast,
  like,
  pad,
  reduce,
  reshape,
  same,
  transpose,
  unary,
} from './blocks.ts';
import { workingType } from './elementwise.ts';
import { type Emitter, knownRank, knownSizes, type Row } from './emitter.ts';
import type { Operand } from './operand.ts';
import { power, root } from './pool.ts';

const numbers: readonly DType[] = ['float32', 'int32', 'int64'];

/** The axes of a reduction: input 1, all by default; null where nothing is to be done. Computed ones stay so. */
function axesOf(e: Emitter, x: Operand): number[] | Operand | null {
  const rank = knownRank(e, x);
  let given = e.has(1) ? e.numbers(1) : (e.attributes.ints('axes') ?? []);
  if (given === null) {
    const computed = e.in(1);
    if (computed.shape?.[0] !== 0) return asInt32(e, computed);
    given = [];
  }
  if (given.length > 0) return given.map((axis) => (axis < 0 ? axis + rank : axis));
  if (e.attributes.int('noop_with_empty_axes', 0) !== 0) return null;
  return Array.from({ length: rank }, (_, axis) => axis);
}

type Step = (e: Emitter, x: Operand, out?: Operand) => Operand;

/** @param before  done to each element, @param after to what comes out */
const reduction =
  (name: string, has: readonly DType[], before?: Step, after?: Step): Row =>
  (e) => {
    const x = e.in(0);
    const axes = axesOf(e, x);
    const out = e.out();
    const dtype = workingType(e, x.dtype, has);
    const isDirect = before === undefined && after === undefined && dtype === x.dtype;
    if (axes === null && isDirect) return same(e, x);
    const keepDims = e.attributes.int('keepdims', 1) !== 0;
    const wide = cast(e, x, dtype);
    const prepared = before === undefined ? wide : before(e, wide);
    const isLast = after === undefined && dtype === x.dtype;
    const reduced =
      axes === null
        ? prepared
        : reduce(e, name, prepared, axes, keepDims, isLast ? out : undefined);
    const done =
      after === undefined ? reduced : after(e, reduced, dtype === x.dtype ? out : undefined);
    if (done !== out) {
      if (dtype === x.dtype) binary(e, 'ADD', done, e.scalar(0, dtype), out);
      else cast(e, done, x.dtype, out);
    }
  };

const square: Step = (e, x) =>
  x.dtype === 'float32' ? unary(e, 'SQUARE', x) : binary(e, 'MUL', x, x);
const absolute: Step = (e, x) => unary(e, 'ABS', x);

/** max + log Σ e^(x − max): overflows nowhere. */
const logSumExp: Row = (e) => {
  const x = e.in(0);
  const axes = axesOf(e, x) ?? [];
  const out = e.out();
  const keepDims = e.attributes.int('keepdims', 1) !== 0;
  const top = reduce(e, 'REDUCE_MAX', x, axes, true);
  // What is all −∞ has no distance from its maximum.
  const finite = binary(e, 'MAXIMUM', top, e.scalar(-3.4028234663852886e38));
  const sum = reduce(e, 'SUM', unary(e, 'EXP', binary(e, 'SUB', x, finite)), axes, keepDims);
  const shift = keepDims ? finite : reshape(e, finite, out.shape ?? []);
  binary(e, 'ADD', unary(e, 'LOG', sum), shift, out);
};

const extreme =
  (name: string, flags: string): Row =>
  (e) => {
    const x = e.in(0);
    if (x.dtype !== 'bool') return reduction(name, [...numbers, 'int8', 'uint8'])(e, e.node);
    reduction(flags, ['bool'])(e, e.node);
  };

/** The first place of the largest element, or the last. */
const argument =
  (name: 'ARG_MAX' | 'ARG_MIN'): Row =>
  (e) => {
    const x = e.in(0);
    const rank = knownRank(e, x);
    const { attributes } = e;
    const axis = ((attributes.int('axis') % rank) + rank) % rank;
    const dtype = workingType(e, x.dtype, ['float32', 'int32', 'int8', 'uint8']);
    const input = cast(e, x, dtype);
    const out = e.out();
    const isLast = attributes.int('select_last_index') !== 0;
    const shape = x.shape!.filter((_, index) => index !== axis);
    const keeps = attributes.int('keepdims') !== 0;
    const found = keeps || isLast ? e.temp('int64', shape) : out;
    const type = name === 'ARG_MAX' ? 'ArgMaxOptions' : 'ArgMinOptions';
    const options = { type, value: { outputType: 4 } } as const;
    if (!isLast) e.op(name, [input, e.scalar(axis, 'int32')], [found], options);
    else {
      const size = knownSizes(e, x)[axis]!;
      const reversed = e.temp(dtype, x.shape);
      e.op('REVERSE_V2', [input, e.ints([axis])], [reversed]);
      const place = e.temp('int64', shape);
      e.op(name, [reversed, e.scalar(axis, 'int32')], [place], options);
      const to = keeps ? found : out;
      binary(e, 'SUB', e.scalar(size - 1, 'int64'), place, to);
    }
    if (keeps) reshape(e, found, out.shape!, out);
  };

/** An operator along the last axis, on any.
 *  @param emit  for an operand whose axis is the last one */
export function alongAxis(
  e: Emitter,
  x: Operand,
  axis: number,
  out: Operand,
  emit: (x: Operand, out: Operand) => void,
): void {
  const rank = knownRank(e, x);
  const at = axis < 0 ? axis + rank : axis;
  if (at === rank - 1 || rank === 0) {
    emit(x, out);
    return;
  }
  const perm = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== at);
  perm.push(at);
  const back = perm.map((_, i) => perm.indexOf(i));
  const turned = transpose(e, x, perm);
  const result = like(e, turned, turned.shape);
  emit(turned, result);
  transpose(e, result, back, out);
}

const softmax =
  (name: 'SOFTMAX' | 'LOG_SOFTMAX'): Row =>
  (e) => {
    alongAxis(e, e.in(0), e.attributes.int('axis'), e.out(), (x, out) => {
      if (name === 'SOFTMAX') {
        e.op(name, [x], [out], { type: 'SoftmaxOptions', value: { beta: 1 } });
      } else e.op(name, [x], [out], { type: 'LogSoftmaxOptions', value: {} });
    });
  };

/** 1 at the first of the largest, else 0. */
const hardmax: Row = (e) => {
  alongAxis(e, e.in(0), e.attributes.int('axis'), e.out(), (x, out) => {
    const depth = knownSizes(e, x).at(-1)!;
    const place = e.temp('int32', x.shape!.slice(0, -1));
    const last = e.scalar(x.shape!.length - 1, 'int32');
    e.op('ARG_MAX', [x, last], [place], { type: 'ArgMaxOptions', value: { outputType: 2 } });
    const inputs = [place, e.scalar(depth, 'int32'), e.scalar(1), e.scalar(0)];
    e.op('ONE_HOT', inputs, [out], { type: 'OneHotOptions', value: { axis: -1 } });
  });
};

const cumulative: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  const dtype = workingType(e, x.dtype, numbers);
  const rank = knownRank(e, x);
  const axis = e.numbers(1)?.[0];
  if (axis === undefined) throw e.fail('AXES', 'the axis of a sum is computed');
  const value = {
    exclusive: e.attributes.int('exclusive') !== 0,
    reverse: e.attributes.int('reverse') !== 0,
  };
  const to = dtype === x.dtype ? out : e.temp(dtype, x.shape);
  const at = e.scalar(axis < 0 ? axis + rank : axis, 'int32');
  e.op('CUMSUM', [cast(e, x, dtype), at], [to], { type: 'CumsumOptions', value });
  if (to !== out) cast(e, to, x.dtype, out);
};

/** x / ‖x‖ along an axis. */
const lpNormalization: Row = (e) => {
  const x = e.in(0);
  const axis = e.attributes.int('axis', -1);
  const p = e.attributes.int('p', 2);
  const sum = reduce(e, 'SUM', power(e, x, p), [axis], true);
  const norm = root(e, sum, p);
  // What is all 0 stays 0.
  const isZero = binary(e, 'EQUAL', norm, e.scalar(0), undefined, undefined, 'bool');
  const by = e.temp('float32', norm.shape);
  e.op('SELECT_V2', [isZero, e.scalar(1), norm], [by]);
  binary(e, 'DIV', x, by, e.out());
};

/** x / (bias + alpha / size · Σ x²)^beta over neighboring channels of [N, …, C]. */
const localResponse: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  const { attributes } = e;
  const size = attributes.int('size');
  const [alpha, beta] = [attributes.float('alpha'), attributes.float('beta')];
  const bias = attributes.float('bias');
  if (size % 2 === 1 && knownRank(e, x) === 4) {
    const value = { radius: (size - 1) / 2, bias, alpha: Math.fround(alpha / size), beta };
    const type = 'LocalResponseNormalizationOptions';
    e.op('LOCAL_RESPONSE_NORMALIZATION', [x], [out], { type, value });
    return;
  }
  const sizes = knownSizes(e, x);
  const channels = sizes.at(-1)!;
  const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const flat = reshape(
    e,
    unary(e, 'SQUARE', x),
    [-1, channels].map((d) => (d < 0 ? null : d)),
  );
  const padded = pad(e, flat, [
    [0, 0],
    [before, after],
  ]);
  let sum: Operand | null = null;
  for (let i = 0; i < size; i++) {
    const part = e.temp('float32', flat.shape);
    e.op('SLICE', [padded, e.ints([0, i]), e.ints([-1, channels])], [part]);
    sum = sum === null ? part : binary(e, 'ADD', sum, part);
  }
  const mean = binary(e, 'ADD', binary(e, 'MUL', sum!, e.scalar(alpha / size)), e.scalar(bias));
  const by = reshape(e, binary(e, 'POW', mean, e.scalar(beta)), sizes);
  binary(e, 'DIV', x, by, out);
};

export const reduceRows: Readonly<Record<string, Row>> = {
  ReduceSum: reduction('SUM', numbers),
  ReduceMean: reduction('MEAN', numbers),
  ReduceProd: reduction('REDUCE_PROD', numbers),
  ReduceMax: extreme('REDUCE_MAX', 'REDUCE_ANY'),
  ReduceMin: extreme('REDUCE_MIN', 'REDUCE_ALL'),
  ReduceL1: reduction('SUM', ['float32', 'int32'], absolute),
  ReduceL2: reduction('SUM', ['float32'], square, (e, x, out) => unary(e, 'SQRT', x, out)),
  ReduceSumSquare: reduction('SUM', numbers, square),
  ReduceLogSum: reduction('SUM', ['float32'], undefined, (e, x, out) => unary(e, 'LOG', x, out)),
  ReduceLogSumExp: logSumExp,
  ArgMax: argument('ARG_MAX'),
  ArgMin: argument('ARG_MIN'),
  Softmax: softmax('SOFTMAX'),
  LogSoftmax: softmax('LOG_SOFTMAX'),
  Hardmax: hardmax,
  CumSum: cumulative,
  LpNormalization: lpNormalization,
  'mp.LRN': localResponse,
};
