import type { Tensor } from '../../core/tensor.ts';
import {
  elu,
  hardSigmoid,
  leaky,
  type Scalar,
  scaledTanh,
  sigmoidOf,
  softplusOf,
  softsign,
  tanhOf,
  thresholded,
} from './cell-functions.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { floatsIn, integersAt, invalid, optionalAt, stringsIn, tensorAt } from './operands.ts';

/** A recurrent layer's sizes and what its cells compute with. */
interface Layer {
  readonly c: EvaluateContext;
  readonly hidden: number;
  readonly inner: number;
  readonly batch: number;
  readonly steps: number;
  readonly gates: number;
  readonly x: Float64Array;
  readonly w: Float64Array;
  readonly r: Float64Array;
  readonly b: Float64Array | null;
  readonly peepholes: Float64Array | null;
  readonly functions: readonly Scalar[];
  /** Limit of what goes into activations. */
  readonly clip: number;
}

/** One step of a cell: gates are x·Wᵀ + Wb, not yet what the state adds.
 *  @param at  first element of the direction's biases, weights … by gate count */
type Cell = (
  layer: Layer,
  direction: number,
  own: Float64Array,
  h: Float64Array,
  s: Float64Array,
) => void;

/** Row `row` of R·h, with its bias. */
function recurrent(
  { hidden, gates, r, b }: Layer,
  direction: number,
  row: number,
  h: ArrayLike<number>,
): number {
  const at = (direction * gates * hidden + row) * hidden;
  let sum = b === null ? 0 : b[(2 * direction + 1) * gates * hidden + row]!;
  for (let i = 0; i < hidden; i++) sum += r[at + i]! * h[i]!;
  return sum;
}

const limited = (value: number, clip: number): number => Math.min(Math.max(value, -clip), clip);

const rnn: Cell = (layer, direction, own, h) => {
  const before = h.slice();
  for (let i = 0; i < layer.hidden; i++) {
    const sum = own[i]! + recurrent(layer, direction, i, before);
    h[i] = layer.functions[direction]!(limited(sum, layer.clip));
  }
};

const lstm: Cell = (layer, direction, own, h, s) => {
  const { hidden, clip, functions, peepholes, c } = layer;
  const [f, g, last] = functions.slice(3 * direction) as [Scalar, Scalar, Scalar];
  const before = h.slice();
  const isCoupled = c.attributes.int('input_forget', 0) !== 0;
  const peep = (gate: number, i: number): number =>
    peepholes === null ? 0 : peepholes[(3 * direction + gate) * hidden + i]!;
  for (let i = 0; i < hidden; i++) {
    const sum = (gate: number): number =>
      own[gate * hidden + i]! + recurrent(layer, direction, gate * hidden + i, before);
    const input = f(limited(sum(0) + peep(0, i) * s[i]!, clip));
    const forget = isCoupled ? 1 - input : f(limited(sum(2) + peep(2, i) * s[i]!, clip));
    const state = forget * s[i]! + input * g(limited(sum(3), clip));
    const output = f(limited(sum(1) + peep(1, i) * state, clip));
    s[i] = state;
    h[i] = output * last(state);
  }
};

const gru: Cell = (layer, direction, own, h) => {
  const { hidden, clip, functions, c } = layer;
  const [f, g] = functions.slice(2 * direction) as [Scalar, Scalar];
  const before = h.slice();
  const resetLast = c.attributes.int('linear_before_reset', 0) !== 0;
  const gate = (row: number): number =>
    f(limited(own[row]! + recurrent(layer, direction, row, before), clip));
  const reset = Float64Array.from({ length: hidden }, (_, i) => gate(hidden + i));
  const scaled = before.map((value, i) => value * reset[i]!);
  for (let i = 0; i < hidden; i++) {
    const update = gate(i);
    const row = 2 * hidden + i;
    const extra = resetLast
      ? reset[i]! * recurrent(layer, direction, row, before)
      : recurrent(layer, direction, row, scaled);
    const fresh = g(limited(own[row]! + extra, clip));
    h[i] = (1 - update) * fresh + update * before[i]!;
  }
};

const cells: Readonly<Record<string, { cell: Cell; gates: number; functions: readonly string[] }>> =
  {
    RNN: { cell: rnn, gates: 1, functions: ['Tanh'] },
    GRU: { cell: gru, gates: 3, functions: ['Sigmoid', 'Tanh'] },
    LSTM: { cell: lstm, gates: 4, functions: ['Sigmoid', 'Tanh', 'Tanh'] },
  };

/** Functions by name; parameters are taken from activation_alpha and _beta in turn by those that have them. */
function functionsOf(c: EvaluateContext, names: readonly string[]): Scalar[] {
  const alphas = [...(floatsIn(c, 'activation_alpha') ?? [])];
  const betas = [...(floatsIn(c, 'activation_beta') ?? [])];
  const alpha = (otherwise: number): number => alphas.shift() ?? otherwise;
  const beta = (otherwise: number): number => betas.shift() ?? otherwise;
  return names.map((name): Scalar => {
    switch (name.toLowerCase()) {
      case 'relu':
        return (x) => Math.max(x, 0);
      case 'tanh':
        return tanhOf;
      case 'sigmoid':
        return sigmoidOf;
      case 'softsign':
        return softsign;
      case 'softplus':
        return softplusOf;
      case 'affine': {
        const [a, b] = [alpha(1), beta(0)];
        return (x) => a * x + b;
      }
      case 'leakyrelu':
        return leaky(alpha(0.01));
      case 'thresholdedrelu':
        return thresholded(alpha(1));
      case 'scaledtanh':
        return scaledTanh(alpha(1), beta(1));
      case 'hardsigmoid':
        return hardSigmoid(alpha(0.2), beta(0.5));
      case 'elu':
        return elu(alpha(1));
      default:
        throw invalid(c, 'E_OP_ATTRIBUTE', `activation "${name.slice(0, 40)}" is not known`);
    }
  });
}

function run(c: EvaluateContext): Tensor[] {
  const { cell, gates, functions: defaults } = cells[c.node.op]!;
  const [x, w, r] = [tensorAt(c, 0), tensorAt(c, 1), tensorAt(c, 2)];
  const isBatchFirst = c.attributes.int('layout', 0) !== 0;
  const [p, q, inner] = x.dims as [number, number, number];
  const [steps, batch] = isBatchFirst ? [q, p] : [p, q];
  const directions = w.dims[0]!;
  const hidden = r.dims[2]!;
  if (w.dims[1] !== gates * hidden || w.dims[2] !== inner)
    throw invalid(c, 'E_SHAPE_MISMATCH', 'weights do not fit the input');
  const names = stringsIn(c, 'activations');
  const wanted =
    names === null || names.length === 0
      ? Array.from({ length: directions }, () => defaults).flat()
      : names;
  if (wanted.length < directions * defaults.length)
    throw invalid(c, 'E_OP_ATTRIBUTE', `${wanted.length} activations`);
  const numbers = (input: number): Float64Array | null => {
    const tensor = optionalAt(c, input);
    return tensor === undefined ? null : numbersOf(tensor);
  };
  const layer: Layer = {
    c,
    hidden,
    inner,
    batch,
    steps,
    gates,
    x: numbersOf(x),
    w: numbersOf(w),
    r: numbersOf(r),
    b: numbers(3),
    peepholes: c.node.op === 'LSTM' ? numbers(7) : null,
    functions: functionsOf(c, wanted),
    clip: c.attributes.has('clip') ? c.attributes.float('clip') : Infinity,
  };
  const lengths = c.inputs[4] == null ? null : integersAt(c, 4);
  const size = directions * batch * hidden;
  const y = new Float64Array(steps * size);
  const states = [5, 6].map((input) => {
    const given = numbers(input);
    const state = new Float64Array(size);
    if (given === null) return state;
    // [batch, directions, hidden] where the batch comes first.
    for (let d = 0; d < directions; d++) {
      for (let n = 0; n < batch; n++) {
        const from = isBatchFirst ? (n * directions + d) * hidden : (d * batch + n) * hidden;
        state.set(given.subarray(from, from + hidden), (d * batch + n) * hidden);
      }
    }
    return state;
  }) as [Float64Array, Float64Array];
  const isReverse = c.attributes.string('direction', 'forward') === 'reverse';
  for (let d = 0; d < directions; d++) {
    for (let n = 0; n < batch; n++) {
      const at = (d * batch + n) * hidden;
      const h = states[0].subarray(at, at + hidden);
      const s = states[1].subarray(at, at + hidden);
      const length = Math.min(lengths?.[n] ?? steps, steps);
      for (let i = 0; i < length; i++) {
        const t = isReverse || d === 1 ? length - 1 - i : i;
        const row = isBatchFirst ? n * steps + t : t * batch + n;
        cell(layer, d, inputGates(layer, d, row), h, s);
        const to = isBatchFirst
          ? ((n * steps + t) * directions + d) * hidden
          : ((t * directions + d) * batch + n) * hidden;
        y.set(h, to);
      }
    }
  }
  const { type } = x;
  const outDims = isBatchFirst
    ? [batch, steps, directions, hidden]
    : [steps, directions, batch, hidden];
  const last = states.map((state) => lastOf(type, state, layer, directions, isBatchFirst));
  return [tensorOf(type, y, outDims), ...last];
}

/** x·Wᵀ with the bias of one row. */
function inputGates(layer: Layer, direction: number, row: number): Float64Array {
  const { inner, hidden, gates, x, w, b } = layer;
  const rows = gates * hidden;
  const own = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = b === null ? 0 : b[2 * direction * rows + i]!;
    const at = (direction * rows + i) * inner;
    for (let k = 0; k < inner; k++) sum += w[at + k]! * x[row * inner + k]!;
    own[i] = sum;
  }
  return own;
}

function lastOf(
  type: Tensor['type'],
  state: Float64Array,
  { batch, hidden }: Layer,
  directions: number,
  isBatchFirst: boolean,
): Tensor {
  if (!isBatchFirst) return tensorOf(type, state, [directions, batch, hidden]);
  const turned = new Float64Array(state.length);
  for (let d = 0; d < directions; d++) {
    for (let n = 0; n < batch; n++) {
      const from = (d * batch + n) * hidden;
      turned.set(state.subarray(from, from + hidden), (n * directions + d) * hidden);
    }
  }
  return tensorOf(type, turned, [batch, directions, hidden]);
}

export const recurrentEvaluators: readonly Evaluator[] = ['RNN', 'GRU', 'LSTM'].map((op) => ({
  op,
  evaluate: run,
}));
