import { bytesOf } from '../../core/tensor.ts';
import { constantOf, realsNow } from '../../ir/constant.ts';
import type { Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import { activationOf } from '../../ops/activation.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';
import {
  activated,
  type Emit,
  int,
  type LstmWeights,
  lstmStep,
  lstmWeights,
  product,
  type RnnWeights,
  rnnStep,
} from './tflite-cells.ts';
import { beside, scan, type Walk } from './tflite-scan.ts';

/** TFLite's recurrent operators in ONNX's: LSTM and RNN where these mean the same, else a Scan over a cell of simple
 *  operators. */

/** A state as a matrix of rows of `size`, and back. */
function asMatrix(p: Parts, state: Value, size: number): Value {
  const { type } = state;
  if (type?.kind === 'tensor' && type.shape?.length === 2) return state;
  return beside(p).op('Reshape', [state, p.ints([-1, size])]);
}

function endState(p: Parts, index: number, value: Value, like: Value): void {
  const { type } = like;
  const rank = type?.kind === 'tensor' ? (type.shape?.length ?? null) : null;
  const isMatrix = rank === null || rank === 2;
  p.end(index, isMatrix ? value : beside(p).op('Reshape', [value, p.ints(p.dims(like))]));
}

/** Weights below each other with a first axis of 1: a constant where all of them are.
 *  @param signs  −1 where a weight counts negatively */
function stacked(p: Parts, weights: readonly Value[], signs: readonly number[]): Value {
  const dims = p.dims(weights[0]!);
  const rows = weights.reduce((sum, weight) => sum + p.dims(weight)[0]!, 0);
  const known = weights.map(realsNow);
  if (known.every((floats) => floats !== null)) {
    const all = new Float32Array(known.reduce((sum, floats) => sum + floats.length, 0));
    let at = 0;
    known.forEach((floats, i) => {
      for (const value of floats) all[at++] = signs[i]! * value;
    });
    return p.constant(constantOf('float32', [1, rows, ...dims.slice(1)], bytesOf(all)), 'weights');
  }
  const e = beside(p);
  const parts = weights.map((weight, i) => (signs[i]! < 0 ? e.op('Neg', [weight]) : weight));
  return e.op('Unsqueeze', [e.op('Concat', parts, { axis: int(0) }), p.ints([0])]);
}

/** Names of functions in ONNX's cells; null where it has none. */
function functionOf(p: Parts): string | null {
  const { kind } = activationOf(p.node);
  return kind === 'Tanh' || kind === 'Relu' ? kind : null;
}

const isMajor = (p: Parts): boolean => p.attributes.int('time_major') !== 0;

/** x [T, B, …], whatever the layout. */
function timeFirst(p: Parts, x: Value): Value {
  if (isMajor(p)) return x;
  return beside(p).op('Transpose', [x], { perm: { type: 'ints', value: [1, 0, 2] } });
}

interface Results {
  readonly all: Value;
  readonly states: readonly Value[];
}

/** A layer of ONNX: Y [T, 1, B, H], then states [1, B, H]. */
function layer(
  p: Parts,
  op: 'LSTM' | 'RNN',
  inputs: readonly (Value | null)[],
  hidden: number,
  functions: readonly string[],
  isBackward: boolean,
): Results {
  const e = beside(p);
  const attributes: [string, Attribute][] = [
    ['hidden_size', int(hidden)],
    ['activations', { type: 'strings', value: functions }],
    ['direction', { type: 'string', value: isBackward ? 'reverse' : 'forward' }],
  ];
  const [y, ...states] = p.raw(op, inputs, op === 'LSTM' ? 3 : 2, attributes);
  const flat = e.op('Squeeze', [y!, p.ints([1])]);
  return {
    all: timeFirst(p, flat),
    states: states.map((state) => e.op('Squeeze', [state, p.ints([0])])),
  };
}

/** ONNX's LSTM, where it means the same: gates in its order, and without an input gate the negative of the forget
 *  gate, since σ(−z) = 1 − σ(z). */
function asLstm(
  p: Parts,
  weights: LstmWeights,
  x: Value,
  h: Value,
  s: Value,
  isBackward: boolean,
): Results | null {
  const name = functionOf(p);
  const { attributes } = p;
  if (name === null || weights.projection !== null || weights.norm[3] != null) return null;
  if (attributes.float('cell_clip') > 0 || weights.extra[1] != null) return null;
  if (attributes.int('diagonal_recurrent_tensors', 0) !== 0) return null;
  const order = [weights.w[0] === null ? 1 : 0, 3, 1, 2];
  const signs = [weights.w[0] === null ? -1 : 1, 1, 1, 1];
  const pick = (list: readonly (Value | null)[], from: readonly number[]): Value[] | null => {
    const found = from.map((i) => list[i] ?? null);
    return found.some((value) => value === null) ? null : (found as Value[]);
  };
  const [w, r, b] = [weights.w, weights.r, weights.bias].map((list) => pick(list, order));
  if (w == null || r == null || b == null) return null;
  const cells = p.dims(w[0]!)[0]!;
  const hasPeepholes = weights.peepholes[1] !== null;
  const peepholes = hasPeepholes ? pick(weights.peepholes, order.slice(0, 3)) : null;
  if (hasPeepholes && peepholes === null) return null;
  const e = beside(p);
  const first = p.ints([0]);
  const zeros = p.floats(new Float32Array(4 * cells));
  const inputs = [
    timeFirst(p, x),
    stacked(p, w, signs),
    stacked(p, r, signs),
    stacked(p, [...b, zeros], [...signs, 1]),
    null,
    e.op('Unsqueeze', [h, first]),
    e.op('Unsqueeze', [s, first]),
    ...(peepholes === null ? [] : [stacked(p, peepholes, signs)]),
  ];
  return layer(p, 'LSTM', inputs, cells, ['Sigmoid', name, name], isBackward);
}

function asRnn(
  p: Parts,
  { w, r, bias, extra }: RnnWeights,
  x: Value,
  h: Value,
  isBackward: boolean,
): Results | null {
  const name = functionOf(p);
  if (name === null || extra !== null) return null;
  const units = p.dims(w)[0]!;
  const inputs = [
    timeFirst(p, x),
    stacked(p, [w], [1]),
    stacked(p, [r], [1]),
    stacked(p, [bias, p.floats(new Float32Array(units))], [1, 1]),
    null,
    beside(p).op('Unsqueeze', [h, p.ints([0])]),
  ];
  return layer(p, 'RNN', inputs, units, [name], isBackward);
}

function walked(p: Parts, walk: Omit<Walk, 'isMajor'>): Results {
  return scan(p, { ...walk, isMajor: isMajor(p) });
}

/** A direction of an LSTM over a sequence. */
function runLstm(
  p: Parts,
  weights: LstmWeights,
  x: Value,
  extra: Value | null,
  states: readonly [number, number],
  isBackward: boolean,
): Results {
  const cells = p.dims(weights.w[3] ?? p.stop('a gate without weights'))[0]!;
  const outputs = weights.projection === null ? cells : p.dims(weights.projection)[0]!;
  const h = asMatrix(p, p.in(states[0]), outputs);
  const s = asMatrix(p, p.in(states[1]), cells);
  const same = asLstm(p, weights, x, h, s, isBackward);
  if (same !== null) return same;
  return walked(p, {
    isBackward,
    states: [h, s],
    inputs: extra === null ? [x] : [x, extra],
    step: (e, [before, cell], [item, more]) => {
      const next = lstmStep(e, weights, item!, more ?? null, before!, cell!);
      return [next.h, next.s];
    },
  });
}

function endLstm(p: Parts, from: number, inputs: readonly number[], states: readonly Value[]) {
  states.forEach((state, i) => {
    endState(p, from + i, state, p.in(inputs[i]!));
  });
}

const sequenceLstm: Expansion = (p) => {
  const { all, states } = runLstm(p, lstmWeights(p, 1, null, 20), p.in(0), null, [18, 19], false);
  p.end(0, all);
  endLstm(p, 1, [18, 19], states);
};

const oneLstm: Expansion = (p) => {
  const weights = lstmWeights(p, 1, null, 20);
  const e = beside(p);
  const cells = p.dims(weights.w[3] ?? p.stop('a gate without weights'))[0]!;
  const outputs = weights.projection === null ? cells : p.dims(weights.projection)[0]!;
  const h = asMatrix(p, p.in(18), outputs);
  const next = lstmStep(e, weights, p.in(0), null, h, asMatrix(p, p.in(19), cells));
  p.end(0, e.op('Identity', [next.h]));
  endLstm(p, 1, [18, 19], [next.h, next.s]);
};

/** Both directions' results: beside each other, or apart. */
function endBoth(p: Parts, forward: Value, backward: Value): number {
  if (p.attributes.int('merge_outputs') !== 0) {
    p.end(0, beside(p).op('Concat', [forward, backward], { axis: int(-1) }));
    return 1;
  }
  p.end(0, forward);
  p.end(1, backward);
  return 2;
}

const bothLstm: Expansion = (p) => {
  const isCrossed = p.has(41);
  const extra = isCrossed ? p.in(39) : null;
  const x = p.in(0);
  const first = lstmWeights(p, 1, isCrossed ? 40 : null, null);
  const second = lstmWeights(p, 18, isCrossed ? 44 : null, null);
  const forward = runLstm(p, first, x, extra, [35, 36], false);
  const own = isCrossed ? x : (p.maybe(39) ?? x);
  const backward = runLstm(p, second, own, extra, [37, 38], true);
  const from = endBoth(p, forward.all, backward.all);
  endLstm(p, from, [35, 36, 37, 38], [...forward.states, ...backward.states]);
};

function rnnWeights(p: Parts, first: number, extra: number): RnnWeights {
  return {
    w: p.in(first),
    r: p.in(first + 1),
    bias: p.in(first + 2),
    extra: p.maybe(extra),
  };
}

function runRnn(
  p: Parts,
  weights: RnnWeights,
  x: Value,
  extra: Value | null,
  state: Value,
  isBackward: boolean,
): Results {
  const same = asRnn(p, weights, x, state, isBackward);
  if (same !== null) return same;
  return walked(p, {
    isBackward,
    states: [state],
    inputs: extra === null ? [x] : [x, extra],
    step: (e, [h], [item, more]) => [rnnStep(e, weights, item!, more ?? null, h!)],
  });
}

const sequenceRnn: Expansion = (p) => {
  const { all, states } = runRnn(p, rnnWeights(p, 1, -1), p.in(0), null, p.in(4), false);
  p.end(0, all);
  p.end(1, states[0]!);
};

const oneRnn: Expansion = (p) => {
  const e = beside(p);
  const y = rnnStep(e, rnnWeights(p, 1, -1), p.in(0), null, p.in(4));
  p.end(0, e.op('Identity', [y]));
  p.end(1, e.op('Identity', [y]));
};

const bothRnn: Expansion = (p) => {
  const isCrossed = p.has(11);
  const extra = isCrossed ? p.in(9) : null;
  const x = p.in(0);
  const forward = runRnn(p, rnnWeights(p, 1, 10), x, extra, p.in(4), false);
  const own = isCrossed ? x : (p.maybe(9) ?? x);
  const backward = runRnn(p, rnnWeights(p, 5, 11), own, extra, p.in(8), true);
  const from = endBoth(p, forward.all, backward.all);
  p.end(from, forward.states[0]!);
  p.end(from + 1, backward.states[0]!);
};

const basicLstm: Expansion = (p) => {
  const e = beside(p);
  const joined = e.op('Concat', [p.in(0), p.in(1)], { axis: int(1) });
  const gates = product(e, joined, p.in(2), p.in(3));
  const [i, g, f, o] = p.raw('Split', [gates], 4, [
    ['axis', int(1)],
    ['num_outputs', int(4)],
  ]) as [Value, Value, Value, Value];
  const gain = e.op('Mul', [e.op('Sigmoid', [i]), e.op('Tanh', [g])]);
  const kept = e.op('Mul', [e.op('Sigmoid', [f]), p.in(4)]);
  const s = e.op('Add', [gain, kept]);
  const y = e.op('Mul', [e.op('Sigmoid', [o]), e.op('Tanh', [s])]);
  [y, s, joined, gates, y, s].forEach((value, index) => {
    p.end(index, e.op('Identity', [value]));
  });
};

/** The newest product beside all but the oldest, weighted and summed. */
const svdf: Expansion = (p) => {
  const e: Emit = beside(p);
  const [filters, steps] = p.dims(p.in(2)) as [number, number];
  const rank = p.attributes.int('rank');
  const newest = e.op('Unsqueeze', [product(e, p.in(0), p.in(1), null), p.ints([2])]);
  const before = e.op('Reshape', [p.in(4), p.ints([-1, filters, steps])]);
  const kept = e.op('Slice', [before, p.ints([1]), p.ints([steps]), p.ints([2])]);
  const memory = e.op('Concat', [kept, newest], { axis: int(2) });
  const keep = { keepdims: int(0) };
  const sums = e.op('ReduceSum', [e.op('Mul', [memory, p.in(2)]), p.ints([2])], keep);
  const grouped = e.op('Reshape', [sums, p.ints([-1, filters / rank, rank])]);
  const units = e.op('ReduceSum', [grouped, p.ints([2])], keep);
  const bias = p.maybe(3);
  const biased = bias === null ? units : e.op('Add', [units, bias]);
  p.end(0, activated(e, p.node, biased));
  p.end(1, e.op('Reshape', [memory, p.ints([-1, filters * steps])]));
};

export const tfliteRecurrentExpansions: Readonly<Record<string, Expansion>> = {
  'mp:SVDF': svdf,
  'mp:RNN': oneRnn,
  'mp:UnidirectionalSequenceRNN': sequenceRnn,
  'mp:BidirectionalSequenceRNN': bothRnn,
  'mp:LSTM': oneLstm,
  'mp:BasicLSTM': basicLstm,
  'mp:UnidirectionalSequenceLSTM': sequenceLstm,
  'mp:BidirectionalSequenceLSTM': bothLstm,
};
