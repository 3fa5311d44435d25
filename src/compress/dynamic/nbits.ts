import { bytesOf } from '../../core/tensor.ts';
import { type Constant, constantOf, constantOfValue } from '../../ir/constant.ts';
import { Edit } from '../../ir/edit.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import type { Attribute } from '../../ir/types.ts';
import { allGraphs, freshName, namesAround } from '../../ir/walk.ts';
import {
  type BlockMatrixSizes,
  blobConstant,
  blockLevels,
  packedZeros,
} from '../../passes/block-levels.ts';
import { removeHolder } from '../../passes/constants.ts';
import type { Decisions } from '../pipeline/decide.ts';

/** A product whose matrix has blocks along what is summed. */
interface Blocked {
  readonly matrix: Value;
  readonly levels: Constant;
  readonly sizes: BlockMatrixSizes;
  readonly transB: boolean;
}

/** What MatMulNBits reads of a matrix. */
interface Operands {
  readonly blob: Value;
  readonly scales: Value;
  readonly zeros: Value | null;
}

/** Writes products with block-quantized matrices as com.microsoft MatMulNBits, where that form is decided: matrices of 4 or 8
 *  bits with blocks along what is summed. `dynamic` ones are at accuracy level 4: runtimes may round each block of what is
 *  multiplied to 8 bits, row by row. Bytes are made when the model is written. */
export function useNBits(model: Model, decisions: Decisions): void {
  const edit = new Edit(model, {
    pass: 'quantize',
    rule: 'MatMulNBits',
    reason: 'a kernel of its own for products with weights in blocks',
  });
  const names = namesAround(model.graph);
  const made = new Map<Value, Operands>();
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) {
      const settings = decisions.of(node).settings;
      if (settings?.form !== 'nbits') continue;
      const blocked = blockedOf(node);
      if (blocked === null) continue;
      const known = made.get(blocked.matrix) ?? operandsOf(edit, names, blocked);
      made.set(blocked.matrix, known);
      replace(edit, node, blocked.sizes, known, settings.dynamic === 'block');
      if (blocked.matrix.uses.size === 0) removeHolder(edit, blocked.matrix);
    }
  }
  if (made.size > 0) edit.commit();
}

function blockedOf(node: Node): Blocked | null {
  const [, matrix] = node.inputs;
  if (node.domain !== '' || (node.op !== 'MatMul' && node.op !== 'Gemm')) return null;
  const levels = matrix == null ? null : constantOfValue(matrix);
  const quantization = matrix?.quantization ?? null;
  if (matrix == null || levels === null || quantization === null) return null;
  const { storage, axis, blockSize, view } = quantization;
  if (blockSize === null || view !== null || levels.shape.length !== 2) return null;
  const transB = node.op === 'Gemm' && number(node, 'transB', 0) !== 0;
  if (axis !== (transB ? 1 : 0)) return null;
  if (node.op === 'Gemm') {
    if (number(node, 'transA', 0) !== 0 || number(node, 'alpha', 1) !== 1) return null;
    if (node.inputs[2] != null && number(node, 'beta', 1) !== 1) return null;
  }
  const bits = storage === 'int4' || storage === 'uint4' ? 4 : 8;
  if (bits === 8 && storage !== 'int8' && storage !== 'uint8') return null;
  const [rows, columns] = levels.shape as [number, number];
  const [k, n] = transB ? [columns, rows] : [rows, columns];
  return { matrix, levels, sizes: { k, n, size: blockSize, bits }, transB };
}

function number({ attributes }: Node, name: string, otherwise: number): number {
  const attribute = attributes.get(name);
  return attribute?.type === 'int' || attribute?.type === 'float'
    ? Number(attribute.value)
    : otherwise;
}

function operandsOf(
  edit: Edit,
  names: Set<string>,
  { matrix, levels, sizes, transB }: Blocked,
): Operands {
  const quantization = matrix.quantization!;
  const { blob, scales, zeros } = blockLevels(sizes, quantization.storage, transB, quantization);
  const add = (graph: Graph, name: string, constant: Constant): Value =>
    edit.addConstant(graph, freshName(names, `${matrix.name}_${name}`), constant);
  const { graph } = matrix;
  const { n, bits } = sizes;
  const packed = zeros === null ? null : packedZeros(zeros, n, bits);
  return {
    blob: add(graph, 'blocks', blobConstant(levels, sizes, blob)),
    scales: add(graph, 'scales', constantOf('float32', [scales.length], bytesOf(scales))),
    zeros:
      packed === null ? null : add(graph, 'zeros', constantOf('uint8', [packed.length], packed)),
  };
}

function replace(
  edit: Edit,
  node: Node,
  { k, n, size, bits }: BlockMatrixSizes,
  { blob, scales, zeros }: Operands,
  isDynamic: boolean,
): void {
  const [x, , bias = null] = node.inputs;
  const y = node.outputs[0]!;
  const shape = bias === null ? null : (constantOfValue(bias)?.shape ?? null);
  const isRow = shape?.length === 1 && shape[0] === n && bias?.quantization === null;
  const settings = {
    K: k,
    N: n,
    bits,
    block_size: size,
    ...(isDynamic ? { accuracy_level: 4 } : {}),
  };
  const attributes = Object.entries(settings).map(([name, value]): [string, Attribute] => [
    name,
    { type: 'int', value: BigInt(value) },
  ]);
  const inputs = isRow
    ? [x!, blob, scales, zeros, null, bias]
    : [x!, blob, scales, ...(zeros === null ? [] : [zeros])];
  const spec = { op: 'MatMulNBits', domain: 'com.microsoft', inputs, attributes, name: node.name };
  const output = { name: y.name, type: y.type };
  let result = edit.addNode({ before: node }, spec, [output]).outputs[0]!;
  if (bias !== null && !isRow) {
    edit.rename(result, `${y.name}_product`);
    const sum = { op: 'Add', inputs: [result, bias] };
    result = edit.addNode({ before: node }, sum, [output]).outputs[0]!;
  }
  result.origin = y.origin;
  edit.replaceUses(y, result);
  edit.removeNode(node);
}
