import { sizeOf } from '../ir/constant.ts';
import { describe } from '../ir/edit.ts';
import { Node } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import type { KeptReport } from '../report/report.ts';
import { allConstants, type Held } from './constants.ts';
import { isBias, weightSlot } from './slots.ts';
import { type Reached, reach } from './trace.ts';

/** A constant that operators multiply with, wherever it stands in their operands. */
export interface Weight extends Held {
  layers: string[];
  /** Operators that use it. */
  users: readonly Node[];
  /** Axis of the constant along which every index makes its own output; null where its users don't agree. */
  channel: number | null;
  /** Shape, and axis in it, along which blocks run: what the users sum over. Null where there is none. */
  blocks: { view: readonly number[]; axis: number } | null;
}

export interface Found {
  weights: Weight[];
  kept: KeptReport[];
}

/** Sorts a model's floating-point constants: weights, and those that are none, with the reason. */
export function findWeights(model: Model): Found {
  const found: Found = { weights: [], kept: [] };
  for (const held of allConstants(model)) {
    const { dtype } = held.constant;
    const real =
      dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16' || dtype === 'float64';
    if (!real || sizeOf(held.constant) === 0 || held.value.quantization !== null) continue;
    const reached = reach(held.value, held.constant.shape);
    if (reached.length === 0) continue;
    const layers = [
      ...new Set(
        reached.map(({ use }) => (use.user instanceof Node ? describe(use.user) : 'output')),
      ),
    ];
    const no = whyNot(held, reached);
    if (no !== null) found.kept.push(keep(held, layers, no.code, no.reason));
    else found.weights.push({ ...held, layers, users: usersOf(reached), ...axesOf(held, reached) });
  }
  return found;
}

function usersOf(reached: readonly Reached[]): Node[] {
  const users = reached.map(({ use }) => use.user);
  return [...new Set(users.filter((user) => user instanceof Node))];
}

/** The record of a weight that stays as it is, with the reason. */
export function keep(
  { value, constant }: Held,
  layers: string[],
  code: string,
  reason: string,
): KeptReport {
  const { shape, dtype } = constant;
  return { weight: value.name, layers, shape, dtype, bytes: constant.data.size, code, reason };
}

function whyNot(
  { constant, value, graph }: Held,
  reached: readonly Reached[],
): { code: string; reason: string } | null {
  if (constant.dtype !== 'float32')
    return { code: 'dtype', reason: `its elements are ${constant.dtype}` };
  for (const { use, axes } of reached) {
    if (!(use.user instanceof Node))
      return { code: 'output', reason: 'it is an output of a graph' };
    if (weightSlot(use.user, use.index, axes.length) !== null) continue;
    if (isBias(use.user, use.index))
      return { code: 'bias', reason: 'a bias: small, and added at full precision' };
    const name = use.user.op;
    if (axes.length === 0 || sizeOf(constant) === 1)
      return { code: 'scalar', reason: `a single number, for ${name}` };
    return {
      code: 'not-a-weight',
      reason: `operand ${use.index} of ${name} is not multiplied and summed`,
    };
  }
  if (graph.inputs.includes(value) && graph.owner !== null) {
    return { code: 'overridable', reason: 'it is an input of an inner graph' };
  }
  return null;
}

function axesOf(
  { constant }: Held,
  reached: readonly Reached[],
): Pick<Weight, 'channel' | 'blocks'> {
  const channels = new Set<number | null>();
  const blocks = new Map<string, Weight['blocks']>();
  for (const { use, axes, inOrder } of reached) {
    if (!(use.user instanceof Node)) continue;
    const slot = weightSlot(use.user, use.index, axes.length);
    if (slot === null) continue;
    channels.add(slot.channel === null ? null : (axes[slot.channel] ?? null));
    const along = blocksAlong(constant.shape, axes, slot.reduction, inOrder);
    blocks.set(JSON.stringify(along), along);
  }
  const [channel = null] = channels;
  const [along = null] = blocks.values();
  return {
    channel: channels.size === 1 ? channel : null,
    blocks: blocks.size === 1 ? along : null,
  };
}

/** Blocks over a convolution's input channels and taps together, which are the trailing axes; over the one axis
 *  that a matrix product sums over. */
function blocksAlong(
  shape: readonly number[],
  axes: readonly (number | null)[],
  reduction: readonly number[],
  inOrder: boolean,
): Weight['blocks'] {
  const summed = reduction.map((axis) => axes[axis] ?? null);
  if (summed.length === 1) {
    const [axis = null] = summed;
    return axis === null ? null : { view: shape, axis };
  }
  const first = shape.length - summed.length;
  const trailing = inOrder && first >= 1 && summed.every((axis, i) => axis === first + i);
  if (!trailing) return null;
  const merged = shape.slice(first).reduce((product, size) => product * size, 1);
  return { view: [...shape.slice(0, first), merged], axis: first };
}
