import { dtypes } from '../core/dtype.ts';
import { volume } from '../core/shape.ts';
import { typedArrayOf } from '../core/tensor.ts';
import {
  type Constant,
  constantOfValue,
  readConstant,
  sizeOf,
  smallValues,
} from '../ir/constant.ts';
import type { Node, Value } from '../ir/graph.ts';
import { bfloat16ToFloat32, dequantize, float16ToFloat32 } from '../kernels/index.ts';

/** Numbers that a graph makes of constants alone: a weight as it is used, however it is stored. */
export interface StoredWeight {
  shape: readonly number[];
  /** Element type of the stored numbers. */
  stored: string;
  /** Everything that is stored for it. */
  bytes: number;
  read(): Promise<Float32Array>;
}

/** The weight that a value is: a float constant, or integers behind DequantizeLinear, half floats behind Cast, either
 *  behind Reshape. Null for anything else. */
export function weightOf(value: Value): StoredWeight | null {
  const constant = constantOfValue(value);
  if (constant !== null) return value.quantization === null ? plain(constant) : null;
  const node = value.producer;
  if (node === null || node.domain !== '') return null;
  if (node.op === 'DequantizeLinear') return dequantized(node);
  const input = node.inputs[0];
  if (input == null) return null;
  if (node.op === 'Cast') return constantOfValue(input) === null ? null : weightOf(input);
  if (node.op === 'Reshape') {
    const from = weightOf(input);
    const sizes = node.inputs[1] == null ? null : constantOfValue(node.inputs[1]);
    const shape = sizes === null ? null : smallValues(sizes)?.map(Number);
    if (from === null || shape == null) return null;
    return volume(shape.map(Math.abs)) === volume(from.shape) ? { ...from, shape } : null;
  }
  return null;
}

function plain(constant: Constant): StoredWeight | null {
  const { dtype, shape, data } = constant;
  const convert = {
    float32: null,
    float16: float16ToFloat32,
    bfloat16: bfloat16ToFloat32,
  } as const;
  if (!(dtype in convert)) return null;
  const widen = convert[dtype as keyof typeof convert];
  return {
    shape,
    stored: dtype,
    bytes: data.size,
    async read() {
      const numbers = typedArrayOf(dtype, await readConstant(constant));
      return widen === null ? (numbers as Float32Array) : widen(numbers as Uint16Array);
    },
  };
}

const integers = ['int8', 'uint8', 'int16', 'uint16', 'int4', 'uint4', 'int32'] as const;

function dequantized(node: Node): StoredWeight | null {
  const [levels, scales, zeros] = [0, 1, 2].map((at) => {
    const value = node.inputs[at];
    return value == null ? null : constantOfValue(value);
  });
  const type = integers.find((name) => name === levels?.dtype);
  if (levels == null || scales?.dtype !== 'float32' || type === undefined) return null;
  const axis = intOf(node, 'axis', 1);
  const blockSize = intOf(node, 'block_size', 0);
  return {
    shape: levels.shape,
    stored: type,
    bytes: levels.data.size + scales.data.size + (zeros?.data.size ?? 0),
    async read() {
      const scale = typedArrayOf('float32', await readConstant(scales)) as Float32Array;
      const perTensor = sizeOf(scales) === 1 && scales.shape.length < 1;
      return dequantize(typedArrayOf(type, await readConstant(levels)) as Int8Array, {
        type,
        length: sizeOf(levels),
        scale: perTensor ? scale[0]! : scale,
        zeroPoint: zeros == null ? 0 : await zeroPoints(zeros, perTensor),
        ...(perTensor ? {} : { shape: levels.shape, axis }),
        ...(blockSize > 0 ? { blockSize } : {}),
      });
    },
  };
}

async function zeroPoints(zeros: Constant, perTensor: boolean): Promise<number | Int32Array> {
  const numbers = typedArrayOf(zeros.dtype, await readConstant(zeros)) as Int8Array;
  const { bits, kind } = dtypes[zeros.dtype];
  const values = Int32Array.from({ length: sizeOf(zeros) }, (_, i) => {
    if (bits >= 8) return numbers[i]!;
    const level = ((numbers[i >> 1]! & 0xff) >> ((i & 1) * 4)) & 15;
    return kind === 'int' && level > 7 ? level - 16 : level;
  });
  return perTensor ? values[0]! : values;
}

function intOf(node: Node, name: string, otherwise: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.type === 'int' ? Number(attribute.value) : otherwise;
}
