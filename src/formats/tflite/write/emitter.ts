import { type DType, dtypes } from '../../../core/dtype.ts';
import { UnsupportedError } from '../../../core/errors.ts';
import { type Shape, volume } from '../../../core/shape.ts';
import { bytesOf } from '../../../core/tensor.ts';
import { type Constant, constantOf, constantOfValue, readConstant } from '../../../ir/constant.ts';
import { describe } from '../../../ir/edit.ts';
import type { Graph, Node, Value } from '../../../ir/graph.ts';
import { realsOf } from '../../../ir/levels.ts';
import type { Quantization } from '../../../ir/types.ts';
import { freshName } from '../../../ir/walk.ts';
import { findOp, ops, readAttributes } from '../../../ops/index.ts';
import type { AttributeReader } from '../../../ops/op.ts';
import type { Evaluate } from '../../../passes/rules/constants.ts';
import type { LoweredNode } from '../../format.ts';
import type { QuantizationChange } from '../../quantization-change.ts';
import { hasIntegerKernel } from '../legalize/kernels.ts';
import type { BuiltinOptions } from '../records.ts';
import { firstRelease, isBefore } from '../releases.ts';
import type { AsRead } from './as-read.ts';
import type { FileTables } from './file.ts';
import { floatsOf } from './floats.ts';
import { firstHybridByRow, hybridOptions, isHybridWeight } from './hybrid.ts';
import { numbersOf } from './known.ts';
import { dequantizedLevels } from './levels.ts';
import { computedType, makeOperand, type Operand } from './operand.ts';
import { isWorth, wholeBytes, worthHalf } from './stored.ts';
import { SubgraphTables } from './subgraph.ts';

export { knownRank, knownSizes, numbersOf } from './known.ts';

/** How an operator of the IR becomes operators of the file: emits them; what it can't, it says by `fail`. */
export type Row = (e: Emitter, node: Node) => void;

/** What the subgraphs of a file share. */
export interface EmitContext {
  readonly file: FileTables;
  /** Names that are taken. */
  readonly names: Set<string>;
  readonly evaluate: Evaluate | null;
  /** Oldest release of the runtime that is to load the file. */
  readonly minRuntime: string | null;
  /** Whether products of real numbers and weights of 8 bits are left to the runtime's hybrid kernels. */
  readonly hybrid: boolean;
  /** Nodes that run on integers. */
  readonly integer: ReadonlySet<Node>;
  /** Told what becomes of quantization. */
  onQuantization(change: QuantizationChange): void;
  /** Writes another graph as a subgraph; gives its number.
   *  @param begin  adds inputs behind the graph's own, for what it reads around it */
  subgraph(graph: Graph, begin?: (inner: Emitter) => void): number;
  /** Writes a subgraph whose inputs and operators are made by `build`, which gives its outputs; gives its number. */
  made(graph: Graph, at: Node, build: (inner: Emitter) => Operand[]): number;
  /** Called for a node that takes several operators. */
  onLowered(node: LoweredNode): void;
  /** Values that the model remembers until the next run. */
  readonly states: ReadonlySet<Value>;
  /** Of a model that was read from a TFLite file: what is still as it was. */
  readonly asRead: AsRead | null;
  /** Emits the nodes of a graph. */
  emitNodes(e: Emitter, graph: Graph): void;
}

/** Options with which sums of 16 bits take scales that are no powers of two.
 *  Source: kernels/add.cc, sub.cc (Prepare), tools/versioning/op_version.cc. */
function wideOptions(
  name: string,
  [x]: readonly (Operand | null)[],
  options: BuiltinOptions | undefined,
): BuiltinOptions | undefined {
  if (x?.quantization?.storage !== 'int16') return options;
  const any = { potScaleInt16: false };
  if (name === 'ADD' && (options === undefined || options.type === 'AddOptions'))
    return { type: 'AddOptions', value: { ...options?.value, ...any } };
  if (name === 'SUB' && (options === undefined || options.type === 'SubOptions'))
    return { type: 'SubOptions', value: { ...options?.value, ...any } };
  return options;
}

/** Emits the operators of one subgraph. Rows see real numbers: what is quantized is dequantized where an operator
 *  reads it, and quantized again where a node's result is, unless the node is one that runs on integers. */
export class Emitter extends SubgraphTables {
  readonly context: EmitContext;
  readonly graph: Graph;
  /** Whether the node that is emitted runs on integers: its operands keep their quantization. */
  isInteger = false;
  readonly #operands: Map<Value, Operand> = new Map();
  readonly #dequantized: Map<Operand, Operand> = new Map();
  readonly #names: Set<string>;
  #node: Node | null = null;
  #attributes: AttributeReader | null = null;
  /** Results that are to be quantized after the node. */
  #unquantized: { real: Operand; stored: Operand }[] = [];

  /** @param at  the node that errors name before there is one in the graph */
  constructor(graph: Graph, context: EmitContext, at: Node | null = null) {
    super(context.file, graph.name, context.asRead);
    this.#node = at;
    this.graph = graph;
    this.context = context;
    this.#names = context.names;
  }

  /** Runs a node on constants; null where nobody can. */
  get evaluate(): Evaluate | null {
    return this.context.evaluate;
  }

  /** Whether the oldest runtime that is to load the file lacks a version of an operator. */
  lacks(operator: string, version: number): boolean {
    const { minRuntime } = this.context;
    const release = firstRelease(operator, version);
    return minRuntime !== null && (release === null || isBefore(minRuntime, release));
  }

  get node(): Node {
    return this.#node!;
  }

  /** Attributes of the node. */
  get attributes(): AttributeReader {
    return this.#attributes!;
  }

  /** Emits a node with its row. */
  run(node: Node, row: Row): void {
    this.#node = node;
    const op = findOp(ops, node.domain, node.op);
    this.#attributes = op === null ? null : readAttributes(op, node);
    this.#unquantized = [];
    if (this.context.integer.has(node) && this.#onIntegers(node, row)) return;
    row(this, node);
    for (const { real, stored } of this.#unquantized) this.raw('QUANTIZE', [real], [stored]);
  }

  /** Emits a node on integers, if all operators that its row takes have a kernel for them. */
  #onIntegers(node: Node, row: Row): boolean {
    const before = this.operators.length;
    const known = node.outputs.filter((value) => this.#operands.has(value));
    this.isInteger = true;
    try {
      row(this, node);
    } finally {
      this.isInteger = false;
    }
    const made = this.operators.slice(before);
    if (made.every(({ name, inputs, outputs }) => hasIntegerKernel(name, inputs, outputs)))
      return true;
    this.operators.length = before;
    for (const value of node.outputs) if (!known.includes(value)) this.#operands.delete(value);
    const what = 'it computes with real numbers: its operators have no kernels of integers';
    this.context.onQuantization({ where: describe(node), kind: 'real', what, error: 0 });
    return false;
  }

  /** The error that ends a node.
   *  @param code  what is in the way: `E_TFLITE_…` */
  fail(code: string, reason: string, hint?: string): UnsupportedError {
    const where = describe(this.node);
    return new UnsupportedError(`${where}: ${reason}`, {
      code: `E_TFLITE_${code}`,
      where,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  has(index: number): boolean {
    return this.node.inputs[index] != null;
  }

  /** An input of the node. */
  in(index: number): Operand {
    const value = this.node.inputs[index];
    if (value == null) throw this.fail('OPERAND', `input ${index} is missing`);
    return this.operandOf(value);
  }

  /** An input that may be absent. */
  maybe(index: number): Operand | null {
    return this.has(index) ? this.in(index) : null;
  }

  /** Elements of a constant input; null where it is computed. */
  numbers(index: number): readonly number[] | null {
    const value = this.node.inputs[index];
    if (value == null || value.quantization !== null) return null;
    const constant = constantOfValue(value);
    return constant === null ? null : numbersOf(constant);
  }

  /** The operand that a value is. */
  operandOf(value: Value): Operand {
    const known = this.#operands.get(value);
    if (known !== undefined) return known;
    const constant = constantOfValue(value);
    if (constant === null) throw this.fail('VALUE', `"${value.name}" was not written`);
    const made = this.#constantOperand(value.name, constant, value.quantization);
    this.#operands.set(value, made);
    return made;
  }

  isKnown(value: Value): boolean {
    return this.#operands.has(value);
  }

  /** Makes an operand what a value is. */
  define(value: Value, operand: Operand): void {
    this.#operands.set(value, operand);
  }

  #constantOperand(
    name: string,
    constant: Constant,
    quantization: Quantization | null = null,
  ): Operand {
    const { dtype, shape } = constant;
    if (quantization !== null) return makeOperand(name, 'float32', shape, constant, quantization);
    const isHalf = dtype === 'float16' && constant.data.size >= worthHalf;
    if (computedType(dtype) === dtype || isHalf)
      return makeOperand(name, computedType(dtype), shape, constant);
    const bytes = readConstant(constant) as Uint8Array;
    return makeOperand(
      name,
      'float32',
      shape,
      constantOf('float32', shape, bytesOf(floatsOf(dtype, bytes))),
    );
  }

  /** The operand that an output of the node is to be. */
  out(index = 0): Operand {
    const value = this.node.outputs[index]!;
    const known = this.#operands.get(value);
    const stored = known ?? this.declare(value);
    this.#operands.set(value, stored);
    if (stored.quantization === null || this.isInteger) return stored;
    const pending = this.#unquantized.find((item) => item.stored === stored);
    if (pending !== undefined) return pending.real;
    const real = this.temp('float32', stored.shape);
    this.#unquantized.push({ real, stored });
    return real;
  }

  /** An operand for a value that something will make. */
  declare(value: Value): Operand {
    const type = value.type;
    if (type?.kind !== 'tensor' || type.dtype === null) {
      const what = type === null || type.kind === 'tensor' ? 'unknown' : `a ${type.kind}`;
      throw this.fail('TYPE', `the type of "${value.name}" is ${what}`);
    }
    const { name, quantization } = value;
    const operand = makeOperand(name, computedType(type.dtype), type.shape, null, quantization);
    return this.#withRecord(operand, value);
  }

  #withRecord(operand: Operand, value: Value): Operand {
    const record = this.context.asRead?.tensorOf(value, operand.quantization) ?? null;
    return record === null ? operand : { ...operand, record };
  }

  /** A graph's input, or a state: a variable tensor, which operators change in place. */
  input(value: Value, isVariable = false): Operand {
    const type = value.type;
    const dtype = type?.kind === 'tensor' ? (type.dtype ?? 'float32') : 'float32';
    const shape = type?.kind === 'tensor' ? type.shape : null;
    const levels = value.quantization ?? dequantizedLevels(value);
    const real = levels === null ? dtype : 'float32';
    const made = this.#withRecord(makeOperand(value.name, real, shape, null, levels), value);
    const operand = { ...made, isVariable };
    if (!isVariable) this.#asInput(operand);
    this.#operands.set(value, operand);
    if (computedType(real) !== real) {
      const computed = this.temp('float32', shape);
      this.raw(real === 'float16' ? 'DEQUANTIZE' : 'CAST', [operand], [computed]);
      this.#operands.set(value, computed);
    }
    return operand;
  }

  /** An input for what another subgraph gives. */
  inputLike(operand: Operand): Operand {
    const { dtype, shape, quantization } = operand;
    const name = freshName(this.#names, `${operand.name}/inside`);
    return this.#asInput(makeOperand(name, dtype, shape, null, quantization));
  }

  #asInput(operand: Operand): Operand {
    this.place(operand);
    this.inputs.push(operand);
    return operand;
  }

  /** Emits the nodes of another graph here. */
  emit(graph: Graph): Operand[] {
    this.context.emitNodes(this, graph);
    return graph.outputs.map((value) => this.operandOf(value));
  }

  isWanted(index: number): boolean {
    return (this.node.outputs[index]?.uses.size ?? 0) > 0;
  }

  /** Something between two operators of a row. */
  temp(dtype: DType, shape: Shape): Operand {
    const value = this.#node?.outputs[0];
    const name = freshName(this.#names, `${value?.name ?? this.graph.name}/part`);
    return makeOperand(name, dtype, shape);
  }

  /** A constant operand. */
  constant(constant: Constant, near = 'constant'): Operand {
    return this.#constantOperand(freshName(this.#names, near), constant);
  }

  /** Numbers of a type that has at least a byte for each. */
  list(values: ArrayLike<number>, dtype: DType, shape: readonly number[]): Operand {
    const { array, bits } = dtypes[dtype];
    const data = new array!(new ArrayBuffer((values.length * bits) / 8), 0, values.length);
    for (let i = 0; i < values.length; i++)
      data[i] = (bits === 64 && dtype !== 'float64' ? BigInt(values[i]!) : values[i]!) as never;
    return this.constant(constantOf(dtype, shape, bytesOf(data)), dtype);
  }

  /** Integers: axes, sizes. */
  ints(values: readonly number[], shape: readonly number[] = [values.length]): Operand {
    return this.list(values, 'int32', shape);
  }

  /** Real numbers. */
  floats(values: ArrayLike<number>, shape: readonly number[] = [values.length]): Operand {
    return this.list(values, 'float32', shape);
  }

  /** A scalar of a type. */
  scalar(value: number, dtype: DType = 'float32'): Operand {
    return this.list([value], dtype, []);
  }

  /** The same number everywhere. */
  constantOf(value: number, dtype: DType, shape: readonly number[]): Operand {
    const { array, bits } = dtypes[dtype];
    const data = new array!(new ArrayBuffer((volume(shape) * bits) / 8), 0, volume(shape));
    data.fill((bits === 64 && dtype !== 'float64' ? BigInt(value) : value) as never);
    return this.constant(constantOf(dtype, shape, bytesOf(data)), dtype);
  }

  /** Emits an operator. Quantized operands are dequantized before, unless the node runs on integers. */
  op(
    name: string,
    inputs: readonly (Operand | null)[],
    outputs: readonly Operand[],
    options?: BuiltinOptions,
  ): void {
    const { hybrid, minRuntime } = this.context;
    const byRow = minRuntime !== null && !isBefore(minRuntime, firstHybridByRow);
    const isHybrid = hybrid && !this.isInteger && isHybridWeight(name, inputs, 1, byRow);
    const real = inputs.map((operand, index) =>
      operand === null || (isHybrid && index === 1) ? operand : this.real(operand),
    );
    this.raw(
      name,
      real,
      outputs,
      isHybrid ? hybridOptions(options) : wideOptions(name, real, options),
    );
  }

  /** The same operand in real numbers, as the node computes with. */
  real(operand: Operand): Operand {
    const { quantization, constant, shape } = operand;
    if (quantization !== null ? this.isInteger : constant?.dtype !== 'float16') return operand;
    let real = this.#dequantized.get(operand);
    if (real !== undefined) return real;
    const name = freshName(this.#names, `${operand.name}/real`);
    const isFolded = constant !== null && quantization !== null && !isWorth(quantization, constant);
    real = isFolded
      ? makeOperand(name, 'float32', shape, realsOf(constant, quantization))
      : makeOperand(name, 'float32', shape);
    this.#dequantized.set(operand, real);
    if (isFolded) return real;
    if (quantization?.storage === 'int16' && quantization.zeroPoint !== null)
      this.#dequantizeWide(operand, quantization, real);
    else this.raw('DEQUANTIZE', [this.context.hybrid ? operand : wholeBytes(operand)], [real]);
    return real;
  }

  /** DEQUANTIZE takes no zero points of int16. */
  #dequantizeWide(operand: Operand, { scale, zeroPoint }: Quantization, to: Operand): void {
    const parts = [0, 1].map(() => this.temp('float32', operand.shape));
    const [level, centered] = parts as [Operand, Operand];
    this.raw('CAST', [operand], [level]);
    this.raw('SUB', [level, this.scalar(zeroPoint![0]!)], [centered]);
    this.raw('MUL', [centered, this.scalar(scale[0]!)], [to]);
  }
}
