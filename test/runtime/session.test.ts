import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { constantOfTensor } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { libraryBackend } from '../../src/wasm/library.ts';
import { makeOnnx, type PlainModel } from '../onnx-model.ts';

const session = suite('session');

const chain: PlainModel = {
  opset: 17,
  nodes: [
    { op: 'Relu', inputs: ['x'], outputs: ['a'] },
    { op: 'Identity', inputs: ['a'], outputs: ['b'] },
    { op: 'Sigmoid', inputs: ['b'], outputs: ['c'] },
    { op: 'Relu', inputs: ['b'], outputs: ['d'] },
  ],
  inputs: { x: ['float32', [2, 3]] },
  outputs: { c: 'float32', d: 'float32' },
};

session('runs a chain: outputs by name, memory of their own', async () => {
  const running = createSession(await readModel(makeOnnx(chain)));
  const x = new Tensor('float32', [-1, 0, 1, 2, -3, 4], [2, 3]);
  const { c, d } = running.run({ x });
  assert.equal([...(d!.data as Float32Array)], [0, 0, 1, 2, 0, 4]);
  assert.equal(d!.dims, [2, 3]);
  const expected = [0, 0, 1, 2, 0, 4].map((value) => 1 / (1 + Math.exp(-value)));
  expected.forEach((value, i) => {
    assert.ok(Math.abs((c!.data[i] as number) - value) < 1e-7);
  });
  const again = running.run({ x: new Tensor('float32', [5, 5, 5, 5, 5, 5], [2, 3]) });
  assert.is(again.d!.data[0], 5);
  assert.is(d!.data[0], 0);
  running.dispose();
});

session('says what is wrong with its feeds', async () => {
  const running = createSession(await readModel(makeOnnx(chain)));
  const x = new Tensor('float32', [1, 2, 3, 4, 5, 6], [2, 3]);
  assert.throws(() => running.run({}), /"feeds\.x" expected a tensor/);
  assert.throws(() => running.run({ x, y: x }), /expected inputs x/);
  assert.throws(
    () =>
      running.run({
        x: new Tensor('int32', x.data.length === 6 ? [1, 2, 3, 4, 5, 6] : [], [2, 3]),
      }),
    /a tensor of float32/,
  );
  assert.throws(() => running.run({ x: new Tensor('float32', [1], [1, 1]) }), /sizes \[2, 3\]/);
  running.dispose();
  running.dispose();
  assert.throws(() => running.run({ x }), /one that lives/);
});

session('gives all memory back', async () => {
  const model = await readModel(makeOnnx(chain));
  const { arena } = libraryBackend();
  const before = arena.usage();
  for (let round = 0; round < 100; round++) {
    const running = createSession(model);
    running.run({ x: new Tensor('float32', new Float32Array(6), [2, 3]) });
    running.dispose();
  }
  const after = arena.usage();
  assert.is(after.activations, before.activations);
  assert.is(after.weights, before.weights);
});

session('an output that has the elements of a constant', async () => {
  const levels = new Tensor('int8', [-46, 10], [1, 2]);
  const bytes = makeOnnx({
    opset: 17,
    nodes: [{ op: 'DequantizeLinear', inputs: ['q', 's', 'z'], outputs: ['y'] }],
    inputs: {},
    outputs: { y: 'float32' },
    constants: {
      q: constantOfTensor(levels),
      s: constantOfTensor(new Tensor('float32', [0.5], [])),
      z: constantOfTensor(new Tensor('int8', [2], [])),
    },
  });
  const running = createSession(await readModel(bytes));
  const { y } = running.run({});
  assert.equal([...(y!.data as Float32Array)], [-24, 4]);
  running.dispose();
});

session('a recurrent layer whose result is only wanted as integers', async () => {
  const numbers = (dims: readonly number[], scale: number): Tensor => {
    const size = dims.reduce((product, own) => product * own, 1);
    return new Tensor(
      'float32',
      Array.from({ length: size }, (_, i) => ((i * 7) % 11) * scale - 0.4),
      dims,
    );
  };
  const layer = {
    op: 'LSTM',
    inputs: ['x', 'w', 'r'],
    outputs: ['y'],
    attributes: [['hidden_size', { type: 'int', value: 2n }]] as const,
  };
  const quantized = { op: 'QuantizeLinear', inputs: ['y', 's', 'z'], outputs: ['q'] };
  const model = (isQuantized: boolean): PlainModel => ({
    opset: 17,
    nodes: isQuantized ? [layer, quantized] : [layer],
    inputs: { x: ['float32', [5, 1, 3]] },
    outputs: isQuantized ? { q: 'int8' } : { y: 'float32' },
    constants: {
      w: constantOfTensor(numbers([1, 8, 3], 0.08)),
      r: constantOfTensor(numbers([1, 8, 2], 0.07)),
      s: constantOfTensor(new Tensor('float32', [1 / 64], [])),
      z: constantOfTensor(new Tensor('int8', [3], [])),
    },
  });
  const x = numbers([5, 1, 3], 0.2);
  const [plain, integers] = await Promise.all(
    [false, true].map(async (isQuantized) => {
      const running = createSession(await readModel(makeOnnx(model(isQuantized))));
      const results = running.run({ x });
      running.dispose();
      return results;
    }),
  );
  (integers!.q!.data as Int8Array).forEach((level, i) => {
    const real = (plain!.y!.data as Float32Array)[i]!;
    assert.ok(Math.abs((level - 3) / 64 - real) <= 0.5001 / 64, `[${i}] ${level}, ${real}`);
  });
});

session.run();
