import { activationOf } from '../../../ops/activation.ts';
import type { BuiltinOptions } from '../records.ts';
import { fusedActivation } from './activation.ts';
import type { Emitter, Row } from './emitter.ts';

/** TFLite's own recurrent operators: their inputs one for one. States are variable tensors that they change in place, so
 *  the states that the nodes give are not written. */

const flag = (e: Emitter, name: string): boolean => e.attributes.int(name, 0) !== 0;

function cell(e: Emitter): { fusedActivationFunction: number; asymmetricQuantizeInputs: boolean } {
  const fused = activationOf(e.node).kind === 'Tanh' ? 4 : fusedActivation(activationOf(e.node));
  if (fused === null) throw e.fail('ACTIVATION', 'the function of its cell');
  return {
    fusedActivationFunction: fused,
    asymmetricQuantizeInputs: flag(e, 'asymmetric_quantize_inputs'),
  };
}

function lstm(e: Emitter): ReturnType<typeof cell> & { cellClip: number; projClip: number } {
  if (e.node.attributes.has('intermediate_scales'))
    throw e.fail('QUANTIZED', 'a cell of integers that was changed');
  const { attributes } = e;
  const [cellClip, projClip] = [attributes.float('cell_clip'), attributes.float('proj_clip')];
  return { ...cell(e), cellClip, projClip };
}

/** @param results  the builtin's outputs, of the node's */
const row =
  (name: string, options: (e: Emitter) => BuiltinOptions, results?: (e: Emitter) => number): Row =>
  (e, node) => {
    const inputs = node.inputs.map((_, index) => e.maybe(index));
    for (const value of node.outputs.slice(results?.(e) ?? 1))
      if (value.uses.size > 0 && !e.context.states.has(value))
        throw e.fail('STATE', 'a state is read that is not remembered');
    const outs = Array.from({ length: results?.(e) ?? 1 }, (_, index) => e.out(index));
    e.op(name, inputs, outs, options(e));
  };

const both = (e: Emitter): number => (flag(e, 'merge_outputs') ? 1 : 2);

export const recurrentRows: Readonly<Record<string, Row>> = {
  'mp.SVDF': row('SVDF', (e) => ({
    type: 'SVDFOptions',
    value: { ...cell(e), rank: e.attributes.int('rank') },
  })),
  'mp.RNN': row('RNN', (e) => ({ type: 'RNNOptions', value: cell(e) })),
  'mp.UnidirectionalSequenceRNN': row('UNIDIRECTIONAL_SEQUENCE_RNN', (e) => ({
    type: 'SequenceRNNOptions',
    value: { ...cell(e), timeMajor: flag(e, 'time_major') },
  })),
  'mp.BidirectionalSequenceRNN': row(
    'BIDIRECTIONAL_SEQUENCE_RNN',
    (e) => ({
      type: 'BidirectionalSequenceRNNOptions',
      value: {
        ...cell(e),
        timeMajor: flag(e, 'time_major'),
        mergeOutputs: flag(e, 'merge_outputs'),
      },
    }),
    both,
  ),
  'mp.LSTM': row('LSTM', (e) => ({ type: 'LSTMOptions', value: lstm(e) })),
  'mp.UnidirectionalSequenceLSTM': row('UNIDIRECTIONAL_SEQUENCE_LSTM', (e) => ({
    type: 'UnidirectionalSequenceLSTMOptions',
    value: {
      ...lstm(e),
      timeMajor: flag(e, 'time_major'),
      diagonalRecurrentTensors: flag(e, 'diagonal_recurrent_tensors'),
    },
  })),
  'mp.BidirectionalSequenceLSTM': row(
    'BIDIRECTIONAL_SEQUENCE_LSTM',
    (e) => ({
      type: 'BidirectionalSequenceLSTMOptions',
      value: {
        ...lstm(e),
        timeMajor: flag(e, 'time_major'),
        mergeOutputs: flag(e, 'merge_outputs'),
      },
    }),
    both,
  ),
};
