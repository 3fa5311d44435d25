import { byteLengthOf, dtypes } from '../../core/dtype.ts';
import { UnsupportedError } from '../../core/errors.ts';
import { bytesOf, typedArrayOf } from '../../core/tensor.ts';
import { type Constant, constantOf, int64Constant } from '../../ir/constant.ts';
import type { Value } from '../../ir/graph.ts';
import type { Quantization } from '../../ir/types.ts';
import {
  type AttributeProto,
  type NodeProto,
  type TensorProto,
  attributeTypes as types,
} from './proto.ts';
import { writeTensor } from './tensor-constant.ts';

/** The ONNX form of a quantized constant: its integers, scales and zero points as initializers, and the nodes
 *  that make the value of them. */
export interface Dequantized {
  tensors: TensorProto[];
  nodes: NodeProto[];
}

/** First operator set whose DequantizeLinear says this: 10 per tensor, 13 per axis, 21 blocks and other widths.
 *  Source: ONNX changelog, DequantizeLinear 10, 13, 19, 21, 25. */
export function opsetOf({ storage, axis, blockSize }: Quantization): number {
  if (storage === 'uint2' || storage === 'int2') return 25;
  if (blockSize !== null || (storage !== 'int8' && storage !== 'uint8' && storage !== 'int32'))
    return 21;
  return axis === null ? 10 : 13;
}

/** @param short  makes an unused name that begins so: they are many, and long ones would take more bytes than scales */
export function dequantize(
  value: Value,
  constant: Constant,
  quantization: Quantization,
  short: (prefix: string) => string,
): Dequantized {
  const { storage, view, scale, zeroPoint, axis, blockSize } = quantization;
  const shape = view ?? constant.shape;
  const scaleShape =
    axis === null ? [] : blockSize === null ? [scale.length] : blocked(shape, axis, blockSize);
  const integers = short('w');
  const scales = short('s');
  const tensors = [
    writeTensor(integers, { ...constant, shape }),
    writeTensor(scales, constantOf('float32', scaleShape, bytesOf(scale))),
  ];
  const input = [integers, scales];
  if (zeroPoint !== null) {
    const zeros = short('z');
    tensors.push(writeTensor(zeros, packed(storage, scaleShape, zeroPoint)));
    input.push(zeros);
  }
  const attribute: AttributeProto[] = [];
  if (axis !== null && axis !== 1) attribute.push({ name: 'axis', i: axis, type: types.int });
  if (blockSize !== null) attribute.push({ name: 'block_size', i: blockSize, type: types.int });
  const made = view === null ? value.name : short('b');
  const nodes: NodeProto[] = [
    {
      input,
      output: [made],
      opType: 'DequantizeLinear',
      ...(attribute.length > 0 ? { attribute } : {}),
    },
  ];
  if (view !== null) {
    const sizes = short('n');
    tensors.push(writeTensor(sizes, int64Constant(constant.shape)));
    nodes.push({ input: [made, sizes], output: [value.name], opType: 'Reshape' });
  }
  return { tensors, nodes };
}

function blocked(shape: readonly number[], axis: number, blockSize: number): number[] {
  return shape.map((size, at) => (at === axis ? Math.ceil(size / blockSize) : size));
}

/** Zero points in the storage type; sub-byte ones packed low bits first. */
function packed(
  storage: Quantization['storage'],
  shape: readonly number[],
  values: Int32Array,
): Constant {
  const { bits, kind } = dtypes[storage];
  if ((kind !== 'int' && kind !== 'uint') || bits > 32) {
    throw new UnsupportedError(`zero points of type ${storage}`, { code: 'E_ZERO_POINT_TYPE' });
  }
  const bytes = new Uint8Array(byteLengthOf(storage, values.length));
  if (bits >= 8) {
    typedArrayOf(storage, bytes).set(values as Int32Array & BigInt64Array);
  } else {
    const perByte = 8 / bits;
    values.forEach((value, i) => {
      const at = Math.floor(i / perByte);
      bytes[at] = (bytes[at] ?? 0) | ((value & (2 ** bits - 1)) << ((i % perByte) * bits));
    });
  }
  return constantOf(storage, shape, bytes);
}
