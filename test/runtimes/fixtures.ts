// Small models for the digest, printed as JSON of base64: what no npm package ships.
import type { GraphProto } from '../../src/formats/onnx/proto.ts';
import { makeTensor } from '../../src/formats/onnx/tensor.ts';
import { floats, info, ints, modelBytes, node, noise } from '../build-model.ts';
import { quantizedNetwork } from '../tflite-network.ts';

const bytes = (name: string, dims: number[], values: number[], type: 'int8' | 'uint8') =>
  makeTensor(
    name,
    type,
    dims,
    Uint8Array.from(values, (value) => value & 255),
  );
const levels = (count: number, seed: number): number[] =>
  Array.from(noise(count, seed, 40), (value) => Math.round(value));

const transformer: GraphProto = {
  node: [
    node('LayerNormalization', ['x', 'one', 'zero'], ['n'], { axis: -1 }),
    node('MatMul', ['n', 'wq'], ['q']),
    node('MatMul', ['n', 'wk'], ['k']),
    node('MatMul', ['n', 'wv'], ['v']),
    node('Transpose', ['k'], ['kt'], { perm: [0, 2, 1] }),
    node('MatMul', ['q', 'kt'], ['s']),
    node('Softmax', ['s'], ['p']),
    node('MatMul', ['p', 'v'], ['a']),
    node('Add', ['a', 'x'], ['r']),
    node('Gelu', ['r'], ['g']),
    node('ReduceMean', ['g', 'axis'], ['y'], { keepdims: 0 }),
  ],
  initializer: [
    floats('one', [32], new Float32Array(32).fill(1)),
    floats('zero', [32], new Float32Array(32)),
    ...['wq', 'wk', 'wv'].map((name, i) => floats(name, [32, 32], noise(1024, i, 0.2))),
    ints('axis', [1]),
  ],
  input: [info('x', ['N', 'T', 32])],
  output: [info('y', ['N', 32])],
};

const quantized: GraphProto = {
  node: [
    node('QuantizeLinear', ['x', 'sx', 'zx'], ['xq']),
    node('DequantizeLinear', ['xq', 'sx', 'zx'], ['xd']),
    node('DequantizeLinear', ['wq', 'sw', 'zw'], ['w'], { axis: 0 }),
    node('Conv', ['xd', 'w'], ['c'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    node('Relu', ['c'], ['r']),
    node('QuantizeLinear', ['r', 'sy', 'zy'], ['yq']),
    node('DequantizeLinear', ['yq', 'sy', 'zy'], ['yd']),
    node('GlobalAveragePool', ['yd'], ['y']),
  ],
  initializer: [
    floats('sx', [], [0.03]),
    bytes('zx', [], [128], 'uint8'),
    bytes('wq', [16, 8, 3, 3], levels(16 * 72, 4), 'int8'),
    floats(
      'sw',
      [16],
      Array.from({ length: 16 }, (_, i) => 0.001 * (i + 1)),
    ),
    bytes('zw', [16], new Array<number>(16).fill(0), 'int8'),
    floats('sy', [], [0.02]),
    bytes('zy', [], [0], 'uint8'),
  ],
  input: [info('x', [1, 8, 12, 12])],
  output: [info('y', [1, 16, 1, 1]), info('yq', [1, 16, 12, 12], 2)],
};

const recurrent: GraphProto = {
  node: [
    node('GRU', ['x', 'wg', 'rg', 'bg'], ['g'], { hidden_size: 12, linear_before_reset: 1 }),
    node('Squeeze', ['g', 'axis'], ['gs']),
    node('LSTM', ['gs', 'wl', 'rl'], ['l', 'h', 'c'], {
      hidden_size: 6,
      direction: 'bidirectional',
    }),
  ],
  initializer: [
    floats('wg', [1, 36, 10], noise(360, 1, 0.4)),
    floats('rg', [1, 36, 12], noise(432, 2, 0.4)),
    floats('bg', [1, 72], noise(72, 3, 0.4)),
    floats('wl', [2, 24, 12], noise(576, 4, 0.4)),
    floats('rl', [2, 24, 6], noise(288, 5, 0.4)),
    ints('axis', [1]),
  ],
  input: [info('x', ['T', 2, 10])],
  output: [info('l', null), info('h', null), info('c', null)],
};

const controlled: GraphProto = {
  node: [
    node('ReduceSum', ['x'], ['sum'], { keepdims: 0 }),
    node('Greater', ['sum', 'zero'], ['yes']),
    node('If', ['yes'], ['chosen'], {
      then_branch: {
        name: 'then',
        node: [node('Exp', ['x'], ['e'])],
        output: [info('e', null)],
      } as GraphProto,
      else_branch: {
        name: 'else',
        node: [node('Tanh', ['x'], ['t'])],
        output: [info('t', null)],
      } as GraphProto,
    }),
    node('NonZero', ['x'], ['places']),
    node('TopK', ['chosen', 'three'], ['best', 'at'], { axis: 1 }),
    node('Einsum', ['chosen', 'best'], ['y'], { equation: 'ij,ik->jk' }),
  ],
  initializer: [floats('zero', [], [0]), ints('three', [3])],
  input: [info('x', ['N', 9])],
  output: [info('y', null), info('places', null, 7), info('at', null, 7)],
};

const pictures: GraphProto = {
  node: [
    node('Conv', ['x', 'w1', 'b1'], ['a'], { strides: [2, 2], pads: [1, 1, 1, 1] }),
    node('HardSwish', ['a'], ['h']),
    node('Conv', ['h', 'w2'], ['d'], { group: 12, pads: [2, 2, 2, 2] }),
    node('InstanceNormalization', ['d', 'scale', 'b1'], ['n']),
    node('ConvTranspose', ['n', 'w3'], ['u'], { strides: [2, 2] }),
    node('Resize', ['u', '', 'scales'], ['y'], { mode: 'linear' }),
    node('MaxPool', ['u'], ['m'], { kernel_shape: [3, 3] }),
  ],
  initializer: [
    floats('w1', [12, 3, 3, 3], noise(324, 1, 0.3)),
    floats('b1', [12], noise(12, 2)),
    floats('w2', [12, 1, 5, 5], noise(300, 3, 0.3)),
    floats('scale', [12], noise(12, 4)),
    floats('w3', [12, 4, 2, 2], noise(192, 5, 0.3)),
    floats('scales', [4], [1, 1, 1.5, 2]),
  ],
  input: [info('x', [1, 3, 20, 24])],
  output: [info('y', null), info('m', null)],
};

const halves: GraphProto = {
  node: [
    node('Cast', ['x'], ['h'], { to: 10 }),
    node('Cast', ['w'], ['wh'], { to: 10 }),
    node('MatMul', ['h', 'wh'], ['p']),
    node('Erf', ['p'], ['e']),
    node('Softplus', ['e'], ['y']),
    node('Cast', ['p'], ['b'], { to: 16 }),
  ],
  initializer: [floats('w', [24, 16], noise(384, 1, 0.2))],
  input: [info('x', ['N', 24])],
  output: [info('y', null, 10), info('b', null, 16)],
};

const models = { transformer, quantized, recurrent, controlled, pictures, halves };
const files: [string, Uint8Array][] = [
  ...Object.entries(models).map(([name, graph]): [string, Uint8Array] => [
    name,
    modelBytes(graph, { opset: 20, irVersion: 9 }),
  ]),
  ['tfliteInt8', quantizedNetwork('int8')],
  ['tfliteUint8', quantizedNetwork('uint8')],
];
console.log(
  JSON.stringify(
    Object.fromEntries(files.map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')])),
  ),
);
