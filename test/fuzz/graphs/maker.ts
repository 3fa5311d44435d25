import type { DType } from '../../../src/core/dtype.ts';
import { ModelpressError } from '../../../src/core/errors.ts';
import type { Random } from '../../../src/core/random.ts';
import { Tensor } from '../../../src/core/tensor.ts';
import type { Attribute } from '../../../src/ir/index.ts';
import { isFloatType, numbersOf, tensorOf } from '../../../src/runtime/generic/elements.ts';
import { interpret } from '../../reference/interpret.ts';
import { type Body, modelOf, nameOf, type Recipe, readBy, type Step } from './recipe.ts';

/** Makes a recipe step by step, each of which is run at once: sizes are known without any shape rule, and so is how
 *  far rounding before and within a step may move its results. */

export interface Known {
  readonly tensor: Tensor;
  /** How far an element may be from this one: 0 where every way to compute it gives the same. */
  readonly noise: number;
}

/** Float noise relative to the largest element of a value. */
const rounding = 1e-6;

/** More noise than this, relative to the largest element: the step is ill-conditioned. */
const mostNoise = { float: 3e-3, quantized: 0.15 };

export interface StepOptions {
  attributes?: Readonly<Record<string, Attribute>>;
  bodies?: Readonly<Record<string, Body>>;
  outputs?: number;
  /** What the step is like: exact results from exact operands (moves, comparisons, integers); a jump, which only takes
   *  exact operands; or rounding to levels, which adds one of them to the noise. Default: rounds. */
  kind?: 'exact' | 'jump' | 'levels' | 'rounds';
}

export class Maker {
  readonly random: Random;
  readonly known: Map<number, Known> = new Map();
  readonly feeds: Map<number, Tensor> = new Map();
  readonly constants: Map<number, Tensor> = new Map();
  readonly steps: Step[] = [];
  readonly isQuantized: boolean;
  #next = 0;

  constructor(random: Random, isQuantized: boolean) {
    this.random = random;
    this.isQuantized = isQuantized;
  }

  newId(): number {
    return this.#next++;
  }

  /** One of them. */
  one<T>(items: readonly T[]): T {
    return items[this.random.below(items.length)]!;
  }

  chance(percent: number): boolean {
    return this.random.below(100) < percent;
  }

  /** Low to high, both included. */
  between(low: number, high: number): number {
    return low + this.random.below(high - low + 1);
  }

  dims(id: number): readonly number[] {
    return this.known.get(id)!.tensor.dims;
  }

  type(id: number): DType {
    return this.known.get(id)!.tensor.type as DType;
  }

  /** Sizes, often 1 or odd. */
  sizes(rank: number): number[] {
    return Array.from({ length: rank }, () => this.one([1, 2, 3, 4, 5, 7, 8, 9]));
  }

  /** Multiples of 1/64 about 0; integers; truth values. */
  tensor(type: DType, dims: readonly number[], spread = 2): Tensor {
    const count = dims.reduce((a, b) => a * b, 1);
    const values = Float64Array.from({ length: count }, () => {
      if (type === 'bool') return this.random.below(2);
      if (type === 'uint8') return this.random.below(256);
      if (!isFloatType(type)) return this.random.below(13) - 6;
      return (this.random.below(2 * spread * 64 + 1) - spread * 64) / 64;
    });
    return tensorOf(type, values, dims);
  }

  feed(tensor: Tensor): number {
    return this.#add(this.feeds, tensor);
  }

  constant(tensor: Tensor): number {
    return this.#add(this.constants, tensor);
  }

  integers(values: readonly number[], dims?: readonly number[]): number {
    return this.constant(tensorOf('int64', values, dims ?? [values.length]));
  }

  #add(to: Map<number, Tensor>, tensor: Tensor): number {
    const id = this.newId();
    to.set(id, tensor);
    this.known.set(id, { tensor, noise: 0 });
    return id;
  }

  /** A value that is there and fits, of the later ones rather; null where there is none. */
  pick(fits: (known: Known) => boolean): number | null {
    const all = [...this.known].filter(
      ([id, known]) => !this.constants.has(id) && known.tensor.size > 0 && fits(known),
    );
    if (all.length === 0) return null;
    const recent = this.chance(60) ? all.slice(-4) : all;
    return this.one(recent)[0];
  }

  /** A float32 value of such a rank. */
  float(low = 0, high = 6): number | null {
    return this.pick(
      ({ tensor: { type, dims } }) =>
        type === 'float32' && dims.length >= low && dims.length <= high,
    );
  }

  /** Adds a step.
   *  @returns its outputs, or null where it can't be: operands that don't fit, results that say nothing */
  step(op: string, inputs: readonly (number | null)[], options: StepOptions = {}): number[] | null {
    const { attributes, bodies, kind = 'rounds' } = options;
    if (inputs[0] === null) return null;
    const outputs = Array.from({ length: options.outputs ?? 1 }, () => this.newId());
    const step: Step = {
      op,
      inputs,
      outputs,
      ...(attributes === undefined ? {} : { attributes }),
      ...(bodies === undefined ? {} : { bodies }),
    };
    const read = [...readBy([step])];
    const isExact = read.every((id) => this.known.get(id)!.noise === 0);
    if (kind === 'jump' && !isExact) return null;
    const operands = new Map(read.map((id) => [id, this.known.get(id)!.tensor]));
    const results = this.#run(step, operands);
    if (results === null || results.some((tensor) => tensor.size > 20_000)) return null;
    const noises = results.map((tensor) => {
      const top = largest(tensor);
      return { top, noise: 0 };
    });
    if (noises.some(({ top }) => !(top < 1e6))) return null;
    if (kind !== 'jump' && !(kind === 'exact' && isExact)) {
      // All up, which adds up in sums, and twice up or down.
      for (const percent of [100, 50, 50]) {
        const operands = new Map(read.map((id) => [id, this.#moved(id, percent)]));
        const moved = this.#run(step, operands);
        if (moved === null) return null;
        for (const [i, tensor] of moved.entries()) {
          if (`${tensor.dims}` !== `${results[i]!.dims}`) return null;
          noises[i]!.noise = Math.max(noises[i]!.noise, farthest(tensor, results[i]!));
        }
      }
    }
    for (const [i, own] of noises.entries()) {
      const isFloat = isFloatType(results[i]!.type as DType);
      // Gates of recurrent cells are about 1, whatever comes out of them.
      const scale = /^(RNN|GRU|LSTM)$/.test(op) ? Math.max(own.top, 1) : own.top;
      if (kind === 'rounds') own.noise = 4 * own.noise + (isFloat ? rounding * scale : 0);
      else if (kind === 'levels') own.noise = Math.ceil(2 * own.noise) + 1;
      else own.noise *= 2;
      const most = this.isQuantized ? mostNoise.quantized : mostNoise.float;
      if (!(own.noise <= most * Math.max(own.top, 1e-3))) return null;
    }
    this.steps.push(step);
    outputs.forEach((id, i) => {
      this.known.set(id, { tensor: results[i]!, noise: noises[i]!.noise });
    });
    return outputs;
  }

  #run(step: Step, feeds: ReadonlyMap<number, Tensor>): Tensor[] | null {
    const alone: Recipe = {
      feeds,
      constants: new Map(),
      steps: [step],
      outputs: step.outputs,
      declared: 'sizes',
    };
    try {
      const named = Object.fromEntries([...feeds].map(([id, tensor]) => [nameOf(id), tensor]));
      const results = interpret(modelOf(alone), named);
      const tensors = step.outputs.map((id) => results[nameOf(id)]);
      return tensors.every((data) => data instanceof Tensor) ? (tensors as Tensor[]) : null;
    } catch (error) {
      if (error instanceof ModelpressError) return null;
      throw error;
    }
  }

  /** A value's elements moved by its noise and a rounding, so many of them up. */
  #moved(id: number, percent: number): Tensor {
    const { tensor, noise } = this.known.get(id)!;
    const isFloat = isFloatType(tensor.type as DType);
    if (!isFloat && noise === 0) return tensor;
    const reach = isFloat ? noise + rounding * largest(tensor) : noise;
    const values = numbersOf(tensor).map((value) =>
      value === 0 && noise === 0 ? value : value + (this.chance(percent) ? reach : -reach),
    );
    if (tensor.type === 'uint8')
      for (let i = 0; i < values.length; i++) values[i] = Math.min(Math.max(values[i]!, 0), 255);
    if (tensor.type === 'int8')
      for (let i = 0; i < values.length; i++) values[i] = Math.min(Math.max(values[i]!, -128), 127);
    return tensorOf(tensor.type as DType, values, tensor.dims);
  }
}

/** NaN counts as infinite. */
function largest(tensor: Tensor): number {
  let top = 0;
  for (const value of numbersOf(tensor)) {
    if (!Number.isFinite(value)) return Number.POSITIVE_INFINITY;
    top = Math.max(top, Math.abs(value));
  }
  return top;
}

export function farthest(a: Tensor, b: Tensor): number {
  const [x, y] = [numbersOf(a), numbersOf(b)];
  let most = 0;
  for (let i = 0; i < y.length; i++) {
    const distance = Math.abs(x[i]! - y[i]!);
    if (!(distance <= most)) most = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
  }
  return most;
}
