import { decibels } from '../../core/decibels.ts';
import { constantOfValue } from '../../ir/constant.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { roleOf, type TargetRuntime } from '../activations/roles.ts';
import { layerKey } from '../pipeline/decide.ts';
import type { Source, Sources } from './sources.ts';

/** What stays in real numbers: values with all that makes or reads them, and weights. */
export interface Restored {
  values: ReadonlySet<string>;
  weights: ReadonlySet<string>;
  /** Products whose weights are integers as before. */
  layers: ReadonlySet<string>;
}

/** What is quantized where some of it is not. */
export interface Remaining {
  /** Names of values with levels. */
  values: ReadonlySet<string>;
  /** Products with weights that run on integers. */
  layers: readonly Node[];
}

export interface SearchOptions {
  model: Model;
  target: TargetRuntime;
  sources: Sources;
  /** What would be quantized. */
  remaining(restored: Restored): Remaining;
  /** Share of the time that a layer's product takes, and of the bytes that its weights have. */
  cost(key: string): { time: number; bytes: number };
}

/** Chooses what is to be real again: the least and smallest that is predicted to bring all outputs to a goal. Noise
 *  powers add up; a prediction is anchored at what was measured last. */
export class Search {
  readonly #options: SearchOptions;
  readonly #closures: Map<string, readonly string[]> = new Map();
  readonly #producers: Map<string, Value>;
  /** In the order in which they were chosen. */
  readonly moves: Source[] = [];
  /** Measured ratios of the outputs, dB, and the noise that was predicted for the same state. */
  #anchor: { measured: readonly number[]; noise: readonly number[] } | null = null;

  constructor(options: SearchOptions) {
    this.#options = options;
    const { inputs, nodes } = options.model.graph;
    const values = [...inputs, ...nodes.flatMap(({ outputs }) => outputs)];
    this.#producers = new Map(values.map((value) => [value.name, value]));
  }

  /** @param measured  ratios of the outputs, dB, with the moves so far */
  anchor(measured: readonly number[]): void {
    this.#anchor = { measured, noise: this.#noise(this.restored()) };
  }

  /** Moves on until the goal is predicted to be met, by at least one move and as many as are asked for.
   *  @returns  false where nothing is left that could be moved */
  advance(goalDb: number, least: number): boolean {
    const before = this.moves.length;
    while (this.moves.length < before + least || this.#shortfall(this.restored(), goalDb) > 0) {
      const best = this.#best(goalDb);
      if (best === null) break;
      this.moves.push(best);
    }
    return this.moves.length > before;
  }

  restored(moves: readonly Source[] = this.moves): Restored {
    const values = moves.filter(({ kind }) => kind === 'value');
    const places = (of: Source['kind']): string[] =>
      moves.filter(({ kind }) => kind === of).map(({ place }) => place);
    return {
      values: new Set(values.flatMap(({ place }) => this.#closure(place))),
      weights: new Set(places('weights')),
      layers: new Set(places('layer')),
    };
  }

  /** Whether the goal would be met with other moves, as far as can be told. */
  isEnough(moves: readonly Source[], goalDb: number): boolean {
    return this.#shortfall(this.restored(moves), goalDb) <= 0;
  }

  /** What moves cost. */
  costOf(moves: readonly Source[]): number {
    return this.#cost(this.restored(moves));
  }

  #best(goalDb: number): Source | null {
    const state = this.restored();
    const { values, layers } = this.#options.remaining(state);
    const candidates = this.#options.sources.sources
      .filter(({ kind, place }) =>
        kind === 'value' ? values.has(place) : !state.weights.has(place),
      )
      .filter(({ noise }) => noise.some((sum) => sum > 0))
      .map((source) => ({ source, share: this.#shareOf(source) }))
      .sort((a, b) => b.share - a.share)
      .slice(0, mostCandidates);
    const before = this.#shortfall(state, goalDb);
    const cost = this.#cost(state);
    let best: { source: Source; value: number } | null = null;
    const around = this.#around(candidates, layers);
    for (const { source, share } of [...candidates, ...around]) {
      const next = this.restored([...this.moves, source]);
      const gain = before - this.#shortfall(next, goalDb) + 1e-6 * share;
      const value = gain / (this.#cost(next) - cost + leastCost);
      if (best === null || value > best.value) best = { source, value };
    }
    return best?.source ?? null;
  }

  /** Products that make or read the values among candidates. */
  #around(
    candidates: readonly { source: Source; share: number }[],
    layers: readonly Node[],
  ): { source: Source; share: number }[] {
    const found = new Map<string, { source: Source; share: number }>();
    for (const { source, share } of candidates) {
      if (source.kind !== 'value') continue;
      const closure = new Set(this.#closure(source.place));
      for (const node of layers) {
        const key = layerKey(node);
        const isBeside = [...node.inputs, ...node.outputs].some(
          (value) => value !== null && closure.has(value.name),
        );
        const noise = source.noise.map(() => 0);
        if (isBeside && !found.has(key))
          found.set(key, { source: { kind: 'layer', place: key, noise }, share: share / 4 });
      }
    }
    return [...found.values()];
  }

  /** Largest part of an output's noise. */
  #shareOf({ noise }: Source): number {
    const all = this.#noise(this.restored());
    return Math.max(0, ...noise.map((sum, at) => (all[at]! > 0 ? sum / all[at]! : 0)));
  }

  #noise(restored: Restored): number[] {
    const { values } = this.#options.remaining(restored);
    const { signal, sources } = this.#options.sources;
    const sums = signal.map(() => 0);
    for (const { kind, place, noise } of sources) {
      if (kind === 'layer') continue;
      const isThere = kind === 'value' ? values.has(place) : !restored.weights.has(place);
      if (!isThere) continue;
      noise.forEach((sum, at) => {
        sums[at]! += sum;
      });
    }
    return sums;
  }

  /** Sum of what outputs lack to the goal, dB. */
  #shortfall(restored: Restored, goalDb: number): number {
    const { measured, noise: anchored } = this.#anchor!;
    const noise = this.#noise(restored);
    let sum = 0;
    for (const [at, ratio] of measured.entries()) {
      const [before = 0, after = 0] = [anchored[at], noise[at]];
      // Nothing is left that is known to make noise.
      if (after === 0) continue;
      const expected = Math.max(ratio, -60) + Math.max(0, decibels(before, after));
      sum += Math.max(0, Math.min(goalDb - expected, 200));
    }
    return sum;
  }

  #cost(restored: Restored): number {
    const { cost, remaining } = this.#options;
    let sum = 0;
    for (const key of restored.weights) sum += cost(key).bytes;
    // What runs on integers still is not paid for.
    for (const node of remaining(restored).layers) sum -= cost(layerKey(node)).time;
    return sum;
  }

  /** Values with the elements of one that are quantized with it: before it, if it is what a clamp makes of them, and
   *  behind it, where its elements are moved. */
  #closure(place: string): readonly string[] {
    const known = this.#closures.get(place);
    if (known !== undefined) return known;
    const found = new Set<Value>();
    const visit = (value: Value): void => {
      if (found.has(value)) return;
      found.add(value);
      const { producer, uses } = value;
      if (producer !== null && this.#roleOf(producer) === 'clamp') visit(producer.inputs[0]!);
      for (const { user } of uses) {
        if (!('op' in user)) continue;
        const role = this.#roleOf(user);
        if (role === 'keep' || role === 'clamp') user.outputs.forEach(visit);
      }
    };
    const value = this.#producers.get(place);
    if (value !== undefined && constantOfValue(value) === null) visit(value);
    const names = [...found].map(({ name }) => name);
    this.#closures.set(place, names);
    return names;
  }

  #roleOf(node: Node): ReturnType<typeof roleOf> {
    return roleOf(node, this.#options.target);
  }
}

/** Sources that are tried for each move: those of most noise. */
const mostCandidates = 24;
/** A move that costs nothing is no reason to divide by it: of a hundredth of the model. */
const leastCost = 0.01;
