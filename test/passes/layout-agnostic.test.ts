import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeProto, TensorProto } from '../../src/formats/onnx/proto.ts';
import { floats, info, ints, modelBytes, node, noise } from '../build-model.ts';
import { layOut, type Running } from './layout-kit.ts';

/** Every kind of operator that takes part in layouts, where it goes along and where it has to stay as it is. */

const x = suite('layout of agnostic operators');

const channels = 4;
const dims = [2, channels, 6, 5];

interface Between {
  /** From value `a`, [2, 4, 6, 5], a convolution's output, to value `b`. */
  nodes: NodeProto[];
  constants?: TensorProto[];
  /** Whether another convolution reads `b` (default), or it is the output. */
  ends?: 'conv' | 'output';
  run?: Running;
  /** Element type of an output. */
  type?: number;
  inputs?: ReturnType<typeof info>[];
}

const conv = (from: string, to: string): NodeProto => node('Conv', [from, 'w'], [to]);
const weight = floats('w', [channels, channels, 1, 1], noise(16, 3));

async function transposesOf(between: Between, shape: readonly (number | string)[] = dims) {
  const { nodes, constants = [], ends = 'conv', type = 1, inputs = [], run } = between;
  const bytes = modelBytes(
    {
      input: [info('x', shape), ...inputs],
      output: [info(ends === 'conv' ? 'y' : 'b', null, type)],
      initializer: [weight, ...constants],
      node: [conv('x', 'a'), ...nodes, ...(ends === 'conv' ? [conv('b', 'y')] : [])],
    },
    { opset: 18 },
  );
  const laid = await layOut(bytes, run === undefined ? {} : { run });
  assert.ok(laid.difference <= 1e-6, `differs by ${laid.difference}`);
  return laid.transposes;
}

/** Goes along: only the picture that comes in and the one that goes out are transposed. */
function along(name: string, between: Between): void {
  x(`${name} goes along`, async () => {
    assert.is(await transposesOf(between), between.ends === 'output' ? 1 : 2);
  });
}

/** Stays as it is: transposed before it, and behind it where pictures go on. */
function stays(name: string, between: Between): void {
  x(`${name} stays`, async () => {
    assert.is(await transposesOf(between), between.ends === 'output' ? 2 : 4);
  });
}

/** Goes along, to an output that is no picture or is read in its old layout for nothing. */
const free = (name: string, between: Omit<Between, 'ends'>): void =>
  along(name, { ...between, ends: 'output' });
const barrier = (name: string, between: Omit<Between, 'ends'>): void =>
  stays(name, { ...between, ends: 'output' });

const one = (
  op: string,
  inputs: string[] = [],
  attributes: Parameters<typeof node>[3] = {},
): NodeProto[] => [node(op, ['a', ...inputs], ['b'], attributes)];
const some = (name: string, shape: number[]): TensorProto =>
  floats(
    name,
    shape,
    noise(
      shape.reduce((p, q) => p * q, 1),
      shape.length + 20,
    ),
  );
const axes = (...values: number[]): TensorProto => ints('axes', values);

along('Relu', { nodes: one('Relu') });
along('Sigmoid', { nodes: one('Sigmoid') });
along('Clip with bounds', {
  nodes: one('Clip', ['low', 'high']),
  constants: [floats('low', [], [-0.5]), floats('high', [], [0.5])],
});
along('Cast', { nodes: one('Cast', [], { to: 1 }) });
along('Dropout', { nodes: one('Dropout') });
stays('Trilu', { nodes: one('Trilu') });

along('Add of a channel', { nodes: one('Add', ['c']), constants: [some('c', [4, 1, 1])] });
along('Add of a whole constant', {
  nodes: one('Add', ['c']),
  constants: [some('c', [1, 4, 6, 5])],
});
along('Mul by a matrix', { nodes: one('Mul', ['c']), constants: [some('c', [6, 5])] });
along('Add of itself turned inside out', {
  nodes: [node('Neg', ['a'], ['n']), node('Add', ['a', 'n'], ['b'])],
});
along('Add of a computed vector', {
  nodes: one('Add', ['v']),
  inputs: [info('v', [5])],
});
stays('Add of a computed matrix', { nodes: one('Add', ['v']), inputs: [info('v', [6, 5])] });
along('Max of three', {
  nodes: one('Max', ['c', 'd']),
  constants: [some('c', [1, 4, 1, 1]), floats('d', [], [0.1])],
});
along('Where', {
  nodes: [node('Greater', ['a', 'c'], ['t']), node('Where', ['t', 'a', 'd'], ['b'])],
  constants: [some('c', [5]), some('d', [4, 6, 1])],
});
along('PRelu', { nodes: one('PRelu', ['c']), constants: [some('c', [4, 1, 1])] });
stays('PRelu with a computed slope', {
  nodes: one('PRelu', ['v']),
  inputs: [info('v', [4, 6, 1])],
});

along('Concat along space', { nodes: one('Concat', ['a'], { axis: 3 }) });
along('Concat with a constant', {
  nodes: one('Concat', ['c'], { axis: -2 }),
  constants: [some('c', [2, 4, 3, 5])],
});
along('Concat of channels of a fill', {
  nodes: [
    node('ConstantOfShape', ['s'], ['f']),
    node('Slice', ['a', 'from', 'to', 'at'], ['h']),
    node('Concat', ['h', 'f'], ['b'], { axis: 1 }),
  ],
  constants: [ints('s', [2, 2, 6, 5]), ints('from', [1]), ints('to', [3]), ints('at', [1])],
});
along('Split and Concat', {
  nodes: [
    node('Split', ['a', 'parts'], ['p', 'q'], { axis: 1 }),
    node('Concat', ['q', 'p'], ['b'], { axis: 1 }),
  ],
  constants: [ints('parts', [1, 3])],
});
along('Slice', {
  nodes: one('Slice', ['from', 'to', 'at', 'by']),
  constants: [ints('from', [1, 0]), ints('to', [5, 9]), ints('at', [2, -1]), ints('by', [2, 1])],
});
along('Slice without axes', {
  nodes: one('Slice', ['from', 'to']),
  constants: [ints('from', [0, 0, 1]), ints('to', [2, 4, 4])],
});
stays('Slice along computed axes', {
  nodes: one('Slice', ['from', 'to', 'v']),
  constants: [ints('from', [0]), ints('to', [9])],
  inputs: [info('v', [1], 7)],
});
along('Pad', {
  nodes: one('Pad', ['pads']),
  constants: [ints('pads', [0, 0, 1, 2, 0, 0, 0, 1])],
});
along('Pad along axes', {
  run: 'evaluators',
  nodes: one('Pad', ['pads', '', 'axes']),
  constants: [ints('pads', [1, 2, 0, 1]), axes(3, 2)],
});
along('Pad by computed sizes', {
  nodes: [node('Mul', ['v', 'space'], ['pads']), ...one('Pad', ['pads'])],
  constants: [ints('space', [0, 0, 1, 1, 0, 0, 1, 1])],
  inputs: [info('v', [8], 7)],
});
stays('Pad along computed axes', {
  nodes: one('Pad', ['pads', '', 'v']),
  constants: [ints('pads', [0, 0])],
  inputs: [info('v', [1], 7)],
});
along('Tile', { nodes: one('Tile', ['times']), constants: [ints('times', [1, 1, 2, 3])] });
along('Expand', {
  nodes: [
    node('ReduceMean', ['a', 'axes'], ['m'], { keepdims: 1 }),
    node('Expand', ['m', 'to'], ['b']),
  ],
  constants: [axes(2), ints('to', [2, 4, 7, 5])],
});
stays('Expand to a higher rank', {
  nodes: [node('Expand', ['a', 'to'], ['e']), node('Squeeze', ['e', 'axes'], ['b'])],
  constants: [ints('to', [1, 2, 4, 6, 5]), axes(0)],
});

for (const op of ['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceL2'])
  along(`${op} over channels`, {
    nodes: [node(op, ['a', 'axes'], ['m'], { keepdims: 1 }), node('Mul', ['a', 'm'], ['b'])],
    constants: [axes(1)],
  });
free('ReduceMean over space without its axes', {
  nodes: one('ReduceMean', ['axes'], { keepdims: 0 }),
  constants: [axes(2, 3)],
});
free('ReduceSum over everything', { nodes: one('ReduceSum', [], { keepdims: 0 }) });
barrier('ReduceMean over the batch without its axis', {
  nodes: one('ReduceMean', ['axes'], { keepdims: 0 }),
  constants: [axes(0)],
});
free('ArgMax over channels without their axis', {
  nodes: one('ArgMax', [], { axis: 1, keepdims: 0 }),
  type: 7,
});
barrier('ArgMax with its axis', { nodes: one('ArgMax', [], { axis: 1 }), type: 7 });
for (const op of ['Softmax', 'LogSoftmax', 'Hardmax', 'LpNormalization'])
  along(op, { nodes: one(op, [], { axis: 1 }) });
along('CumSum', { nodes: one('CumSum', ['at']), constants: [ints('at', [3], [])] });
stays('CumSum along a computed axis', {
  nodes: one('CumSum', ['v']),
  inputs: [info('v', [], 7)],
});
along('TopK', {
  nodes: [node('TopK', ['a', 'k'], ['b', 'i'], { axis: -1 })],
  constants: [ints('k', [2])],
});
along('MeanVarianceNormalization', { nodes: one('MeanVarianceNormalization') });
along('LayerNormalization over all but the batch', {
  nodes: one('LayerNormalization', ['s', 't'], { axis: 1 }),
  constants: [some('s', [4, 6, 5]), some('t', [4, 6, 5])],
});
stays('LayerNormalization over columns', {
  nodes: one('LayerNormalization', ['s'], { axis: -1 }),
  constants: [some('s', [5])],
});

along('Gather by a vector', {
  nodes: one('Gather', ['i'], { axis: 1 }),
  constants: [ints('i', [3, 0, 1, 2])],
});
free('Gather of one image row', {
  nodes: [node('Gather', ['a', 'i'], ['g'], { axis: 1 }), node('Relu', ['g'], ['b'])],
  constants: [ints('i', [2], [])],
});
barrier('Gather by a matrix', {
  nodes: one('Gather', ['i'], { axis: 2 }),
  constants: [ints('i', [0, 1, 2, 3], [2, 2])],
});
along('GatherElements', {
  nodes: one('GatherElements', ['i'], { axis: 2 }),
  constants: [ints('i', new Array(2 * 4 * 2 * 5).fill(1), [2, 4, 2, 5])],
});
along('ScatterElements', {
  nodes: one('ScatterElements', ['i', 'u'], { axis: 1 }),
  constants: [ints('i', new Array(8).fill(2), [2, 1, 2, 2]), some('u', [2, 1, 2, 2])],
});
along('Compress', {
  nodes: one('Compress', ['keep'], { axis: 3 }),
  constants: [
    {
      ...ints('keep', [0]),
      dataType: 9,
      rawData: new Uint8Array([1, 0, 1, 1, 0]),
      dims: [5n],
    } as unknown as TensorProto,
  ],
});

along('Unsqueeze and Squeeze of space', {
  nodes: [node('Unsqueeze', ['a', 'axes'], ['u']), node('Squeeze', ['u', 'axes'], ['b'])],
  constants: [axes(2)],
});
stays('Unsqueeze before the channels', {
  nodes: [node('Unsqueeze', ['a', 'axes'], ['u']), node('Squeeze', ['u', 'axes'], ['b'])],
  constants: [axes(1)],
});
free('Squeeze of pooled space', {
  nodes: [node('GlobalAveragePool', ['a'], ['p']), node('Squeeze', ['p', 'axes'], ['b'])],
  constants: [axes(2, 3)],
});
along('a squeeze-and-excitation block of dense layers', {
  nodes: [
    node('GlobalAveragePool', ['a'], ['p']),
    node('Flatten', ['p'], ['f']),
    node('Gemm', ['f', 'd'], ['g']),
    node('Reshape', ['g', 'to'], ['r']),
    node('Mul', ['a', 'r'], ['b']),
  ],
  constants: [some('d', [4, 4]), ints('to', [0, 4, 1, 1])],
});
free('Flatten before a dense layer', {
  nodes: [
    node('Flatten', ['a'], ['f']),
    node('Relu', ['f'], ['r']),
    node('Gemm', ['r', 'd', 'e'], ['b'], { transB: 1 }),
  ],
  constants: [some('d', [3, 120]), some('e', [3])],
});
free('Reshape before a product', {
  nodes: [node('Reshape', ['a', 'to'], ['f']), node('MatMul', ['f', 'd'], ['b'])],
  constants: [ints('to', [0, -1]), some('d', [120, 2])],
});
barrier('Flatten that an output has', { nodes: one('Flatten') });
along('Reshape of space', {
  nodes: [node('Reshape', ['a', 'to'], ['r']), node('Reshape', ['r', 'back'], ['b'])],
  constants: [ints('to', [0, 4, 30]), ints('back', [0, 4, 6, 5])],
});
barrier('Reshape of channels with space', {
  nodes: one('Reshape', ['to']),
  constants: [ints('to', [0, 24, 5])],
});
free('a Transpose between layouts', { nodes: one('Transpose', [], { perm: [0, 2, 3, 1] }) });
free('a Transpose of another kind', { nodes: one('Transpose', [], { perm: [3, 1, 0, 2] }) });
along('two Transposes that cancel', {
  nodes: [
    node('Transpose', ['a'], ['t'], { perm: [0, 2, 3, 1] }),
    node('Add', ['t', 'c'], ['u']),
    node('Transpose', ['u'], ['b'], { perm: [0, 3, 1, 2] }),
  ],
  constants: [some('c', [4])],
});
free('Shape', { nodes: one('Shape', [], { start: 1, end: 4 }), type: 7 });
free('Size', { nodes: one('Size'), type: 7 });
along('quantizing and back, along channels', {
  nodes: [
    node('QuantizeLinear', ['a', 's', 'z'], ['q'], { axis: 1 }),
    node('DequantizeLinear', ['q', 's', 'z'], ['b'], { axis: 1 }),
  ],
  constants: [
    floats('s', [4], [0.1, 0.2, 0.3, 0.4]),
    {
      ...ints('z', [0]),
      dataType: 3,
      rawData: new Uint8Array(4),
      dims: [4n],
    } as unknown as TensorProto,
  ],
});
stays('MatMul', { nodes: one('MatMul', ['c']), constants: [some('c', [5, 5])] });

x.run();
