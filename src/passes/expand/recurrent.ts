import { constantOf } from '../../ir/constant.ts';
import type { Value } from '../../ir/graph.ts';
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
  p.slice(all, 1, index * d.hidden, (index + 1) * d.hidden);

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

/** Step after step: as many copies of the cell as there are steps. */
const layer: Expansion = (p) => {
  const { cell, functions: defaults, gates } = cells[p.node.op]!;
  const isBatchFirst = p.attributes.int('layout', 0) !== 0;
  const x = isBatchFirst ? p.transpose(p.in(0), [1, 0, 2]) : p.in(0);
  const [steps, batch] = p.dims(x) as [number, number, number];
  const directions = p.dims(p.in(1))[0]!;
  const hidden = p.dims(p.in(2))[2]!;
  if (p.dtype(x) !== 'float32') p.stop('a layer on other than float32');
  if (steps * directions > mostSteps) p.stop(`${steps} steps are too many to write one by one`);
  const names = namesOf(p) ?? new Array<readonly string[]>(directions).fill(defaults).flat();
  const isReverse = p.attributes.string('direction', 'forward') === 'reverse';
  const lengths = lengthsOf(p, steps, batch);
  if (lengths !== null && (isReverse || directions > 1))
    p.stop('sequences of several lengths backwards');
  const results: Value[] = [];
  const last: State[] = [];
  for (let d = 0; d < directions; d++) {
    const own = (input: number): Value | null => {
      const value = p.maybe(input);
      if (value === null) return null;
      const dims = p.dims(value);
      // States may have the batch first; everything else begins with the directions.
      const isTurned = isBatchFirst && (input === 5 || input === 6);
      return p.reshape(
        p.slice(value, isTurned ? 1 : 0, d, d + 1),
        isTurned ? [dims[0]!, dims[2]!] : dims.slice(1),
      );
    };
    const zero = p.expand(p.floats([0], []), [batch, hidden]);
    const biases = own(3);
    const width = gates * hidden;
    const peepholes = p.node.op === 'LSTM' ? own(7) : null;
    const direction: Direction = {
      hidden,
      gates,
      r: p.transpose(own(2)!, [1, 0]),
      bias: biases === null ? null : p.reshape(p.slice(biases, 0, width, 2 * width), [1, width]),
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
    let state: State = {
      h: own(5) ?? zero,
      c: p.node.op === 'LSTM' ? (own(6) ?? zero) : null,
    };
    const outputs: Value[] = [];
    for (let i = 0; i < steps; i++) {
      const t = isReverse || d === 1 ? steps - 1 - i : i;
      const gatesNow = p.reshape(p.slice(inputs, 0, t, t + 1), [batch, width]);
      const next = cell(p, direction, gatesNow, state);
      if (lengths === null) {
        state = next;
        outputs[t] = next.h;
        continue;
      }
      const runs = p.test('Greater', lengths, t);
      state = {
        h: p.where(runs, next.h, state.h),
        c: next.c === null ? null : p.where(runs, next.c, state.c!),
      };
      outputs[t] = p.where(runs, next.h, 0);
    }
    const shape = [1, 1, batch, hidden];
    results.push(
      p.concat(
        outputs.map((value) => p.reshape(value, shape)),
        0,
      ),
    );
    last.push(state);
  }
  const all = p.concat(results, 1);
  p.end(0, isBatchFirst ? p.transpose(all, [2, 0, 1, 3]) : all);
  const stacked = (states: readonly Value[]): Value =>
    p.concat(
      states.map((value) =>
        p.reshape(value, isBatchFirst ? [batch, 1, hidden] : [1, batch, hidden]),
      ),
      isBatchFirst ? 1 : 0,
    );
  p.end(1, stacked(last.map(({ h }) => h)));
  if (p.node.op === 'LSTM') p.end(2, stacked(last.map(({ c }) => c!)));
};

function namesOf(p: Parts): readonly string[] | null {
  const clip = p.node.attributes.get('clip');
  if (clip?.type === 'float' && clip.value > 0) p.stop('its sums are limited');
  const attribute = p.node.attributes.get('activations');
  return attribute?.type === 'strings' && attribute.value.length > 0 ? attribute.value : null;
}

/** Lengths of sequences [batch, 1]; null where all are whole. */
function lengthsOf(p: Parts, steps: number, batch: number): Value | null {
  if (!p.has(4)) return null;
  const known = p.numbers(4);
  if (known?.every((length) => length >= steps)) return null;
  if (known === null) return p.reshape(p.in(4), [batch, 1]);
  const lengths = Int32Array.from(known);
  return p.constant(constantOf('int32', [batch, 1], new Uint8Array(lengths.buffer)), 'lengths');
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
