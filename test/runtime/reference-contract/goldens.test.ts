import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../../src/core/tensor.ts';
import { readModel } from '../../../src/formats/index.ts';
import { createSession } from '../../../src/runtime/index.ts';
import { sharedFile } from '../../shared.ts';
import { untar } from '../../tar.ts';
import { tfliteReferences } from '../../tflite-refs.ts';

/** Files of results, bit for bit under contract `reference`. */
const goldens = suite('goldens of the reference contract');

const numbers = (bytes: Uint8Array): number[] =>
  new TextDecoder()
    .decode(bytes)
    .trim()
    .split(/[,\s]+/)
    .map(Number);

// TensorFlow Lite Micro's integration tests of SEANet: one operator each, 16-bit activations.
const archive = sharedFile('tflite-models/seanet-int16-golden.tar.gz');
const files = archive === null ? [] : untar(archive);
const byName = new Map(files.map(({ name, bytes }) => [name, bytes]));

for (const folder of new Set(files.map(({ name }) => name.split('/')[0]!))) {
  goldens(`seanet: ${folder}`, async () => {
    const models = files.filter(({ name }) => name.startsWith(folder) && name.endsWith('.tflite'));
    assert.ok(models.length > 0);
    for (const { name, bytes } of models) {
      const base = name.slice(0, -'.tflite'.length);
      const fed = [...byName.keys()].filter((file) => file.startsWith(`${base}_input`)).sort();
      const session = createSession(await readModel(bytes), { contract: 'reference' });
      const feeds = Object.fromEntries(
        session.inputs.map(({ name: input, type, dims }, i) => [
          input,
          new Tensor(type!, numbers(byName.get(fed[i]!)!), dims as number[]),
        ]),
      );
      const [result] = Object.values(session.run(feeds));
      session.dispose();
      const expected = numbers(byName.get(`${base}_golden_int16.csv`)!);
      assert.equal(Array.from(result!.data as Int16Array), expected, name);
    }
  });
}

/** Where runtimes with and without accelerated kernels have the same results. */
const exact = [
  'tflm/hello_world_int8.tflite',
  'tflm/micro_speech_quantized.tflite',
  'tflm/keyword_scrambled.tflite',
  'coral/keras_lstm_mnist_ptq.tflite',
  'litert/mul_quant.tflite',
  'litert/simple_quantized_ops.tflite',
];

for (const { model, bytes, input, inputs, outputs } of tfliteReferences()) {
  if (!exact.includes(model)) continue;
  goldens(`${model}, ${input} input`, async () => {
    const session = createSession(await readModel(bytes), { contract: 'reference' });
    const feeds = Object.fromEntries(session.inputs.map(({ name }, i) => [name, inputs[i]!]));
    const results = session.run(feeds);
    session.outputs.forEach(({ name }, i) => {
      if (outputs[i] !== null)
        assert.equal(
          Array.from(results[name]!.data as Int8Array),
          Array.from(outputs[i]!.data as Int8Array),
        );
    });
    session.dispose();
  });
}

goldens.run();
