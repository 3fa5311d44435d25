import type { Dim } from '../../core/shape.ts';
import type { Value } from '../../ir/graph.ts';
import { tensorType } from '../../ir/types.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** More steps than these are not worth their nodes. */
const mostSteps = 512;

/** One direction of a layer. */
interface Direction {
  readonly hidden: number;
  readonly gates: number;
  /** Rᵀ of all gates [hidden, gates · hidden], and their biases. */
  readonly r: Value;
  readonly bias: Value | null;
  readonly peepholes: readonly Value[] | null;
  /** Activations in order. */
  readonly apply: readonly ((x: Value) => Value)[];
}

interface State {
  readonly h: Value;
  readonly c: Value | null;
}

/** One step: gates [batch, gates · hidden] are x·Wᵀ + Wb, not yet what the state adds. */
type Cell = (p: Parts, d: Direction, own: Value, state: State) => State;

const gate = (p: Parts, d: Direction, all: Value, index: number): Value =>
  p.slice(all, -1, index * d.hidden, (index + 1) * d.hidden);

function fromState(p: Parts, d: Direction, h: Value): Value {
  const product = p.matmul(h, d.r);
  return d.bias === null ? product : p.add(product, d.bias);
}

const rnn: Cell = (p, d, own, { h }) => ({
  h: d.apply[0]!(p.add(own, fromState(p, d, h))),
  c: null,
});

const lstm: Cell = (p, d, own, { h, c }) => {
  const sums = p.add(own, fromState(p, d, h));
  const peep = (index: number, state: Value): Value => {
    const sum = gate(p, d, sums, index);
    return d.peepholes === null ? sum : p.add(sum, p.mul(d.peepholes[index]!, state));
  };
  const [f, g, last] = d.apply as [(x: Value) => Value, (x: Value) => Value, (x: Value) => Value];
  const input = f(peep(0, c!));
  const isCoupled = p.attributes.int('input_forget', 0) !== 0;
  const forget = isCoupled ? p.sub(1, input) : f(peep(2, c!));
  const next = p.add(p.mul(forget, c!), p.mul(input, g(gate(p, d, sums, 3))));
  return { h: p.mul(f(peep(1, next)), last(next)), c: next };
};

const gru: Cell = (p, d, own, { h }) => {
  const [f, g] = d.apply as [(x: Value) => Value, (x: Value) => Value];
  const added = fromState(p, d, h);
  const both = (index: number): Value => p.add(gate(p, d, own, index), gate(p, d, added, index));
  const update = f(both(0));
  const reset = f(both(1));
  let extra: Value;
  if (p.attributes.int('linear_before_reset', 0) !== 0) {
    extra = p.mul(reset, gate(p, d, added, 2));
  } else {
    const scaled = p.matmul(p.mul(reset, h), p.slice(d.r, 1, 2 * d.hidden, 3 * d.hidden));
    extra = d.bias === null ? scaled : p.add(scaled, gate(p, d, d.bias, 2));
  }
  const fresh = g(p.add(gate(p, d, own, 2), extra));
  return { h: p.add(p.mul(p.sub(1, update), fresh), p.mul(update, h)), c: null };
};

const cells: Readonly<Record<string, { cell: Cell; functions: readonly string[]; gates: number }>> =
  {
    RNN: { cell: rnn, functions: ['Tanh'], gates: 1 },
    GRU: { cell: gru, functions: ['Sigmoid', 'Tanh'], gates: 3 },
    LSTM: { cell: lstm, functions: ['Sigmoid', 'Tanh', 'Tanh'], gates: 4 },
  };

/** Step after step: as many copies of the cell as there are steps, or a loop where their number is not known. */
const layer: Expansion = (p) => {
  const { functions: defaults, gates } = cells[p.node.op]!;
  const isBatchFirst = p.attributes.int('layout', 0) !== 0;
  const x = isBatchFirst ? p.transpose(p.in(0), [1, 0, 2]) : p.in(0);
  const directions = p.dims(p.in(1))[0]!;
  const hidden = p.dims(p.in(2))[2]!;
  if (p.dtype(x) !== 'float32') p.stop('a layer on other than float32');
  const names = namesOf(p) ?? new Array<readonly string[]>(directions).fill(defaults).flat();
  const isReverse = p.attributes.string('direction', 'forward') === 'reverse';
  const lengths = lengthsOf(p, x);
  if (lengths !== null && (isReverse || directions > 1))
    p.stop('sequences of several lengths backwards');
  const runs: Run[] = [];
  const zero = p.has(5) && (p.has(6) || p.node.op !== 'LSTM') ? null : zeros(p, x, hidden);
  for (let d = 0; d < directions; d++) {
    const own = (input: number, axis = 0): Value | null =>
      p.has(input) ? p.pick(p.in(input), axis, d) : null;
    // States may have the batch first; everything else begins with the directions.
    const state = (input: number): Value => own(input, isBatchFirst ? 1 : 0) ?? zero!;
    const biases = own(3);
    const width = gates * hidden;
    const peepholes = p.node.op === 'LSTM' ? own(7) : null;
    const direction: Direction = {
      hidden,
      gates,
      r: p.transpose(own(2)!, [1, 0]),
      bias: biases === null ? null : p.slice(biases, 0, width, 2 * width),
      peepholes:
        peepholes === null
          ? null
          : [0, 1, 2].map((i) => p.slice(peepholes, 0, i * hidden, (i + 1) * hidden)),
      apply: names
        .slice(d * defaults.length, (d + 1) * defaults.length)
        .map((name) => (value: Value) => activated(p, name, value)),
    };
    let inputs = p.matmul(x, p.transpose(own(1)!, [1, 0]));
    if (biases !== null) inputs = p.add(inputs, p.slice(biases, 0, 0, width));
    const first: State = { h: state(5), c: p.node.op === 'LSTM' ? state(6) : null };
    const isBackwards = isReverse || d === 1;
    const steps = p.shape(x)[0]!;
    if (typeof steps === 'number' && steps * directions <= mostSteps)
      runs.push(unrolled(p, direction, { inputs, first, isBackwards, lengths, steps }));
    else runs.push(looped(p, direction, { inputs, first, isBackwards, lengths }));
  }
  const all = p.concat(
    runs.map(({ outputs }) => p.unsqueeze(outputs, [1])),
    1,
  );
  p.end(0, isBatchFirst ? p.transpose(all, [2, 0, 1, 3]) : all);
  const stacked = (states: readonly Value[]): Value => {
    const axis = isBatchFirst ? 1 : 0;
    const apart = states.map((value) => p.unsqueeze(value, [axis]));
    return p.concat(apart, axis);
  };
  p.end(1, stacked(runs.map(({ last }) => last.h)));
  if (p.node.op === 'LSTM') p.end(2, stacked(runs.map(({ last }) => last.c!)));
};

/** What a direction gives: outputs of all steps [steps, batch, hidden], and the last state. */
interface Run {
  readonly outputs: Value;
  readonly last: State;
}

interface Given {
  /** Gates of all steps without what states add. */
  readonly inputs: Value;
  readonly first: State;
  readonly isBackwards: boolean;
  readonly lengths: Value | null;
}

function unrolled(p: Parts, d: Direction, given: Given & { readonly steps: number }): Run {
  const { cell } = cells[p.node.op]!;
  const { inputs, lengths, steps, isBackwards } = given;
  let state = given.first;
  const outputs: Value[] = [];
  for (let i = 0; i < steps; i++) {
    const t = isBackwards ? steps - 1 - i : i;
    const next = cell(p, d, p.pick(inputs, 0, t), state);
    let shown = next.h;
    if (lengths === null) state = next;
    else {
      const runs = p.test('Greater', lengths, t);
      const { h, c } = state;
      state = {
        h: p.where(runs, next.h, h),
        c: next.c === null ? null : p.where(runs, next.c, c!),
      };
      shown = p.where(runs, next.h, 0);
    }
    outputs[t] = p.unsqueeze(shown, [0]);
  }
  return { outputs: p.concat(outputs, 0), last: state };
}

function looped(p: Parts, d: Direction, { inputs, first, isBackwards, lengths }: Given): Run {
  if (lengths !== null) p.stop('sequences of several lengths of an unknown number of steps');
  const { cell } = cells[p.node.op]!;
  const turned = (x: Value): Value => {
    if (!isBackwards) return x;
    const lists = [[-1], [-(2 ** 31)], [0], [-1]].map((list) => p.ints(list));
    return p.op('Slice', [x, ...lists], p.shape(x), 'float32');
  };
  const ordered = turned(inputs);
  const [steps, batch] = p.shape(inputs) as [Dim, Dim];
  const carried = first.c === null ? [first.h] : [first.h, first.c];
  const state = tensorType('float32', [batch, d.hidden]);
  const types = [tensorType('int64', []), tensorType('bool', []), ...carried.map(() => state)];
  const body = p.body(types, ([round, goOn, h, c]) => {
    const next = cell(p, d, p.gather(ordered, round!, 0), { h: h!, c: c ?? null });
    const states = next.c === null ? [next.h] : [next.h, next.c];
    // Everything that goes out has a name of its own.
    return [goOn!, ...states, next.h].map((value) => p.unary('Identity', value));
  });
  const count = p.pick(p.op('Shape', [inputs], [3], 'int64'), 0, 0);
  const results = p.raw('Loop', [count, p.scalarBool(true), ...carried], carried.length + 1, [
    ['body', { type: 'graph', value: body }],
  ]);
  const typed = results.map((value, i) => {
    const dims = i < carried.length ? [batch, d.hidden] : [steps, batch, d.hidden];
    return p.op('Identity', [value], dims, 'float32');
  });
  return { outputs: turned(typed.at(-1)!), last: { h: typed[0]!, c: first.c && typed[1]! } };
}

/** A first state of nothing, for each of the batch. */
function zeros(p: Parts, x: Value, hidden: number): Value {
  const batch = p.shape(x)[1]!;
  if (typeof batch === 'number') return p.expand(p.floats([0], []), [batch, hidden]);
  const size = p.slice(p.op('Shape', [x], [3], 'int64'), 0, 1, 2);
  const sizes = p.concat([size, p.ints([hidden])], 0);
  return p.op('Expand', [p.floats([0], []), sizes], [batch, hidden], 'float32');
}

function namesOf(p: Parts): readonly string[] | null {
  const clip = p.node.attributes.get('clip');
  if (clip?.type === 'float' && clip.value > 0) p.stop('its sums are limited');
  const attribute = p.node.attributes.get('activations');
  return attribute?.type === 'strings' && attribute.value.length > 0 ? attribute.value : null;
}

/** Lengths of sequences [batch, 1]; null where all are whole. */
function lengthsOf(p: Parts, x: Value): Value | null {
  if (!p.has(4)) return null;
  const [steps] = p.shape(x);
  const known = p.numbers(4);
  if (typeof steps === 'number' && known?.every((length) => length >= steps)) return null;
  return p.unsqueeze(p.in(4), [1]);
}

function activated(p: Parts, name: string, x: Value): Value {
  const op = {
    sigmoid: 'Sigmoid',
    tanh: 'Tanh',
    relu: 'Relu',
    softsign: 'Softsign',
    softplus: 'Softplus',
  }[name.toLowerCase()];
  return op === undefined ? p.stop(`activation ${name}`) : p.unary(op, x);
}

export const recurrentExpansions: Readonly<Record<string, Expansion>> = {
  RNN: layer,
  GRU: layer,
  LSTM: layer,
};
