import { constantOfValue } from '../../ir/constant.ts';
import type { Node, Value } from '../../ir/graph.ts';
import { shapeOf } from '../../ir/types.ts';
import type { LinearLayer } from '../sensitivity/linear.ts';
import type { Parts } from '../sensitivity/parts.ts';
import { realWeights } from './reals.ts';

/** The same product in two models, and its weights as the first one has their axes. */
export interface LayerPair {
  readonly key: string;
  readonly reference: LinearLayer;
  readonly other: LinearLayer;
  readonly before: Float32Array;
  readonly after: Float32Array;
}

export interface Pairs {
  /** By the key in the reference. */
  readonly layers: ReadonlyMap<string, LayerPair>;
  /** Values of the reference in the other model. */
  readonly values: ReadonlyMap<Value, Value>;
}

/** Weights of one layer agree at least this well: the cosine of the angle between them. */
const alike = 0.5;

/** Finds what belongs together in a model and another one made of it: products by the names of their results, else by
 *  their weights, in order; values by their names, else as results of nodes alike on values alike. */
export async function pairUp(reference: Parts, other: Parts): Promise<Pairs> {
  const layers = await pairLayers(reference, other);
  const values = new Map<Value, Value>();
  const taken = new Set<Value>();
  const put = (a: Value, b: Value): void => {
    if (values.has(a) || taken.has(b) || !mayBeSame(a, b)) return;
    values.set(a, b);
    taken.add(b);
  };
  const named = valuesOf(other);
  for (const [name, value] of valuesOf(reference)) {
    const same = named.get(name);
    if (same !== undefined) put(value, same);
  }
  inputsOf(reference).forEach((value, index) => {
    const same = inputsOf(other)[index];
    if (same !== undefined) put(value, realInput(same));
  });
  const nodes = new Map<Node, Node>();
  for (const pair of layers.values()) {
    nodes.set(pair.reference.node, pair.other.node);
    const [x, y] = [pair.reference.node.inputs[0]!, pair.other.node.inputs[0]!];
    put(x, y);
    put(pair.reference.node.outputs[0]!, pair.other.node.outputs[0]!);
  }
  for (const node of reference.model.graph.nodes) {
    const same = nodes.get(node) ?? alikeNode(node, values);
    if (same === undefined || same.outputs.length !== node.outputs.length) continue;
    node.outputs.forEach((value, index) => {
      put(value, same.outputs[index]!);
    });
  }
  return { layers, values };
}

async function pairLayers(reference: Parts, other: Parts): Promise<Map<string, LayerPair>> {
  const found = new Map<string, LayerPair>();
  const taken = new Set<LinearLayer>();
  const take = async (
    key: string,
    a: LinearLayer,
    b: LinearLayer,
    least: number,
  ): Promise<void> => {
    if (found.has(key) || taken.has(b)) return;
    const before = await realWeights(a);
    const after = inAxesOf(a, b, await realWeights(b));
    if (before === null || after === null || cosine(before, after) < least) return;
    found.set(key, { key, reference: a, other: b, before, after });
    taken.add(b);
  };
  // A name is believed whatever the weights are: they may be what is wrong.
  for (const [key, a] of reference.layers) {
    const b = other.layers.get(key) ?? byName(other, a);
    if (b !== undefined) await take(key, a, b, -1);
  }
  for (const [key, a] of reference.layers)
    for (const b of other.layers.values()) await take(key, a, b, alike);
  return found;
}

/** Weights are a name, too. */
function byName(other: Parts, { weight, key }: LinearLayer): LinearLayer | undefined {
  for (const layer of other.layers.values())
    if (layer.key === key || layer.weight.name === weight.name) return layer;
  return undefined;
}

/** The other's weights with the axes of the first; null where sizes differ. */
function inAxesOf(
  a: LinearLayer,
  b: LinearLayer,
  weights: Float32Array | null,
): Float32Array | null {
  const [x, y] = [a.constant.shape, b.constant.shape];
  if (weights === null || x.length !== y.length) return null;
  if (a.channel === b.channel) return x.every((size, i) => size === y[i]) ? weights : null;
  const [rows, columns] = y;
  if (y.length !== 2 || x[0] !== columns || x[1] !== rows) return null;
  return Float32Array.from(
    weights,
    (_, i) => weights[(i % rows!) * columns! + Math.floor(i / rows!)]!,
  );
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [aa, bb, ab] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
    ab += a[i]! * b[i]!;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

/** Values of the main graph that are computed or fed, by name. */
export function valuesOf({ model: { graph } }: Parts): Map<string, Value> {
  const made = graph.nodes.flatMap(({ outputs }) => outputs);
  return new Map([...graph.inputs, ...made].map((value) => [value.name, value]));
}

function inputsOf({ model: { graph } }: Parts): Value[] {
  return graph.inputs.filter(({ constant }) => constant === null);
}

/** What integers of an input stand for. */
function realInput(value: Value): Value {
  for (const { user } of value.uses)
    if ('op' in user && user.op === 'DequantizeLinear') return user.outputs[0]!;
  return value;
}

/** Both are real, and have as many elements, as far as that is known. */
function mayBeSame(a: Value, b: Value): boolean {
  const isReal = ({ type }: Value): boolean => type?.kind !== 'tensor' || type.dtype === 'float32';
  if (!isReal(a) || !isReal(b)) return false;
  const sizes = ({ type }: Value): number[] =>
    (shapeOf(type) ?? []).filter((dim) => typeof dim === 'number').sort((p, q) => p - q);
  const [x, y] = [sizes(a).filter((n) => n > 1), sizes(b).filter((n) => n > 1)];
  return x.length !== y.length || x.every((size, i) => size === y[i]);
}

const kinds: Readonly<Record<string, string>> = { Gemm: 'MatMul' };
const kindOf = ({ op }: Node): string => kinds[op] ?? op;

/** The one node of a kind that reads the values of the other model. */
function alikeNode(node: Node, values: ReadonlyMap<Value, Value>): Node | undefined {
  const computed = node.inputs.filter(
    (value): value is Value => value !== null && constantOfValue(value) === null,
  );
  const others = computed.map((value) => values.get(value));
  const first = others[0];
  if (first === undefined || others.includes(undefined)) return undefined;
  const candidates = new Set<Node>();
  for (const { user } of first.uses)
    if ('op' in user && kindOf(user) === kindOf(node)) candidates.add(user);
  const fitting = [...candidates].filter((other) =>
    others.every((value) => other.inputs.includes(value!)),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}
