import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { constantOf } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { makeOnnx, type PlainNode } from '../onnx-model.ts';
import { runModel } from '../ort.ts';

const selecting = suite('truths, choices and normalization in sessions');

const dims = [2, 6, 5, 3];

function numbers(seed: number, count = 180): Float32Array {
  const source = random(seed);
  return Float32Array.from({ length: count }, () => source.uniform() * 2 - 1);
}

async function compare(nodes: PlainNode[], tolerance: number): Promise<string> {
  const constant = (seed: number, sizes: readonly number[]) => {
    const data = numbers(
      seed,
      sizes.reduce((a, b) => a * b, 1),
    );
    return constantOf('float32', sizes, new Uint8Array(data.buffer));
  };
  const bytes = makeOnnx({
    opset: 17,
    nodes,
    inputs: { a: ['float32', dims], b: ['float32', dims] },
    outputs: { y: 'float32' },
    constants: {
      scale: constant(1, [6]),
      bias: constant(2, [6]),
      w: constant(3, [6, 6, 1, 1]),
      one: constant(4, []),
    },
  });
  const feeds = {
    a: new Tensor('float32', numbers(5), dims),
    b: new Tensor('float32', numbers(6), dims),
  };
  const running = createSession(await readModel(bytes));
  const own = running.run(feeds).y!;
  const kernels = running.profile(feeds).map((row) => row.kernel);
  running.dispose();
  const theirs = (await runModel(bytes, feeds)).y!;
  assert.equal(own.dims, theirs.dims);
  for (let i = 0; i < theirs.size; i++)
    assert.ok(Math.abs(Number(own.data[i]) - Number(theirs.data[i])) <= tolerance, `at ${i}`);
  assert.not.ok(kernels.includes('generic'), kernels.join());
  return kernels.join();
}

selecting('Where, Not, And, Or, Xor as onnxruntime', async () => {
  const node = (op: string, inputs: string[], output: string): PlainNode => ({
    op,
    inputs,
    outputs: [output],
  });
  const kernels = await compare(
    [
      node('Greater', ['a', 'b'], 'p'),
      node('Less', ['a', 'one'], 'q'),
      node('Not', ['p'], 'r'),
      node('And', ['r', 'q'], 's'),
      node('Or', ['s', 'p'], 't'),
      node('Xor', ['t', 'q'], 'u'),
      node('Where', ['u', 'a', 'one'], 'v'),
      node('Where', ['q', 'v', 'b'], 'y'),
    ],
    0,
  );
  for (const kernel of ['x32_where', 'x8_not', 'x8_and', 'x8_or', 'x8_xor'])
    assert.match(kernels, kernel);
});

selecting('InstanceNormalization between convolutions as onnxruntime', async () => {
  const kernels = await compare(
    [
      { op: 'Conv', inputs: ['a', 'w'], outputs: ['p'] },
      { op: 'InstanceNormalization', inputs: ['p', 'scale', 'bias'], outputs: ['q'] },
      { op: 'Conv', inputs: ['q', 'w'], outputs: ['y'] },
    ],
    2e-5,
  );
  assert.match(kernels, 'f32_normalize');
});

selecting.run();
