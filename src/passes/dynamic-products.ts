import { bytesOf } from '../core/tensor.ts';
import { constantOf, constantOfValue, floatsNow, sizeOf } from '../ir/constant.ts';
import { Edit } from '../ir/edit.ts';
import type { Node, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { permutedConstant } from '../ir/permute.ts';
import { type Attribute, dtypeOf } from '../ir/types.ts';
import { allGraphs } from '../ir/walk.ts';
import { activationOf, findFault, findOp, ops, ownDomain, readAttributes } from '../ops/index.ts';

/** A product whose left operand is quantized at run time, in the terms of DynamicMatMul. */
interface Found {
  /** Makes the value that the product takes the place of. */
  readonly root: Node;
  readonly x: Value;
  readonly w: Value;
  readonly scale: Value;
  readonly zero: Value | null;
  readonly bias: Value | null;
}

/** Makes one operator of products that quantize their left operand at run time, however a file spells them:
 *  DynamicQuantizeLinear → MatMulInteger → Cast → Mul by both scales (→ Add), and com.microsoft's DynamicQuantizeMatMul.
 *  The operator computes the same, in the same order. Weights, scales and biases must be constants. For running. */
export function findDynamicProducts(model: Model): void {
  const edit = new Edit(model, {
    pass: 'dynamic-products',
    rule: 'one',
    reason: 'quantizing and multiplying in one go needs no passes over integers in between',
  });
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) {
      const found = spelledOut(node) ?? microsoft(node);
      if (found === null) continue;
      replace(edit, found);
      count++;
    }
  }
  if (count > 0) edit.commit();
}

function replace(edit: Edit, { root, x, w, scale, zero, bias }: Found): void {
  const y = root.outputs[0]!;
  const attributes: [string, Attribute][] = [['rows', { type: 'int', value: 0 }]];
  const inputs = [x, w, scale, zero, bias];
  const spec = { op: 'DynamicMatMul', domain: ownDomain, inputs, attributes, name: root.name };
  const made = edit.addNode({ before: root }, spec, [{ name: y.name, type: y.type }]);
  edit.replaceUses(y, made.outputs[0]!);
  edit.removeNode(root);
}

function spelledOut(product: Node): Found | null {
  if (!isNode(product, 'MatMulInteger')) return null;
  const [levels, w, xZero = null, zero = null] = product.inputs;
  const dynamic = levels?.producer;
  if (levels == null || w == null || dynamic == null) return null;
  if (!isNode(dynamic, 'DynamicQuantizeLinear') || levels !== dynamic.outputs[0]) return null;
  if (xZero !== dynamic.outputs[2]) return null;
  const cast = onlyUser(product.outputs[0]!, 'Cast');
  const real = cast === null ? null : onlyUser(cast.outputs[0]!, 'Mul');
  if (cast === null || real === null || typeOf(cast, 'to') !== 1) return null;
  const factor = other(real, cast.outputs[0]!);
  const both = factor?.producer;
  if (both == null || !isNode(both, 'Mul')) return null;
  const scale = other(both, dynamic.outputs[1]!);
  if (scale === null || dynamic.outputs[1] === scale) return null;
  const columns = columnsOf(w);
  if (columns === null || !areColumns(scale, columns)) return null;
  if (zero !== null && !isParameter(zero, columns)) return null;
  const sum = onlyUser(real.outputs[0]!, 'Add');
  const bias = sum === null ? null : other(sum, real.outputs[0]!);
  const x = dynamic.inputs[0]!;
  if (sum !== null && bias !== null && isBias(bias, columns))
    return { root: sum, x, w, scale, zero, bias };
  return { root: real, x, w, scale, zero, bias: null };
}

/** DynamicQuantizeMatMul(A, B, b_scale, b_zero_point, bias). */
function microsoft(node: Node): Found | null {
  if (node.domain !== 'com.microsoft' || node.op !== 'DynamicQuantizeMatMul') return null;
  const op = findOp(ops, node.domain, node.op);
  if (op === null || findFault(op, node) !== null) return null;
  const [x, w, scale, zero = null, bias = null] = node.inputs;
  if (x == null || w == null || scale == null) return null;
  const columns = columnsOf(w);
  if (columns === null || !areColumns(scale, columns)) return null;
  if (zero !== null && !isParameter(zero, columns)) return null;
  if (bias !== null && !isBias(bias, columns)) return null;
  return { root: node, x, w, scale, zero, bias };
}

/** Columns of a constant matrix of integers. */
function columnsOf(w: Value): number | null {
  const constant = w.quantization === null ? constantOfValue(w) : null;
  if (constant === null || constant.shape.length !== 2) return null;
  return constant.dtype === 'int8' || constant.dtype === 'uint8' ? constant.shape[1]! : null;
}

/** A constant of one number, or one for each column, in the last axis. */
function isParameter(value: Value, columns: number): boolean {
  const constant = value.quantization === null ? constantOfValue(value) : null;
  if (constant === null || constant.shape.length > 1) return false;
  return sizeOf(constant) === 1 || sizeOf(constant) === columns;
}

function areColumns(scale: Value, columns: number): boolean {
  return isParameter(scale, columns) && floatsNow(constantOfValue(scale)!) !== null;
}

function isBias(value: Value, columns: number): boolean {
  const constant = value.quantization === null ? constantOfValue(value) : null;
  return constant?.dtype === 'float32' && constant.shape.join() === `${columns}`;
}

function isNode(node: Node, op: string): boolean {
  return node.op === op && (node.domain === '' || node.domain === 'ai.onnx');
}

function onlyUser(value: Value, op: string): Node | null {
  if (value.uses.size !== 1) return null;
  const [use] = value.uses;
  const user = use!.user;
  if (!('op' in user) || user.graph !== value.graph || !isNode(user, op)) return null;
  return user.inputs.length === (op === 'Cast' ? 1 : 2) ? user : null;
}

/** The other operand of two; null where both are the same. */
function other({ inputs }: Node, one: Value): Value | null {
  const [a, b] = inputs;
  if (a === one) return b === one ? null : (b ?? null);
  return b === one ? (a ?? null) : null;
}

function typeOf(node: Node, name: string): number | null {
  const attribute = node.attributes.get(name);
  return attribute?.type === 'int' ? Number(attribute.value) : null;
}

/** Matrices that a file for TFLite gives to FULLY_CONNECTED as integers: with one scale, which all of its kernels take. What
 *  is dequantized by nodes is none of them; to be asked before these are gone. */
export function hybridMatrices(model: Model): Set<Value> {
  const found = new Set<Value>();
  if (model.format !== 'tflite') return found;
  for (const { constants } of allGraphs(model.graph)) {
    for (const value of constants) {
      const { storage, axis, blockSize, zeroPoint } = value.quantization ?? {};
      if (storage !== 'int8' || axis !== null || blockSize !== null) continue;
      if (zeroPoint?.some((zero) => zero !== 0) !== true) found.add(value);
    }
  }
  return found;
}

/** What TFLite's FULLY_CONNECTED does with such matrices and real numbers: its kernels quantize each row of what they read.
 *  After activations are nodes of their own; for running. */
export function findHybridProducts(model: Model, matrices: ReadonlySet<Value>): void {
  if (matrices.size === 0) return;
  const edit = new Edit(model, {
    pass: 'dynamic-products',
    rule: 'hybrid',
    reason: 'what a file for TFLite means by a product of real numbers and 8-bit weights',
  });
  const made = new Map<Value, readonly [Value, Value]>();
  for (const graph of allGraphs(model.graph))
    for (const node of graph.nodes) hybrid(edit, node, matrices, made);
  if (made.size > 0) edit.commit();
}

/** @param stored  levels and scales of weights that are there already */
function hybrid(
  edit: Edit,
  node: Node,
  matrices: ReadonlySet<Value>,
  stored: Map<Value, readonly [Value, Value]>,
): void {
  if (node.domain !== 'mp' || node.op !== 'MatMul' || activationOf(node).kind !== 'none') return;
  const [x, w, bias = null] = node.inputs;
  const y = node.outputs[0]!;
  if (x == null || w == null || !matrices.has(w)) return;
  const { constant, quantization } = w;
  if (constant === null || quantization === null) return;
  if (x.quantization !== null || y.quantization !== null || x.constant !== null) return;
  if (dtypeOf(x.type) !== 'float32' || constant.shape.length !== 2) return;
  const attributes = readAttributes(findOp(ops, 'mp', 'MatMul')!, node);
  if (attributes.int('transB') === 0 || attributes.int('transA') !== 0) return;
  if (attributes.float('alpha') !== 1) return;
  if (bias !== null && !isBias(bias, constant.shape[0]!)) return;
  const known = stored.get(w) ?? [
    edit.addConstant(w.graph, `${w.name}/levels`, permutedConstant(constant, [1, 0])),
    edit.addConstant(
      w.graph,
      `${w.name}/scale`,
      constantOf('float32', [], bytesOf(quantization.scale)),
    ),
  ];
  stored.set(w, known);
  const inputs = [x, ...known, null, bias];
  const spec = { op: 'DynamicMatMul', domain: ownDomain, inputs, name: node.name };
  const made = edit.addNode({ before: node }, spec, [{ name: y.name, type: y.type }]);
  edit.replaceUses(y, made.outputs[0]!);
  edit.removeNode(node);
}
