import { dtypes } from '../../core/dtype.ts';
import { isStatic } from '../../core/shape.ts';
import { Tensor } from '../../core/tensor.ts';
import { constantOfValue } from '../../ir/constant.ts';
import { type Graph, Node, type Value } from '../../ir/graph.ts';
import { findFault, readAttributes } from '../../ops/attributes.ts';
import { findOp } from '../../ops/index.ts';
import type { CostContext, Op, OutputInfo } from '../../ops/op.ts';
import { libraryBackend } from '../../wasm/library.ts';
import { isPlain } from '../data.ts';
import { evaluate, guarded } from '../generic/evaluate.ts';
import { findEvaluator } from '../generic/index.ts';
import { chooseLowering } from '../lower/choose.ts';
import type { Operand } from '../lower/lowering.ts';
import { NodeLowering } from '../lower/node-lowering.ts';
import type { Resources } from '../resources.ts';
import { Concrete, isConcrete, type Lookup } from './concrete.ts';
import { operandOf } from './operand.ts';
import type { Part, Port, Work } from './segment.ts';

/** Elements that are computed while planning, at most. */
const foldElements = 65536;

/** Plans a graph from node `start` on, up to the first node whose sizes can't be known before what precedes it
 *  has run.
 *  @param lookup  values that were computed before, or fed
 *  @throws {ShapeError} operands that can't be right
 *  @throws {UnsupportedError} an operator that doesn't run */
export function planPart(graph: Graph, start: number, lookup: Lookup, resources: Resources): Part {
  return new Planner(graph, lookup, resources).plan(start);
}

/** The node of a graph within which something uses a value: the user, or the one whose body it is in. */
export function userIn(graph: Graph, user: Node | Graph): Node | Graph {
  let at: Node | Graph = user;
  while (at instanceof Node ? at.graph !== graph : at !== graph) {
    const owner: Node | null = at instanceof Node ? at.graph.owner : at.owner;
    if (owner === null) return at;
    at = owner;
  }
  return at;
}

class Planner {
  readonly #graph: Graph;
  readonly #lookup: Lookup;
  readonly #resources: Resources;
  readonly #concrete: Concrete;
  readonly #works: Work[] = [];
  readonly #operands: Map<Value, Operand> = new Map();

  constructor(graph: Graph, lookup: Lookup, resources: Resources) {
    this.#graph = graph;
    this.#lookup = lookup;
    this.#resources = resources;
    this.#concrete = new Concrete(lookup);
  }

  plan(start: number): Part {
    const { nodes } = this.#graph;
    let end = start;
    for (; end < nodes.length; end++) {
      if (!this.#take(nodes[end]!)) break;
    }
    if (end === start && end < nodes.length)
      return { kind: 'host', start, end: start + 1, node: nodes[start]! };
    return this.#segment(start, end);
  }

  /** False where the node can't be part of the segment. */
  #take(node: Node): boolean {
    const { ops } = this.#resources;
    if (constantOfValue(node.outputs[0]!) !== null) return true;
    const op = findOp(ops, node.domain, node.op);
    if (op === null || !node.subgraphs().next().done) return false;
    if (findFault(op, node) !== null) return false;
    for (const value of node.inputs) {
      if (value === null) continue;
      const type = this.#concrete.type(value);
      if (type?.kind !== 'tensor' || type.dtype === 'string' || !isStatic(type.shape)) return false;
    }
    const infos = this.#concrete.infer(node, op);
    if (!isConcrete(node, infos)) return false;
    for (const info of infos) {
      if (info.type?.kind === 'tensor' && info.type.dtype === 'string') return false;
    }
    node.outputs.forEach((value, index) => {
      const type = infos[index]?.type;
      if (type != null) this.#concrete.types.set(value, type);
    });
    if (!this.#fold(node, op, infos)) this.#work(node, op);
    return true;
  }

  /** Computes a node now whose inputs are known, if that is little work. */
  #fold(node: Node, op: Op, infos: readonly OutputInfo[]): boolean {
    if (op.traits?.nondeterministic === true) return false;
    const concrete = this.#concrete;
    const known = infos.map((info) => knownOf(info));
    if (known.length > 0 && known.every((tensor) => tensor !== null)) {
      node.outputs.forEach((value, index) => {
        concrete.known.set(value, known[index]!);
      });
      return true;
    }
    let elements = 0;
    for (const value of [...node.inputs, ...node.outputs]) {
      const dims = value === null ? null : concrete.dims(value);
      elements += dims === null ? 0 : dims.reduce((product, size) => product * size, 1);
    }
    if (elements > foldElements) return false;
    if (node.outputs.some(({ quantization }) => quantization !== null)) return false;
    if (!node.inputs.every((value) => value === null || this.#isFoldable(value))) return false;
    const evaluator = findEvaluator(this.#resources.tables.evaluators, node.domain, node.op);
    if (evaluator === null) return false;
    const results = evaluate(evaluator, {
      node,
      attributes: readAttributes(op, node),
      inputs: node.inputs.map((value) => (value === null ? undefined : concrete.tensor(value)!)),
      random: this.#resources.random,
      runBody: () => [],
    });
    if (!node.outputs.every((value, i) => value.uses.size === 0 || isPlain(results[i])))
      return false;
    node.outputs.forEach((value, index) => {
      const result = results[index];
      if (isPlain(result)) concrete.known.set(value, result);
    });
    return true;
  }

  #isFoldable(value: Value): boolean {
    return value.quantization === null && this.#concrete.isKnown(value);
  }

  #work(node: Node, op: Op): void {
    const inputs = node.inputs.map((value) => (value === null ? null : this.#operand(value)));
    const outputs = node.outputs.map((value) =>
      value.uses.size === 0 ? null : this.#operand(value),
    );
    const known = (input: number): Tensor | null => this.#concrete.tensor(node.inputs[input]!);
    const backend = libraryBackend();
    const { store, tables, random } = this.#resources;
    const context = new NodeLowering(node, op, backend, inputs, outputs, known, store);
    const lowered = guarded(node, () => chooseLowering(context, tables, random));
    this.#works.push({ node, inputs, outputs, lowered, macs: this.#macs(node, op) });
  }

  #macs(node: Node, op: Op): number {
    if (op.cost === undefined) return 0;
    const shape = (value: Value | null | undefined): readonly number[] | null =>
      value == null ? null : this.#concrete.dims(value);
    const context: CostContext = {
      node,
      attributes: readAttributes(op, node),
      frugal: false,
      type: (input) => {
        const value = node.inputs[input];
        return value == null ? null : this.#concrete.type(value);
      },
      dtype: () => null,
      shape: (input) => shape(node.inputs[input]),
      outputShape: (output) => shape(node.outputs[output]),
      values: () => null,
      inferBody: () => [],
    };
    return op.cost(context).macs ?? 0;
  }

  #operand(value: Value): Operand {
    let operand = this.#operands.get(value);
    if (operand === undefined) {
      const type = this.#concrete.type(value);
      const dims = this.#concrete.dims(value)!;
      const dtype = type?.kind === 'tensor' ? type.dtype! : 'float32';
      const constant = constantOfValue(value) !== null;
      operand = operandOf(dtype, dims, value.quantization, constant);
      this.#operands.set(value, operand);
    }
    return operand;
  }

  #segment(start: number, end: number): Part {
    const inner = new Set(this.#graph.nodes.slice(start, end));
    const isNeededLater = (value: Value): boolean => {
      for (const { user } of value.uses) {
        const at = userIn(this.#graph, user);
        if (!(at instanceof Node) || !inner.has(at)) return true;
      }
      return false;
    };
    const outputs: Port[] = [];
    const known = new Map<Value, Tensor>();
    const inputs = new Map<Value, Port>();
    for (const { node, lowered, outputs: operands } of this.#works) {
      const reads = lowered.reads ?? node.inputs.map((_, index) => index);
      for (const index of reads) {
        const value = node.inputs[index];
        if (value == null || constantOfValue(value) !== null) continue;
        const tensor = this.#concrete.known.get(value);
        if (tensor !== undefined) known.set(value, tensor);
        else if (value.producer === null || !inner.has(value.producer))
          inputs.set(value, { value, operand: this.#operands.get(value)! });
      }
      node.outputs.forEach((value, index) => {
        const operand = operands[index];
        if (operand != null && isNeededLater(value)) outputs.push({ value, operand });
      });
    }
    for (const [value, tensor] of this.#concrete.known) {
      if (isNeededLater(value)) known.set(value, tensor);
    }
    return {
      kind: 'segment',
      start,
      end,
      works: this.#works,
      inputs: [...inputs.values()],
      outputs,
      known,
      sizes: this.#sizes(start, end),
      contents: this.#concrete.contents,
    };
  }

  /** What the plan holds for. */
  #sizes(start: number, end: number): Map<Value, string> {
    const sizes = new Map<Value, string>();
    for (const node of this.#graph.nodes.slice(start, end)) {
      for (const value of node.inputs) {
        if (value === null || sizes.has(value)) continue;
        const data = this.#lookup(value);
        if (data instanceof Tensor) sizes.set(value, sizeKey(data));
      }
    }
    return sizes;
  }
}

/** Type and sizes of a tensor. */
export function sizeKey({ type, dims }: Tensor): string {
  return `${type} ${dims.join(',')}`;
}

/** The tensor of an output whose elements shape arithmetic knows. */
function knownOf({ type, values }: OutputInfo): Tensor | null {
  if (type?.kind !== 'tensor' || type.dtype === null || values == null) return null;
  const { kind, bits } = dtypes[type.dtype];
  if (!isStatic(type.shape) || bits < 8 || kind === 'complex' || kind === 'string') return null;
  if (kind === 'float' && type.dtype !== 'float32' && type.dtype !== 'float64') return null;
  if (!values.every((value) => typeof value === 'number')) return null;
  // Elements of operands that don't fit are not to be relied on.
  if (values.length !== type.shape.reduce((product, size) => product * size, 1)) return null;
  const isWhole = kind === 'float' || values.every((value) => Number.isSafeInteger(value));
  return isWhole ? new Tensor(type.dtype, values as number[], type.shape) : null;
}
