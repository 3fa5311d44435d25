import { dtypes, integerRange } from '../core/dtype.ts';
import { isStatic } from '../core/shape.ts';
import { typedArrayOf } from '../core/tensor.ts';
import { type Constant, constantOfValue, readConstant, smallValues } from '../ir/constant.ts';
import { Edit } from '../ir/edit.ts';
import { type Graph, Node, type Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { type Quantization, tensorType } from '../ir/types.ts';
import { allGraphs } from '../ir/walk.ts';
import { findOp, ops } from '../ops/index.ts';

/** Turns quantization that is written as nodes into quantization attached to values, for running:
 *  - DequantizeLinear of a constant becomes a constant with its integers and a quantization;
 *  - a value that is only quantized, and the results of dequantizing it again, become one value that is stored as
 *    integers;
 *  - a DequantizeLinear that stays (of a graph's input) has a result that is stored as it comes.
 *  A QuantizeLinear stays where a graph gives integers, or something else reads them. Returns one sentence, or none. */
export function importQuantization(model: Model): string[] {
  const edit = new Edit(model, {
    pass: 'import-quantization',
    rule: 'attach',
    reason: 'integer kernels take values with a quantization, not nodes',
  });
  let constants = 0;
  let values = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) {
      if (node.domain !== '' && node.domain !== 'com.microsoft') continue;
      if (node.op === 'DequantizeLinear') {
        if (attachConstant(edit, graph, node)) constants++;
        else if (attachDequantized(edit, node)) values++;
      } else if (node.op === 'QuantizeLinear' && attachQuantized(node)) values++;
    }
  }
  for (const graph of allGraphs(model.graph)) {
    for (const node of [...graph.nodes].reverse()) {
      const isUnused = node.outputs.every(({ uses }) => uses.size === 0);
      if (isUnused && /^(De)?[Qq]uantizeLinear$/.test(node.op)) edit.removeNode(node);
    }
  }
  if (constants + values === 0) return [];
  edit.commit();
  return [`${constants} constants and ${values} values have their quantization attached`];
}

/** What a QuantizeLinear or DequantizeLinear says: scale and zero point must be constants.
 *  @param storage  type of the integers */
export function quantizationOf(
  node: Node,
  storage: Quantization['storage'] | null,
): Quantization | null {
  const scale = node.inputs[1] == null ? null : constantOfValue(node.inputs[1]);
  if (scale === null || scale.dtype !== 'float32' || storage === null) return null;
  const { kind, bits } = dtypes[storage];
  if ((kind !== 'int' && kind !== 'uint') || bits > 32) return null;
  const scales = floatsNow(scale);
  if (scales === null || !scales.every((value) => value > 0 && value < Infinity)) return null;
  const zero = node.inputs[2] == null ? null : constantOfValue(node.inputs[2]);
  if (node.inputs[2] != null && zero === null) return null;
  const zeros = zero === null ? null : integersNow(zero);
  if (zero !== null && (zeros === null || zeros.length !== scales.length)) return null;
  const number = (name: string, otherwise: number): number => {
    const attribute = node.attributes.get(name);
    return attribute?.type === 'int' ? Number(attribute.value) : otherwise;
  };
  const blockSize = number('block_size', 0);
  const isWhole = scale.shape.length === 0 || (scales.length === 1 && blockSize === 0);
  const rank = ranked(node);
  const axis = number('axis', 1);
  if (!isWhole && rank === null) return null;
  return {
    storage,
    view: null,
    scale: scales,
    zeroPoint: zeros?.some((value) => value !== 0) === true ? zeros : null,
    axis: isWhole ? null : axis < 0 ? axis + rank! : axis,
    blockSize: isWhole || blockSize === 0 ? null : blockSize,
  };
}

/** Whether two quantizations of whole tensors mean the same. */
export function sameWhole(a: Quantization | null, b: Quantization | null): boolean {
  if (a === null || b === null) return false;
  const isWhole = a.axis === null && b.axis === null;
  const zero = ({ zeroPoint }: Quantization): number => zeroPoint?.[0] ?? 0;
  return isWhole && a.storage === b.storage && a.scale[0] === b.scale[0] && zero(a) === zero(b);
}

function attachConstant(edit: Edit, graph: Graph, node: Node): boolean {
  const input = node.inputs[0]!;
  const constant = constantOfValue(input);
  const output = node.outputs[0]!;
  if (constant === null || input.quantization !== null || isGraphOutput(output)) return false;
  const quantization = quantizationOf(node, constant.dtype);
  if (quantization === null) return false;
  if (readConstant(constant) instanceof Promise) return false;
  const value = edit.addConstant(graph, output.name, constant);
  value.type = tensorType('float32', constant.shape);
  value.quantization = quantization;
  edit.replaceUses(output, value);
  return true;
}

/** x → QuantizeLinear: x itself becomes integers, if nothing else reads it. */
function attachQuantized(node: Node): boolean {
  const x = node.inputs[0]!;
  if (x.producer === null || x.graph !== node.graph || x.quantization !== null) return false;
  if (constantOfValue(x) !== null || x.uses.size !== 1) return false;
  if (x.type?.kind !== 'tensor' || x.type.dtype !== 'float32') return false;
  const quantization = wholeOf(node, storageOf(node));
  if (quantization === null) return false;
  // What only moves elements may be taken away by later passes, and its result with it: the node stays, unless the
  // elements are integers already.
  const moves = findOp(ops, x.producer.domain, x.producer.op)?.traits?.moves !== undefined;
  if (moves && !sameWhole(x.producer.inputs[0]?.quantization ?? null, quantization)) return false;
  x.quantization = quantization;
  return true;
}

function attachDequantized(edit: Edit, node: Node): boolean {
  const q = node.inputs[0]!;
  const output = node.outputs[0]!;
  if (output.quantization !== null) return false;
  const type = q.type?.kind === 'tensor' ? q.type.dtype : null;
  const quantization = wholeOf(node, type);
  if (quantization === null) return false;
  const source = q.producer;
  const x = source?.op === 'QuantizeLinear' ? source.inputs[0]! : null;
  if (x !== null && sameWhole(x.quantization, quantization)) {
    edit.replaceUses(output, x, ({ user }) => user instanceof Node);
    if (output.uses.size === 0) return true;
  }
  output.quantization = quantization;
  return true;
}

function wholeOf(node: Node, storage: Quantization['storage'] | null): Quantization | null {
  if (storage !== 'int8' && storage !== 'uint8' && storage !== 'int16' && storage !== 'uint16')
    return null;
  const quantization = quantizationOf(node, storage);
  if (quantization === null || quantization.axis !== null) return null;
  const { min, max } = integerRange(storage);
  const zero = quantization.zeroPoint?.[0] ?? 0;
  return zero >= min && zero <= max ? quantization : null;
}

/** Type of the integers that a QuantizeLinear gives. */
function storageOf(node: Node): Quantization['storage'] | null {
  const type = node.outputs[0]!.type;
  if (type?.kind === 'tensor' && type.dtype !== null) return type.dtype;
  const zero = node.inputs[2] == null ? null : constantOfValue(node.inputs[2]);
  return zero?.dtype ?? (node.attributes.has('output_dtype') ? null : 'uint8');
}

function isGraphOutput({ uses }: Value): boolean {
  for (const { user } of uses) if (!(user instanceof Node)) return true;
  return false;
}

function ranked(node: Node): number | null {
  const value = node.inputs[0]!;
  const constant = constantOfValue(value);
  if (constant !== null) return constant.shape.length;
  const shape = value.type?.kind === 'tensor' ? value.type.shape : null;
  return isStatic(shape) || shape !== null ? shape.length : null;
}

function floatsNow(constant: Constant): Float32Array | null {
  const bytes = readConstant(constant);
  if (!(bytes instanceof Uint8Array)) return null;
  return Float32Array.from(typedArrayOf('float32', bytes) as Float32Array);
}

function integersNow(constant: Constant): Int32Array | null {
  const values = smallValues(constant, 2 ** 24);
  if (values !== null) return Int32Array.from(values, Number);
  const { bits, kind } = dtypes[constant.dtype];
  const bytes = readConstant(constant);
  if (bits !== 4 || !(bytes instanceof Uint8Array)) return null;
  const count = constant.shape.reduce((product, size) => product * size, 1);
  return Int32Array.from({ length: count }, (_, i) => {
    const nibble = (bytes[i >> 1]! >> (i & 1 ? 4 : 0)) & 15;
    return kind === 'int' && nibble > 7 ? nibble - 16 : nibble;
  });
}
