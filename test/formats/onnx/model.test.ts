import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelpressError } from '../../../src/core/errors.ts';
import { readModel, writeModel } from '../../../src/formats/index.ts';
import { clone, verify } from '../../../src/ir/index.ts';
import { type CorpusFile, malformedFiles, modelFiles, nodeTestFiles } from './corpus.ts';
import { difference } from './wire.ts';

const x = suite('onnx models through the IR');

async function roundTrip({ name, bytes }: CorpusFile): Promise<void> {
  const model = await readModel(bytes);
  verify(model);
  assert.is(difference(bytes, await writeModel(model)), null, name);
  const copy = clone(model);
  verify(copy);
  assert.is(difference(bytes, await writeModel(copy)), null, `${name}, cloned`);
}

x('every real model comes back as it was, raised operators included', async () => {
  for (const file of modelFiles()) await roundTrip(file);
});

x(
  'every model of the node tests comes back as it was, or is refused by our own error',
  async () => {
    const refused: string[] = [];
    for (const file of nodeTestFiles().filter(({ name }) => name.endsWith('.onnx'))) {
      try {
        await roundTrip(file);
      } catch (error) {
        if (!(error instanceof ModelpressError)) throw error;
        refused.push(`${file.name}: ${error.message}`);
      }
    }
    assert.equal(refused, []);
  },
);

x('broken files end in a model or in our error within a second', async () => {
  for (const { name, bytes } of malformedFiles()) {
    const start = performance.now();
    try {
      const model = await readModel(bytes, { format: 'onnx' });
      verify(model);
      await writeModel(model);
    } catch (error) {
      assert.instance(error, ModelpressError, `${name}: ${String(error)}`);
    }
    assert.ok(performance.now() - start < 1000, name);
  }
});

x.run();
