import { type DType, dtypes } from '../../core/dtype.ts';
import { isStatic, volume } from '../../core/shape.ts';
import { bytesOf, Tensor, typedArrayOf } from '../../core/tensor.ts';
import {
  type Constant,
  constantOf,
  constantOfTensor,
  constantOfValue,
  readConstant,
} from '../../ir/constant.ts';
import type { Node, Value } from '../../ir/graph.ts';
import { findOp } from '../../ops/index.ts';
import type { Found, Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';

/** Runs one node on tensors; null where it can't. It must not throw for want of an operator. */
export type Evaluate = (node: Node, inputs: readonly (Tensor | undefined)[]) => Tensor[] | null;

/** What a Constant node gives, in whatever attribute it holds it. */
function constantOfNode(node: Node): Constant | null {
  const tensor = constantOfValue(node.outputs[0]!);
  if (tensor !== null) return tensor;
  for (const [name, attribute] of node.attributes) {
    if (name === 'value_float' && attribute.type === 'float')
      return constantOfTensor(new Tensor('float32', [attribute.value], []));
    if (name === 'value_int' && attribute.type === 'int')
      return constantOfTensor(new Tensor('int64', [BigInt(attribute.value)], []));
    if (name === 'value_floats' && attribute.type === 'floats')
      return constantOfTensor(new Tensor('float32', attribute.value));
    if (name === 'value_ints' && attribute.type === 'ints')
      return constantOfTensor(new Tensor('int64', attribute.value.map(BigInt)));
  }
  return null;
}

/** Constant nodes become constants of the graph. */
export const constantNodes: Rule = {
  name: 'constant-node',
  reason: 'a constant needs no node',
  roots: ['Constant'],
  find: (node, c) => {
    const constant = constantOfNode(node);
    const output = node.outputs[0]!;
    if (constant === null) return 'its value is not a plain tensor';
    if (c.isOutput(output)) return 'it is an output of the graph';
    return () => {
      const value = c.edit.addConstant(node.graph, output.name, constant);
      value.quantization = output.quantization;
      c.edit.replaceUses(output, value);
      c.edit.removeNode(node);
    };
  },
};

/** Longer lists are no sizes, and take room. */
const mostElements = 64;

/** Values that shape inference knows become constants: what is left of Shape, Gather, Concat … where sizes are
 *  numbers. Floats count too: shape arithmetic has them rounded as the operators round. */
export const knownElements: Rule = {
  name: 'known-elements',
  reason: 'sizes are known: what is computed from them is too',
  roots: ['*'],
  find: (node, c) => {
    if (node.outputs.length !== 1 || node.op === 'Constant') return null;
    const output = node.outputs[0]!;
    const constant = knownConstant(output, c);
    if (constant === null || output.quantization !== null) return null;
    if (c.isOutput(output)) return 'it is an output of the graph';
    return () => {
      c.edit.replaceUses(output, c.addConstant(node.graph, output.name, constant));
      c.edit.removeNode(node);
    };
  },
};

function knownConstant(value: Value, c: RuleContext): Constant | null {
  if (value.producer === null) return null;
  const shape = c.shape(value);
  const dtype = c.dtype(value);
  if (!isStatic(shape) || dtype === null || volume(shape) > mostElements) return null;
  const elements = c.known(value);
  if (elements === null || elements.length !== volume(shape)) return null;
  return fromNumbers(dtype, shape, elements);
}

/** null where a number is not one of the type. Zeros of floats have a sign that sizes don't have. */
function fromNumbers(
  dtype: DType,
  shape: readonly number[],
  elements: readonly number[],
): Constant | null {
  const { kind, bits, array } = dtypes[dtype];
  const fits =
    dtype === 'bool'
      ? elements.every((x) => x === 0 || x === 1)
      : dtype === 'float32'
        ? elements.every((x) => x !== 0 && Math.fround(x) === x)
        : kind === 'int' && bits >= 32
          ? elements.every((x) => Number.isSafeInteger(x) && (bits > 32 || (x | 0) === x))
          : false;
  if (!fits || array === null) return null;
  return constantOfTensor(new Tensor(dtype, elements, shape));
}

/** Operators that fold nothing away: random, held back for the import of quantization, or not functions of tensors. */
const notFolded = new Set(['Constant', 'DequantizeLinear', 'QuantizeLinear', 'If', 'Loop', 'Scan']);

/** How much larger than what they are made of folded constants may be. */
export interface Growth {
  /** Bytes that one may have more than its inputs. */
  each: number;
  /** Bytes that all may have more together. */
  total: number;
}

/** A node on constants is a constant, unless that would need much more room than what it is made of. */
export function foldConstants(evaluate: Evaluate, growth: Growth): Rule {
  const left = { ...growth };
  return {
    name: 'fold',
    reason: 'its inputs are constants',
    roots: ['*'],
    find: (node, c) => {
      if (notFolded.has(node.op) || node.inputs.length === 0) return null;
      if (node.inputs.some((value) => value !== null && c.constant(value) === null)) return null;
      const op = findOp(c.ops, node.domain, node.op);
      if (op === null || op.traits?.nondeterministic === true) return null;
      return fold(node, c, evaluate, left);
    },
  };
}

function fold(node: Node, c: RuleContext, evaluate: Evaluate, growth: Growth): Found {
  const constants = node.inputs.map((value) => c.constant(value));
  const before = constants.reduce((sum, constant) => sum + (constant?.data.size ?? 0), 0);
  const bytes = outputBytes(node, c);
  if (bytes === null) return 'the size of its result is not known before it runs';
  if (bytes > before + Math.min(growth.each, growth.total))
    return `its result would take ${bytes} bytes, what it is made of takes ${before}`;
  const wanted = node.outputs.filter(({ uses }) => uses.size > 0);
  if (wanted.some((value) => c.isOutput(value))) return 'it is an output of the graph';
  if (wanted.some(({ quantization }) => quantization !== null)) return 'its result is quantized';
  const inputs = constants.map((constant) => (constant === null ? undefined : tensorNow(constant)));
  if (inputs.includes(null)) return 'its inputs can only be read by waiting for them';
  const results = evaluate(node, inputs as (Tensor | undefined)[]);
  if (results === null) return 'it can not be evaluated here';
  return () => {
    growth.total -= Math.max(0, bytes - before);
    node.outputs.forEach((output, index) => {
      const result = results[index];
      if (output.uses.size === 0 || result === undefined) return;
      const value = c.addConstant(node.graph, output.name, constantOfTensor(result));
      c.edit.replaceUses(output, value);
    });
    c.edit.removeNode(node);
  };
}

function outputBytes(node: Node, c: RuleContext): number | null {
  let bytes = 0;
  for (const output of node.outputs) {
    const shape = c.shape(output);
    const dtype = c.dtype(output);
    if (output.uses.size === 0) continue;
    if (!isStatic(shape) || dtype === null) return null;
    const size = shape.reduce((product, dim) => product * dim, 1);
    bytes += dtype === 'string' ? size * 16 : (size * dtypes[dtype].bits) / 8;
  }
  return bytes;
}

/** A constant's tensor where its bytes are at hand. */
function tensorNow(constant: Constant): Tensor | null {
  if (constant.strings !== undefined) {
    const decoder = new TextDecoder();
    const strings = constant.strings.map((bytes) => decoder.decode(bytes));
    return new Tensor('string', strings, constant.shape);
  }
  const bytes = readConstant(constant);
  if (!(bytes instanceof Uint8Array)) return null;
  return new Tensor(constant.dtype, typedArrayOf(constant.dtype, bytes), constant.shape);
}

/** A float32 constant of numbers, each rounded once. */
export function floatConstant(numbers: Iterable<number>, shape: readonly number[]): Constant {
  return constantOf('float32', shape, bytesOf(Float32Array.from(numbers)));
}
