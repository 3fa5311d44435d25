import { type DType, dtypes } from '../../src/core/dtype.ts';
import { type Attribute, type Constant, constantOf } from '../../src/ir/index.ts';
import { makeOnnx, type PlainNode } from '../onnx-model.ts';

/** The smallest model with one kind of kernel, for every row of the table of what runtimes have. */

const int = (value: number): Attribute => ({ type: 'int', value: BigInt(value) });

/** Bytes are all `fill`: levels, or floats near 0. */
function constant(dtype: DType, shape: readonly number[], fill = 1): Constant {
  const count = shape.reduce((a, b) => a * b, 1);
  if (dtype === 'float32') {
    const reals = new Float32Array(count).fill(fill / 100);
    return constantOf(dtype, shape, new Uint8Array(reals.buffer));
  }
  const bytes = Math.ceil((count * dtypes[dtype].bits) / 8);
  return constantOf(dtype, shape, new Uint8Array(bytes));
}

type Inputs = Record<string, readonly [DType, readonly number[]]>;

interface Plan {
  nodes: PlainNode[];
  inputs: Inputs;
  output: DType;
  constants?: Record<string, Constant>;
  opset?: number;
}

function model({ nodes, inputs, output, constants = {}, opset = 17 }: Plan): Uint8Array {
  const domains: Record<string, number> = nodes.some(({ domain }) => domain === 'com.microsoft')
    ? { 'com.microsoft': 1 }
    : {};
  return makeOnnx({ opset, nodes, inputs, outputs: { y: output }, constants, domains });
}

const node = (
  op: string,
  inputs: string[],
  attributes: Record<string, number> = {},
  output = 'y',
): PlainNode => {
  const [name, domain = ''] = op.split('.').reverse() as [string, string?];
  return {
    op: name,
    domain: domain === 'microsoft' ? 'com.microsoft' : domain,
    inputs,
    outputs: [output],
    attributes: Object.entries(attributes).map(([key, value]) => [key, int(value)] as const),
  };
};

const short: Readonly<Record<string, DType>> = {
  u8: 'uint8',
  s8: 'int8',
  u16: 'uint16',
  s16: 'int16',
  u4: 'uint4',
  s4: 'int4',
  u2: 'uint2',
  s2: 'int2',
  s32: 'int32',
};

const opsetOf = (dtype: DType): number =>
  dtypes[dtype].bits === 2 ? 25 : dtypes[dtype].bits === 4 || dtypes[dtype].bits === 16 ? 21 : 17;

/** `u8×s8` → both types. */
const pair = (types: string): [DType, DType] => {
  const [a, b] = types.split('×').map((name) => short[name]!);
  return [a!, b!];
};

function quantizer(types: string): Uint8Array {
  const dtype = short[types]!;
  return model({
    nodes: [node('QuantizeLinear', ['x', 's', 'z'])],
    inputs: { x: ['float32', [2, 4]] },
    output: dtype,
    constants: { s: constant('float32', []), z: constant(dtype, []) },
    opset: opsetOf(dtype),
  });
}

/** Weights dequantized in front of a product: as a whole, by column, or in blocks of rows. */
function dequantizer(types: string): Uint8Array {
  const [name, granularity = 'tensor'] = types.split(' ') as [string, string?];
  const dtype = short[name]!;
  const shape = granularity === 'tensor' ? [] : granularity === 'channel' ? [4] : [2, 4];
  const settings: Record<string, number> =
    granularity === 'channel'
      ? { axis: 1 }
      : granularity === 'blocks'
        ? { axis: 0, block_size: 16 }
        : {};
  return model({
    nodes: [node('DequantizeLinear', ['w', 's'], settings, 'r'), node('MatMul', ['x', 'r'])],
    inputs: { x: ['float32', [2, 32]] },
    output: 'float32',
    constants: { w: constant(dtype, [32, 4]), s: constant('float32', shape) },
    opset: granularity === 'blocks' ? Math.max(21, opsetOf(dtype)) : opsetOf(dtype),
  });
}

/** A convolution whose weights are dequantized by channel. */
function convolution(types: string): Uint8Array {
  const dtype = short[types]!;
  return model({
    nodes: [node('DequantizeLinear', ['w', 's'], { axis: 0 }, 'r'), node('Conv', ['x', 'r'])],
    inputs: { x: ['float32', [1, 2, 3, 3]] },
    output: 'float32',
    constants: { w: constant(dtype, [4, 2, 1, 1]), s: constant('float32', [4]) },
    opset: opsetOf(dtype),
  });
}

function integerProduct(op: string, types: string): Uint8Array {
  const [a, b] = pair(types);
  const isConv = op === 'ConvInteger';
  return model({
    nodes: [node(op, ['x', 'w'])],
    inputs: { x: [a, isConv ? [1, 2, 3, 3] : [2, 4]] },
    output: 'int32',
    constants: { w: constant(b, isConv ? [4, 2, 1, 1] : [4, 4]) },
  });
}

function qlinear(op: string, types: string): Uint8Array {
  const [a, b] = pair(types);
  const isConv = op === 'QLinearConv';
  return model({
    nodes: [node(op, ['x', 's', 'z', 'w', 's', 'wz', 's', 'z'])],
    inputs: { x: [a, isConv ? [1, 2, 3, 3] : [2, 4]] },
    output: a,
    constants: {
      w: constant(b, isConv ? [4, 2, 1, 1] : [4, 4]),
      s: constant('float32', []),
      z: constant(a, []),
      wz: constant(b, []),
    },
  });
}

/** Operands of com.microsoft's elementwise operators on levels of one type. */
function microsoftLevels(op: string, types: string): Uint8Array {
  const dtype = short[types]!;
  const inputs: Readonly<Record<string, string[]>> = {
    QLinearAdd: ['x', 's', 'z', 'x', 's', 'z', 's', 'z'],
    QLinearMul: ['x', 's', 'z', 'x', 's', 'z', 's', 'z'],
    QLinearConcat: ['s', 'z', 'x', 's', 'z', 'x', 's', 'z'],
  };
  const settings: Readonly<Record<string, Record<string, number>>> = {
    QLinearConcat: { axis: 1 },
    QLinearSoftmax: { axis: -1, opset: 13 },
    QLinearGlobalAveragePool: { channels_last: 0 },
  };
  return model({
    nodes: [node(`microsoft.${op}`, inputs[op] ?? ['x', 's', 'z', 's', 'z'], settings[op] ?? {})],
    inputs: { x: [dtype, [1, 2, 3, 3]] },
    output: dtype,
    constants: { s: constant('float32', []), z: constant(dtype, []) },
  });
}

function nbits(types: string): Uint8Array {
  const [bits, level = 0] = types.split(' level ').map(Number) as [number, number?];
  const attributes = { K: 32, N: 4, bits, block_size: 32, accuracy_level: level };
  return model({
    nodes: [node('microsoft.MatMulNBits', ['x', 'w', 's'], attributes)],
    inputs: { x: ['float32', [2, 32]] },
    output: 'float32',
    constants: { w: constant('uint8', [4, 1, 4 * bits]), s: constant('float32', [4]) },
  });
}

/** A model that needs a row's kernel, for a runtime of ONNX files.
 *  @param operator  as the table has it */
export function onnxWith(operator: string, types: string): Uint8Array | null {
  switch (operator) {
    case 'QuantizeLinear':
      return quantizer(types);
    case 'DequantizeLinear':
      return dequantizer(types);
    case 'DequantizeLinear → Conv':
      return convolution(types);
    case 'MatMulInteger':
    case 'ConvInteger':
      return integerProduct(operator, types);
    case 'QLinearConv':
    case 'QLinearMatMul':
      return qlinear(operator, types);
    case 'DynamicQuantizeLinear':
      return model({
        nodes: [{ op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['y', 's', 'z'] }],
        inputs: { x: ['float32', [2, 4]] },
        output: 'uint8',
      });
    case 'com.microsoft.MatMulNBits':
      return nbits(types);
    case 'com.microsoft.DynamicQuantizeMatMul':
      return model({
        nodes: [node('microsoft.DynamicQuantizeMatMul', ['x', 'w', 's'])],
        inputs: { x: ['float32', [2, 4]] },
        output: 'float32',
        constants: { w: constant(short[types]!, [4, 4]), s: constant('float32', [4]) },
      });
    default:
      return operator.startsWith('com.microsoft.')
        ? microsoftLevels(operator.slice('com.microsoft.'.length), types)
        : null;
  }
}
