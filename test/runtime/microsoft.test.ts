import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DType } from '../../src/core/dtype.ts';
import { random } from '../../src/core/random.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { numbersOf, tensorOf } from '../../src/runtime/generic/elements.ts';
import { runModel } from '../ort.ts';
import { difference } from './conformance.ts';
import {
  float,
  floats,
  int,
  ints,
  modelOf,
  nameOf,
  type Operator,
  runSession,
  text,
} from './one-operator.ts';

/** Operators of onnxruntime's own domain, through sessions, against onnxruntime-node. */

const peer = suite('com.microsoft against onnxruntime-node');

const source = random(11);
const volume = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

function f(...dims: number[]): Tensor {
  const values = Float64Array.from({ length: volume(dims) }, () => source.uniform() * 4 - 2);
  return tensorOf('float32', values, dims);
}
function integers(type: DType, low: number, high: number, ...dims: number[]): Tensor {
  const count = volume(dims);
  const values = Float64Array.from({ length: count }, () => low + source.below(high - low + 1));
  return tensorOf(type, values, dims);
}
const u8 = (...dims: number[]): Tensor => integers('uint8', 0, 255, ...dims);
const s8 = (...dims: number[]): Tensor => integers('int8', -128, 127, ...dims);
const scalar = (type: DType, value: number): Tensor => tensorOf(type, [value], []);
/** Scale and zero point. */
const by = (scale: number, zero: number, type: DType = 'uint8'): [Tensor, Tensor] => [
  scalar('float32', scale),
  scalar(type, zero),
];

interface Case extends Operator {
  /** Integers may be off by this much: where a float32 product lies at a tie. */
  levels?: number;
  tolerance?: number;
}

const image = u8(1, 3, 6, 5);
const window = { kernel_shape: ints(3, 2), strides: ints(2, 1), pads: ints(1, 0, 1, 1) };
const three = { num_heads: int(3) };

const cases: Case[] = [
  {
    op: 'QLinearAdd',
    inputs: [u8(2, 3, 4), ...by(0.02, 120), u8(3, 1), ...by(0.03, 9), ...by(0.05, 100)],
    outputs: ['uint8'],
    levels: 1,
  },
  {
    op: 'QLinearAdd',
    inputs: [
      s8(40),
      ...by(0.02, 3, 'int8'),
      s8(40),
      ...by(0.04, -5, 'int8'),
      ...by(0.05, 7, 'int8'),
    ],
    outputs: ['int8'],
    levels: 1,
  },
  {
    op: 'QLinearMul',
    inputs: [u8(2, 3, 4), ...by(0.02, 120), u8(4), ...by(0.03, 9), ...by(0.05, 100)],
    outputs: ['uint8'],
    levels: 1,
  },
  {
    op: 'QLinearSigmoid',
    inputs: [u8(50), ...by(0.05, 128), ...by(1 / 256, 0)],
    outputs: ['uint8'],
    levels: 1,
  },
  {
    op: 'QLinearLeakyRelu',
    inputs: [s8(50), ...by(0.05, 4, 'int8'), ...by(0.04, -3, 'int8')],
    attributes: { alpha: float(0.2) },
    outputs: ['int8'],
    levels: 1,
  },
  {
    op: 'QLinearAveragePool',
    inputs: [image, ...by(0.03, 100), ...by(0.02, 90)],
    attributes: window,
    outputs: ['uint8'],
    levels: 1,
  },
  {
    op: 'QLinearAveragePool',
    inputs: [u8(2, 6, 5, 3), ...by(0.03, 100), ...by(0.02, 90)],
    attributes: { ...window, channels_last: int(1), count_include_pad: int(1) },
    outputs: ['uint8'],
    levels: 1,
  },
  {
    op: 'QLinearGlobalAveragePool',
    inputs: [image, ...by(0.03, 100), ...by(0.02, 90)],
    outputs: ['uint8'],
    levels: 1,
  },
  {
    op: 'QLinearGlobalAveragePool',
    inputs: [u8(2, 4, 5, 3), ...by(0.03, 100), ...by(0.02, 90)],
    attributes: { channels_last: int(1) },
    outputs: ['uint8'],
    levels: 1,
  },
  {
    op: 'QLinearConcat',
    inputs: [...by(0.04, 110), u8(2, 3), ...by(0.03, 100), u8(2, 2), ...by(0.05, 128)],
    attributes: { axis: int(1) },
    outputs: ['uint8'],
    levels: 1,
  },
  {
    op: 'QLinearSoftmax',
    inputs: [u8(2, 3, 4), ...by(0.03, 100), ...by(1 / 256, 0)],
    attributes: { axis: int(1), opset: int(13) },
    outputs: ['uint8'],
    levels: 1,
  },
  {
    op: 'QLinearSoftmax',
    inputs: [u8(2, 3, 4), ...by(0.03, 100), ...by(1 / 256, 0)],
    attributes: { axis: int(1), opset: int(12) },
    outputs: ['uint8'],
    levels: 1,
  },
  {
    op: 'QGemm',
    inputs: [
      u8(3, 5),
      ...by(0.03, 100),
      s8(4, 5),
      tensorOf('float32', [0.01, 0.02, 0.03, 0.015], [4]),
      tensorOf('int8', [0, 0, 0, 0], [4]),
      integers('int32', -900, 900, 4),
      ...by(0.4, 120),
    ],
    attributes: { transB: int(1), alpha: float(1.5) },
    outputs: ['uint8'],
    levels: 1,
  },
  {
    op: 'QGemm',
    inputs: [u8(3, 5), ...by(0.03, 100), u8(5, 4), ...by(0.02, 130), null],
  },
  {
    op: 'DynamicQuantizeMatMul',
    inputs: [f(2, 3, 8), s8(8, 5), scalar('float32', 0.02), scalar('int8', 0), f(5)],
    tolerance: 1e-4,
  },
  {
    op: 'MatMulIntegerToFloat',
    inputs: [
      u8(3, 8),
      s8(8, 5),
      scalar('float32', 0.02),
      tensorOf('float32', [0.01, 0.02, 0.03, 0.015, 0.02], [5]),
      scalar('uint8', 99),
      tensorOf('int8', [0, 0, 0, 0, 0], [5]),
      f(5),
    ],
    tolerance: 1e-4,
  },
  {
    op: 'MatMulNBits',
    inputs: [f(2, 3, 40), u8(7, 3, 8), f(21)],
    attributes: { K: int(40), N: int(7), bits: int(4), block_size: int(16) },
    tolerance: 1e-4,
  },
  {
    op: 'MatMulNBits',
    inputs: [f(3, 64), u8(6, 2, 16), f(12), u8(6)],
    attributes: { K: int(64), N: int(6), bits: int(4), block_size: int(32) },
    tolerance: 1e-4,
  },
  {
    op: 'MatMulNBits',
    inputs: [f(3, 64), u8(6, 2, 32), f(12), u8(12), null, f(6)],
    attributes: { K: int(64), N: int(6), bits: int(8), block_size: int(32) },
    tolerance: 1e-4,
  },
  {
    op: 'FusedConv',
    inputs: [f(1, 4, 6, 6), f(4, 2, 3, 3), f(4), f(1, 4, 6, 6)],
    attributes: { group: int(2), pads: ints(1, 1, 1, 1), activation: text('Relu') },
  },
  {
    op: 'FusedConv',
    inputs: [f(1, 4, 6, 6), f(4, 4, 3, 3), f(4)],
    attributes: {
      activation: text('Clip'),
      activation_params: floats(-0.5, 6),
    },
  },
  {
    op: 'FusedGemm',
    inputs: [f(3, 4), f(5, 4), f(5)],
    attributes: {
      transB: int(1),
      activation: text('LeakyRelu'),
      activation_alpha: float(0.3),
      beta: float(0.5),
    },
  },
  {
    op: 'FusedMatMul',
    inputs: [f(2, 4, 3), f(2, 5, 4)],
    attributes: { transA: int(1), transB: int(1), alpha: float(0.25) },
  },
  {
    op: 'FusedMatMul',
    inputs: [f(3, 2, 4), f(4, 2, 5)],
    attributes: { transBatchA: int(1), transBatchB: int(1) },
  },
  {
    op: 'FusedMatMul',
    inputs: [f(4, 2, 3), f(2, 4, 5)],
    attributes: { transBatchA: int(1), transA: int(1) },
  },
  {
    op: 'SkipLayerNormalization',
    inputs: [f(2, 3, 8), f(2, 3, 8), f(8), f(8), f(8)],
    attributes: { epsilon: float(1e-3) },
  },
  { op: 'SkipSimplifiedLayerNormalization', inputs: [f(2, 3, 8), f(2, 3, 8), f(8)] },
  {
    op: 'EmbedLayerNormalization',
    inputs: [
      integers('int32', 0, 9, 2, 4),
      integers('int32', 0, 1, 2, 4),
      f(10, 6),
      f(5, 6),
      f(2, 6),
      f(6),
      f(6),
      tensorOf('int32', [1, 1, 1, 0, 1, 1, 0, 0], [2, 4]),
    ],
    outputs: ['float32', 'int32'],
  },
  { op: 'Gelu', inputs: [f(20)] },
  { op: 'BiasGelu', inputs: [f(3, 4), f(4)] },
  { op: 'FastGelu', inputs: [f(3, 4), f(4)] },
  { op: 'QuickGelu', inputs: [f(20)], attributes: { alpha: float(1.2) } },
  { op: 'Inverse', inputs: [f(2, 4, 4)], tolerance: 2e-3 },
  {
    op: 'MultiHeadAttention',
    inputs: [f(2, 4, 12), f(2, 5, 12), f(2, 5, 6), f(30)],
    attributes: three,
  },
  {
    op: 'MultiHeadAttention',
    inputs: [
      f(2, 4, 12),
      f(2, 5, 12),
      f(2, 5, 12),
      null,
      tensorOf('int32', [1, 1, 1, 0, 0, 1, 1, 1, 1, 1], [2, 5]),
      f(1, 3, 4, 5),
    ],
    attributes: { ...three, scale: float(0.7) },
  },
  {
    op: 'MultiHeadAttention',
    inputs: [f(2, 2, 12), f(2, 2, 12), f(2, 2, 12), null, null, null, f(2, 3, 4, 4), f(2, 3, 4, 4)],
    attributes: three,
    outputs: ['float32', 'float32', 'float32'],
  },
  {
    op: 'MultiHeadAttention',
    inputs: [f(2, 4, 12), f(2, 4, 12), f(2, 4, 12)],
    attributes: { ...three, unidirectional: int(1) },
  },
  {
    op: 'Attention',
    inputs: [f(2, 4, 6), f(6, 36), f(36), tensorOf('int32', [4, 2], [2])],
    attributes: three,
  },
  {
    op: 'Attention',
    inputs: [f(2, 2, 6), f(6, 36), f(36), null, f(2, 2, 3, 3, 4)],
    attributes: { ...three, unidirectional: int(1) },
    outputs: ['float32', 'float32'],
  },
  {
    op: 'QuantizeLinear',
    inputs: [
      f(3, 4),
      tensorOf('float32', [0.02, 0.03, 0.01], [3]),
      tensorOf('int8', [1, 0, 2], [3]),
    ],
    attributes: { axis: int(0) },
    outputs: ['int8'],
  },
  {
    op: 'DequantizeLinear',
    inputs: [s8(3, 4), scalar('float32', 0.02), scalar('int8', 3)],
  },
];

for (const given of cases) {
  const item = { ...given, domain: 'com.microsoft' };
  const { levels = 0, tolerance = 2e-5 } = item;
  peer(nameOf(item), async () => {
    const { bytes, feeds } = modelOf(item);
    const expected = await runModel(bytes, feeds);
    const got = await runSession(bytes, feeds);
    for (const [name, tensor] of Object.entries(expected)) {
      if (levels === 0) {
        assert.is(difference(got[name], tensor, tolerance), null, name);
        continue;
      }
      assert.equal([got[name]!.type, got[name]!.dims], [tensor.type, tensor.dims]);
      const [a, b] = [numbersOf(got[name]!), numbersOf(tensor)];
      const worst = a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);
      const off = a.filter((v, i) => v !== b[i]).length;
      assert.ok(worst <= levels && off <= a.length / 10, `${off} of ${a.length}, by ${worst}`);
    }
  });
}

peer.run();
