import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { calibrate, calibrationMethods } from '../../src/compress/calibration/index.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import type { Feeds } from '../../src/runtime/runner.ts';
import { libraryBackend } from '../../src/wasm/library.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';

const x = suite('memory of calibration');

/** Several values of some size: y = relu(x · w) · v. */
const network = modelBytes({
  input: [info('x', ['n', 64])],
  output: [info('y', ['n', 32])],
  initializer: [
    floats('w', [64, 256], Array.from(noise(64 * 256, 1))),
    floats('v', [256, 32], Array.from(noise(256 * 32, 2))),
  ],
  node: [
    node('MatMul', ['x', 'w'], ['p']),
    node('Relu', ['p'], ['h']),
    node('MatMul', ['h', 'v'], ['y']),
  ],
});

/** Samples one by one, made when they are asked for; at most one is held. */
function* samples(count: number): Generator<Feeds> {
  const draw = random(3);
  const rows = 16;
  for (let i = 0; i < count; i++) {
    const data = Float32Array.from({ length: rows * 64 }, () => draw.uniform() * (1 + i / 40));
    yield { x: new Tensor('float32', data, [rows, 64]) };
  }
}

for (const method of calibrationMethods) {
  x(`${method}: kernels have the same memory after 8 samples and after 512`, async () => {
    const model = await readModel(network);
    const { arena } = libraryBackend();
    const after = async (count: number): Promise<number> => {
      await calibrate(model, samples(count), ['x', 'p', 'h', 'y'], { method });
      return arena.memory.buffer.byteLength;
    };
    const few = await after(8);
    assert.is(await after(512), few);
  });
}

x.run();
