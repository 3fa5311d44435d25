import { constantOfValue } from '../../ir/constant.ts';
import { Node, type Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { countOf, type Digits } from './digits.ts';

/** The channels of a value: where they lie, and the factor that each may be divided by, by its number. */
export interface Channels {
  readonly digits: Digits;
  readonly factors: Int32Array;
}

/** A constant whose elements change with the factors: times (1) or divided by (-1) them. */
export interface Scaled extends Channels {
  readonly node: Node;
  readonly input: number;
  readonly power: 1 | -1;
}

/** A product that reads channels with factors. */
export interface LinearReader {
  readonly node: Node;
  /** How its weights are multiplied. */
  readonly weight: Scaled;
  /** Where outputs lie in the weights. */
  readonly outputs: Digits;
}

/** Which channels of a model's values can be divided by a factor so that what makes them divides by it and what reads them
 *  multiplies with it: nothing else changes what the model computes. Factors of channels that are added to each other
 *  are one; channels that something else reads have none (their factor is pinned to 1). Linear in values and channels.
 *  Source: Nagel et al. 2019 (cross-layer equalization), Xiao et al. 2022 (SmoothQuant): both are choices of factors. */
export class ChannelMap {
  readonly model: Model;
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  readonly #channels: Map<Value, Channels> = new Map();
  /** Of each factor the one that it is the same as; -1: pinned. */
  readonly #same: number[] = [];
  readonly scaled: Scaled[] = [];
  readonly readers: LinearReader[] = [];

  /** Knows no channels yet: `mapChannels` finds them.
   *  @param shapes  of values, by name, for one sample */
  constructor(model: Model, shapes: ReadonlyMap<string, readonly number[]>) {
    this.model = model;
    this.#shapes = shapes;
  }

  /** Values with channels whose factors are not all pinned. */
  get values(): [Value, Channels][] {
    return [...this.#channels].filter(([, { factors }]) =>
      factors.some((factor) => this.root(factor) >= 0),
    );
  }

  channels(value: Value | null | undefined): Channels | null {
    return value == null ? null : (this.#channels.get(value) ?? null);
  }

  shape(value: Value | null | undefined): readonly number[] | null {
    if (value == null) return null;
    return this.#shapes.get(value.name) ?? constantOfValue(value)?.shape ?? null;
  }

  /** A factor's number, the least of those that are the same; -1 where it is pinned. */
  root(factor: number): number {
    let at = factor;
    while (at >= 0 && this.#same[at] !== at) at = this.#same[at]!;
    return at;
  }

  /** Channels with new factors. */
  fresh(digits: Digits): Channels {
    const count = countOf(digits);
    const first = this.#same.length;
    for (let i = 0; i < count; i++) this.#same.push(first + i);
    return { digits, factors: Int32Array.from({ length: count }, (_, i) => first + i) };
  }

  set(value: Value, channels: Channels | null): void {
    const isWhole =
      value.quantization === null && channels !== null && countOf(channels.digits) > 1;
    if (isWhole) this.#channels.set(value, channels);
    else if (channels !== null) this.pinFactors(channels.factors);
  }

  pin(value: Value): void {
    const channels = this.#channels.get(value);
    if (channels !== undefined) this.pinFactors(channels.factors);
  }

  pinFactors(factors: Int32Array): void {
    for (const factor of factors) {
      const root = this.root(factor);
      if (root >= 0) this.#same[root] = -1;
    }
  }

  /** Makes factors of two values the same, one by one. */
  unite(a: Int32Array, b: Int32Array): void {
    a.forEach((factor, i) => {
      const [x, y] = [this.root(factor), this.root(b[i]!)];
      if (x === y) return;
      if (x < 0) this.#same[y] = -1;
      else if (y < 0) this.#same[x] = -1;
      else this.#same[Math.max(x, y)] = Math.min(x, y);
    });
  }
}

/** A float32 constant that may change: others that read it keep theirs, as long as a copy is small. */
export function mayChange(value: Value | null | undefined): value is Value {
  if (value == null || value.quantization !== null) return false;
  const constant = constantOfValue(value);
  if (constant?.dtype !== 'float32') return false;
  const isOutput = [...value.uses].some(({ user }) => !(user instanceof Node));
  return !isOutput && (value.uses.size === 1 || constant.data.size <= mostCopied);
}

/** Bytes of a constant that may be copied. */
const mostCopied = 2 ** 14;
