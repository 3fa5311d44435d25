import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type DType, dtypes, integerRange } from '../../src/core/dtype.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { tensorOf } from '../../src/runtime/generic/elements.ts';
import { oneNodeModel } from '../one-node.ts';
import { runModel } from '../ort.ts';
import { interpret } from '../reference/interpret.ts';
import { difference } from './conformance.ts';

/** Variants that the conformance cases don't have, against onnxruntime-node. */

const peer = suite('evaluators against onnxruntime-node');

const source = random(7);

/** Seeded elements: floats about 0, integers over their whole range up to `most`. */
function some(type: DType, dims: readonly number[], most = 100): Tensor {
  const count = dims.reduce((a, b) => a * b, 1);
  const { kind } = dtypes[type];
  const low = kind === 'int' ? -most : 0;
  const bounds =
    type === 'int64' || type === 'uint64' || kind === 'float' || kind === 'bool'
      ? null
      : integerRange(type);
  const values = Float64Array.from({ length: count }, () => {
    if (kind === 'float') return source.uniform() * 6 - 3;
    if (kind === 'bool') return source.below(2);
    const value = low + source.below(most - low + 1);
    return bounds === null ? value : Math.min(Math.max(value, bounds.min), bounds.max);
  });
  return tensorOf(type, values, dims);
}

const ints = (values: readonly number[], dims?: readonly number[]): Tensor =>
  new Tensor('int64', values.map(BigInt), dims ?? [values.length]);
const floats = (values: readonly number[], dims: readonly number[] = [values.length]): Tensor =>
  new Tensor('float32', values, dims);
const of = (type: DType, values: readonly number[], dims?: readonly number[]): Tensor =>
  tensorOf(type, values, dims ?? [values.length]);
const f = (...dims: number[]): Tensor => some('float32', dims);

type Case = [
  op: string,
  inputs: (Tensor | null)[],
  attributes?: Record<string, number | string | readonly number[]>,
  outputs?: DType[],
  opset?: number,
];

const image = f(2, 4, 9, 8);
const u8 = (...dims: number[]): Tensor => some('uint8', dims, 255);
const s8 = (...dims: number[]): Tensor => some('int8', dims, 127);
const scalar = (type: DType, value: number): Tensor => of(type, [value], []);

const cases: Case[] = [
  ['Conv', [f(2, 4, 9), f(6, 2, 3), f(6)], { group: 2, dilations: [2], pads: [1, 2] }],
  ['Conv', [image, f(6, 4, 3, 2)], { auto_pad: 'SAME_UPPER', strides: [2, 3] }],
  ['Conv', [image, f(4, 1, 2, 3)], { auto_pad: 'SAME_LOWER', group: 4 }],
  ['Conv', [f(1, 2, 5, 4, 6), f(3, 2, 2, 2, 3)], { strides: [2, 1, 2], pads: [1, 0, 1, 0, 1, 1] }],
  [
    'ConvTranspose',
    [f(1, 4, 5, 4), f(4, 3, 3, 2), f(6)],
    { group: 2, strides: [2, 3], output_padding: [1, 0] },
  ],
  ['ConvTranspose', [f(1, 2, 5), f(2, 3, 3)], { dilations: [2], pads: [1, 2], strides: [2] }],
  ['ConvTranspose', [f(1, 2, 5, 5), f(2, 3, 3, 3)], { strides: [2, 2], output_shape: [10, 12] }],
  ['ConvTranspose', [f(1, 2, 5, 5), f(2, 3, 3, 3)], { strides: [2, 2], auto_pad: 'SAME_UPPER' }],
  [
    'ConvInteger',
    [u8(1, 2, 5, 5), s8(3, 2, 3, 3), of('uint8', [7], [])],
    { pads: [1, 1, 1, 1] },
    ['int32'],
  ],
  [
    'QLinearConv',
    [
      u8(1, 4, 6, 6),
      scalar('float32', 0.03),
      scalar('uint8', 120),
      s8(6, 2, 3, 3),
      floats([0.01, 0.02, 0.011, 0.017, 0.013, 0.019]),
      of('int8', [0, 0, 0, 0, 0, 0]),
      scalar('float32', 0.5),
      scalar('uint8', 130),
      some('int32', [6], 1000),
    ],
    { group: 2, pads: [1, 1, 1, 1], strides: [2, 2] },
    ['uint8'],
  ],
  [
    'MatMulInteger',
    [u8(2, 3, 5), s8(5, 4), scalar('uint8', 9), of('int8', [1, -2, 3, 0])],
    {},
    ['int32'],
  ],
  [
    'QLinearMatMul',
    [
      u8(4, 5),
      scalar('float32', 0.02),
      scalar('uint8', 100),
      s8(5, 6),
      floats([0.01, 0.02, 0.03, 0.01, 0.02, 0.03]),
      of('int8', [0, 0, 0, 0, 0, 0]),
      scalar('float32', 0.1),
      scalar('uint8', 128),
    ],
    {},
    ['uint8'],
  ],
  [
    'MaxPool',
    [image],
    { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1], storage_order: 1 },
    ['float32', 'int64'],
  ],
  [
    'MaxPool',
    [image],
    { kernel_shape: [2, 3], dilations: [3, 2], ceil_mode: 1, strides: [2, 2] },
    ['float32', 'int64'],
  ],
  [
    'MaxPool',
    [s8(1, 3, 7, 7)],
    { kernel_shape: [3, 3], auto_pad: 'SAME_LOWER', strides: [2, 2] },
    ['int8'],
  ],
  ['MaxPool', [f(1, 2, 5, 6, 7)], { kernel_shape: [2, 3, 2], strides: [1, 2, 3] }],
  [
    'AveragePool',
    [image],
    { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [3, 3], ceil_mode: 1 },
  ],
  [
    'AveragePool',
    [image],
    { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2], count_include_pad: 1 },
  ],
  ['AveragePool', [f(1, 2, 11)], { kernel_shape: [4], auto_pad: 'SAME_UPPER', strides: [3] }],
  ['LpPool', [image], { kernel_shape: [3, 2], p: 3, pads: [1, 0, 0, 1] }],
  ['LpPool', [image], { kernel_shape: [2, 2], p: 1, strides: [2, 2] }],
  ['GlobalLpPool', [image], { p: 3 }, ['float32'], 16],
  ['GlobalMaxPool', [f(2, 3, 4)]],
  [
    'MaxRoiPool',
    [image, floats([0, 1, 1, 6, 7, 1, 0, 2, 3, 3, 1, -2, 5, 12, 9], [3, 5])],
    { pooled_shape: [2, 3] },
    ['float32'],
    16,
  ],
  [
    'RoiAlign',
    [image, floats([1, 1, 6, 7, 0, 2, 3, 3], [2, 4]), ints([0, 1])],
    { output_height: 3, output_width: 2, sampling_ratio: 2 },
    ['float32'],
    16,
  ],
  [
    'RoiAlign',
    [image, floats([1, 1, 6, 7, 0, 2, 3, 3], [2, 4]), ints([1, 0])],
    {
      output_height: 2,
      output_width: 2,
      mode: 'max',
      coordinate_transformation_mode: 'output_half_pixel',
    },
    ['float32'],
    16,
  ],
  ['LRN', [image], { size: 5, alpha: 0.5, beta: 0.6 }],
  ['LpNormalization', [f(3, 4)], { p: 1, axis: 0 }],
  ['MeanVarianceNormalization', [f(2, 3, 4, 5)]],
  [
    'LayerNormalization',
    [f(2, 3, 4), f(3, 4), f(3, 4)],
    { axis: 1 },
    ['float32', 'float32', 'float32'],
  ],
  ['InstanceNormalization', [f(2, 3, 5), f(3), f(3)]],
  [
    'Gemm',
    [some('float64', [3, 4]), some('float64', [5, 3]), some('float64', [1, 5])],
    { transA: 1, transB: 1, alpha: 0.5, beta: 2 },
    ['float64'],
  ],
  ['MatMul', [some('int64', [2, 1, 3, 4]), some('int64', [5, 4, 2])], {}, ['int64']],
  ['MatMul', [f(4), f(3, 4, 5)]],
  ['MatMul', [f(3, 2, 4), f(4)]],
  ['Einsum', [f(2, 3, 4), f(4, 5, 3)], { equation: 'bij,jki->kb' }],
  ['Einsum', [f(2, 3, 3)], { equation: '...ii->...i' }],
  ['Einsum', [f(5, 4, 2, 3), f(5, 4, 3, 2)], { equation: '...ij,...jk' }],
  ['Det', [f(3, 4, 4)]],
  ...(['int32', 'int64', 'float32', 'float64'] as const).flatMap((type): Case[] => [
    ['ReduceSum', [some(type, [3, 4, 5]), ints([0, -1])], { keepdims: 0 }, [type]],
    ['ReduceMax', [some(type, [3, 4, 5]), ints([1])], {}, [type]],
    ['ReduceMin', [some(type, [3, 4, 5])], { keepdims: 0 }, [type]],
    ['CumSum', [some(type, [3, 4]), scalar('int32', -1)], { exclusive: 1, reverse: 1 }, [type]],
    ['TopK', [some(type, [4, 7], 5), ints([3])], { largest: 0, axis: 1 }, [type, 'int64']],
    ['Div', [some(type, [2, 3], 50), some(type, [1], 0.5 + 6)], {}, [type]],
    ['Clip', [some(type, [9]), scalar(type, -1), scalar(type, 2)], {}, [type]],
  ]),
  ['ReduceLogSumExp', [f(3, 4), ints([1])]],
  ['ReduceMean', [some('int32', [3, 4], 9), ints([1])], {}, ['int32']],
  ['ReduceProd', [some('int32', [3, 4], 3), ints([0])], {}, ['int32']],
  ['ArgMax', [some('int32', [4, 6], 3)], { axis: 1, select_last_index: 1 }, ['int64']],
  ['ArgMin', [f(4, 6)], { axis: -2, keepdims: 0 }, ['int64']],
  ['Unique', [some('int64', [3, 8], 1)], { axis: 1 }, ['int64', 'int64', 'int64', 'int64']],
  ['Unique', [some('float32', [9])], { sorted: 0 }, ['float32', 'int64', 'int64', 'int64']],
  [
    'ScatterElements',
    [f(3, 5), ints([0, 2, 1, 1, 0, 2, 2, 2, 0, 1], [2, 5]), f(2, 5)],
    { reduction: 'mul' },
  ],
  [
    'ScatterElements',
    [some('int64', [3, 5]), ints([-1, 2, 0, 0, 4, 4], [3, 2]), some('int64', [3, 2])],
    { axis: 1, reduction: 'max' },
    ['int64'],
  ],
  ['ScatterND', [f(4, 3), ints([1, -1, 1], [3, 1]), f(3, 3)], { reduction: 'add' }],
  [
    'GatherND',
    [f(2, 3, 4), ints([1, 2, 0, -1, 2, 3, 1, 0], [2, 2, 2])],
    { batch_dims: 1 },
    undefined,
  ],
  ['GatherElements', [f(3, 4), ints([0, -1, 2, 1, 3, 0], [3, 2])], { axis: 1 }],
  ['OneHot', [ints([1, -2, 7, 0], [2, 2]), scalar('int64', 4), floats([-1, 3])], { axis: 1 }],
  ['Compress', [f(3, 4), of('bool', [1, 0, 1])], { axis: 1 }],
  ['Compress', [f(3, 4), of('bool', [1, 0, 0, 1, 0, 1])], {}],
  ['ReverseSequence', [f(3, 4, 2), ints([4, 1, 3])], { batch_axis: 0, time_axis: 1 }],
  ['Pad', [f(4, 5), ints([1, -2, -1, 4])], { mode: 'constant' }],
  ['Pad', [f(4, 5), ints([3, 4, 2, 1])], { mode: 'reflect' }],
  ['Pad', [f(4, 5), ints([4, 5]), null, ints([-1])], { mode: 'wrap' }],
  ['Pad', [some('int64', [3]), ints([2, 3]), scalar('int64', 9)], { mode: 'constant' }, ['int64']],
  ['Pad', [f(2, 3), ints([1, 2, 3, 4])], { mode: 'edge' }],
  ['Slice', [f(6, 7), ints([-1, 5]), ints([-100, 0]), ints([0, 1]), ints([-2, -3])]],
  ['Split', [f(7, 2)], { num_outputs: 3, axis: 0 }, ['float32', 'float32', 'float32']],
  ['Tile', [some('int32', [2, 3]), ints([3, 2])], {}, ['int32']],
  ['DepthToSpace', [f(1, 12, 2, 3)], { blocksize: 2, mode: 'CRD' }],
  ['SpaceToDepth', [f(1, 3, 4, 6)], { blocksize: 2 }],
  ['Trilu', [some('int64', [2, 4, 5]), scalar('int64', -1)], { upper: 0 }, ['int64']],
  ['Range', [scalar('int64', 9), scalar('int64', -5), scalar('int64', -4)], {}, ['int64']],
  [
    'Mod',
    [some('int32', [12], 20), of('int32', [7, -3, 5, -7, 3, 6, -2, 9, 4, -5, 8, -11])],
    {},
    ['int32'],
  ],
  ['Mod', [f(12), floats([1.5])], { fmod: 1 }],
  [
    'BitShift',
    [some('uint8', [8], 255), of('uint8', [1, 2, 3, 4, 5, 6, 7, 0])],
    { direction: 'LEFT' },
    ['uint8'],
  ],
  ['Pow', [some('int32', [6], 5), of('int32', [0, 1, 2, 3, 4, 5])], {}, ['int32']],
  ['Pow', [f(6), of('int64', [0, 1, 2, -1, 4, 3])]],
  ['Max', [some('int64', [4, 1]), some('int64', [3])], {}, ['int64']],
  ['Mean', [f(3, 1), f(1, 4), f(1)]],
  ['PRelu', [f(2, 3, 4), f(3, 1)]],
  ['Cast', [floats([-3.7, 2.5, 127.9, 0, -0.5])], { to: 3 }, ['int8']],
  ['Cast', [some('int64', [20], 2 ** 40)], { to: 6 }, ['int32']],
  ['Cast', [f(40)], { to: 10 }, ['float16']],
  ['Cast', [some('float64', [40])], { to: 1 }, ['float32']],
  [
    'QuantizeLinear',
    [f(3, 4), floats([0.02, 0.03, 0.01]), of('int8', [1, -2, 3])],
    { axis: 0 },
    ['int8'],
  ],
  ['QuantizeLinear', [f(5), scalar('float32', 0.0001), scalar('uint16', 30000)], {}, ['uint16']],
  ['DequantizeLinear', [s8(4, 6), f(4, 3), some('int8', [4, 3], 20)], { axis: 1, block_size: 2 }],
  ['DynamicQuantizeLinear', [f(30)], {}, ['uint8', 'float32', 'uint8']],
  ['Softmax', [f(2, 3, 4)], { axis: 1 }],
  ['LogSoftmax', [some('float64', [2, 5])], { axis: 0 }, ['float64']],
  ['Hardmax', [some('float32', [3, 5])], { axis: 0 }],
  ['Gelu', [f(20)], { approximate: 'tanh' }],
  ['Mish', [f(20)]],
  ['Celu', [f(20)], { alpha: 0.7 }],
  ['Selu', [f(20)]],
  ['Softplus', [f(20)]],
  ['Round', [floats([0.5, 1.5, 2.5, -0.5, -1.5, 2.4999])]],
  ['Sign', [some('int64', [7], 2)], {}, ['int64']],
  ['Add', [some('float16', [3, 4]), some('float16', [4])], {}, ['float16']],
  ['MatMul', [some('float16', [3, 4]), some('float16', [4, 2])], {}, ['float16']],
];

for (const [op, inputs, attributes = {}, outputs = ['float32' as const], opset] of cases) {
  const types = inputs.map((x) => (x === null ? '–' : `${x.type}[${x.dims}]`)).join(' ');
  peer(`${op} ${types} ${JSON.stringify(attributes)}`, async () => {
    const { bytes, feeds } = oneNodeModel(op, inputs, attributes, outputs, opset);
    const expected = await runModel(bytes, feeds);
    const got = interpret(await readModel(bytes, { format: 'onnx' }), feeds);
    const tolerance = outputs.includes('float16') ? 2e-3 : 2e-5;
    for (const [name, tensor] of Object.entries(expected))
      assert.is(difference(got[name], tensor, tolerance), null, name);
  });
}

peer.run();
