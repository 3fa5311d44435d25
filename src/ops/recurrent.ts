import { addDims, floorDivideDims } from '../core/dim.ts';
import type { Dim } from '../core/shape.ts';
import type { AttributeSchema, CostContext, InferContext, Op, OutputInfo } from './op.ts';
import { countOf, sharedDim, tensor, times, withRank } from './rules.ts';

const flag = { kind: 'int', default: 0, min: 0, max: 1 } as const;

const commonAttributes: Readonly<Record<string, AttributeSchema>> = {
  activation_alpha: { kind: 'floats' },
  activation_beta: { kind: 'floats' },
  activations: { kind: 'strings' },
  clip: { kind: 'float' },
  direction: {
    kind: 'string',
    default: 'forward',
    oneOf: ['forward', 'reverse', 'bidirectional'],
  },
  hidden_size: { kind: 'int', min: 1 },
  layout: flag,
};

/** X [T, B, I], W [D, gates·H, I], R [D, gates·H, H]; layout 1 has B first everywhere. */
function recurrent(
  name: string,
  gates: number,
  inputs: readonly [number, number],
  states: number,
  attributes: Readonly<Record<string, AttributeSchema>>,
): Op {
  return {
    name,
    inputs,
    outputs: [0, states + 1],
    attributes: { ...commonAttributes, ...attributes },
    infer: (c) => recurrentRule(c, gates, states),
    cost: (c) => ({ macs: recurrentMacs(c) }),
  };
}

function recurrentRule(c: InferContext, gates: number, states: number): OutputInfo[] {
  const x = withRank(c, 0, 3);
  const w = withRank(c, 1, 3);
  const r = withRank(c, 2, 3);
  const directions = c.attributes.string('direction') === 'bidirectional' ? 2 : 1;
  sharedDim(c, directions, w?.[0] ?? null, 'directions of the weights');
  sharedDim(c, x?.[2] ?? null, w?.[2] ?? null, 'input sizes');
  const named = c.attributes.has('hidden_size') ? c.attributes.int('hidden_size') : null;
  const fromWeights: Dim = r?.[2] ?? floorDivideDims(w?.[1] ?? null, gates);
  const hidden = sharedDim(c, named, fromWeights, 'hidden sizes');
  const isBatchFirst = c.attributes.int('layout') === 1;
  const steps = x?.[isBatchFirst ? 1 : 0] ?? null;
  const batch = x?.[isBatchFirst ? 0 : 1] ?? null;
  const state = isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  const all = isBatchFirst
    ? [batch, steps, directions, hidden]
    : [steps, directions, batch, hidden];
  const dtype = c.dtype(0);
  return [tensor(dtype, all), ...new Array<OutputInfo>(states).fill(tensor(dtype, state))];
}

/** Per step and item: all weights of W and R once. */
function recurrentMacs(c: CostContext): number | null {
  const weights = addDims(countOf(c.shape(1)), countOf(c.shape(2)));
  const items = countOf(c.shape(0)?.slice(0, 2) ?? null);
  return times(items, typeof weights === 'number' ? weights : null);
}

export const recurrentOps: readonly Op[] = [
  recurrent('RNN', 1, [3, 6], 1, {}),
  recurrent('GRU', 3, [3, 6], 1, { linear_before_reset: flag }),
  recurrent('LSTM', 4, [3, 8], 2, { input_forget: flag }),
];
