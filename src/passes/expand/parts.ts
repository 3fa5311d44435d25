import type { DType } from '../../core/dtype.ts';
import { UnsupportedError } from '../../core/errors.ts';
import { type Dim, isStatic, normalizeAxis, type Shape, volume } from '../../core/shape.ts';
import { bytesOf } from '../../core/tensor.ts';
import {
  type Constant,
  constantOf,
  constantOfValue,
  int64Constant,
  smallValues,
} from '../../ir/constant.ts';
import { describe, type Edit } from '../../ir/edit.ts';
import { Graph, linkOutput, type Node, Value } from '../../ir/graph.ts';
import { type Attribute, tensorType, type ValueType } from '../../ir/types.ts';
import { freshName } from '../../ir/walk.ts';
import { readAttributes } from '../../ops/attributes.ts';
import { numberOfDtype } from '../../ops/data-types.ts';
import { findOp, ops } from '../../ops/index.ts';
import type { AttributeReader } from '../../ops/op.ts';
import { broadcast } from './broadcast.ts';

type Inputs = readonly (Value | null)[];
type Settings = Readonly<Record<string, number | string | readonly number[]>>;
/** A value, or a number that stands for a scalar of the type of the other operand. */
export type Term = Value | number;

/** Puts together what means the same as a node, before it. Sizes are known numbers everywhere: what is asked about one
 *  that is not ends the expansion, and everything that it made goes. */
export class Parts {
  readonly node: Node;
  readonly attributes: AttributeReader;
  readonly #edit: Edit;
  readonly #names: Set<string>;
  readonly #added: Node[] = [];
  readonly #constants: Value[] = [];
  readonly #ends: [Value, Value][] = [];
  /** The body that is put together. */
  #body: Graph | null = null;

  constructor(edit: Edit, node: Node, names: Set<string>) {
    this.node = node;
    this.attributes = readAttributes(findOp(ops, node.domain, node.op)!, node);
    this.#edit = edit;
    this.#names = names;
  }

  /** Ends the expansion: the node stays as it is. */
  stop(reason: string): never {
    throw new UnsupportedError(`${describe(this.node)}: ${reason}`, { code: 'E_EXPAND' });
  }

  has(index: number): boolean {
    return this.node.inputs[index] != null;
  }

  in(index: number): Value {
    return this.node.inputs[index] ?? this.stop(`input ${index} is missing`);
  }

  maybe(index: number): Value | null {
    return this.node.inputs[index] ?? null;
  }

  /** Whether somebody reads an output. */
  wants(index: number): boolean {
    return (this.node.outputs[index]?.uses.size ?? 0) > 0;
  }

  /** Sizes of a value, which must be known. */
  dims(value: Value): readonly number[] {
    const { type } = value;
    if (type?.kind !== 'tensor' || !isStatic(type.shape))
      this.stop(`the sizes of "${value.name}" are not known`);
    return type.shape;
  }

  /** Sizes of a value, of which some may be symbols; their number must be known. */
  shape(value: Value): readonly Dim[] {
    const { type } = value;
    if (type?.kind !== 'tensor' || type.shape === null)
      this.stop(`the rank of "${value.name}" is not known`);
    return type.shape;
  }

  dtype(value: Value): DType {
    const { type } = value;
    if (type?.kind !== 'tensor' || type.dtype === null)
      this.stop(`the type of "${value.name}" is not known`);
    return type.dtype;
  }

  /** Elements of a small constant input; null where it is computed. */
  numbers(index: number): readonly number[] | null {
    const value = this.node.inputs[index];
    const constant = value == null || value.quantization !== null ? null : constantOfValue(value);
    return constant === null ? null : (smallValues(constant)?.map(Number) ?? null);
  }

  constant(constant: Constant, near = 'constant'): Value {
    const name = freshName(this.#names, `${this.node.outputs[0]?.name ?? 'expanded'}/${near}`);
    const value = this.#edit.addConstant(this.#body ?? this.node.graph, name, constant);
    this.#constants.push(value);
    return value;
  }

  ints(values: readonly number[], dims?: readonly number[]): Value {
    return this.constant(int64Constant(values, dims), 'ints');
  }

  floats(values: ArrayLike<number>, dims: readonly number[] = [values.length]): Value {
    return this.constant(constantOf('float32', dims, bytesOf(Float32Array.from(values))), 'floats');
  }

  scalar(value: number, dtype: DType): Value {
    if (dtype === 'float32') return this.floats([value], []);
    if (dtype === 'int64') return this.ints([value], []);
    if (dtype === 'int32')
      return this.constant(constantOf('int32', [], bytesOf(Int32Array.of(value))), 'int');
    return this.stop(`a constant of ${dtype}`);
  }

  scalarBool(value: boolean): Value {
    return this.constant(constantOf('bool', [], Uint8Array.of(Number(value))), 'flag');
  }

  /** A node with one output.
   *  @param dims  null where they depend on what is fed */
  op(op: string, inputs: Inputs, dims: Shape, dtype: DType | null, settings: Settings = {}): Value {
    const attributes = Object.entries(settings).map(([name, value]): [string, Attribute] => [
      name,
      attributeOf(value, floatSettings.has(name)),
    ]);
    return this.#node(op, inputs, attributes, [tensorType(dtype, dims)])[0]!;
  }

  /** A node whose outputs have types that are inferred later. */
  raw(
    op: string,
    inputs: Inputs,
    outputs: number,
    attributes: Iterable<readonly [string, Attribute]>,
  ): readonly Value[] {
    return this.#node(op, inputs, attributes, new Array<null>(outputs).fill(null));
  }

  #node(
    op: string,
    inputs: Inputs,
    attributes: Iterable<readonly [string, Attribute]>,
    types: readonly (ValueType | null)[],
  ): readonly Value[] {
    const base = `${this.node.outputs[0]?.name ?? 'expanded'}/${op}`;
    const outputs = types.map((type) => ({ name: freshName(this.#names, base), type }));
    const spec = { op, inputs, attributes, name: outputs[0]!.name };
    const place = this.#body === null ? { before: this.node } : { endOf: this.#body };
    const node = this.#edit.addNode(place, spec, outputs);
    this.#added.push(node);
    return node.outputs;
  }

  /** What copies a body's nodes before the node: values for its inputs in, those of its outputs out. */
  copier(body: Graph): (inputs: readonly Value[]) => Value[] {
    const constants = new Map<Value, Value>();
    for (const value of body.constants) {
      if (value.quantization !== null) this.stop('a constant of its body is quantized');
      constants.set(value, this.constant(value.constant!, value.name));
    }
    return (inputs) => {
      const copies = new Map(constants);
      body.inputs.forEach((value, index) => {
        copies.set(value, inputs[index]!);
      });
      const copied = (value: Value): Value => copies.get(value) ?? value;
      for (const inner of body.nodes) {
        const { op, domain, attributes } = inner;
        if ([...inner.subgraphs()].length > 0) this.stop('its body has bodies');
        const outputs = inner.outputs.map(({ name }) => ({
          name: name === '' ? '' : freshName(this.#names, name),
          type: null,
        }));
        const own = inner.inputs.map((value) => (value === null ? null : copied(value)));
        const spec = { op, domain, attributes, inputs: own, name: '' };
        const node = this.#edit.addNode({ before: this.node }, spec, outputs);
        this.#added.push(node);
        inner.outputs.forEach((value, index) => {
          copies.set(value, node.outputs[index]!);
        });
      }
      return body.outputs.map(copied);
    };
  }

  /** A body: it may read what is around it.
   *  @param inputs  types of what it is given
   *  @param build   puts it together; what it returns are its outputs */
  body(inputs: readonly ValueType[], build: (inputs: readonly Value[]) => readonly Value[]): Graph {
    const graph = new Graph(`${this.node.name || this.node.op}_body`);
    for (const type of inputs)
      graph.inputs.push(new Value(graph, freshName(this.#names, 'in'), type));
    this.#body = graph;
    const outputs = build(graph.inputs);
    this.#body = null;
    outputs.forEach((value, index) => {
      linkOutput(graph, index, value);
    });
    return graph;
  }

  /** Elementwise of two, broadcast. */
  binary(op: string, a: Term, b: Term, dtype?: DType): Value {
    const x = typeof a === 'number' ? this.scalar(a, this.dtype(b as Value)) : a;
    const y = typeof b === 'number' ? this.scalar(b, this.dtype(x)) : b;
    const dims = broadcast(this.shape(x), this.shape(y)) ?? this.stop('operands do not broadcast');
    return this.op(op, [x, y], dims, dtype ?? this.dtype(x));
  }

  add(a: Term, b: Term): Value {
    return this.binary('Add', a, b);
  }

  sub(a: Term, b: Term): Value {
    return this.binary('Sub', a, b);
  }

  mul(a: Term, b: Term): Value {
    return this.binary('Mul', a, b);
  }

  div(a: Term, b: Term): Value {
    return this.binary('Div', a, b);
  }

  test(
    op: 'Less' | 'Greater' | 'Equal' | 'GreaterOrEqual' | 'LessOrEqual',
    a: Term,
    b: Term,
  ): Value {
    return this.binary(op, a, b, 'bool');
  }

  /** Elementwise of one. */
  unary(op: string, x: Value, settings: Settings = {}): Value {
    return this.op(op, [x], this.shape(x), this.dtype(x), settings);
  }

  where(condition: Value, a: Term, b: Term): Value {
    const like = typeof a === 'number' ? (b as Value) : a;
    const dtype = this.dtype(like);
    const [x, y] = [a, b].map((term) =>
      typeof term === 'number' ? this.scalar(term, dtype) : term,
    );
    const all = broadcast(this.shape(condition), broadcast(this.shape(x!), this.shape(y!)) ?? []);
    return this.op(
      'Where',
      [condition, x!, y!],
      all ?? this.stop('operands do not broadcast'),
      dtype,
    );
  }

  cast(x: Value, dtype: DType): Value {
    if (this.dtype(x) === dtype) return x;
    return this.op('Cast', [x], this.shape(x), dtype, { to: numberOfDtype(dtype) });
  }

  reshape(x: Value, dims: readonly number[]): Value {
    if (`${dims}` === `${this.dims(x)}`) return x;
    if (volume(dims) !== volume(this.dims(x))) this.stop(`[${this.dims(x)}] as [${dims}]`);
    const settings: Settings = dims.includes(0) ? { allowzero: 1 } : {};
    return this.op('Reshape', [x, this.ints(dims)], dims, this.dtype(x), settings);
  }

  transpose(x: Value, perm: readonly number[]): Value {
    if (perm.every((axis, i) => axis === i)) return x;
    const dims = perm.map((axis) => this.shape(x)[axis]!);
    return this.op('Transpose', [x], dims, this.dtype(x), { perm });
  }

  /** Repeats sizes of 1. */
  expand(x: Value, dims: readonly number[]): Value {
    if (`${dims}` === `${this.dims(x)}`) return x;
    return this.op('Expand', [x, this.ints(dims)], dims, this.dtype(x));
  }

  concat(parts: readonly Value[], axis: number): Value {
    if (parts.length === 1) return parts[0]!;
    const dims = [...this.shape(parts[0]!)];
    const at = normalizeAxis(axis, dims.length);
    const sizes = parts.map((part) => this.shape(part)[at]!);
    dims[at] = sizes.reduce<Dim>(
      (sum, size) => (typeof sum === 'number' && typeof size === 'number' ? sum + size : null),
      0,
    );
    return this.op('Concat', parts, dims, this.dtype(parts[0]!), { axis: at });
  }

  /** One place of an axis, which goes. */
  pick(x: Value, axis: number, index: number): Value {
    return this.gather(x, this.ints([index], []), axis);
  }

  /** New axes of size 1: ascending, as the result counts them. */
  unsqueeze(x: Value, axes: readonly number[]): Value {
    let dims = this.shape(x);
    for (const axis of axes) dims = dims.toSpliced(axis, 0, 1);
    return this.op('Unsqueeze', [x, this.ints(axes)], dims, this.dtype(x));
  }

  /** Elements start … end − 1 of an axis. */
  slice(x: Value, axis: number, start: number, end: number): Value {
    const dims = [...this.shape(x)];
    const at = normalizeAxis(axis, dims.length);
    if (start === 0 && end === dims[at]) return x;
    dims[at] = end - start;
    const inputs = [x, this.ints([start]), this.ints([end]), this.ints([at])];
    return this.op('Slice', inputs, dims, this.dtype(x));
  }

  /** Whole slices of an axis, by constant or computed indices. */
  gather(x: Value, indices: Value, axis: number): Value {
    const dims = this.shape(x);
    const at = normalizeAxis(axis, dims.length);
    const result = [...dims.slice(0, at), ...this.shape(indices), ...dims.slice(at + 1)];
    return this.op('Gather', [x, indices], result, this.dtype(x), { axis: at });
  }

  /** Slices by tuples of indices, the last axis of `indices`. */
  gatherND(x: Value, indices: Value): Value {
    const [dims, places] = [this.dims(x), this.dims(indices)];
    const result = [...places.slice(0, -1), ...dims.slice(places.at(-1))];
    return this.op('GatherND', [x, indices], result, this.dtype(x));
  }

  reduce(op: string, x: Value, axes: readonly number[], keep = true): Value {
    const dims = this.shape(x);
    const all = new Set(axes.map((axis) => normalizeAxis(axis, dims.length)));
    const kept = dims.flatMap((size, axis): Dim[] => (!all.has(axis) ? [size] : keep ? [1] : []));
    const settings = { keepdims: keep ? 1 : 0 };
    return this.op(op, [x, this.ints([...all])], kept, this.dtype(x), settings);
  }

  matmul(a: Value, b: Value): Value {
    const [x, y] = [this.shape(a), this.shape(b)];
    if (x.length < 2 || y.length < 2) this.stop('a product with a vector');
    const lead =
      broadcast(x.slice(0, -2), y.slice(0, -2)) ?? this.stop('operands do not broadcast');
    return this.op('MatMul', [a, b], [...lead, x.at(-2)!, y.at(-1)!], this.dtype(a));
  }

  softmax(x: Value, axis = -1): Value {
    return this.unary('Softmax', x, { axis });
  }

  /** Makes a value one of the node's outputs. */
  end(index: number, value: Value): void {
    const output = this.node.outputs[index];
    if (output !== undefined) this.#ends.push([output, value]);
  }

  /** Puts the results in the node's place. */
  finish(): void {
    const taken = new Set<Value>();
    for (const [output, value] of this.#ends) {
      if (output.uses.size === 0) continue;
      let last = value;
      const isOwn = value.producer !== null && this.#added.includes(value.producer);
      if (!isOwn || taken.has(value)) last = this.raw('Identity', [value], 1, [])[0]!;
      taken.add(last);
      last.quantization ??= output.quantization;
      // It may be an output of the graph, which is known by its name.
      const { name } = output;
      this.#edit.rename(output, `${name}/before`);
      this.#edit.rename(last, name);
      this.#edit.replaceUses(output, last);
    }
    this.#edit.removeNode(this.node);
  }

  /** Takes back everything. */
  undo(): void {
    for (const node of this.#added.reverse()) this.#edit.removeNode(node);
    for (const value of this.#constants) this.#edit.removeConstant(value);
  }
}

/** Attributes that are floats however they look. */
const floatSettings: ReadonlySet<string> = new Set(['alpha', 'beta', 'epsilon', 'gamma']);

function attributeOf(value: number | string | readonly number[], isFloat: boolean): Attribute {
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value === 'number') return isFloat ? { type: 'float', value } : { type: 'int', value };
  return { type: 'ints', value };
}
