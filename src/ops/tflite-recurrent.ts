import { addDims, floorDivideDims, multiplyDims } from '../core/dim.ts';
import type { Dim, Shape } from '../core/shape.ts';
import { activationAttributes } from './activation.ts';
import type { AttributeSchema, CostContext, InferContext, Op, OutputInfo } from './op.ts';
import { countOf, invalid, sharedDim, tensor, times, withRank } from './rules.ts';

/** TFLite's recurrent operators, in domain `mp`. Inputs are the builtin's, one for one, states among them. Outputs are
 *  the builtin's, then the updated states in the order of the state inputs. Attributes are the builtin's options; the
 *  function of the cell is `activation`, as `mp` operators have it.
 *  Where everything is quantized, `intermediate_scales` (0 where there is none) and `intermediate_zero_points` are
 *  those of the builtin's intermediate tensors. */

const domain = 'mp';
const flag: AttributeSchema = { kind: 'int', default: 0, min: 0, max: 1 };

const cell: Readonly<Record<string, AttributeSchema>> = {
  ...activationAttributes,
  /** How weights of integers and real inputs are multiplied in TFLite; what is meant is the same. */
  asymmetric_quantize_inputs: flag,
};

const lstm: Readonly<Record<string, AttributeSchema>> = {
  ...cell,
  /** Limit of the cell state, and of what was projected; 0 for none. */
  cell_clip: { kind: 'float', default: 0, min: 0 },
  proj_clip: { kind: 'float', default: 0, min: 0 },
  intermediate_scales: { kind: 'floats' },
  intermediate_zero_points: { kind: 'ints' },
};

const sequence: Readonly<Record<string, AttributeSchema>> = { time_major: flag };

/** Multiply-accumulates where every weight among these inputs is used once for each item. */
function weightsTimes(c: CostContext, weights: readonly number[], items: Shape): number | null {
  let sum: Dim = 0;
  for (const input of weights) {
    if (c.node.inputs[input] != null) sum = addDims(sum, countOf(c.shape(input)));
  }
  return times(countOf(items), typeof sum === 'number' ? sum : null);
}

/** A state after the node: as it was before. */
function state(c: InferContext, input: number): OutputInfo {
  return tensor(c.dtype(input), c.shape(input));
}

/** Input 0's last axis is what weights multiply. */
function checkInner(c: InferContext, inner: Dim, weight: number): void {
  sharedDim(c, inner, withRank(c, weight, 2)?.[1] ?? null, 'input sizes');
}

const rnn: Op = {
  name: 'RNN',
  domain,
  /** x [B, I], W [U, I], R [U, U], bias [U], hidden state [B, U] */
  inputs: [5, 5],
  /** y [B, U], hidden state */
  outputs: [2, 2],
  attributes: cell,
  infer: (c) => {
    const x = withRank(c, 0, 2);
    checkInner(c, x?.[1] ?? null, 1);
    const units = c.shape(1)?.[0] ?? null;
    return [tensor(c.dtype(0), [x?.[0] ?? null, units]), state(c, 4)];
  },
  cost: (c) => ({ macs: weightsTimes(c, [1, 2], c.shape(0)?.slice(0, 1) ?? null) }),
};

const sequenceRnn: Op = {
  name: 'UnidirectionalSequenceRNN',
  domain,
  /** x [B, T, I] (time_major: [T, B, I]), then as RNN */
  inputs: [5, 5],
  outputs: [2, 2],
  attributes: { ...cell, ...sequence },
  infer: (c) => {
    const x = withRank(c, 0, 3);
    checkInner(c, x?.[2] ?? null, 1);
    const units = c.shape(1)?.[0] ?? null;
    return [tensor(c.dtype(0), [x?.[0] ?? null, x?.[1] ?? null, units]), state(c, 4)];
  },
  cost: (c) => ({ macs: weightsTimes(c, [1, 2], c.shape(0)?.slice(0, 2) ?? null) }),
};

/** What both directions give: one tensor, or two; then states. */
function bothDirections(
  c: InferContext,
  forward: Dim,
  backward: Dim,
  states: readonly number[],
): OutputInfo[] {
  const x = withRank(c, 0, 3);
  const output = (size: Dim): OutputInfo =>
    tensor(c.dtype(0), [x?.[0] ?? null, x?.[1] ?? null, size]);
  const isMerged = c.attributes.int('merge_outputs') !== 0;
  const results = isMerged
    ? [output(addDims(forward, backward))]
    : [output(forward), output(backward)];
  if (c.node.outputs.length !== results.length + states.length)
    throw invalid(c, 'E_OP_ARITY', `expected ${results.length + states.length} outputs`);
  return [...results, ...states.map((input) => state(c, input))];
}

const bothRnn: Op = {
  name: 'BidirectionalSequenceRNN',
  domain,
  /** x; forward W, R, bias, state; backward W, R, bias, state; auxiliary x, forward and backward weights of it */
  inputs: [9, 12],
  /** y of both directions (merge_outputs: one y), both states */
  outputs: [3, 4],
  attributes: { ...cell, ...sequence, merge_outputs: flag },
  infer: (c) => {
    checkInner(c, c.shape(0)?.[2] ?? null, 1);
    return bothDirections(c, c.shape(1)?.[0] ?? null, c.shape(5)?.[0] ?? null, [4, 8]);
  },
  cost: (c) => ({
    macs: weightsTimes(c, [1, 2, 5, 6, 10, 11], c.shape(0)?.slice(0, 2) ?? null),
  }),
};

/** Inputs of an LSTM: x; weights of input, forget, cell, output gate (1–4, the first optional: without it the input
 *  gate is 1 − the forget gate); recurrent weights (5–8); peepholes of input, forget, output (9–11); biases (12–15);
 *  projection and its bias (16, 17); output state, cell state (18, 19); layer normalization (20–23). */
const lstmWeights = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16];

/** Size of an LSTM's output, of which `recurrent` is a recurrent weight. */
function outputSize(c: InferContext, recurrent: number): Dim {
  const isDiagonal = c.attributes.int('diagonal_recurrent_tensors', 0) !== 0;
  return withRank(c, recurrent, isDiagonal ? 1 : 2)?.[isDiagonal ? 0 : 1] ?? null;
}

function lstmRule(c: InferContext, rank: number): OutputInfo[] {
  const x = withRank(c, 0, rank);
  checkInner(c, x?.at(-1) ?? null, 4);
  const leading: Dim[] = x?.slice(0, -1) ?? new Array<Dim>(rank - 1).fill(null);
  return [tensor(c.dtype(0), [...leading, outputSize(c, 8)]), state(c, 18), state(c, 19)];
}

const fullLstm: Op = {
  name: 'LSTM',
  domain,
  /** One step: x [B, I]. */
  inputs: [20, 24],
  /** y [B, O], output state, cell state */
  outputs: [3, 3],
  attributes: lstm,
  infer: (c) => lstmRule(c, 2),
  cost: (c) => ({ macs: weightsTimes(c, lstmWeights, c.shape(0)?.slice(0, 1) ?? null) }),
};

const sequenceLstm: Op = {
  name: 'UnidirectionalSequenceLSTM',
  domain,
  /** x [B, T, I] (time_major: [T, B, I]) */
  inputs: [20, 24],
  outputs: [3, 3],
  attributes: { ...lstm, ...sequence, diagonal_recurrent_tensors: flag },
  infer: (c) => lstmRule(c, 3),
  cost: (c) => ({ macs: weightsTimes(c, lstmWeights, c.shape(0)?.slice(0, 2) ?? null) }),
};

const bothLstm: Op = {
  name: 'BidirectionalSequenceLSTM',
  domain,
  /** x; 1–17 and 18–34 as 1–17 of LSTM, forward and backward; forward output and cell state, backward ones (35–38);
   *  auxiliary x (39) and its four weights, forward (40–43) and backward (44–47) */
  inputs: [39, 48],
  /** y of both directions (merge_outputs: one y), the four states */
  outputs: [5, 6],
  attributes: {
    ...cell,
    cell_clip: lstm.cell_clip!,
    proj_clip: lstm.proj_clip!,
    merge_outputs: flag,
    time_major: { ...flag, default: 1 },
  },
  infer: (c) => {
    checkInner(c, c.shape(0)?.[2] ?? null, 4);
    const [forward, backward] = [outputSize(c, 8), outputSize(c, 25)];
    return bothDirections(c, forward, backward, [35, 36, 37, 38]);
  },
  cost: (c) => {
    const own = lstmWeights.flatMap((input) => [input, input + 17]);
    const weights = [...own, 40, 41, 42, 43, 44, 45, 46, 47];
    return { macs: weightsTimes(c, weights, c.shape(0)?.slice(0, 2) ?? null) };
  },
};

const basicLstm: Op = {
  name: 'BasicLSTM',
  domain,
  /** LSTM of kernel type BASIC: x [B, I], previous activation [B, U], weights [4U, I + U], biases [4U], state [B, U].
   *  Gates in the order input, cell, forget, output. */
  inputs: [5, 5],
  /** activation, state, x beside the previous activation [B, I + U], gates before their functions [B, 4U]; then the
   *  activation and the state again, as states */
  outputs: [6, 6],
  attributes: lstm,
  infer: (c) => {
    const x = withRank(c, 0, 2);
    const h = withRank(c, 1, 2);
    const inner = addDims(x?.[1] ?? null, h?.[1] ?? null);
    checkInner(c, inner, 2);
    const batch = sharedDim(c, x?.[0] ?? null, h?.[0] ?? null, 'batches');
    return [
      tensor(c.dtype(1), [batch, h?.[1] ?? null]),
      state(c, 4),
      tensor(c.dtype(0), [batch, inner]),
      tensor(c.dtype(4), [batch, multiplyDims(4, h?.[1] ?? null)]),
      tensor(c.dtype(1), [batch, h?.[1] ?? null]),
      state(c, 4),
    ];
  },
  cost: (c) => ({ macs: weightsTimes(c, [2], c.shape(0)?.slice(0, 1) ?? null) }),
};

const svdf: Op = {
  name: 'SVDF',
  domain,
  /** x [B, I], feature weights [F, I], time weights [F, M], optional bias [F / rank], state [B, F·M] */
  inputs: [5, 5],
  /** y [B, F / rank], state */
  outputs: [2, 2],
  attributes: { ...cell, rank: { kind: 'int', required: true, min: 1 } },
  infer: (c) => {
    const x = withRank(c, 0, 2);
    checkInner(c, x?.[1] ?? null, 1);
    const filters = sharedDim(
      c,
      c.shape(1)?.[0] ?? null,
      withRank(c, 2, 2)?.[0] ?? null,
      'filters',
    );
    const units = floorDivideDims(filters, c.attributes.int('rank'));
    return [tensor(c.dtype(0), [x?.[0] ?? null, units]), state(c, 4)];
  },
  cost: (c) => ({ macs: weightsTimes(c, [1, 2], c.shape(0)?.slice(0, 1) ?? null) }),
};

export const tfliteRecurrentOps: readonly Op[] = [
  svdf,
  rnn,
  sequenceRnn,
  bothRnn,
  fullLstm,
  basicLstm,
  sequenceLstm,
  bothLstm,
];
