import { integerRange } from '../../core/dtype.ts';
import { roundHalfEven } from '../../core/round.ts';
import type { Tensor } from '../../core/tensor.ts';
import { clone } from '../../ir/clone.ts';
import { Edit } from '../../ir/edit.ts';
import type { Model } from '../../ir/model.ts';
import { type Quantization, shapeOf, tensorType } from '../../ir/types.ts';
import { type Between, between, fits, turned, turnsOf } from '../../runtime/between.ts';
import { tensorOf } from '../../runtime/generic/elements.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { createSession, type Session } from '../../runtime/session.ts';
import type { Attached } from './attached.ts';

/** The other model as it runs, with kernels on integers, and what is looked at on the way. */
export class Other {
  readonly #session: Session;
  readonly #between: Between;
  readonly #integers: Attached['integerInputs'];

  /** @param reference  whose feeds are given
   *  @param names      of values of the main graph */
  constructor(other: Attached, reference: Model, names: readonly string[]) {
    const copy = clone(other.model);
    for (const value of copy.graph.inputs)
      if (other.integerInputs.has(value.name))
        value.type = tensorType('float32', shapeOf(value.type));
    this.#between = between(reference, copy);
    this.#integers = other.integerInputs;
    this.#session = createSession(withOutputs(other.model, names));
  }

  /** The values that were named. */
  run(feeds: Feeds): Record<string, Tensor> {
    const given = this.#between.feeds(feeds);
    for (const [name, quantization] of this.#integers) {
      const tensor = given[name];
      if (tensor !== undefined) given[name] = quantized(tensor, quantization);
    }
    this.#session.reset();
    return this.#session.run(given);
  }

  dispose(): void {
    this.#session.dispose();
  }
}

function withOutputs(model: Model, names: readonly string[]): Model {
  const copy = clone(model);
  const edit = new Edit(copy, { pass: 'explain', rule: 'look', reason: 'values are compared' });
  const given = new Set(copy.graph.outputs.map(({ name }) => name));
  const wanted = new Set(names);
  const values = [...copy.graph.inputs, ...copy.graph.nodes.flatMap(({ outputs }) => outputs)];
  for (const value of values)
    if (wanted.has(value.name) && !given.has(value.name)) edit.addOutput(value);
  edit.commit();
  return copy;
}

function quantized({ data, dims }: Tensor, { storage, scale, zeroPoint }: Quantization): Tensor {
  const { min, max } = integerRange(storage);
  const zero = zeroPoint?.[0] ?? 0;
  const levels = Float64Array.from(data as Float32Array, (x) =>
    Math.max(min, Math.min(max, roundHalfEven(Math.fround(x / scale[0]!)) + zero)),
  );
  return tensorOf(storage, levels, dims);
}

/** A tensor with its axes as another one has them, where it is plain how. */
export function asIn(reference: Tensor, other: Tensor | undefined): Float32Array | null {
  if (other === undefined || !(other.data instanceof Float32Array)) return null;
  const [x, y] = [reference.dims, other.dims];
  if (other.data.length !== reference.data.length) return null;
  const isSame = x.length === y.length && x.every((size, i) => size === y[i]);
  if (isSame || x.length !== y.length || x.length < 3) return other.data;
  const turns = turnsOf(x.length);
  const turn = [turns.first, turns.last].find((perm) => fits(y, x, perm));
  return turn === undefined ? null : (turned(other, turn).data as Float32Array);
}
