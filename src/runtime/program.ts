import { ShapeError } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { constantOfValue } from '../ir/constant.ts';
import { describe } from '../ir/edit.ts';
import { type Graph, Node, type Value } from '../ir/graph.ts';
import { readAttributes } from '../ops/attributes.ts';
import { findOp } from '../ops/index.ts';
import type { Data } from './data.ts';
import { evaluate } from './generic/evaluate.ts';
import { findEvaluator } from './generic/index.ts';
import { notRunnable } from './lower/choose.ts';
import { BoundSegment, stepError } from './plan/bound.ts';
import { planPart, sizeKey, userIn } from './plan/plan.ts';
import type { HostNode } from './plan/segment.ts';
import type { Profile } from './profile.ts';
import { realOf, storedOf } from './real.ts';
import type { Resources } from './resources.ts';
import { tensorNow } from './weights.ts';

type Lookup = (value: Value) => Data | undefined;
type Bound = BoundSegment | HostNode;

/** How a run may be watched. */
export interface Watch {
  readonly profile?: Profile | undefined;
}

/** Plans that are kept for one place in the graph. */
const mostPlans = 16;

/** Runs one graph: a model's, or a body. Plans are made for the sizes that come, and kept. */
export class Program {
  readonly graph: Graph;
  readonly #resources: Resources;
  readonly #plans: Map<number, Bound[]> = new Map();
  readonly #bodies: Map<Graph, Program> = new Map();
  /** Index of the last node that needs a value. */
  readonly #lastUse: Map<Value, number> = new Map();

  constructor(graph: Graph, resources: Resources) {
    this.graph = graph;
    this.#resources = resources;
    const places = new Map(graph.nodes.map((node, index) => [node, index]));
    const mark = (value: Value): void => {
      let last = -1;
      for (const { user } of value.uses) {
        const at = userIn(graph, user);
        last = Math.max(last, at instanceof Node ? (places.get(at) ?? Infinity) : Infinity);
      }
      this.#lastUse.set(value, last);
    };
    graph.inputs.forEach(mark);
    for (const node of graph.nodes) node.outputs.forEach(mark);
  }

  /** Results in the order of the graph's outputs.
   *  @param feeds  a value for each input that is not a constant
   *  @param outer  values of the graphs around */
  run(feeds: ReadonlyMap<Value, Data>, outer: Lookup, watch: Watch = {}): readonly Data[] {
    const steps = this.steps(feeds, outer, watch);
    let step = steps.next();
    while (!step.done) step = steps.next();
    return step.value;
  }

  /** The same in pieces: yields between steps. */
  *steps(
    feeds: ReadonlyMap<Value, Data>,
    outer: Lookup,
    watch: Watch,
  ): Generator<void, readonly Data[], void> {
    const here = new Map<Value, Data>(feeds);
    const lookup: Lookup = (value) => {
      const data = here.get(value);
      return data !== undefined || value.graph === this.graph ? data : outer(value);
    };
    for (let start = 0; start < this.graph.nodes.length; ) {
      const part = this.#part(start, lookup);
      if (part instanceof BoundSegment) {
        yield* this.#runSegment(part, lookup, here, watch);
        start = part.segment.end;
      } else {
        this.#runHost(part, lookup, here, watch);
        start = part.end;
        yield;
      }
      for (const value of here.keys()) {
        if ((this.#lastUse.get(value) ?? 0) < start) here.delete(value);
      }
    }
    return this.graph.outputs.map((value) => {
      const data = lookup(value);
      if (data !== undefined) return this.#real(value, data);
      const constant = constantOfValue(value);
      if (constant !== null) return this.#real(value, tensorNow(constant));
      throw new ShapeError(`output "${value.name}" is not computed`, { code: 'E_RUN_OUTPUT' });
    });
  }

  /** Bytes of the largest plan so far. */
  get activationBytes(): number {
    let most = 0;
    for (const list of this.#plans.values()) {
      for (const part of list) if (part instanceof BoundSegment) most = Math.max(most, part.bytes);
    }
    for (const body of this.#bodies.values()) most = Math.max(most, body.activationBytes);
    return most;
  }

  /** The plan from a node on, for the values that are there. */
  part(start: number, lookup: Lookup): Bound {
    return this.#part(start, lookup);
  }

  *#runSegment(
    part: BoundSegment,
    lookup: Lookup,
    here: Map<Value, Data>,
    { profile }: Watch,
  ): Generator<void, void, void> {
    part.takeIn(lookup);
    for (const { work, run } of part.steps) {
      const before = profile === undefined ? 0 : performance.now();
      try {
        run();
      } catch (cause) {
        throw stepError(work, cause);
      }
      profile?.add(work.node, work.lowered.kernel, performance.now() - before, work.macs);
      yield;
    }
    part.giveOut((value, tensor) => here.set(value, tensor));
  }

  #real(value: Value, data: Data): Data {
    return value.quantization !== null && data instanceof Tensor
      ? realOf(data, value.quantization)
      : data;
  }

  #part(start: number, lookup: Lookup): Bound {
    let list = this.#plans.get(start);
    if (list === undefined) {
      list = [];
      this.#plans.set(start, list);
    }
    const index = list.findIndex((part) => holds(part, lookup));
    if (index >= 0) {
      const found = list[index]!;
      if (index > 0) {
        list.splice(index, 1);
        list.unshift(found);
      }
      return found;
    }
    const part = planPart(this.graph, start, lookup, this.#resources);
    const bound = part.kind === 'host' ? part : new BoundSegment(part, this.#resources);
    list.unshift(bound);
    const old = list.length > mostPlans ? list.pop() : undefined;
    if (old instanceof BoundSegment) old.free();
    return bound;
  }

  #runHost(part: HostNode, lookup: Lookup, here: Map<Value, Data>, watch: Watch): void {
    const { node } = part;
    const { ops, tables, random } = this.#resources;
    const op = findOp(ops, node.domain, node.op);
    const evaluator = findEvaluator(tables.evaluators, node.domain, node.op);
    if (op === null || evaluator === null) throw notRunnable(node);
    const inputs = node.inputs.map((value) => {
      if (value === null) return undefined;
      const constant = constantOfValue(value);
      const data = constant === null ? lookup(value) : tensorNow(constant);
      if (data === undefined) {
        throw new ShapeError(`input "${value.name}" is not computed`, {
          code: 'E_RUN_INPUT',
          where: describe(node),
        });
      }
      return this.#real(value, data);
    });
    const { profile } = watch;
    const before = profile === undefined ? 0 : performance.now();
    const results = evaluate(evaluator, {
      node,
      attributes: readAttributes(op, node),
      inputs,
      random,
      runBody: (attribute, feeds) => this.#runBody(node, attribute, feeds, lookup, watch),
    });
    profile?.add(node, 'host', performance.now() - before, 0);
    node.outputs.forEach((value, index) => {
      const data = results[index];
      if (data === undefined) return;
      const { quantization } = value;
      const isReal = quantization === null || !(data instanceof Tensor);
      here.set(value, isReal ? data : storedOf(data, quantization));
    });
  }

  #runBody(
    node: Node,
    name: string,
    feeds: readonly Data[],
    outer: Lookup,
    watch: Watch,
  ): readonly Data[] {
    const attribute = node.attributes.get(name);
    if (attribute?.type !== 'graph') {
      throw new ShapeError(`there is no graph "${name}"`, {
        code: 'E_OP_ATTRIBUTE',
        where: describe(node),
      });
    }
    let body = this.#bodies.get(attribute.value);
    if (body === undefined) {
      body = new Program(attribute.value, this.#resources);
      this.#bodies.set(attribute.value, body);
    }
    const given = new Map<Value, Data>();
    body.graph.inputs.forEach((value, index) => {
      const data = feeds[index];
      if (data !== undefined) given.set(value, data);
    });
    return body.run(given, outer, watch);
  }
}

/** Whether a plan is for the values that are there. */
function holds(part: Bound, lookup: Lookup): boolean {
  // What made a node run on the host hardly changes; that it needn't is found when it is planned again.
  if (!(part instanceof BoundSegment)) return true;
  const { sizes, contents } = part.segment;
  for (const [value, sizeThen] of sizes) {
    const data = lookup(value);
    if (!(data instanceof Tensor) || sizeKey(data) !== sizeThen) return false;
  }
  for (const [value, then] of contents) {
    const now = lookup(value);
    if (!(now instanceof Tensor) || !sameElements(now, then)) return false;
  }
  return true;
}

function sameElements(a: Tensor, b: Tensor): boolean {
  return a.data.length === b.data.length && a.data.every((item, i) => Object.is(item, b.data[i]));
}
