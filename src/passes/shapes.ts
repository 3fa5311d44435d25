import { dtypes } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { defaultLimits } from '../core/limits.ts';
import type { Dim, Shape } from '../core/shape.ts';
import { describe } from '../ir/edit.ts';
import type { Graph, Node, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { tensorType, type ValueType } from '../ir/types.ts';
import { allNodes } from '../ir/walk.ts';
import { findFault, readAttributes } from '../ops/attributes.ts';
import { constantValues } from '../ops/create.ts';
import { findOp } from '../ops/index.ts';
import type { InferContext, Op, OutputInfo } from '../ops/op.ts';
import { maxValues } from '../ops/rules.ts';
import { mergeTypes } from './merge-types.ts';

export interface InferOptions {
  /** Shapes of graph inputs, by name, in place of the declared ones. */
  inputs?: Readonly<Record<string, Shape>>;
  /** What types that values already have are good for: they complete what can't be inferred (default), or
   *  they are forgotten, as after an edit that changed shapes. Constants and graph inputs keep theirs. */
  declared?: 'complete' | 'ignore';
  /** Whether elements of constants that are inputs too, which callers may override, count as known
   *  (default), or not: a caller that overrides an input that shapes depend on needs the latter. */
  defaults?: 'known' | 'unknown';
  /** Throw on operands that can't be right, instead of a warning. */
  strict?: boolean;
}

export interface ShapeWarning {
  code: string;
  /** `Conv "conv_3"`, or a value's name. */
  where: string;
  message: string;
}

export interface InferResult {
  warnings: ShapeWarning[];
  /** Elements of small integer values, as far as they were followed through shape arithmetic. */
  values: ReadonlyMap<Value, readonly Dim[]>;
}

const maxWarnings = 1000;

/** Fills the types of all values, from the inputs on, bodies of If, Loop and Scan included.
 *  Linear in the size of the model: bodies that loops run are inferred a bounded number of times.
 *  @throws {ShapeError} with `strict`: operands that can't be right, with operator and node named */
export function inferShapes(
  model: Model,
  ops: readonly Op[],
  options: InferOptions = {},
): InferResult {
  return new Inference(model, ops, options).run();
}

/** Shared by the contexts of all nodes. */
class Inference {
  readonly values: Map<Value, readonly Dim[]> = new Map();
  readonly #graph: Graph;
  readonly #ops: readonly Op[];
  readonly #options: InferOptions;
  readonly #warnings: ShapeWarning[] = [];
  readonly #warned: Set<string> = new Set();
  /** Types that values had before. */
  readonly #declared: Map<Value, ValueType | null> = new Map();
  /** Constants whose elements say nothing. */
  readonly #overridable: Set<Value> = new Set();
  /** Node visits that are left before loops are done the cheap way. */
  #visits = 10_000;
  #depth = 0;

  constructor(model: Model, ops: readonly Op[], options: InferOptions) {
    this.#graph = model.graph;
    this.#ops = ops;
    this.#options = options;
    for (const _ of allNodes(model.graph)) this.#visits += 8;
  }

  get isFrugal(): boolean {
    return this.#visits <= 0;
  }

  run(): InferResult {
    for (const value of this.#graph.inputs) {
      const shape = this.#options.inputs?.[value.name];
      if (shape === undefined || value.constant !== null) continue;
      const dtype = value.type?.kind === 'tensor' ? value.type.dtype : null;
      value.type = tensorType(dtype, shape);
    }
    this.#inferGraph(this.#graph);
    return { warnings: this.#warnings, values: this.values };
  }

  valuesOf(value: Value): readonly Dim[] | null {
    const known = this.values.get(value);
    if (known !== undefined) return known;
    if (value.constant === null || this.#overridable.has(value)) return null;
    // What is stored are integers, the elements are real numbers.
    if (value.quantization !== null) return null;
    const values = constantValues(value.constant);
    if (values !== null) this.values.set(value, values);
    return values;
  }

  #warn(code: string, where: string, message: string): void {
    const key = `${where}\n${message}`;
    if (this.#warnings.length >= maxWarnings || this.#warned.has(key)) return;
    this.#warned.add(key);
    this.#warnings.push({ code, where, message });
  }

  #inferGraph(graph: Graph): void {
    if (this.#options.defaults === 'unknown') {
      for (const value of graph.inputs) this.#overridable.add(value);
    }
    for (const value of graph.constants) {
      if (value.constant !== null && value.type === null)
        value.type = tensorType(value.constant.dtype, value.constant.shape);
    }
    for (const node of graph.nodes) this.#inferNode(node);
  }

  #inferNode(node: Node): void {
    this.#visits--;
    const op = findOp(this.#ops, node.domain, node.op);
    const infos = op === null ? this.#inferUnknown(node) : this.#inferKnown(node, op);
    node.outputs.forEach((value, index) => {
      this.#settle(node, value, infos[index]);
    });
  }

  /** Bodies of an operator that isn't known may run with anything. */
  #inferUnknown(node: Node): readonly OutputInfo[] {
    for (const [name, attribute] of node.attributes) {
      if (attribute.type === 'graph') this.inferBody(node, name, []);
    }
    return [];
  }

  #inferKnown(node: Node, op: Op): readonly OutputInfo[] {
    try {
      const fault = findFault(op, node);
      if (fault !== null) {
        const where = describe(node);
        throw new ShapeError(`${where}: ${fault.message}`, { code: fault.code, where });
      }
      return op.infer(new NodeContext(this, node, op));
    } catch (error) {
      if (!(error instanceof ShapeError) || this.#options.strict === true) throw error;
      this.#warn(error.code, error.where ?? describe(node), error.message);
      return [];
    }
  }

  #settle(node: Node, value: Value, info: OutputInfo | undefined): void {
    const inferred = this.#checked(node, info?.type ?? null);
    const type = mergeTypes(inferred, this.#declaredType(value), (message) => {
      if (this.#options.inputs === undefined)
        this.#warn('E_SHAPE_DECLARED', `value "${value.name}"`, message);
    });
    value.type = type;
    const values = info?.values;
    if (values != null && isValueList(type, values)) this.values.set(value, values);
    else this.values.delete(value);
  }

  #declaredType(value: Value): ValueType | null {
    if (this.#options.declared === 'ignore') return null;
    const known = this.#declared.get(value);
    if (known !== undefined) return known;
    this.#declared.set(value, value.type);
    return value.type;
  }

  /** Sizes that are no sizes are unknown; so is a type of too many axes. */
  #checked(node: Node, type: ValueType | null): ValueType | null {
    if (type?.kind !== 'tensor' || type.shape === null) return type;
    if (type.shape.length > defaultLimits.rank) {
      const message = `rank ${type.shape.length} is more than ${defaultLimits.rank}`;
      this.#warn('E_SHAPE_RANK', describe(node), message);
      return tensorType(type.dtype, null);
    }
    if (type.shape.every(isSize)) return type;
    this.#warn('E_SHAPE_RANGE', describe(node), 'a size is negative or more than 2^53');
    return tensorType(
      type.dtype,
      type.shape.map((dim) => (isSize(dim) ? dim : null)),
    );
  }

  inferBody(
    node: Node,
    name: string,
    types: readonly (ValueType | null)[],
  ): readonly (ValueType | null)[] {
    const attribute = node.attributes.get(name);
    if (attribute?.type !== 'graph') return [];
    const graph = attribute.value;
    if (this.#depth >= defaultLimits.depth) {
      this.#warn('E_SHAPE_DEPTH', describe(node), 'graphs are nested too deep to infer');
      return graph.outputs.map(() => null);
    }
    graph.inputs.forEach((value, index) => {
      if (value.constant !== null) return;
      const declared = this.#declaredType(value);
      value.type = mergeTypes(types[index] ?? null, declared, () => {});
    });
    this.#depth++;
    try {
      this.#inferGraph(graph);
    } finally {
      this.#depth--;
    }
    return graph.outputs.map((value) => value.type);
  }
}

function isSize(dim: Dim): boolean {
  return typeof dim !== 'number' || (Number.isSafeInteger(dim) && dim >= 0);
}

function isValueList(type: ValueType | null, values: readonly Dim[]): boolean {
  if (values.length > maxValues) return false;
  return type?.kind === 'tensor' && (type.dtype === null || dtypes[type.dtype].kind !== 'string');
}

class NodeContext implements InferContext {
  readonly node: Node;
  readonly attributes: InferContext['attributes'];
  readonly #inference: Inference;

  constructor(inference: Inference, node: Node, op: Op) {
    this.#inference = inference;
    this.node = node;
    this.attributes = readAttributes(op, node);
  }

  get frugal(): boolean {
    return this.#inference.isFrugal;
  }

  type(input: number): ValueType | null {
    return this.node.inputs[input]?.type ?? null;
  }

  dtype(input: number): ReturnType<InferContext['dtype']> {
    const type = this.type(input);
    return type?.kind === 'tensor' ? type.dtype : null;
  }

  shape(input: number): Shape {
    const type = this.type(input);
    return type?.kind === 'tensor' ? type.shape : null;
  }

  values(input: number): readonly Dim[] | null {
    const value = this.node.inputs[input];
    return value == null ? null : this.#inference.valuesOf(value);
  }

  inferBody(
    attribute: string,
    inputs: readonly (ValueType | null)[],
  ): readonly (ValueType | null)[] {
    return this.#inference.inferBody(this.node, attribute, inputs);
  }
}
