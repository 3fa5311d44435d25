import { dtypes } from '../core/dtype.ts';
import {
  type Constant,
  constantOfValue,
  floatsNow,
  readConstant,
  smallValues,
} from '../ir/constant.ts';
import type { Node } from '../ir/graph.ts';
import type { Quantization } from '../ir/types.ts';

/** What a QuantizeLinear or DequantizeLinear of ai.onnx says, of the integers that it gives or takes; null where its
 *  parameters aren't constants or don't make sense. */
export function saidQuantization(node: Node): Quantization | null {
  if (node.op !== 'DequantizeLinear') return quantizationOf(node, storageOf(node));
  const [x, , zero] = node.inputs;
  const known = x?.type?.kind === 'tensor' ? x.type.dtype : null;
  return quantizationOf(
    node,
    known ?? (zero == null ? null : constantOfValue(zero)?.dtype) ?? null,
  );
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
  const stored = floatsNow(scale);
  const scales = stored === null ? null : Float32Array.from(stored);
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

/** Whether two quantizations mean the same for a tensor of any shape. */
export function sameQuantization(a: Quantization | null, b: Quantization | null): boolean {
  if (a === null || b === null) return false;
  if (a.storage !== b.storage || a.axis !== b.axis || a.blockSize !== b.blockSize) return false;
  if (a.view?.join() !== b.view?.join() || a.scale.length !== b.scale.length) return false;
  const zero = ({ zeroPoint }: Quantization, i: number): number => zeroPoint?.[i] ?? 0;
  return a.scale.every((scale, i) => scale === b.scale[i] && zero(a, i) === zero(b, i));
}

/** Type of the integers that a QuantizeLinear gives. */
export function storageOf(node: Node): Quantization['storage'] | null {
  const type = node.outputs[0]!.type;
  if (type?.kind === 'tensor' && type.dtype !== null) return type.dtype;
  const zero = node.inputs[2] == null ? null : constantOfValue(node.inputs[2]);
  return zero?.dtype ?? (node.attributes.has('output_dtype') ? null : 'uint8');
}

function ranked(node: Node): number | null {
  const value = node.inputs[0]!;
  const constant = constantOfValue(value);
  if (constant !== null) return constant.shape.length;
  const shape = value.type?.kind === 'tensor' ? value.type.shape : null;
  return shape?.length ?? null;
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
