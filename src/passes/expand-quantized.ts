import { type DType, dtypes } from '../core/dtype.ts';
import { bytesOf, Tensor, typedArrayOf } from '../core/tensor.ts';
import { constantOf, constantOfValue, readConstant } from '../ir/constant.ts';
import { Edit } from '../ir/edit.ts';
import type { Graph, Node, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { type Attribute, dtypeOf, shapeOf, tensorType, type ValueType } from '../ir/types.ts';
import { allGraphs } from '../ir/walk.ts';
import { findFault, findOp, ops } from '../ops/index.ts';
import type { Evaluate } from './rules/constants.ts';

type Inputs = readonly (Value | null)[];

/** Writes operators on integers as operators on real numbers between DequantizeLinear and QuantizeLinear, for running:
 *  importQuantization then attaches what these say. `QLinear…` of both domains and QGemm; an operator whose parameters
 *  have sizes that DequantizeLinear doesn't take stays. A QuantizeLinear of a constant becomes its integers.
 *  @param evaluate  computes one node; without it, constants stay as they are written */
export function expandQuantized(model: Model, evaluate: Evaluate | null): void {
  const edit = new Edit(model, {
    pass: 'expand-quantized',
    rule: 'expand',
    reason: 'quantization is attached to values, whatever operator says it',
  });
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) {
      const expand = expansions[`${node.domain === 'ai.onnx' ? '' : node.domain}:${node.op}`];
      if (expand !== undefined && isSound(node) && expand(new Expansion(edit, node))) count++;
      else if (evaluate !== null && node.op === 'QuantizeLinear' && node.domain === '')
        count += quantizeConstant(edit, graph, node, evaluate) ? 1 : 0;
    }
  }
  if (count > 0) edit.commit();
}

/** Whether a node has the operands and attributes that its operator must have. */
function isSound(node: Node): boolean {
  const op = findOp(ops, node.domain, node.op);
  if (op === null || findFault(op, node) !== null) return false;
  return node.inputs.slice(0, op.inputs[0]).every((value) => value !== null);
}

/** What replaces a node is put together here. */
class Expansion {
  readonly node: Node;
  readonly #edit: Edit;

  constructor(edit: Edit, node: Node) {
    this.#edit = edit;
    this.node = node;
  }

  input(index: number): Value | null {
    return this.node.inputs[index] ?? null;
  }

  /** Attributes of the node, but for some. */
  attributes(...without: string[]): [string, Attribute][] {
    return [...this.node.attributes].filter(([name]) => !without.includes(name));
  }

  flag(name: string): boolean {
    const attribute = this.node.attributes.get(name);
    return attribute?.type === 'int' && attribute.value !== 0n;
  }

  add(
    op: string,
    inputs: Inputs,
    name: string,
    type: ValueType | null,
    attributes: Iterable<readonly [string, Attribute]> = [],
  ): Value {
    const spec = { op, inputs, attributes, name: `${this.node.name}/${op}` };
    return this.#edit.addNode({ before: this.node }, spec, [{ name, type }]).outputs[0]!;
  }

  /** The real numbers of three inputs: integers, scale, zero point.
   *  @param axis  along which the scales are, if there are several */
  real(first: number, axis = 0): Value {
    const [x, scale, zero] = [this.input(first)!, this.input(first + 1), this.input(first + 2)];
    return this.dequantized(x, scale, zero, axis);
  }

  dequantized(x: Value, scale: Value | null, zero: Value | null, axis: number): Value {
    const type = tensorType('float32', shapeOf(x.type));
    return this.add('DequantizeLinear', [x, scale, zero], `${x.name}_real`, type, [
      ['axis', { type: 'int', value: BigInt(axis) }],
    ]);
  }

  /** Sums of products as real numbers: the bias of a convolution. */
  bias(bias: Value | null, x: Value, w: Value): Value | null {
    if (bias === null) return null;
    const type = tensorType('float32', shapeOf(w.type));
    const scale = this.add('Mul', [x, w], `${bias.name}_scale`, type);
    return this.dequantized(bias, scale, null, 0);
  }

  /** Ends with the integers of a result, in the place of the node's. */
  end(result: Value, scale: Value | null, zero: Value | null): boolean {
    const y = this.node.outputs[0]!;
    const dtype = dtypeOf(y.type) ?? (zero === null ? null : dtypeOf(zero.type));
    const isSigned = zero === null && dtype === 'int8';
    const attributes: [string, Attribute][] = isSigned
      ? [['output_dtype', { type: 'int', value: 3n }]]
      : [];
    const stored =
      scale === null
        ? result
        : this.add('QuantizeLinear', [result, scale, zero], y.name, y.type, attributes);
    // It may be an output of the graph, which is known by its name.
    this.#edit.rename(stored, y.name);
    this.#edit.replaceUses(y, stored);
    this.#edit.removeNode(this.node);
    return true;
  }

  realType(): ValueType {
    return tensorType('float32', shapeOf(this.node.outputs[0]!.type));
  }

  /** The float operator between. */
  compute(op: string, inputs: Inputs, attributes = this.attributes()): Value {
    return this.add(op, inputs, `${this.node.outputs[0]!.name}_real`, this.realType(), attributes);
  }
}

const expansions: Readonly<Record<string, (e: Expansion) => boolean>> = {
  ':QLinearConv': (e) => {
    if (!fit(e.input(4), e.input(5), e.input(1))) return false;
    const bias = e.bias(e.input(8), e.input(1)!, e.input(4)!);
    const inputs = [e.real(0), e.real(3), ...(bias === null ? [] : [bias])];
    return e.end(e.compute('Conv', inputs), e.input(6), e.input(7));
  },
  ':QLinearMatMul': (e) => {
    const rank = shapeOf(e.input(0)!.type)?.length ?? null;
    if (!fit(e.input(1), e.input(2)) || !fit(e.input(4), e.input(5))) return false;
    if (rank === null || !fit(e.input(6), e.input(7))) return false;
    const product = e.compute('MatMul', [e.real(0, rank - 2), e.real(3, -1)]);
    return e.end(product, e.input(6), e.input(7));
  },
  'com.microsoft:QGemm': (e) => {
    // Without a scale the result is float32, as it is computed.
    if (!fit(e.input(4), e.input(5)) || e.input(7) == null) return false;
    const alpha = e.node.attributes.get('alpha');
    if (alpha?.type === 'float' && alpha.value !== 1 && e.input(6) !== null) return false;
    const bias = e.bias(e.input(6), e.input(1)!, e.input(4)!);
    const b = e.real(3, e.flag('transB') ? 0 : 1);
    const inputs = [e.real(0), b, ...(bias === null ? [] : [bias])];
    return e.end(e.compute('Gemm', inputs), e.input(7), e.input(8));
  },
  'com.microsoft:QLinearAdd': (e) => pairwise(e, 'Add'),
  'com.microsoft:QLinearMul': (e) => pairwise(e, 'Mul'),
  'com.microsoft:QLinearSigmoid': (e) => single(e, 'Sigmoid'),
  'com.microsoft:QLinearLeakyRelu': (e) => single(e, 'LeakyRelu'),
  'com.microsoft:QLinearSoftmax': (e) => {
    const rank = shapeOf(e.input(0)!.type)?.length ?? null;
    const axis = numberOf(e.node, 'axis', -1);
    // Before opset 13 the axes from there on are one.
    const isLast = axis === -1 || axis === (rank ?? 0) - 1;
    if (!isLast && numberOf(e.node, 'opset', 13) < 13) return false;
    return single(e, 'Softmax', 'opset');
  },
  'com.microsoft:QLinearAveragePool': (e) =>
    e.flag('channels_last') ? false : single(e, 'AveragePool', 'channels_last'),
  'com.microsoft:QLinearGlobalAveragePool': (e) =>
    e.flag('channels_last') ? false : single(e, 'GlobalAveragePool', 'channels_last'),
  'com.microsoft:QLinearConcat': (e) => {
    const parts: Value[] = [];
    for (let i = 2; i < e.node.inputs.length; i += 3) parts.push(e.real(i));
    return e.end(e.compute('Concat', parts), e.input(0), e.input(1));
  },
};

function pairwise(e: Expansion, op: string): boolean {
  return e.end(e.compute(op, [e.real(0), e.real(3)]), e.input(6), e.input(7));
}

function single(e: Expansion, op: string, ...without: string[]): boolean {
  return e.end(e.compute(op, [e.real(0)], e.attributes(...without)), e.input(3), e.input(4));
}

/** Whether zero points are as many as scales, and there are none of a third, whose scale is one number. */
function fit(scale: Value | null, zero: Value | null, whole: Value | null = null): boolean {
  const count = (value: Value | null): number | null =>
    value === null ? 1 : (shapeOf(value.type)?.reduce<number>(times, 1) ?? null);
  const scales = count(scale);
  if (scales === null || count(whole) !== 1) return false;
  return zero === null || count(zero) === scales;
}

const times = (product: number, size: unknown): number =>
  typeof size === 'number' ? product * size : Number.NaN;

function quantizeConstant(edit: Edit, graph: Graph, node: Node, evaluate: Evaluate): boolean {
  const inputs = node.inputs.map((value) => (value === null ? undefined : tensorNow(value)));
  if (inputs.includes(null)) return false;
  const y = node.outputs[0]!;
  const result = evaluate(node, inputs as (Tensor | undefined)[])?.[0];
  if (result === undefined || Array.isArray(result.data)) return false;
  const { data, dims, type } = result;
  const stored = edit.addConstant(graph, y.name, constantOf(type as DType, dims, bytesOf(data)));
  edit.replaceUses(y, stored);
  edit.removeNode(node);
  return true;
}

/** A constant's elements, where they are at hand; null for other values. */
function tensorNow(value: Value): Tensor | null {
  const constant = value.quantization === null ? constantOfValue(value) : null;
  if (constant === null || constant.dtype === 'string') return null;
  const bytes = readConstant(constant);
  if (!(bytes instanceof Uint8Array)) return null;
  if (dtypes[constant.dtype].bits < 8) return null;
  return new Tensor(constant.dtype, typedArrayOf(constant.dtype, bytes), constant.shape);
}

function numberOf(node: Node, name: string, otherwise: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.type === 'int' ? Number(attribute.value) : otherwise;
}
