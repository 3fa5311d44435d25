import { typeError } from '../core/errors.ts';
import { isStatic, volume } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { constantOfValue, smallValues } from '../ir/constant.ts';
import { Node, type Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import type { Data } from './data.ts';
import { constantTensor } from './generic/constant-tensor.ts';

/** What a model remembers from run to run: outputs that are inputs of the next. At first they are zeros, or what
 *  the model says. */
export class States {
  /** Names of inputs and outputs that callers need not know. */
  readonly inputs: ReadonlySet<string>;
  readonly outputs: ReadonlySet<string>;
  readonly #links: { input: Value; output: number; initial: Tensor | null }[] = [];
  readonly #now: Map<Value, Data> = new Map();

  constructor({ graph, states }: Model) {
    this.inputs = new Set(states.map(({ input }) => input));
    this.outputs = new Set(states.map(({ output }) => output));
    for (const state of states) {
      const input = graph.inputs.find(({ name }) => name === state.input);
      const output = graph.outputs.findIndex(({ name }) => name === state.output);
      if (input === undefined || output < 0) continue;
      const initial = state.initial === undefined ? null : constantTensor(state.initial);
      this.#links.push({ input, output, initial });
    }
  }

  /** Adds what is remembered to what was fed.
   *  @throws {TypeError} nothing is remembered yet, and the sizes of a state are not known */
  feed(given: Map<Value, Data>): void {
    for (const { input, initial } of this.#links) {
      if (!given.has(input)) given.set(input, this.#now.get(input) ?? initial ?? zeros(input));
    }
  }

  /** Remembers the outputs of a run. */
  keep(results: readonly Data[]): void {
    for (const { input, output } of this.#links) this.#now.set(input, results[output]!);
  }

  reset(): void {
    this.#now.clear();
  }
}

/** Zeros: of integers that are levels, the one that stands for zero. */
function zeros(value: Value): Tensor {
  const { name, type } = value;
  if (type?.kind !== 'tensor' || type.dtype === null || !isStatic(type.shape))
    throw typeError(`feeds.${name}`, 'a tensor: the sizes of this state are not known', undefined);
  const { dtype, shape } = type;
  const count = volume(shape);
  const zero = dtype === 'int64' || dtype === 'uint64' ? BigInt(zeroOf(value)) : zeroOf(value);
  return new Tensor(dtype, new Array(count).fill(dtype === 'string' ? '' : zero), shape);
}

function zeroOf({ uses }: Value): number {
  for (const { user } of uses) {
    if (!(user instanceof Node) || user.op !== 'DequantizeLinear') continue;
    const zero = user.inputs[2] == null ? null : constantOfValue(user.inputs[2]);
    const values = zero === null ? null : smallValues(zero, 1);
    if (values !== null) return Number(values[0] ?? 0);
  }
  return 0;
}
