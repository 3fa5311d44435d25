import { volume } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Builder } from '../../ir/build.ts';
import { clone } from '../../ir/clone.ts';
import type { Constant } from '../../ir/constant.ts';
import { Graph, type Node, type Value } from '../../ir/graph.ts';
import { Model } from '../../ir/model.ts';
import { shapeOf, tensorType } from '../../ir/types.ts';
import { ops } from '../../ops/index.ts';
import { inferShapes } from '../../passes/shapes.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { createSession } from '../../runtime/session.ts';

/** Runs a model over samples piece by piece: between two pieces it holds what later nodes read, of all samples, and
 *  constants that nodes have not read yet may be replaced. Every node runs once. */
export class Walk {
  readonly #model: Model;
  /** Nodes that make the same for every sample: they are part of every piece that reads them. */
  readonly #fixed: ReadonlySet<Node>;
  /** Values that later nodes read, one tensor for each element of the samples. */
  readonly #live: Map<string, Tensor[]> = new Map();
  readonly #replaced: Map<string, Constant> = new Map();
  readonly #ofNode: Map<Node, Map<string, Constant>> = new Map();
  readonly #count: number;
  #done = 0;

  /** @param model  with its weights in memory; see `canWalk` */
  constructor(model: Model, samples: readonly Feeds[]) {
    this.#model = model;
    this.#fixed = fixedNodes(model.graph);
    this.#count = samples.length;
    for (const feeds of samples)
      for (const [given, tensor] of Object.entries(feeds)) {
        const name = model.aliases.inputs.get(given) ?? given;
        const known = this.#live.get(name);
        if (known === undefined) this.#live.set(name, [tensor]);
        else known.push(tensor);
      }
  }

  /** Makes nodes that have not run yet read another constant. */
  replace(name: string, constant: Constant): void {
    this.#replaced.set(name, constant);
  }

  /** The same for one node. */
  replaceFor(node: Node, name: string, constant: Constant): void {
    const own = this.#ofNode.get(node) ?? new Map<string, Constant>();
    this.#ofNode.set(node, own.set(name, constant));
  }

  /** Runs what stands before a node, and gives a value that it reads, for each element of the samples.
   *  @throws {AbortError} the signal was aborted; errors of the session */
  async before(node: Node, value: Value, signal?: AbortSignal): Promise<readonly Tensor[]> {
    await this.#run(this.#model.graph.nodes.indexOf(node), signal);
    return this.#live.get(value.name) ?? [];
  }

  /** Runs what is left, and gives the model's outputs. */
  async finish(signal?: AbortSignal): Promise<ReadonlyMap<string, readonly Tensor[]>> {
    await this.#run(this.#model.graph.nodes.length, signal);
    return this.#live;
  }

  async #run(end: number, signal: AbortSignal | undefined): Promise<void> {
    const { nodes, outputs } = this.#model.graph;
    if (end <= this.#done) return;
    const piece = nodes.slice(this.#done, end).filter((node) => !this.#fixed.has(node));
    this.#done = end;
    const later = new Set(outputs.map(({ name }) => name));
    for (const { inputs } of nodes.slice(end))
      for (const value of inputs) if (value !== null) later.add(value.name);
    const made = piece.flatMap((node) => node.outputs.map(({ name }) => name));
    const wanted = made.filter((name) => later.has(name));
    if (wanted.length > 0) await this.#runPiece(this.#pieceOf(piece, wanted), wanted, signal);
    for (const name of this.#live.keys()) if (!later.has(name)) this.#live.delete(name);
  }

  async #runPiece(
    model: Model,
    wanted: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const session = createSession(model);
    try {
      const results = new Map<string, Tensor[]>(wanted.map((name) => [name, []]));
      for (let i = 0; i < this.#count; i++) {
        const inputs = model.graph.inputs.map(({ name }) => name);
        const feeds = Object.fromEntries(inputs.map((name) => [name, this.#live.get(name)![i]!]));
        const outputs = await session.runAsync(feeds, signal === undefined ? {} : { signal });
        for (const name of wanted) results.get(name)!.push(outputs[name]!);
      }
      for (const [name, tensors] of results) this.#live.set(name, tensors);
    } finally {
      session.dispose();
    }
  }

  /** A model of some nodes, which is given what is there and makes what is wanted. */
  #pieceOf(nodes: readonly Node[], wanted: readonly string[]): Model {
    const build = new Builder(new Graph(this.#model.graph.name));
    const values = new Map<Value, Value>();
    const copy = (node: Node): void => {
      const own = this.#ofNode.get(node);
      const inputs = node.inputs.map((value, i) => {
        const constant = value === null ? undefined : own?.get(value.name);
        if (constant !== undefined) return build.constant(`${node.id}:${i}`, constant);
        return value === null ? null : valueFor(value);
      });
      const { op, domain, name, attributes } = node;
      const names = node.outputs.map((output) => output.name);
      const made = build.node({ op, domain, name, attributes, inputs }, names);
      node.outputs.forEach((output, i) => {
        values.set(output, made.outputs[i]!);
      });
    };
    const valueFor = (value: Value): Value => {
      if (!values.has(value)) {
        const constant = this.#replaced.get(value.name) ?? value.constant;
        if (constant !== null) values.set(value, constantFor(value, constant));
        else if (value.producer !== null && this.#fixed.has(value.producer)) copy(value.producer);
        else values.set(value, inputFor(value));
      }
      return values.get(value)!;
    };
    const constantFor = (value: Value, constant: Constant): Value => {
      const made = build.constant(value.name, constant);
      if (constant !== value.constant || value.quantization === null) return made;
      made.quantization = value.quantization;
      made.type = value.type;
      return made;
    };
    const inputFor = ({ name }: Value): Value => {
      const [{ type, dims } = { type: 'float32', dims: [] } as const] = this.#live.get(name) ?? [];
      return build.input(
        name,
        tensorType(
          type,
          dims.map(() => null),
        ),
      );
    };
    for (const node of nodes) copy(node);
    for (const [{ name }, made] of values) if (wanted.includes(name)) build.output(made);
    const model = new Model(build.graph);
    model.format = this.#model.format;
    model.inlineCalls = this.#model.inlineCalls;
    for (const [domain, version] of this.#model.opsets) model.opsets.set(domain, version);
    return model;
  }
}

/** Whether a model can be walked: without bodies, states, sequences, and what is drawn at random. */
export function canWalk({ graph, states }: Model): boolean {
  return (
    states.length === 0 &&
    graph.nodes.every(
      (node) =>
        [...node.subgraphs()].length === 0 &&
        !/^(Random|Bernoulli|Multinomial|Optional)|Sequence/.test(node.op),
    )
  );
}

function fixedNodes({ nodes }: Graph): Set<Node> {
  const fixed = new Set<Node>();
  for (const node of nodes) {
    const isFixed = node.inputs.every(
      (value) =>
        value === null ||
        value.constant !== null ||
        (value.producer !== null && fixed.has(value.producer)),
    );
    if (isFixed) fixed.add(node);
  }
  return fixed;
}

/** Most bytes of values that are held between two nodes, for samples of the sizes of `feeds`. */
export function bytesBetween(model: Model, feeds: Feeds): number {
  const shaped = clone(model);
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { dims }]) => [model.aliases.inputs.get(name) ?? name, dims]),
  );
  inferShapes(shaped, ops, { inputs });
  const { nodes } = shaped.graph;
  const last = new Map<Value, number>();
  nodes.forEach((node, at) => {
    for (const value of node.inputs) if (value !== null) last.set(value, at);
  });
  let live = shaped.graph.inputs.reduce((sum, value) => sum + bytesOfValue(value), 0);
  let most = live;
  nodes.forEach((node, at) => {
    for (const value of node.outputs) if (last.has(value)) live += bytesOfValue(value);
    most = Math.max(most, live);
    for (const value of new Set(node.inputs))
      if (value !== null && value.constant === null && last.get(value) === at)
        live -= bytesOfValue(value);
  });
  return most;
}

function bytesOfValue({ type }: Value): number {
  const shape = shapeOf(type);
  const isKnown = shape?.every((dim) => typeof dim === 'number') === true;
  return isKnown ? 4 * volume(shape as number[]) : 0;
}
