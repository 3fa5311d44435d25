import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { closeTflite, runTflite } from '../peers/tflite.ts';
import { quantizedNetwork } from '../tflite-network.ts';
import { tfliteReferences } from '../tflite-refs.ts';

const networks = suite('quantized networks of TFLite');

networks.after(closeTflite);

/** Runs a file; says how many levels of its outputs differ, and fails where one does by more than one.
 *  @returns  differing levels, all levels, and the kernels that ran */
async function differences(
  bytes: Uint8Array,
  inputs: readonly Tensor[],
  outputs: readonly (Tensor | null)[],
): Promise<{ apart: number; all: number; kernels: string[] }> {
  const running = createSession(await readModel(bytes));
  const feeds = Object.fromEntries(running.inputs.map(({ name }, i) => [name, inputs[i]!]));
  const results = running.run(feeds);
  const kernels = running.profile(feeds).map(({ op, kernel }) => `${op}: ${kernel}`);
  let [apart, all] = [0, 0];
  running.outputs.forEach(({ name }, i) => {
    const [own, theirs] = [results[name]!, outputs[i]];
    if (theirs == null) return;
    assert.is(own.type, theirs.type);
    assert.is(own.size, theirs.size);
    for (let at = 0; at < theirs.size; at++) {
      const difference = Math.abs(Number(own.data[at]) - Number(theirs.data[at]));
      assert.ok(difference <= 1, `${difference} levels at ${at} of ${name}`);
      if (difference > 0) apart++;
    }
    all += theirs.size;
  });
  running.dispose();
  return { apart, all, kernels };
}

/** Kernels that take levels and give levels. */
const onLevels = /(q8|x8|x32)_|alias/;
const detours = /in float32|generic|host|f32_(gemm|conv|depthwise)/;

for (const levels of ['int8', 'uint8'] as const) {
  networks(`of ${levels}, as TensorFlow Lite`, async () => {
    const bytes = quantizedNetwork(levels);
    const source = random(31);
    const dims = [1, 24, 20, 3];
    let [apart, all] = [0, 0];
    for (let round = 0; round < 4; round++) {
      const data = Uint8Array.from({ length: 24 * 20 * 3 }, () => source.below(256));
      const image =
        levels === 'uint8'
          ? new Tensor('uint8', data, dims)
          : new Tensor('int8', new Int8Array(data.buffer), dims);
      const { outputs } = await runTflite(bytes, [image]);
      const found = await differences(bytes, [image], outputs);
      apart += found.apart;
      all += found.all;
      for (const kernel of found.kernels) {
        assert.match(kernel, onLevels);
        assert.not.match(kernel, detours);
      }
      const [shares] = outputs;
      assert.ok(new Set(shares!.data as Uint8Array).size > 3, 'the shares say something');
    }
    // It rounds twice in its kernels for uint8.
    assert.ok(apart <= (levels === 'int8' ? 0.05 : 0.15) * all, `${apart} of ${all} differ`);
  });
}

networks('of MLPerf Tiny, Coral and TensorFlow Lite Micro run on levels throughout', async () => {
  const wanted = /^(mlperf-tiny\/.*_int8|coral\/mobilenet|tflm\/person_detect)/;
  const references = tfliteReferences().filter(({ model }) => wanted.test(model));
  let [apart, all] = [0, 0];
  for (const { model, bytes, inputs, outputs } of references) {
    const found = await differences(bytes, inputs, outputs);
    apart += found.apart;
    all += found.all;
    for (const kernel of found.kernels) {
      assert.match(kernel, onLevels, model);
      assert.not.match(kernel, detours, model);
    }
  }
  if (references.length > 0) assert.ok(all > 1000);
  assert.ok(apart <= 0.01 * all, `${apart} of ${all} differ`);
});

networks.run();
