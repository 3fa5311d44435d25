import type { DType } from '../../../core/dtype.ts';
import { FormatError, UnsupportedError } from '../../../core/errors.ts';
import type { Dim, Shape } from '../../../core/shape.ts';
import { bytesOf } from '../../../core/tensor.ts';
import { type Constant, constantOf, int64Constant, smallValues } from '../../../ir/constant.ts';
import type { Graph, Node, Origin, Use, Value } from '../../../ir/graph.ts';
import { type OptionsName, type OptionsOf, optionsOf } from '../options.ts';
import type { OperatorCodeRecord, OperatorRecord } from '../records.ts';
import type { GraphReader } from './graph-reader.ts';
import { isQuantized, parametersOf } from './quantization.ts';
import type { Variable } from './reading.ts';
import { type Attributes, attributeList, rankOf, typeNumber, typeOf } from './values.ts';

/** Makes IR nodes of one operator; throws an UnsupportedError to leave it opaque. */
export type Row = (o: OperatorReader) => void;

/** One operator of the file, as rows see it: its operands as values, and the nodes that become of it. */
export class OperatorReader {
  readonly reader: GraphReader;
  readonly record: OperatorRecord;
  /** Of the builtin; `CUSTOM:` and its name for a custom operator. */
  readonly name: string;
  readonly code: OperatorCodeRecord;
  readonly where: string;
  readonly #nodes: Node[] = [];
  readonly #outputs: Map<number, Value> = new Map();
  /** Values that stand for inputs, by index: the tensor's own, or another form of its constant. */
  readonly #taken: Map<number, Value[]> = new Map();

  constructor(
    reader: GraphReader,
    record: OperatorRecord,
    name: string,
    code: OperatorCodeRecord,
    where: string,
  ) {
    this.reader = reader;
    this.record = record;
    this.name = name;
    this.code = code;
    this.where = where;
  }

  get inputCount(): number {
    return this.record.inputs?.length ?? 0;
  }

  get outputCount(): number {
    return this.record.outputs?.length ?? 0;
  }

  get graph(): Graph {
    return this.reader.builder.graph;
  }

  /** The operator's options, defaults filled in.
   *  @throws {FormatError} it has options of another kind */
  options<N extends OptionsName>(name: N): OptionsOf<N> {
    return optionsOf(this.record, name);
  }

  /** Whether the graph is the body of a node, or becomes one. */
  get isInBody(): boolean {
    return this.reader.builder !== this.reader.root;
  }

  /** Whether a value is one of the operator's inputs. */
  isInput(value: Value): boolean {
    return [...this.#taken.values()].some((taken) => taken.includes(value));
  }

  has(index: number): boolean {
    return (this.record.inputs?.[index] ?? -1) >= 0;
  }

  /** Index of the tensor that is an input.
   *  @throws {FormatError} there is none */
  tensor(index: number): number {
    const tensor = this.record.inputs?.[index];
    if (tensor !== undefined && tensor >= 0) return tensor;
    throw new FormatError(`input ${index} is missing`, {
      code: 'E_TFLITE_INPUT',
      where: this.where,
    });
  }

  input(index: number): Value {
    return this.#take(index, this.reader.value(this.tensor(index)));
  }

  optional(index: number): Value | null {
    return this.has(index) ? this.input(index) : null;
  }

  inputs(from = 0): Value[] {
    return Array.from({ length: Math.max(0, this.inputCount - from) }, (_, i) =>
      this.input(from + i),
    );
  }

  /** The variable that an input is.
   *  @throws {UnsupportedError} it is none */
  variable(index: number): Variable {
    const variable = this.reader.variable(this.tensor(index));
    if (variable !== null) return variable;
    throw this.unsupported(`input ${index} is no variable`);
  }

  /** An input's integers, where it is quantized. */
  integers(index: number): Value {
    const tensor = this.tensor(index);
    const known = this.reader.integers(tensor);
    if (known !== null) return this.#take(index, known);
    const { scale, zero } = parametersOf(this.reader.quantization(tensor), this.where);
    return this.add('QuantizeLinear', [
      this.input(index),
      this.constant('scale', scale),
      this.constant('zero_point', zero),
    ]);
  }

  /** An input with its axes in another order: for a constant without a node.
   *  @param perm  as in Transpose */
  permuted(index: number, perm: readonly number[]): Value {
    const constant = this.reader.permuted(this.tensor(index), perm);
    if (constant !== null) return this.#take(index, constant);
    return this.add('Transpose', [this.input(index)], { perm });
  }

  /** Another form of an input's constant, which stands for the input.
   *  @param make  asked with the tensor's index */
  form(index: number, make: (tensor: number) => Value | null): Value | null {
    const value = make(this.tensor(index));
    return value === null ? null : this.#take(index, value);
  }

  /** Elements of a constant input of integers or floats; null where they are computed or many. */
  numbers(index: number): number[] | null {
    if (!this.has(index)) return null;
    const constant = this.reader.constant(this.tensor(index));
    const values = constant === null ? null : smallValues(constant, 1 << 16);
    return values === null ? null : values.map(Number);
  }

  /** `numbers` for what must be known.
   *  @throws {UnsupportedError} the input is computed */
  known(index: number): number[] {
    const values = this.numbers(index);
    if (values === null) throw this.unsupported(`input ${index} is computed`);
    return values;
  }

  /** An input of sizes, axes or positions as int64, which ONNX has. */
  indices(index: number): Value {
    const values = this.numbers(index);
    if (values === null) return this.cast(this.input(index), 'int64');
    return this.ints('indices', values, this.reader.constant(this.tensor(index))!.shape);
  }

  /** Dimensions of an input, null where not even their number is known. */
  shape(index: number): Shape {
    return typeOf(this.input(index)).shape;
  }

  /** Number of axes of an input.
   *  @throws {UnsupportedError} it is not known */
  rank(index: number): number {
    return rankOf(this, this.input(index));
  }

  /** Size of an input along an axis.
   *  @throws {UnsupportedError} it is not known */
  size(index: number, axis: number): number {
    const dim: Dim | undefined = this.shape(index)?.at(axis);
    if (typeof dim === 'number') return dim;
    throw this.unsupported(`input ${index} has no known size on axis ${axis}`);
  }

  /** Whether the tensor holds integers that stand for reals. */
  isQuantized(index: number): boolean {
    return isQuantized(this.reader.tensor(this.tensor(index)));
  }

  /** The value that is an output; null for one that the operator leaves out. */
  output(index: number): Value | null {
    const tensor = this.record.outputs?.[index];
    if (tensor === undefined || tensor < 0) return null;
    const known = this.#outputs.get(tensor);
    if (known !== undefined) return known;
    const value = this.reader.output(tensor);
    this.#outputs.set(tensor, value);
    return value;
  }

  /** Lets a value that something else made be an output.
   *  @param index  of the output */
  alias(index: number, value: Value): void {
    const tensor = this.record.outputs?.[index];
    if (tensor !== undefined && tensor >= 0) this.#outputs.set(tensor, value);
  }

  constant(hint: string, constant: Constant): Value {
    return this.reader.madeConstant(`${this.base}/${hint}`, constant);
  }

  /** A list of int64.
   *  @throws {UnsupportedError} they are no integers: what they were read from is not what it should be */
  ints(hint: string, values: readonly number[], shape?: readonly number[]): Value {
    if (!values.every(Number.isSafeInteger)) throw this.unsupported(`${hint} that are no integers`);
    return this.constant(hint, int64Constant(values, shape));
  }

  flags(hint: string, values: readonly boolean[]): Value {
    return this.constant(
      hint,
      constantOf('bool', [values.length], Uint8Array.from(values, Number)),
    );
  }

  /** A float32 scalar. */
  scalar(hint: string, value: number): Value {
    return this.constant(hint, constantOf('float32', [], bytesOf(Float32Array.of(value))));
  }

  /** Adds a node with one new output, which it returns.
   *  @param op  of ai.onnx, or with its domain before a dot */
  add(op: string, inputs: readonly (Value | null)[], attributes: Attributes = {}): Value {
    return this.node(op, inputs, attributes, [this.fresh(op)])[0]!;
  }

  /** Adds a node that makes the operator's first output.
   *  @param index  or another one */
  give(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes = {},
    index = 0,
  ): void {
    this.node(op, inputs, attributes, [this.output(index) ?? this.fresh(op)]);
  }

  /** Adds a node that makes all of the operator's outputs. */
  giveAll(op: string, inputs: readonly (Value | null)[], attributes: Attributes = {}): void {
    const outputs = Array.from(
      { length: this.outputCount },
      (_, index) => this.output(index) ?? this.fresh(op),
    );
    this.node(op, inputs, attributes, outputs);
  }

  /** Adds a node. */
  node(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes,
    outputs: readonly Value[],
  ): readonly Value[] {
    const dot = op.lastIndexOf('.');
    const node = this.reader.builder.node(
      {
        op: op.slice(dot + 1),
        domain: dot < 0 ? '' : op.slice(0, dot),
        name: this.#nodes.length === 0 ? this.base : `${this.base}/${op.slice(dot + 1)}`,
        attributes: attributeList(attributes),
        inputs,
      },
      [],
    );
    for (const value of outputs) {
      value.producer = node;
      node.outputs.push(value);
    }
    this.#nodes.push(node);
    this.reader.reading.types.infer(node);
    return outputs;
  }

  cast(value: Value, dtype: DType): Value {
    if (typeOf(value).dtype === dtype) return value;
    return this.add('Cast', [value], { to: typeNumber(dtype) });
  }

  /** The value that the operator's nodes have in common in their names. */
  get base(): string {
    const tensor = this.record.outputs?.[0] ?? -1;
    return (tensor >= 0 && this.reader.tensor(tensor).name) || this.name;
  }

  /** A value that only this operator's nodes see. */
  fresh(hint: string): Value {
    return this.reader.fresh(`${this.base}/${hint}`, null);
  }

  /** A value with the quantization of another: of the same elements. */
  like(source: Value, hint: string): Value {
    const value = this.fresh(hint);
    value.quantization = source.quantization;
    return value;
  }

  unsupported(message: string): UnsupportedError {
    return new UnsupportedError(message, { code: 'E_TFLITE_OPERATOR', where: this.where });
  }

  /** Leaves the operator as it is: a node of domain `tflite`. */
  opaque(): void {
    this.#nodes.length = 0;
    this.#taken.clear();
    const inputs = Array.from(this.record.inputs ?? [], (tensor, index) =>
      tensor < 0 || this.reader.tensor(tensor).isVariable === true ? null : this.#readable(index),
    );
    const custom = this.name.startsWith('CUSTOM:') ? this.name.slice(7) : this.name;
    const record = { operator: this.record, code: this.code };
    const attributes: Attributes = { record: { type: 'opaque', value: record } };
    const outputs = Array.from(
      this.record.outputs ?? [],
      (_, index) => this.output(index) ?? this.fresh('output'),
    );
    const node = this.reader.builder.node(
      {
        op: custom || 'CUSTOM',
        domain: 'tflite',
        name: this.base,
        attributes: attributeList(attributes),
        inputs,
      },
      [],
    );
    for (const value of outputs) {
      value.producer = node;
      node.outputs.push(value);
    }
    this.#nodes.push(node);
  }

  /** An input, or null for a constant that can't be read and for a handle: the record has it. */
  #readable(index: number): Value | null {
    try {
      const value = this.input(index);
      return value.type?.kind === 'opaque' ? null : value;
    } catch (error) {
      if (error instanceof UnsupportedError) return null;
      throw error;
    }
  }

  /** Notes where the operator's operands went, and returns its outputs by tensor.
   *  @param from  index of its first node in the graph: nodes of called subgraphs are between its own */
  finish(from: number): ReadonlyMap<number, Value> {
    const nodes = this.graph.nodes.slice(from);
    const unread = new Map<number, Value>();
    const inputs = Array.from(this.record.inputs ?? [], (tensor, index): Use | null => {
      if (tensor < 0) return null;
      const own = this.#taken.get(index) ?? [];
      for (const node of nodes) {
        const at = node.inputs.findIndex((value) => value !== null && own.includes(value));
        if (at >= 0) return node.inputUses[at]!;
      }
      const last = own.at(-1);
      if (last !== undefined) unread.set(index, last);
      return null;
    });
    const outputs = Array.from(this.record.outputs ?? [], (tensor) => {
      const value = this.#outputs.get(tensor);
      const node = value?.producer ?? null;
      return node === null ? null : { node, index: node.outputs.indexOf(value!) };
    });
    const attributes = new Map(nodes[0]?.attributes);
    const origin: Origin = {
      record: this.record,
      opset: this.code.version ?? 1,
      attributes: nodes.length === 1 ? attributes : new Map(),
      nodes,
      inputs,
      outputs,
      unread,
    };
    for (const node of nodes) node.origin = origin;
    return this.#outputs;
  }

  #take(index: number, value: Value): Value {
    const taken = this.#taken.get(index);
    if (taken === undefined) this.#taken.set(index, [value]);
    else if (!taken.includes(value)) taken.push(value);
    return value;
  }
}
