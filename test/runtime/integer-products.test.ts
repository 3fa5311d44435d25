import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { type Attribute, constantOfTensor } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/session.ts';
import { inMode, modes } from '../kernels/int8/modes.ts';
import { makeOnnx } from '../onnx-model.ts';
import { runModel } from '../ort.ts';
import { int, ints } from './one-operator.ts';
import { integers, type Levels, levels } from './quantized-model.ts';

const products = suite('integer products');

interface Case {
  op: 'ConvInteger' | 'MatMulInteger';
  x: Levels;
  w: Levels;
  dims: readonly number[];
  shape: readonly number[];
  xZero?: number;
  /** One, or one for each output. */
  wZero?: readonly number[];
  attributes?: Record<string, Attribute>;
}

const cases: Case[] = [
  { op: 'MatMulInteger', x: 'uint8', w: 'int8', dims: [3, 5, 19], shape: [19, 12], xZero: 77 },
  { op: 'MatMulInteger', x: 'int8', w: 'uint8', dims: [7, 32], shape: [32, 9], wZero: [129] },
  {
    op: 'ConvInteger',
    x: 'uint8',
    w: 'int8',
    dims: [2, 5, 7, 6],
    shape: [9, 5, 3, 3],
    xZero: 131,
    attributes: { pads: ints(1, 0, 1, 2), strides: ints(2, 1) },
  },
  {
    op: 'ConvInteger',
    x: 'uint8',
    w: 'uint8',
    dims: [1, 6, 9],
    shape: [4, 3, 3],
    xZero: 3,
    wZero: [120],
    attributes: { group: int(2), pads: ints(2, 1), dilations: ints(2) },
  },
  {
    op: 'ConvInteger',
    x: 'int8',
    w: 'int8',
    dims: [2, 8, 5, 5],
    shape: [8, 1, 3, 3],
    xZero: -9,
    attributes: { group: int(8), pads: ints(1, 1, 1, 1) },
  },
];

function modelOf({ op, x, w, dims, shape, xZero, wZero, attributes = {} }: Case): {
  bytes: Uint8Array;
  feeds: Record<string, Tensor>;
} {
  const source = random(23);
  const inputs = ['x', 'w', xZero === undefined ? '' : 'xz', wZero === undefined ? '' : 'wz'];
  while (inputs.at(-1) === '') inputs.pop();
  const bytes = makeOnnx({
    opset: 17,
    nodes: [{ op, inputs, outputs: ['y'], attributes: Object.entries(attributes) }],
    inputs: { x: [x, dims] },
    outputs: { y: 'int32' },
    constants: {
      w: constantOfTensor(levels(source, w, shape)),
      ...(xZero === undefined ? {} : { xz: integers(x, [xZero]) }),
      ...(wZero === undefined
        ? {}
        : { wz: integers(w, wZero, wZero.length === 1 ? [] : [wZero.length]) }),
    },
  });
  return { bytes, feeds: { x: levels(source, x, dims) } };
}

for (const item of cases) {
  products(`${item.op} ${item.x}[${item.dims}] ${item.w}[${item.shape}]`, async () => {
    const { bytes, feeds } = modelOf(item);
    const model = await readModel(bytes);
    const theirs = (await runModel(bytes, feeds)).y!;
    for (const mode of modes) {
      inMode(mode, () => {
        const session = createSession(model);
        const own = session.run(feeds).y!;
        assert.match(session.profile(feeds)[0]!.kernel, /^q8_/);
        session.dispose();
        assert.equal(own.dims, theirs.dims);
        assert.equal(own.data, theirs.data);
      });
    }
  });
}

products.run();
