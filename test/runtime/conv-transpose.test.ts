import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { type Attribute, constantOf } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { makeOnnx } from '../onnx-model.ts';
import { runModel } from '../ort.ts';

const transposed = suite('transposed convolution in sessions');

const ints = (...value: number[]): Attribute => ({ type: 'ints', value: value.map(BigInt) });

const cases = [
  { groups: 1, strides: [2, 2], pads: [1, 1, 1, 1], padding: [1, 1] },
  { groups: 2, strides: [1, 3], pads: [0, 1, 1, 0], padding: [0, 0] },
  { groups: 1, strides: [3, 3], pads: [0, 0, 0, 0], padding: [0, 0] },
  { groups: 6, strides: [2, 1], pads: [0, 0, 0, 0], padding: [0, 0] },
];

for (const { groups, strides, pads, padding } of cases) {
  transposed(`${groups} groups, strides ${strides} as onnxruntime`, async () => {
    const source = random(9);
    const numbers = (count: number): Float32Array =>
      Float32Array.from({ length: count }, () => source.uniform() * 2 - 1);
    const dims = [2, 6, 5, 4];
    const shape = [6, 4, 3, 3];
    const constant = (sizes: readonly number[]) => {
      const data = numbers(sizes.reduce((a, b) => a * b, 1));
      return constantOf('float32', sizes, new Uint8Array(data.buffer));
    };
    const bytes = makeOnnx({
      opset: 17,
      nodes: [
        {
          op: 'ConvTranspose',
          inputs: ['x', 'w', 'b'],
          outputs: ['a'],
          attributes: [
            ['strides', ints(...strides)],
            ['pads', ints(...pads)],
            ['output_padding', ints(...padding)],
            ['group', { type: 'int', value: BigInt(groups) }],
          ],
        },
        { op: 'Relu', inputs: ['a'], outputs: ['y'] },
      ],
      inputs: { x: ['float32', dims] },
      outputs: { y: 'float32' },
      constants: { w: constant(shape), b: constant([4 * groups]) },
    });
    const feeds = { x: new Tensor('float32', numbers(240), dims) };
    const running = createSession(await readModel(bytes));
    const own = running.run(feeds).y!;
    const kernels = running.profile(feeds).map((row) => row.kernel);
    running.dispose();
    const theirs = (await runModel(bytes, feeds)).y!;
    assert.equal(own.dims, theirs.dims);
    for (let i = 0; i < theirs.size; i++)
      assert.ok(Math.abs(Number(own.data[i]) - Number(theirs.data[i])) < 1e-5, `at ${i}`);
    assert.match(kernels.join(), /transposed/);
    assert.not.ok(kernels.includes('generic'), kernels.join());
  });
}

transposed.run();
