import { FormatError, UnsupportedError } from '../../../core/errors.ts';
import type { Builder } from '../../../ir/build.ts';
import type { Constant } from '../../../ir/constant.ts';
import { unlink, Value } from '../../../ir/graph.ts';
import { permutedConstant } from '../../../ir/permute.ts';
import { type Quantization, tensorType, type ValueType } from '../../../ir/types.ts';
import { freshName } from '../../../ir/walk.ts';
import { synthetic, type ValueOrigin } from '../origin.ts';
import type { OperatorRecord, SubGraphRecord, TensorRecord } from '../records.ts';
import { makeInput, makeState, outputOf, settled } from './boundary.ts';
import { constantOfTensor } from './constant.ts';
import { opcodeOf } from './opcode.ts';
import { OperatorReader } from './operator.ts';
import { ordered } from './order.ts';
import { isQuantized, quantizationOf } from './quantization.ts';
import type { Reading, Variable } from './reading.ts';
import { findRow } from './rows.ts';
import { realType } from './tensor.ts';

/** Reads one subgraph into a graph: the main graph, a body, or a part of either. */
export class GraphReader {
  readonly reading: Reading;
  readonly builder: Builder;
  readonly index: number;
  readonly record: SubGraphRecord;
  /** How deep this subgraph is inside others. */
  readonly depth: number;
  readonly where: string;
  /** Builds the main graph. */
  readonly root: Builder;
  /** Whether what the subgraph assigns is what variables hold at first. */
  isOnce = false;
  /** The value of each tensor, so far; the real side of quantized ones. */
  readonly #values: Map<number, Value> = new Map();
  /** The integer side of quantized inputs. */
  readonly #integers: Map<number, Value> = new Map();
  readonly #versions: Map<string, Value> = new Map();
  readonly #variables: Map<number, Variable> = new Map();
  /** Constants in the order in which they were made. */
  readonly #constants: Value[] = [];

  constructor(reading: Reading, builder: Builder, index: number, parent?: GraphReader) {
    const depth = parent === undefined ? 0 : parent.depth + 1;
    const record = reading.record.subgraphs?.[index];
    this.where = `tflite: subgraph[${index}]`;
    if (record === undefined || depth > reading.limits.depth) {
      throw new FormatError(
        record === undefined ? 'there is no such subgraph' : 'subgraphs call each other too deep',
        { code: 'E_TFLITE_SUBGRAPH', where: this.where },
      );
    }
    this.reading = reading;
    this.builder = builder;
    this.index = index;
    this.record = record;
    this.depth = depth;
    this.root = parent?.root ?? builder;
    reading.tensors.spend(record.tensors?.length ?? 0, this.where);
  }

  /** A subgraph that this one calls, into the same graph or a body. */
  child(index: number, builder: Builder = this.builder): GraphReader {
    return new GraphReader(this.reading, builder, index, this);
  }

  /** Makes the graph's inputs. Integers that stand for reals are dequantized: their real side is what operators read. */
  makeInputs(): void {
    for (const tensor of this.record.inputs ?? []) {
      if (this.#values.has(tensor)) throw this.#redefined(tensor);
      const [integers, real] = makeInput(this, tensor);
      this.#values.set(tensor, real);
      if (integers !== real) this.#integers.set(tensor, integers);
    }
  }

  /** Gives the subgraph's inputs values from outside. */
  bindInputs(values: readonly (Value | null)[]): void {
    const inputs = this.record.inputs ?? [];
    inputs.forEach((tensor, index) => {
      const value = values[index];
      if (value != null) this.#values.set(tensor, value);
    });
  }

  /** Reads all operators, producers first. */
  readOperators(): void {
    const operators = ordered(this.record, this.where);
    for (const { operator, index } of operators) {
      this.reading.nodes.spend(1, this.where);
      this.#readOperator(operator, `${this.where}.operator[${index}]`);
    }
  }

  /** The values of the subgraph's outputs. */
  results(): Value[] {
    return Array.from(this.record.outputs ?? [], (tensor) => this.value(tensor));
  }

  /** Makes the subgraph's inputs those of a body: reals, with their quantization. */
  makeBodyInputs(): void {
    for (const tensor of this.record.inputs ?? []) {
      const value = this.made(tensor, this.tensor(tensor).name ?? '');
      this.builder.graph.inputs.push(value);
      this.#values.set(tensor, value);
    }
  }

  /** Makes the given values outputs of a body. */
  makeBodyOutputs(values: readonly Value[]): void {
    for (const value of values) this.builder.output(settled(this, value));
  }

  /** Makes the graph's outputs, integers where the file has them, and those of its variables. */
  makeOutputs(): void {
    const made = new Map<number, Value>();
    for (const tensor of this.record.outputs ?? []) {
      const output = made.get(tensor) ?? outputOf(this, tensor);
      made.set(tensor, output);
      this.builder.output(output);
    }
    for (const variable of this.#variables.values()) makeState(this, variable);
    for (const variable of this.reading.variables.values()) makeState(this, variable);
  }

  /** @throws {FormatError} there is no such tensor */
  tensor(index: number): TensorRecord {
    const tensor = this.record.tensors?.[index];
    if (tensor !== undefined) return tensor;
    throw new FormatError(`there is no tensor ${index}`, {
      code: 'E_TFLITE_TENSOR',
      where: this.where,
    });
  }

  tensorPlace(index: number): string {
    return `${this.where}.tensor[${index}] "${this.tensor(index).name ?? ''}"`;
  }

  /** What a tensor holds, as operators compute with it.
   *  @throws {FormatError} nothing makes it */
  value(index: number): Value {
    const known = this.#values.get(index);
    if (known !== undefined) return known;
    const variable = this.variable(index);
    if (variable !== null) return variable.current;
    const constant = this.constant(index);
    if (constant === null) {
      throw new FormatError('nothing makes this tensor', {
        code: 'E_TFLITE_UNDEFINED',
        where: this.tensorPlace(index),
      });
    }
    const tensor = this.tensor(index);
    const value = isQuantized(tensor)
      ? this.#quantized(index, constant, this.quantization(index))
      : this.#held(index, constant);
    this.#values.set(index, value);
    return value;
  }

  /** A tensor's constant, or null: it is computed. Without elements there is no buffer. */
  constant(index: number): Constant | null {
    const tensor = this.tensor(index);
    if (this.#values.has(index) && this.#values.get(index)?.constant == null) return null;
    return constantOfTensor(tensor, this.reading, this.tensorPlace(index));
  }

  quantization(index: number): Quantization {
    return quantizationOf(this.tensor(index), this.record, this.reading, this.tensorPlace(index));
  }

  /** The integers of a quantized tensor, or what it holds if it is not quantized; null where only its real side is
   *  there. */
  integers(index: number): Value | null {
    const known = this.#integers.get(index);
    if (known !== undefined) return known;
    if (!isQuantized(this.tensor(index))) return this.value(index);
    const constant = this.constant(index);
    return constant === null
      ? null
      : this.version(index, 'integers', () => this.#held(index, constant));
  }

  /** A constant tensor with its axes in another order; null where the tensor is computed. */
  permuted(index: number, perm: readonly number[]): Value | null {
    const constant = this.constant(index);
    if (constant === null) return null;
    return this.version(index, perm.join(), () => {
      const other = permutedConstant(constant, perm);
      if (!isQuantized(this.tensor(index))) return this.#held(index, other);
      const quantization = this.quantization(index);
      const { axis } = quantization;
      const moved = { ...quantization, axis: axis === null ? null : perm.indexOf(axis) };
      return this.#quantized(index, other, moved);
    });
  }

  /** Integers of a constant tensor as the reals that `quantization` says. */
  real(index: number, quantization: Quantization): Value | null {
    const constant = this.constant(index);
    if (constant === null) return null;
    return this.version(index, `real ${quantization.scale.join()}`, () =>
      this.#quantized(index, constant, quantization),
    );
  }

  /** One of the values that a tensor is, made when it is first asked for. */
  version(index: number, key: string, make: () => Value): Value {
    const whole = `${index}:${key}`;
    const known = this.#versions.get(whole);
    if (known !== undefined) return known;
    const value = make();
    this.#versions.set(whole, value);
    return value;
  }

  /** The variable that a tensor is, or null. Its first mention makes an input of the graph.
   *  @throws {UnsupportedError} a variable inside a body */
  variable(index: number): Variable | null {
    const known = this.#variables.get(index);
    if (known !== undefined) return known;
    if (this.tensor(index).isVariable !== true || this.#values.has(index)) return null;
    if (this.depth > 0) {
      throw new UnsupportedError('a variable of a subgraph that is called', {
        code: 'E_TFLITE_VARIABLE',
        where: this.tensorPlace(index),
      });
    }
    const [input, current] = makeInput(this, index);
    const variable = { input, current };
    this.#variables.set(index, variable);
    return variable;
  }

  /** The value that an operator makes of a tensor, without a producer yet. */
  output(index: number): Value {
    const known = this.#values.get(index);
    if (known !== undefined) throw this.#redefined(index);
    return this.made(index, this.tensor(index).name ?? '');
  }

  /** A value of the graph that the file does not have. */
  fresh(hint: string, type: ValueType | null): Value {
    return new Value(this.builder.graph, freshName(this.reading.names, hint), type);
  }

  /** A constant that the file does not have. */
  madeConstant(hint: string, constant: Constant): Value {
    const value = this.builder.constant(freshName(this.reading.names, hint), constant);
    value.origin = synthetic;
    this.#constants.push(value);
    return value;
  }

  /** A value of a tensor's type and quantization. */
  made(index: number, name: string): Value {
    const value = this.fresh(name || `tensor_${index}`, realType(this.tensor(index)));
    value.origin = this.originOf(index);
    if (isQuantized(this.tensor(index))) value.quantization = this.quantization(index);
    return value;
  }

  /** What a value of a tensor is from. */
  originOf(index: number): ValueOrigin {
    return { tensor: index, record: this.tensor(index), subgraph: this.index };
  }

  /** Adds a node that is no operator's. */
  produce(op: string, inputs: readonly Value[], output: Value): Value {
    const node = this.builder.node({ op, inputs }, []);
    output.producer = node;
    node.outputs.push(output);
    this.reading.types.infer(node);
    return output;
  }

  #held(index: number, constant: Constant): Value {
    const name = freshName(this.reading.names, this.tensor(index).name || `tensor_${index}`);
    const value = this.builder.constant(name, constant);
    value.origin = this.originOf(index);
    this.#constants.push(value);
    return value;
  }

  #quantized(index: number, constant: Constant, quantization: Quantization): Value {
    const value = this.#held(index, constant);
    value.type = tensorType('float32', constant.shape);
    value.quantization = quantization;
    return value;
  }

  #readOperator(operator: OperatorRecord, where: string): void {
    const { name, code } = opcodeOf(operator, this.reading.record, where);
    const place = `${where} (${name})`;
    const { graph } = this.builder;
    const before = graph.nodes.length;
    const constants = this.#constants.length;
    const reader = new OperatorReader(this, operator, name, code, place);
    const row = findRow(name);
    let isRead = false;
    if (row !== null) {
      try {
        row(reader);
        isRead = true;
      } catch (error) {
        if (!(error instanceof UnsupportedError)) throw error;
        for (const node of graph.nodes.splice(before)) {
          unlink(node);
          for (const value of node.outputs) value.producer = null;
        }
        for (const value of this.#constants.splice(constants)) this.#forget(value);
        this.reading.notes.push(`${place} is kept as it is: ${error.message}`);
      }
    }
    if (!isRead) reader.opaque();
    for (const [tensor, value] of reader.finish(before)) this.#values.set(tensor, value);
  }

  #forget(value: Value): void {
    this.builder.graph.constants.delete(value);
    for (const map of [this.#versions, this.#values] as Map<unknown, Value>[])
      for (const [key, known] of map) if (known === value) map.delete(key);
  }

  #redefined(index: number): FormatError {
    return new FormatError('this tensor is made twice', {
      code: 'E_TFLITE_REDEFINED',
      where: this.tensorPlace(index),
    });
  }
}
