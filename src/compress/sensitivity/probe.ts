import { rangeError } from '../../core/errors.ts';
import { bytesOf, Tensor } from '../../core/tensor.ts';
import { clone } from '../../ir/clone.ts';
import { constantOf } from '../../ir/constant.ts';
import { Edit } from '../../ir/edit.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { tensorType } from '../../ir/types.ts';
import { freshName, namesAround } from '../../ir/walk.ts';
import { loadWeights } from '../../runtime/prepare.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { createSession, type Session } from '../../runtime/session.ts';
import { linearLayer } from './linear.ts';

/** What is to be done to values of a model's main graph, by their names. */
export interface ProbePlan {
  /** Something may be added to these, before anybody reads them. */
  add: readonly string[];
  /** These are given back, with what was added. */
  read: readonly string[];
  /** Nodes, by their first output, that also run with other weights (of the same sizes) and no bias; what that makes is
   *  given back. */
  twins: ReadonlyMap<string, Float32Array>;
}

export interface ProbeResult {
  /** In the order of the model's outputs; null for what is no tensor of float32. */
  outputs: readonly (Float32Array | null)[];
  values: ReadonlyMap<string, Tensor>;
  twins: ReadonlyMap<string, Float32Array>;
}

/** A copy of a model in a session, to which tensors can be added on the way. `dispose` gives its memory back. */
export class Probe {
  readonly #session: Session;
  readonly #outputs: readonly string[];
  /** By the value's name. */
  readonly #added: ReadonlyMap<string, string>;
  readonly #read: ReadonlyMap<string, string>;
  readonly #twins: ReadonlyMap<string, string>;
  #zeros: Float32Array<ArrayBuffer> = new Float32Array(0);

  /** Use `openProbe`. */
  constructor(session: Session, built: Built) {
    this.#session = session;
    this.#outputs = built.outputs;
    this.#added = built.added;
    this.#read = built.read;
    this.#twins = built.twins;
  }

  /** @param dims       sizes of the values that something may be added to
   *  @param additions  elements to add, by the value's name; nothing is added to the others */
  run(
    feeds: Feeds,
    dims: ReadonlyMap<string, readonly number[]>,
    additions: ReadonlyMap<string, Float32Array> = new Map(),
  ): ProbeResult {
    const given: Feeds = { ...feeds };
    for (const [name, input] of this.#added) {
      const sizes = dims.get(name) ?? [];
      const count = sizes.reduce((product, size) => product * size, 1);
      given[input] = new Tensor('float32', additions.get(name) ?? this.#zero(count), sizes);
    }
    this.#session.reset();
    const results = this.#session.run(given);
    const values = new Map<string, Tensor>();
    for (const [name, output] of this.#read) values.set(name, results[output]!);
    const twins = new Map<string, Float32Array>();
    for (const [name, output] of this.#twins)
      twins.set(name, results[output]!.data as Float32Array);
    return { outputs: this.#outputs.map((name) => floats(results[name])), values, twins };
  }

  dispose(): void {
    this.#session.dispose();
  }

  #zero(count: number): Float32Array {
    if (this.#zeros.length < count) this.#zeros = new Float32Array(count);
    return this.#zeros.subarray(0, count);
  }
}

/** Makes a probe of a model, which is not changed.
 *  @throws {RangeError} a value of the plan that the model has not
 *  Cost: as of a session. Every place where something is added is one more input of the model. */
export async function openProbe(model: Model, plan: ProbePlan): Promise<Probe> {
  const copy = clone(model);
  await loadWeights(copy);
  const built = build(copy, plan);
  return new Probe(createSession(copy), built);
}

interface Built {
  outputs: string[];
  added: Map<string, string>;
  read: Map<string, string>;
  twins: Map<string, string>;
}

function build(model: Model, plan: ProbePlan): Built {
  const { graph } = model;
  const states = new Set(model.states.map(({ output }) => output));
  const values = new Map<string, Value>();
  for (const value of graph.inputs) values.set(value.name, value);
  for (const node of graph.nodes) for (const value of node.outputs) values.set(value.name, value);
  const find = (name: string): Value => {
    const value = values.get(name);
    if (value === undefined) throw rangeError('value', 'a value of the main graph', name);
    return value;
  };
  const edit = new Edit(model, { pass: 'probe', rule: 'add', reason: 'what follows is measured' });
  const names = namesAround(graph);
  const twins = new Map<string, string>();
  for (const [name, weights] of plan.twins) {
    const output = twin(edit, find(name).producer, weights, names);
    edit.addOutput(output);
    twins.set(name, output.name);
  }
  const results = graph.outputs
    .slice(0, graph.outputs.length - twins.size)
    .filter(({ name }) => !states.has(name));
  const added = new Map<string, string>();
  const sums = new Map<Value, Value>();
  for (const name of new Set(plan.add)) {
    const value = find(name);
    const input = edit.addInput(
      graph,
      freshName(names, `${name}_added`),
      tensorType('float32', null),
    );
    added.set(name, input.name);
    const sum = addBehind(edit, graph, value, input, freshName(names, `${name}_sum`));
    edit.replaceUses(value, sum, ({ user }) => user !== sum.producer);
    sums.set(value, sum);
  }
  const given = new Set(graph.outputs);
  const read = new Map<string, string>();
  for (const name of new Set(plan.read)) {
    const value = find(name);
    const last = sums.get(value) ?? value;
    read.set(name, last.name);
    if (given.has(last)) continue;
    given.add(last);
    edit.addOutput(last);
  }
  edit.commit();
  const outputs = results.map((value) => (sums.get(value) ?? value).name);
  return { outputs, added, read, twins };
}

function addBehind(edit: Edit, graph: Graph, value: Value, input: Value, name: string): Value {
  const place = value.producer === null ? { startOf: graph } : { after: value.producer };
  const node = edit.addNode(place, { op: 'Add', inputs: [value, input] }, [
    { name, type: value.type },
  ]);
  return node.outputs[0]!;
}

/** The same operator on the same operand with other weights. */
function twin(edit: Edit, node: Node | null, weights: Float32Array, names: Set<string>): Value {
  const layer = node === null ? null : linearLayer(node);
  if (node === null || layer === null)
    throw rangeError('twins', 'products with constant weights', node?.op ?? 'input');
  const [output] = node.outputs;
  const constant = constantOf('float32', layer.constant.shape, bytesOf(weights));
  const name = freshName(names, `${layer.weight.name}_other`);
  const other = edit.addConstant(node.graph, name, constant);
  const { op, domain, attributes, inputs } = node;
  const made = edit.addNode(
    { after: node },
    { op, domain, attributes: [...attributes], inputs: [inputs[0]!, other] },
    [{ name: freshName(names, `${output!.name}_twin`), type: output!.type }],
  );
  return made.outputs[0]!;
}

function floats(tensor: Tensor | undefined): Float32Array | null {
  return tensor?.data instanceof Float32Array ? tensor.data : null;
}
