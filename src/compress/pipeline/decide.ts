import { rangeError } from '../../core/errors.ts';
import { nearWords } from '../../core/near.ts';
import { constantOfValue } from '../../ir/constant.ts';
import { Node, type Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { allGraphs } from '../../ir/walk.ts';
import {
  type LayerOption,
  type QuantizeSettings,
  type ResolvedQuantize,
  resolveLayer,
} from '../options.ts';
import { weightSlot } from '../slots.ts';
import { reach } from '../trace.ts';

/** How one layer is stored and computed. */
export interface Decision {
  /** null: as it is, with real numbers. */
  settings: ResolvedQuantize | null;
  /** Why it is not as the rest of the model; null where it is. */
  why: string | null;
  /** What a plan says of it. */
  option?: LayerOption;
}

/** How every layer is stored and computed. Layers are operators with weights, named by their first output. */
export class Decisions {
  /** What holds for layers that are not listed. */
  readonly base: ResolvedQuantize;
  readonly layers: ReadonlyMap<string, Decision>;
  /** Computed values that stay real numbers, by name, and why: operators that make or read them do, too. */
  readonly real: ReadonlyMap<string, string>;

  constructor(
    base: ResolvedQuantize,
    layers: ReadonlyMap<string, Decision> = new Map(),
    real: ReadonlyMap<string, string> = new Map(),
  ) {
    this.base = base;
    this.layers = layers;
    this.real = real;
  }

  of(node: Node): Decision {
    return this.layers.get(layerKey(node)) ?? { settings: this.base, why: null };
  }

  /** The same but for some layers and values. */
  with(
    layers: Iterable<readonly [key: string, decision: Decision]>,
    real: Iterable<readonly [value: string, why: string]> = [],
  ): Decisions {
    const decided = new Map([...this.layers, ...layers]);
    return new Decisions(this.base, decided, new Map([...this.real, ...real]));
  }
}

/** Name of a layer: of its first output. */
export function layerKey(node: Node): string {
  return node.outputs[0]?.name ?? node.name;
}

/** An operator with weights, and the constants that they come of. */
export interface Layer {
  key: string;
  node: Node;
  weights: readonly Value[];
}

/** The layers of a model in order, those of inner graphs too. */
export function layersOf(model: Model): Layer[] {
  const layers = new Map<Node, Value[]>();
  for (const graph of allGraphs(model.graph)) {
    const made = graph.nodes.flatMap(({ outputs }) => outputs);
    for (const value of [...graph.constants, ...made]) {
      const constant = constantOfValue(value);
      if (constant === null) continue;
      for (const { use, axes } of reach(value, constant.shape)) {
        if (!(use.user instanceof Node) || weightSlot(use.user, use.index, axes.length) === null)
          continue;
        const weights = layers.get(use.user);
        if (weights === undefined) layers.set(use.user, [value]);
        else weights.push(value);
      }
    }
  }
  const ordered = [...allGraphs(model.graph)].flatMap(({ nodes }) => nodes);
  return ordered.flatMap((node) => {
    const weights = layers.get(node);
    return weights === undefined ? [] : [{ key: layerKey(node), node, weights }];
  });
}

/** What the caller decided: `quantize.layers` by the name of an operator, a weight or an output.
 *  @throws {RangeError} no such layer, with names that are near */
export function decide(
  model: Model,
  base: ResolvedQuantize,
  given: Readonly<Record<string, LayerOption>>,
  whole: QuantizeSettings,
): Decisions {
  const names = Object.keys(given);
  if (names.length === 0) return new Decisions(base);
  const byName = new Map<string, Layer[]>();
  for (const layer of layersOf(model)) {
    const own = [layer.key, layer.node.name, ...layer.node.outputs.map(({ name }) => name)];
    for (const name of new Set([...own, ...layer.weights.map((weight) => weight.name)])) {
      if (name === '') continue;
      const known = byName.get(name);
      if (known === undefined) byName.set(name, [layer]);
      else known.push(layer);
    }
  }
  const decided = new Map<string, Decision>();
  for (const name of names) {
    const layers = byName.get(name);
    if (layers === undefined) throw unknownLayer(name, [...byName.keys()]);
    const option = given[name]!;
    const settings = resolveLayer(name, option, whole, model.format, base.activations !== null);
    for (const { key } of layers)
      decided.set(key, { settings, option, why: 'as the caller wishes' });
  }
  return new Decisions(base, decided);
}

function unknownLayer(name: string, known: readonly string[]): RangeError {
  const alike = known.filter((other) => other.includes(name) || name.includes(other));
  const near = [...new Set([...nearWords(name, known, 3), ...alike])];
  const list = (near.length === 0 ? known : near)
    .slice(0, 3)
    .map((other) => `"${other}"`)
    .join(' | ');
  return rangeError('quantize.layers', `names of operators, weights or outputs (${list} …)`, name);
}
