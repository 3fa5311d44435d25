import { equalDims } from '../core/dim.ts';
import { type DType, dtypes } from '../core/dtype.ts';
import { type Dim, isStatic, type Shape } from '../core/shape.ts';
import { type Constant, constantOfValue, int64Constant, smallValues } from '../ir/constant.ts';
import { type Graph, Node, type Use, type Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { type Attribute, tensorType, type ValueType } from '../ir/types.ts';
import { freshName, namesAround } from '../ir/walk.ts';
import { findFault, findOp, type Op, readAttributes } from '../ops/index.ts';
import type { AttributeReader } from '../ops/op.ts';
import { operatorOf } from './rule.ts';
import type { WatchedEdit } from './watched-edit.ts';

/** What makes a node in place of another. */
export interface NewNode {
  op: string;
  domain?: string;
  inputs: readonly (Value | null)[];
  attributes?: Iterable<readonly [string, Attribute]>;
}

export interface ContextOptions {
  ops: readonly Op[];
  edit: WatchedEdit;
  /** Elements that shape inference followed. */
  values: ReadonlyMap<Value, readonly Dim[]>;
  /** Constants that callers may override. */
  overridable: ReadonlySet<Value>;
  /** Operators that a file may have: the version of ai.onnx that it is written at; Infinity for a model that runs. */
  opset: number;
}

/** Longest list of numbers that a rule looks at. */
const maxNumbers = 1 << 16;

const mostInt64 = BigInt.asUintN(63, -1n);

/** What rules ask about a graph, and the few ways in which they change it. */
export class RuleContext {
  readonly ops: readonly Op[];
  readonly edit: WatchedEdit;
  readonly opset: number;
  readonly #options: ContextOptions;
  readonly #names: Set<string>;
  readonly #numbers: Map<Constant, readonly number[] | null> = new Map();

  constructor(model: Model, options: ContextOptions) {
    this.ops = options.ops;
    this.edit = options.edit;
    this.opset = options.opset;
    this.#options = options;
    this.#names = namesAround(model.graph);
  }

  /** The attributes of a node whose operator is known. */
  attributes(node: Node): AttributeReader {
    return readAttributes(findOp(this.ops, node.domain, node.op)!, node);
  }

  /** The node that makes a value, if it is sound and of one of these operators. */
  producer(value: Value | null | undefined, ...operators: readonly string[]): Node | null {
    const node = value?.producer;
    if (node == null || !operators.includes(operatorOf(node)) || !this.isSound(node)) return null;
    return node;
  }

  isSound(node: Node): boolean {
    const op = findOp(this.ops, node.domain, node.op);
    return op !== null && findFault(op, node) === null;
  }

  shape(value: Value | null | undefined): Shape {
    return value?.type?.kind === 'tensor' ? value.type.shape : null;
  }

  dtype(value: Value | null | undefined): DType | null {
    return value?.type?.kind === 'tensor' ? value.type.dtype : null;
  }

  rank(value: Value | null | undefined): number | null {
    return this.shape(value)?.length ?? null;
  }

  /** The real numbers that a value always is, unless a caller may override them. */
  constant(value: Value | null | undefined): Constant | null {
    if (value == null || value.quantization !== null) return null;
    return this.#options.overridable.has(value) ? null : constantOfValue(value);
  }

  /** Elements of a small constant of a common type; null where they can't be had without waiting. */
  numbers(value: Value | null | undefined): readonly number[] | null {
    const constant = this.constant(value);
    if (constant === null) return null;
    const known = this.#numbers.get(constant);
    if (known !== undefined) return known;
    const numbers = smallValues(constant, maxNumbers)?.map(Number) ?? null;
    this.#numbers.set(constant, numbers);
    return numbers;
  }

  /** The only number of a constant, whatever its shape: all elements are the same. */
  scalar(value: Value | null | undefined): number | null {
    const constant = this.constant(value);
    if (constant === null || beginsUnequal(constant)) return null;
    const numbers = this.numbers(value);
    const first = numbers?.[0];
    return first !== undefined && numbers!.every((x) => Object.is(x, first)) ? first : null;
  }

  /** Elements that are known from constants or shape arithmetic, symbolic ones included. */
  elements(value: Value | null | undefined): readonly Dim[] | null {
    if (value == null) return null;
    return this.numbers(value) ?? this.#options.values.get(value) ?? null;
  }

  /** The same, where all are numbers. */
  known(value: Value | null | undefined): readonly number[] | null {
    const elements = this.elements(value);
    return isStatic(elements ?? undefined) ? (elements as readonly number[]) : null;
  }

  /** Whether both values have the same known shape. */
  sameShape(a: Value | null | undefined, b: Value | null | undefined): boolean {
    const x = this.shape(a);
    const y = this.shape(b);
    if (x === null || y === null || x.length !== y.length) return false;
    return x.every((dim, axis) => equalDims(dim, y[axis]!));
  }

  sameType(a: Value | null | undefined, b: Value | null | undefined): boolean {
    const dtype = this.dtype(a);
    return dtype !== null && dtype === this.dtype(b) && this.sameShape(a, b);
  }

  isOutput(value: Value): boolean {
    for (const { user } of value.uses) if (!(user instanceof Node)) return true;
    return false;
  }

  /** Whether a value only goes into one node, once, unquantized: that node may take over what made it. */
  isOnlyFor(value: Value, node: Node): boolean {
    if (value.uses.size !== 1 || value.quantization !== null) return false;
    const [use] = value.uses as Set<Use>;
    return use!.user === node && value.producer?.graph === node.graph;
  }

  /** Why a value can't stand in for another, or null. */
  whyNot(old: Value, replacement: Value): string | null {
    if (old.quantization !== replacement.quantization)
      return `"${old.name}" is quantized in another way than "${replacement.name}"`;
    if (!this.isOutput(old)) return null;
    if (replacement.producer === null) return `"${old.name}" is an output of the graph`;
    if (replacement.graph !== old.graph || this.isOutput(replacement))
      return `"${old.name}" and "${replacement.name}" are both needed by name`;
    return null;
  }

  /** Puts a value in the place of another that `whyNot` allows; an output's name stays what it was. */
  replace(old: Value, replacement: Value): void {
    const isOutput = this.isOutput(old);
    this.edit.replaceUses(old, replacement);
    if (isOutput) this.edit.rename(replacement, old.name);
  }

  /** Makes a node just before another one; its output has a name like `near`. */
  insert(before: Node, spec: NewNode, near: string, type: ValueType | null): Value {
    const name = freshName(this.#names, near);
    const place = { before };
    return this.edit.addNode(place, { ...spec, name: '' }, [{ name, type }]).outputs[0]!;
  }

  /** Puts a node with one output in the place of one. The output keeps name, type and quantization.
   *  @param type  where the output's type changes */
  take(node: Node, spec: NewNode, output: Value = node.outputs[0]!, at: Node = node): Node {
    const outputs = [{ name: output.name, type: output.type }];
    const made = this.edit.addNode({ before: at }, { ...spec, name: node.name }, outputs);
    const value = made.outputs[0]!;
    value.quantization = output.quantization;
    this.edit.replaceUses(output, value);
    made.metadata = node.metadata;
    if (!node.outputs.some(({ uses }) => uses.size > 0)) this.edit.removeNode(node);
    return made;
  }

  /** A new constant of a graph, with a name like `near`. */
  addConstant(graph: Graph, near: string, constant: Constant): Value {
    return this.edit.addConstant(graph, freshName(this.#names, near), constant);
  }

  /** Numbers too large to be exact are the "to the end" of a Slice: the largest integer there is. */
  addInts(graph: Graph, near: string, values: readonly number[]): Value {
    const exact = values.map((x) =>
      Number.isSafeInteger(x) ? BigInt(x) : x > 0 ? mostInt64 : -mostInt64,
    );
    return this.addConstant(graph, near, int64Constant(exact));
  }

  freshName(near: string): string {
    return freshName(this.#names, near);
  }
}

/** A type of the same elements in another shape. */
export function withShape(value: Value, shape: Shape): ValueType {
  return tensorType(value.type?.kind === 'tensor' ? value.type.dtype : null, shape);
}

/** Whether the first two elements differ: most weights are seen to be no scalar without reading them. */
function beginsUnequal({ dtype, data }: Constant): boolean {
  const width = dtypes[dtype].bits / 8;
  if (width < 1 || data.size < 2 * width) return false;
  const bytes = data.read(0, 2 * width);
  if (!(bytes instanceof Uint8Array)) return false;
  for (let i = 0; i < width; i++) if (bytes[i] !== bytes[i + width]) return true;
  return false;
}
