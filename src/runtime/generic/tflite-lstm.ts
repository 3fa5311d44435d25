import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { sigmoid } from './functions.ts';
import { invalid, optionalAt, tensorAt } from './operands.ts';
import { cellActivation, type Each } from './tflite-activation.ts';

/** LSTMs with TFLite's weights, one matrix a gate: peepholes, projection, layer normalization, an auxiliary input.
 *  Weights that are integers count as the reals they stand for. */

/** One gate's weights. */
interface Gate {
  readonly w: Float64Array;
  /** For the auxiliary input. */
  readonly extra: Float64Array | null;
  readonly r: Float64Array;
  readonly peephole: Float64Array | null;
  readonly bias: Float64Array;
  readonly norm: Float64Array | null;
}

/** One direction. */
export interface Lstm {
  readonly inner: number;
  readonly extraInner: number;
  readonly cells: number;
  readonly outputs: number;
  /** Input gate (null: 1 − forget gate), forget, cell, output. */
  readonly gates: readonly [Gate | null, Gate, Gate, Gate];
  readonly projection: Float64Array | null;
  readonly projectionBias: Float64Array | null;
  readonly isDiagonal: boolean;
  readonly cellClip: number;
  readonly projectionClip: number;
  readonly activation: Each;
}

/** Where the inputs of a direction are. */
export interface Places {
  /** The input gate's weights; everything else follows as in an LSTM. */
  readonly first: number;
  /** The input gate's weights for the auxiliary input, if there is one. */
  readonly extra: number | null;
  /** Layer normalization of the input gate, if it can have one. */
  readonly norm: number | null;
}

/** Reads a direction's weights.
 *  @throws {ShapeError} one is missing or of another size */
export function lstmOf(c: EvaluateContext, { first, extra, norm }: Places): Lstm {
  const all = (input: number | null, size: number): Float64Array | null => {
    const tensor = input === null ? undefined : optionalAt(c, input);
    if (tensor === undefined) return null;
    if (tensor.size !== size)
      throw invalid(c, 'E_SHAPE_MISMATCH', `input ${input} has ${tensor.size} elements`);
    return numbersOf(tensor);
  };
  const needed = (input: number, size: number): Float64Array =>
    all(input, size) ?? numbersOf(tensorAt(c, input));
  const [cells, inner] = tensorAt(c, first + 3).dims as [number, number];
  const isDiagonal = c.attributes.int('diagonal_recurrent_tensors', 0) !== 0;
  const outputs = isDiagonal ? cells : tensorAt(c, first + 7).dims[1]!;
  const extraInner = (extra === null ? undefined : optionalAt(c, extra + 3))?.dims[1] ?? 0;
  const peepholes = [first + 8, first + 9, null, first + 10];
  const gate = (index: number): Gate => ({
    w: needed(first + index, cells * inner),
    extra: extra === null ? null : all(extra + index, cells * extraInner),
    r: needed(first + 4 + index, isDiagonal ? cells : cells * outputs),
    peephole: all(peepholes[index]!, cells),
    bias: needed(first + 11 + index, cells),
    norm: norm === null ? null : all(norm + index, cells),
  });
  const limit = (name: string): number => c.attributes.float(name) || Infinity;
  return {
    inner,
    extraInner,
    cells,
    outputs,
    gates: [c.inputs[first] == null ? null : gate(0), gate(1), gate(2), gate(3)],
    projection: all(first + 15, outputs * cells),
    projectionBias: all(first + 16, outputs),
    isDiagonal,
    cellClip: limit('cell_clip'),
    projectionClip: limit('proj_clip'),
    activation: cellActivation(c),
  };
}

/** sums[k] += Σ rows of w · x */
function addProduct(sums: Float64Array, w: Float64Array, x: Float64Array): void {
  for (let k = 0; k < sums.length; k++) {
    let sum = 0;
    const at = k * x.length;
    for (let i = 0; i < x.length; i++) sum += w[at + i]! * x[i]!;
    sums[k]! += sum;
  }
}

function sumsOf(
  lstm: Lstm,
  gate: Gate,
  x: Float64Array,
  extra: Float64Array | null,
  h: Float64Array,
  s: Float64Array,
): Float64Array {
  const sums = gate.norm === null ? gate.bias.slice() : new Float64Array(lstm.cells);
  addProduct(sums, gate.w, x);
  if (gate.extra !== null && extra !== null) addProduct(sums, gate.extra, extra);
  if (!lstm.isDiagonal) addProduct(sums, gate.r, h);
  else for (let k = 0; k < sums.length; k++) sums[k]! += gate.r[k]! * h[k]!;
  if (gate.peephole !== null)
    for (let k = 0; k < sums.length; k++) sums[k]! += gate.peephole[k]! * s[k]!;
  if (gate.norm === null) return sums;
  const count = sums.length;
  const mean = sums.reduce((a, b) => a + b, 0) / count;
  const variance = sums.reduce((a, b) => a + (b - mean) * (b - mean), 0) / count;
  // The constant is TFLite's.
  const scale = 1 / Math.sqrt(variance + 1e-8);
  return sums.map((v, k) => (v - mean) * scale * gate.norm![k]! + gate.bias[k]!);
}

const limited = (x: Float64Array, limit: number): Float64Array =>
  limit === Infinity ? x : x.map((v) => Math.min(Math.max(v, -limit), limit));

/** One step for one item: the states h and s are changed. */
export function lstmStep(
  lstm: Lstm,
  x: Float64Array,
  extra: Float64Array | null,
  h: Float64Array,
  s: Float64Array,
): void {
  const { gates, cells, activation, projection, projectionBias } = lstm;
  const sums = (gate: Gate): Float64Array => sumsOf(lstm, gate, x, extra, h, s);
  const [input, forget, cell, output] = gates;
  const f = sigmoid(sums(forget));
  const i = input === null ? f.map((v) => 1 - v) : sigmoid(sums(input));
  const g = activation(sums(cell));
  s.set(
    limited(
      s.map((v, k) => f[k]! * v + i[k]! * g[k]!),
      lstm.cellClip,
    ),
  );
  const o = sigmoid(sums(output));
  const bent = activation(s.slice());
  const y = Float64Array.from({ length: cells }, (_, k) => o[k]! * bent[k]!);
  if (projection === null) {
    h.set(y);
    return;
  }
  const projected = projectionBias?.slice() ?? new Float64Array(lstm.outputs);
  addProduct(projected, projection, y);
  h.set(limited(projected, lstm.projectionClip));
}

/** A sequence's items by batch and time. */
export interface Sequence {
  readonly batch: number;
  readonly steps: number;
  row(n: number, t: number): number;
}

/** How [time, batch, …] or [batch, time, …] is laid out; a matrix is one step. */
export function sequenceOf(c: EvaluateContext, dims: readonly number[]): Sequence {
  if (dims.length === 2) return { batch: dims[0]!, steps: 1, row: (n) => n };
  const isMajor = c.attributes.int('time_major', 0) !== 0;
  const [p, q] = dims as [number, number];
  const [batch, steps] = isMajor ? [q, p] : [p, q];
  return { batch, steps, row: isMajor ? (n, t) => t * batch + n : (n, t) => n * steps + t };
}

/** Runs a direction over a sequence.
 *  @param place  element of y where an item's result begins
 *  @param states  output and cell state [batch, …], changed */
export function runLstm(
  lstm: Lstm,
  { batch, steps, row }: Sequence,
  x: Float64Array,
  extra: Float64Array | null,
  states: readonly [Float64Array, Float64Array],
  isBackward: boolean,
  y: Float64Array,
  place: (row: number) => number,
): void {
  const { inner, extraInner, outputs, cells } = lstm;
  const part = (from: Float64Array, at: number, size: number): Float64Array =>
    from.subarray(at * size, (at + 1) * size);
  for (let n = 0; n < batch; n++) {
    const [h, s] = [part(states[0], n, outputs), part(states[1], n, cells)];
    for (let i = 0; i < steps; i++) {
      const at = row(n, isBackward ? steps - 1 - i : i);
      const more = extra === null ? null : part(extra, at, extraInner);
      lstmStep(lstm, part(x, at, inner), more, h, s);
      y.set(h, place(at));
    }
  }
}

/** Copies of the states, checked.
 *  @throws {ShapeError} of another size */
export function statesOf(
  c: EvaluateContext,
  inputs: readonly [number, number],
  { outputs, cells }: Lstm,
  batch: number,
): [Float64Array, Float64Array] {
  const read = (input: number, size: number): Float64Array => {
    const tensor = tensorAt(c, input);
    if (tensor.size !== batch * size)
      throw invalid(c, 'E_SHAPE_MISMATCH', `state ${input} has ${tensor.size} elements`);
    return numbersOf(tensor).slice();
  };
  return [read(inputs[0], outputs), read(inputs[1], cells)];
}

function oneDirection(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const lstm = lstmOf(c, { first: 1, extra: null, norm: 20 });
  const sequence = sequenceOf(c, x.dims);
  const states = statesOf(c, [18, 19], lstm, sequence.batch);
  const { outputs } = lstm;
  const y = new Float64Array(sequence.batch * sequence.steps * outputs);
  runLstm(lstm, sequence, numbersOf(x), null, states, false, y, (row) => row * outputs);
  return [
    tensorOf(x.type, y, [...x.dims.slice(0, -1), outputs]),
    ...states.map((state, i) => tensorOf(x.type, state, tensorAt(c, 18 + i).dims)),
  ];
}

function bothDirections(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const other = optionalAt(c, 39);
  const isCrossed = c.inputs[41] != null;
  const forward = lstmOf(c, { first: 1, extra: isCrossed ? 40 : null, norm: null });
  const backward = lstmOf(c, { first: 18, extra: isCrossed ? 44 : null, norm: null });
  const sequence = sequenceOf(c, x.dims);
  const values = numbersOf(x);
  const others = other === undefined ? null : numbersOf(other);
  const [before, after] = [
    statesOf(c, [35, 36], forward, sequence.batch),
    statesOf(c, [37, 38], backward, sequence.batch),
  ];
  const rows = sequence.batch * sequence.steps;
  const isMerged = c.attributes.int('merge_outputs') !== 0;
  const [p, q] = [forward.outputs, backward.outputs];
  const width = isMerged ? p + q : p;
  const y = new Float64Array(rows * width);
  const z = isMerged ? y : new Float64Array(rows * q);
  const extra = isCrossed ? others : null;
  runLstm(forward, sequence, values, extra, before, false, y, (row) => row * width);
  // Without weights of its own, the auxiliary input is what the backward direction reads.
  const given = isCrossed || others === null ? values : others;
  const place = isMerged ? (row: number) => row * width + p : (row: number) => row * q;
  runLstm(backward, sequence, given, extra, after, true, z, place);
  const shape = (size: number): number[] => [x.dims[0]!, x.dims[1]!, size];
  const results = isMerged
    ? [tensorOf(x.type, y, shape(width))]
    : [tensorOf(x.type, y, shape(p)), tensorOf(x.type, z, shape(q))];
  const states = [...before, ...after].map((state, i) =>
    tensorOf(x.type, state, tensorAt(c, 35 + i).dims),
  );
  return [...results, ...states];
}

export const tfliteLstmEvaluators: readonly Evaluator[] = [
  { op: 'LSTM', domain: 'mp', evaluate: oneDirection },
  { op: 'UnidirectionalSequenceLSTM', domain: 'mp', evaluate: oneDirection },
  { op: 'BidirectionalSequenceLSTM', domain: 'mp', evaluate: bothDirections },
];
