// Quantized work as one-node ONNX models: what onnxruntime-web is given.
import type { DType } from '../../src/core/dtype.ts';
import { type Constant, constantOf } from '../../src/ir/index.ts';
import { makeOnnx } from '../../test/onnx-model.ts';
import {
  type BlockTask,
  bytes,
  type IntegerConvTask,
  type IntegerMatmulTask,
  levels,
  numbers,
  type Task,
  volume,
} from './tasks.ts';

export type IntegerTask = IntegerMatmulTask | IntegerConvTask | BlockTask;

export interface IntegerModel {
  readonly model: Uint8Array;
  readonly type: 'uint8' | 'int8' | 'float32';
  readonly dims: readonly number[];
  readonly data: Uint8Array<ArrayBuffer> | Int8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
}

export const isInteger = (task: Task): task is IntegerTask =>
  task.op === 'matmulInteger' || task.op === 'convInteger' || task.op === 'matmulBlockwise';

const floats = (dims: readonly number[], values: readonly number[] | Float32Array): Constant =>
  constantOf('float32', dims, new Uint8Array(Float32Array.from(values).buffer));
const integers = (dtype: DType, dims: readonly number[], values: Uint8Array): Constant =>
  constantOf(dtype, dims, values);

export function integerModel(task: IntegerTask): IntegerModel {
  switch (task.op) {
    case 'matmulInteger': {
      const { m, k, n, signed } = task;
      if (task.requantized) return requantizedModel(task);
      const type = signed ? 'int8' : 'uint8';
      const model = makeOnnx({
        opset: 17,
        nodes: [{ op: 'MatMulInteger', inputs: ['x', 'w', 'zero'], outputs: ['y'] }],
        inputs: { x: [type, [m, k]] },
        outputs: { y: 'int32' },
        constants: {
          w: integers('int8', [k, n], bytes(k * n, 2)),
          zero: integers(type, [], Uint8Array.of(13)),
        },
      });
      return { model, type, dims: [m, k], data: levels(m * k, 1, signed) };
    }
    case 'convInteger':
      return convModel(task);
    case 'matmulBlockwise': {
      const { m, k, n, bits, blockSize, activations } = task;
      const blocks = k / blockSize;
      const int = (value: number) => ({ type: 'int', value: BigInt(value) }) as const;
      const model = makeOnnx({
        opset: 17,
        nodes: [
          {
            op: 'MatMulNBits',
            domain: 'com.microsoft',
            inputs: ['x', 'w', 'scales'],
            outputs: ['y'],
            attributes: [
              ['K', int(k)],
              ['N', int(n)],
              ['bits', int(bits)],
              ['block_size', int(blockSize)],
              ['accuracy_level', int(activations === 'int8' ? 4 : 0)],
            ],
          },
        ],
        inputs: { x: ['float32', [m, k]] },
        outputs: { y: 'float32' },
        constants: {
          w: integers('uint8', [n, blocks, (blockSize * bits) / 8], bytes((n * k * bits) / 8, 2)),
          scales: floats([n * blocks], numbers(n * blocks, 3)),
        },
      });
      return {
        model: withMicrosoft(model),
        type: 'float32',
        dims: [m, k],
        data: numbers(m * k, 1),
      };
    }
  }
}

function requantizedModel({ m, k, n, signed }: IntegerMatmulTask): IntegerModel {
  const type = signed ? 'int8' : 'uint8';
  const model = makeOnnx({
    opset: 17,
    nodes: [
      {
        op: 'QLinearMatMul',
        inputs: ['x', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz'],
        outputs: ['y'],
      },
    ],
    inputs: { x: [type, [m, k]] },
    outputs: { y: type },
    constants: {
      xs: floats([], [0.02]),
      xz: integers(type, [], Uint8Array.of(13)),
      w: integers('int8', [k, n], bytes(k * n, 2)),
      ws: floats([n], new Float32Array(n).fill(0.01)),
      wz: integers('int8', [n], new Uint8Array(n)),
      ys: floats([], [0.5]),
      yz: integers(type, [], Uint8Array.of(5)),
    },
  });
  return { model, type, dims: [m, k], data: levels(m * k, 1, signed) };
}

function convModel(task: IntegerConvTask): IntegerModel {
  const { shape, weightShape, pads, strides, groups, signed } = task;
  const type = signed ? 'int8' : 'uint8';
  const first = (sizes: readonly number[]): number[] => [
    sizes[0]!,
    sizes.at(-1)!,
    ...sizes.slice(1, -1),
  ];
  const outputs = weightShape[0]!;
  const ints = (value: readonly number[]) => ({ type: 'ints', value: value.map(BigInt) }) as const;
  const dims = first(shape);
  const model = makeOnnx({
    opset: 17,
    nodes: [
      {
        op: 'QLinearConv',
        inputs: ['x', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz'],
        outputs: ['y'],
        attributes: [
          ['kernel_shape', ints(weightShape.slice(1, -1))],
          ['strides', ints(strides)],
          ['pads', ints(pads)],
          ['group', { type: 'int', value: BigInt(groups) }],
        ],
      },
    ],
    inputs: { x: [type, dims] },
    outputs: { y: type },
    constants: {
      xs: floats([], [0.02]),
      xz: integers(type, [], Uint8Array.of(13)),
      w: integers('int8', first(weightShape), bytes(volume(weightShape), 2)),
      ws: floats([outputs], new Float32Array(outputs).fill(0.01)),
      wz: integers('int8', [outputs], new Uint8Array(outputs)),
      ys: floats([], [0.5]),
      yz: integers(type, [], Uint8Array.of(5)),
    },
  });
  return { model, type, dims, data: levels(volume(shape), 1, signed) };
}

/** The model with one more opset import (ModelProto field 8). */
function withMicrosoft(model: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode('com.microsoft');
  const opset = [0x0a, name.length, ...name, 0x10, 1];
  const whole = new Uint8Array(model.length + 2 + opset.length);
  whole.set(model);
  whole.set([0x42, opset.length, ...opset], model.length);
  return whole;
}
