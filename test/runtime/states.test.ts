import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { constantOfTensor } from '../../src/ir/index.ts';
import type { Model } from '../../src/ir/model.ts';
import { createSession } from '../../src/runtime/index.ts';
import { inputsOf } from '../../src/runtime/inputs.ts';
import { makeOnnx } from '../onnx-model.ts';
import { sharedFile } from '../shared.ts';

const states = suite('states');

/** y = state + x, which is the next state. */
async function counter(type: 'float32' | 'int8'): Promise<Model> {
  const isFloat = type === 'float32';
  const real = (name: string): string => (isFloat ? name : `${name} real`);
  const around = (op: string, from: string, to: string) => ({
    op,
    inputs: [from, 'scale', 'zero'],
    outputs: [to],
  });
  const model = await readModel(
    makeOnnx({
      opset: 17,
      nodes: [
        ...(isFloat ? [] : [around('DequantizeLinear', 'before', real('before'))]),
        { op: 'Add', inputs: ['x', real('before')], outputs: [real('after')] },
        { op: 'Identity', inputs: [real('after')], outputs: ['y'] },
        ...(isFloat ? [] : [around('QuantizeLinear', real('after'), 'after')]),
      ],
      inputs: { x: ['float32', [2]], before: [type, [2]] },
      outputs: { y: 'float32', after: type },
      constants: {
        scale: constantOfTensor(new Tensor('float32', [0.5], [])),
        zero: constantOfTensor(new Tensor('int8', [7], [])),
      },
    }),
  );
  model.states.push({ input: 'before', output: 'after' });
  return model;
}

const two = (a: number, b: number): Tensor => new Tensor('float32', [a, b], [2]);

for (const type of ['float32', 'int8'] as const) {
  states(`of ${type} are carried from run to run, and forgotten`, async () => {
    const model = await counter(type);
    const running = createSession(model);
    const other = createSession(model);
    assert.equal(
      running.inputs.map(({ name }) => name),
      ['x'],
    );
    assert.equal(
      running.outputs.map(({ name }) => name),
      ['y'],
    );
    assert.equal(
      inputsOf(model).map(({ name }) => name),
      ['x'],
    );
    const next = (a: number, b: number): number[] => {
      const results = running.run({ x: two(a, b) });
      assert.equal(Object.keys(results), ['y']);
      return [...(results.y!.data as Float32Array)];
    };
    assert.equal(next(1, 2), [1, 2]);
    assert.equal(next(10, 20), [11, 22]);
    assert.equal(other.run({ x: two(3, 3) }).y!.data, Float32Array.of(3, 3));
    running.reset();
    assert.equal(next(5, 6), [5, 6]);
    const last = running.run({ x: two(0.5, 0.5) }, { outputs: ['after'] });
    const kept = last.after!.data;
    assert.equal(kept, type === 'float32' ? Float32Array.of(5.5, 6.5) : Int8Array.of(18, 20));
    running.dispose();
    other.dispose();
  });
}

states('may be fed', async () => {
  const running = createSession(await counter('float32'));
  running.run({ x: two(1, 1) });
  assert.equal(running.run({ x: two(1, 1), before: two(40, 50) }).y!.data, Float32Array.of(41, 51));
  assert.equal(running.run({ x: two(1, 1) }).y!.data, Float32Array.of(42, 52));
  running.dispose();
});

states('inputs and outputs have the names of the signature too', async () => {
  const bytes = sharedFile('tflite-models/tflite-testdata/multi_signatures.bin');
  if (bytes === null) return;
  for (const [signature, expected] of [
    // x + 2 and x − 3
    ['add', 9],
    ['sub', 4],
  ] as const) {
    const running = createSession(await readModel(bytes, { signature }));
    const x = new Tensor('float32', [7], [1]);
    const { output_0 } = running.run({ x }, { outputs: ['output_0'] });
    assert.is(output_0!.data[0], expected);
    const [own] = running.inputs;
    assert.is(Object.values(running.run({ [own!.name]: x }))[0]!.data[0], expected);
    running.dispose();
  }
});

states.run();
