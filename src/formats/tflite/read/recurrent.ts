import type { Value } from '../../../ir/graph.ts';
import type { Attribute } from '../../../ir/types.ts';
import { activationAttributes } from './activation.ts';
import { biasOf } from './bias.ts';
import type { OperatorReader, Row } from './operator.ts';
import { type Attributes, float } from './values.ts';

/** TFLite's recurrent operators are those of domain `mp`, input for input; what the variables among the inputs hold
 *  afterwards is given besides (ops/tflite-recurrent.ts). */

interface Form {
  op: string;
  /** Inputs that are variables, in the order of the updated states among the outputs. */
  states: readonly number[];
  /** Biases, with the inputs and weights in whose products they count. */
  biases: Readonly<Record<number, readonly [x: number, weights: number]>>;
  /** Number of inputs; those that the file leaves out are absent. */
  inputs: number;
}

function giveStates(
  o: OperatorReader,
  { op, states, biases, inputs }: Form,
  rest: Attributes,
): void {
  const count = Math.min(Math.max(o.inputCount, 0), inputs);
  const variables = states.map((index) => o.variable(index));
  const values = Array.from({ length: count }, (_, index): Value | null => {
    if (!o.has(index)) return null;
    const state = states.indexOf(index);
    if (state >= 0) return o.form(index, () => variables[state]!.current);
    const products = biases[index];
    if (products === undefined) return o.input(index);
    return biasOf(o, index, o.input(products[0]), o.input(products[1]));
  });
  const outputs = Array.from(
    { length: o.outputCount },
    (_, index) => o.output(index) ?? o.fresh('output'),
  );
  const updated = variables.map(({ current }) => o.like(current, 'state'));
  updated.forEach((value, i) => {
    value.type = variables[i]!.current.type;
  });
  o.node(`mp.${op}`, values, rest, [...outputs, ...updated]);
  variables.forEach((variable, i) => {
    variable.current = updated[i]!;
  });
}

const flag = (value: boolean): number => (value ? 1 : 0);

/** Scales and zero points of tensors that are only inside the operator. */
function intermediates(o: OperatorReader): Record<string, Attribute> {
  const tensors = [...(o.record.intermediates ?? [])];
  if (tensors.length === 0) return {};
  const all = tensors.map((tensor) => (tensor < 0 ? {} : o.reader.tensor(tensor).quantization));
  const scales = all.map((quantization) => quantization?.scale?.[0] ?? 0);
  const zeros = all.map((quantization) => Number(quantization?.zeroPoint?.[0] ?? 0n));
  return {
    intermediate_scales: { type: 'floats', value: scales },
    intermediate_zero_points: { type: 'ints', value: zeros },
  };
}

function svdf(o: OperatorReader): void {
  const options = o.options('SVDFOptions');
  const form = { op: 'SVDF', states: [4], biases: { 3: [4, 2] }, inputs: 5 } as const;
  giveStates(o, form, {
    rank: options.rank,
    asymmetric_quantize_inputs: flag(options.asymmetricQuantizeInputs),
    ...activationAttributes(o, options.fusedActivationFunction),
  });
}

function rnn(o: OperatorReader): void {
  const options = o.options('RNNOptions');
  const form = { op: 'RNN', states: [4], biases: { 3: [0, 1] }, inputs: 5 } as const;
  giveStates(o, form, {
    asymmetric_quantize_inputs: flag(options.asymmetricQuantizeInputs),
    ...activationAttributes(o, options.fusedActivationFunction),
  });
}

function sequenceRnn(o: OperatorReader): void {
  const options = o.options('SequenceRNNOptions');
  const op = 'UnidirectionalSequenceRNN';
  giveStates(
    o,
    { op, states: [4], biases: { 3: [0, 1] }, inputs: 5 },
    {
      time_major: flag(options.timeMajor),
      asymmetric_quantize_inputs: flag(options.asymmetricQuantizeInputs),
      ...activationAttributes(o, options.fusedActivationFunction),
    },
  );
}

function bothRnn(o: OperatorReader): void {
  const options = o.options('BidirectionalSequenceRNNOptions');
  const op = 'BidirectionalSequenceRNN';
  giveStates(
    o,
    { op, states: [4, 8], biases: { 3: [0, 1], 7: [0, 5] }, inputs: 12 },
    {
      time_major: flag(options.timeMajor),
      merge_outputs: flag(options.mergeOutputs),
      asymmetric_quantize_inputs: flag(options.asymmetricQuantizeInputs),
      ...activationAttributes(o, options.fusedActivationFunction),
    },
  );
}

/** Biases of the gates, in products of x and their weights; that of the projection. */
const lstmBiases = { 12: [0, 1], 13: [0, 2], 14: [0, 3], 15: [0, 4], 17: [18, 16] } as const;

function lstm(o: OperatorReader): void {
  const options = o.options('LSTMOptions');
  const rest: Attributes = {
    cell_clip: float(options.cellClip),
    proj_clip: float(options.projClip),
    asymmetric_quantize_inputs: flag(options.asymmetricQuantizeInputs),
    ...intermediates(o),
    ...activationAttributes(o, options.fusedActivationFunction),
  };
  if (options.kernelType === 1) {
    giveStates(o, { op: 'BasicLSTM', states: [1, 4], biases: { 3: [0, 2] }, inputs: 5 }, rest);
    return;
  }
  giveStates(o, { op: 'LSTM', states: [18, 19], biases: lstmBiases, inputs: 24 }, rest);
}

function sequenceLstm(o: OperatorReader): void {
  const options = o.options('UnidirectionalSequenceLSTMOptions');
  const op = 'UnidirectionalSequenceLSTM';
  giveStates(
    o,
    { op, states: [18, 19], biases: lstmBiases, inputs: 24 },
    {
      time_major: flag(options.timeMajor),
      cell_clip: float(options.cellClip),
      proj_clip: float(options.projClip),
      asymmetric_quantize_inputs: flag(options.asymmetricQuantizeInputs),
      diagonal_recurrent_tensors: flag(options.diagonalRecurrentTensors),
      ...intermediates(o),
      ...activationAttributes(o, options.fusedActivationFunction),
    },
  );
}

function bothLstm(o: OperatorReader): void {
  const options = o.options('BidirectionalSequenceLSTMOptions');
  const op = 'BidirectionalSequenceLSTM';
  giveStates(
    o,
    { op, states: [35, 36, 37, 38], biases: {}, inputs: 48 },
    {
      time_major: flag(options.timeMajor),
      merge_outputs: flag(options.mergeOutputs),
      cell_clip: float(options.cellClip),
      proj_clip: float(options.projClip),
      asymmetric_quantize_inputs: flag(options.asymmetricQuantizeInputs),
      ...activationAttributes(o, options.fusedActivationFunction),
    },
  );
}

export const recurrentRows: Readonly<Record<string, Row>> = {
  SVDF: svdf,
  RNN: rnn,
  UNIDIRECTIONAL_SEQUENCE_RNN: sequenceRnn,
  BIDIRECTIONAL_SEQUENCE_RNN: bothRnn,
  LSTM: lstm,
  UNIDIRECTIONAL_SEQUENCE_LSTM: sequenceLstm,
  BIDIRECTIONAL_SEQUENCE_LSTM: bothLstm,
};
