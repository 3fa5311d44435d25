import { random } from '../src/core/random.ts';
import { encodeToBytes } from '../src/formats/onnx/codec.ts';
import {
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  attributeTypes as types,
  type ValueInfoProto,
} from '../src/formats/onnx/proto.ts';
import { makeTensor } from '../src/formats/onnx/tensor.ts';

/** Small ONNX models for tests; that they are right is for onnxruntime-node to say. */

export type AttributeValue = number | string | readonly number[] | TensorProto | GraphProto;

/** Whole numbers are ints, others floats: give a float as { f: 2 }. */
export function attribute(name: string, value: AttributeValue | { f: number }): AttributeProto {
  if (typeof value === 'string') {
    return { name, s: new TextEncoder().encode(value), type: types.string };
  }
  if (typeof value === 'number') return { name, i: value, type: types.int };
  if (Array.isArray(value)) return { name, ints: [...(value as number[])], type: types.ints };
  if ('f' in value && typeof value.f === 'number') return { name, f: value.f, type: types.float };
  if ('dataType' in value) return { name, t: value as TensorProto, type: types.tensor };
  return { name, g: value as GraphProto, type: types.graph };
}

export function node(
  opType: string,
  input: string[],
  output: string[],
  attributes: Record<string, AttributeValue | { f: number }> = {},
): NodeProto {
  const list = Object.entries(attributes).map(([name, value]) => attribute(name, value));
  return {
    opType,
    input,
    output,
    name: `${opType}_${output[0]}`,
    ...(list.length > 0 ? { attribute: list } : {}),
  };
}

export function floats(
  name: string,
  dims: readonly number[],
  values: ArrayLike<number>,
): TensorProto {
  return makeTensor(name, 'float32', dims, new Uint8Array(Float32Array.from(values).buffer));
}

export function ints(name: string, values: readonly number[], dims = [values.length]): TensorProto {
  const data = BigInt64Array.from(values, (value) => BigInt(value));
  return makeTensor(name, 'int64', dims, new Uint8Array(data.buffer));
}

/** Seeded numbers, about normal: sums of uniform ones. */
export function noise(count: number, seed: number, size = 1): Float32Array {
  const next = random(seed);
  return Float32Array.from({ length: count }, () => {
    let sum = 0;
    for (let i = 0; i < 6; i++) sum += next.uniform();
    return (sum - 3) * size;
  });
}

/** A declaration of a float32 value; a string is a symbolic size. */
export function info(
  name: string,
  dims: readonly (number | string)[] | null,
  elemType = 1,
): ValueInfoProto {
  if (dims === null) return { name, type: { tensorType: { elemType } } };
  const dim = dims.map((size) =>
    typeof size === 'number' ? { dimValue: size } : { dimParam: size },
  );
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

export function modelBytes(graph: GraphProto, { opset = 17, irVersion = 8 } = {}): Uint8Array {
  return encodeToBytes('ModelProto', {
    irVersion,
    opsetImport: [{ domain: '', version: opset }],
    graph: { name: 'test', ...graph },
  });
}
