import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { sigmoid, tanh } from './functions.ts';
import { invalid, optionalAt, tensorAt } from './operands.ts';
import { cellActivation } from './tflite-activation.ts';
import { type Sequence, sequenceOf } from './tflite-lstm.ts';

/** TFLite's recurrent operators but its LSTMs with a matrix a gate. */

/** bias + Σ matrices · vectors */
function sums(
  bias: Float64Array,
  products: readonly (readonly [Float64Array, Float64Array])[],
): Float64Array {
  return bias.map((start, k) => {
    let sum = start;
    for (const [w, x] of products) {
      const at = k * x.length;
      for (let i = 0; i < x.length; i++) sum += w[at + i]! * x[i]!;
    }
    return sum;
  });
}

const part = (from: Float64Array, at: number, size: number): Float64Array =>
  from.subarray(at * size, (at + 1) * size);

/** A direction of a plain recurrent layer: W, R, bias and state from input `first` on. */
interface Direction {
  readonly first: number;
  readonly x: Tensor;
  readonly extra: Tensor | undefined;
  /** Weights for `extra`. */
  readonly extraWeights: Float64Array | null;
  readonly isBackward: boolean;
}

function runRnn(
  c: EvaluateContext,
  { first, x, extra, extraWeights, isBackward }: Direction,
  { batch, steps, row }: Sequence,
  y: Float64Array,
  place: (row: number) => number,
): Tensor {
  const activation = cellActivation(c);
  const [w, r, bias] = [0, 1, 2].map((i) => numbersOf(tensorAt(c, first + i))) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const state = tensorAt(c, first + 3);
  const [units, inner] = [bias.length, x.dims.at(-1)!];
  if (w.length !== units * inner || r.length !== units * units || state.size !== batch * units)
    throw invalid(c, 'E_SHAPE_MISMATCH', 'weights do not fit the input');
  const values = numbersOf(x);
  const others = extra === undefined ? null : numbersOf(extra);
  const h = numbersOf(state).slice();
  for (let n = 0; n < batch; n++) {
    const own = part(h, n, units);
    for (let i = 0; i < steps; i++) {
      const at = row(n, isBackward ? steps - 1 - i : i);
      const products: [Float64Array, Float64Array][] = [
        [w, part(values, at, inner)],
        [r, own],
      ];
      if (extraWeights !== null && others !== null)
        products.push([extraWeights, part(others, at, extra!.dims.at(-1)!)]);
      own.set(activation(sums(bias, products)));
      y.set(own, place(at));
    }
  }
  return tensorOf(x.type, h, state.dims);
}

function rnn(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const sequence = sequenceOf(c, x.dims);
  const units = tensorAt(c, 1).dims[0]!;
  const y = new Float64Array(sequence.batch * sequence.steps * units);
  const direction = { first: 1, x, extra: undefined, extraWeights: null, isBackward: false };
  const state = runRnn(c, direction, sequence, y, (row) => row * units);
  return [tensorOf(x.type, y, [...x.dims.slice(0, -1), units]), state];
}

function bothRnn(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const extra = optionalAt(c, 9);
  const sequence = sequenceOf(c, x.dims);
  const weightsAt = (input: number): Float64Array | null => {
    const tensor = optionalAt(c, input);
    return tensor === undefined ? null : numbersOf(tensor);
  };
  const [p, q] = [tensorAt(c, 1).dims[0]!, tensorAt(c, 5).dims[0]!];
  const isMerged = c.attributes.int('merge_outputs') !== 0;
  const width = isMerged ? p + q : p;
  const rows = sequence.batch * sequence.steps;
  const y = new Float64Array(rows * width);
  const z = isMerged ? y : new Float64Array(rows * q);
  const isCrossed = c.inputs[11] != null;
  const forward = { first: 1, x, extra, extraWeights: weightsAt(10), isBackward: false };
  const before = runRnn(c, forward, sequence, y, (row) => row * width);
  // Without weights of its own, the auxiliary input is what the backward direction reads.
  const given = isCrossed ? x : (extra ?? x);
  const backward = { first: 5, x: given, extra, extraWeights: weightsAt(11), isBackward: true };
  const place = isMerged ? (row: number) => row * width + p : (row: number) => row * q;
  const after = runRnn(c, backward, sequence, z, place);
  const shape = (size: number): number[] => [x.dims[0]!, x.dims[1]!, size];
  const results = isMerged
    ? [tensorOf(x.type, y, shape(width))]
    : [tensorOf(x.type, y, shape(p)), tensorOf(x.type, z, shape(q))];
  return [...results, before, after];
}

/** One matrix for all gates, over the input beside the last activation. */
function basicLstm(c: EvaluateContext): Tensor[] {
  const [x, before, w, b, s] = [0, 1, 2, 3, 4].map((input) => tensorAt(c, input)) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const [batch, inner] = x.dims as [number, number];
  const units = before.dims[1]!;
  const depth = inner + units;
  if (w.size !== 4 * units * depth || b.size !== 4 * units || s.size !== batch * units)
    throw invalid(c, 'E_SHAPE_MISMATCH', 'weights do not fit the input');
  const [xs, hs, ws, bs] = [x, before, w, b].map(numbersOf) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const state = numbersOf(s).slice();
  const beside = new Float64Array(batch * depth);
  const gates = new Float64Array(batch * 4 * units);
  const activation = new Float64Array(batch * units);
  for (let n = 0; n < batch; n++) {
    const joined = part(beside, n, depth);
    joined.set(part(xs, n, inner));
    joined.set(part(hs, n, units), inner);
    const all = sums(bs, [[ws, joined]]);
    gates.set(all, n * 4 * units);
    const gate = (index: number): Float64Array => part(all, index, units);
    const [i, f, o] = [sigmoid(gate(0)), sigmoid(gate(2)), sigmoid(gate(3))];
    const g = tanh(gate(1));
    const own = part(state, n, units);
    own.set(own.map((v, k) => i[k]! * g[k]! + f[k]! * v));
    activation.set(
      tanh(own.slice()).map((v, k) => o[k]! * v),
      n * units,
    );
  }
  const y = tensorOf(x.type, activation, before.dims);
  const after = tensorOf(x.type, state, s.dims);
  const joined = tensorOf(x.type, beside, [batch, depth]);
  return [y, after, joined, tensorOf(x.type, gates, [batch, 4 * units]), y, after];
}

/** A memory of the last M products with feature weights for each filter, weighted and summed over `rank` filters. */
function svdf(c: EvaluateContext): Tensor[] {
  const [x, feature, time] = [tensorAt(c, 0), tensorAt(c, 1), tensorAt(c, 2)];
  const [bias, state] = [optionalAt(c, 3), tensorAt(c, 4)];
  const [batch, inner] = x.dims as [number, number];
  const [filters, steps] = time.dims as [number, number];
  const rank = c.attributes.int('rank');
  const units = Math.floor(filters / rank);
  if (feature.size !== filters * inner || state.size !== batch * filters * steps)
    throw invalid(c, 'E_SHAPE_MISMATCH', 'weights do not fit the input');
  const [xs, fs, ts] = [numbersOf(x), numbersOf(feature), numbersOf(time)];
  const memory = numbersOf(state).slice();
  memory.copyWithin(0, 1);
  const zeros = new Float64Array(filters);
  const bs = bias === undefined ? new Float64Array(units) : numbersOf(bias);
  const y = new Float64Array(batch * units);
  for (let n = 0; n < batch; n++) {
    const newest = sums(zeros, [[fs, part(xs, n, inner)]]);
    for (let f = 0; f < filters; f++) {
      const at = (n * filters + f) * steps;
      memory[at + steps - 1] = newest[f]!;
      let sum = 0;
      for (let t = 0; t < steps; t++) sum += ts[f * steps + t]! * memory[at + t]!;
      const unit = Math.floor(f / rank);
      if (unit < units) y[n * units + unit]! += sum;
    }
    for (let unit = 0; unit < units; unit++) y[n * units + unit]! += bs[unit]!;
  }
  const result = cellActivation(c)(y);
  return [tensorOf(x.type, result, [batch, units]), tensorOf(x.type, memory, state.dims)];
}

export const tfliteRecurrentEvaluators: readonly Evaluator[] = [
  { op: 'SVDF', domain: 'mp', evaluate: svdf },
  { op: 'RNN', domain: 'mp', evaluate: rnn },
  { op: 'UnidirectionalSequenceRNN', domain: 'mp', evaluate: rnn },
  { op: 'BidirectionalSequenceRNN', domain: 'mp', evaluate: bothRnn },
  { op: 'BasicLSTM', domain: 'mp', evaluate: basicLstm },
];
