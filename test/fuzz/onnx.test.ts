import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { encodeToBytes } from '../../src/formats/onnx/codec.ts';
import { fuzz } from './fuzz.ts';
import { parseTree, writeTree } from './mutate.ts';
import { onnxTarget } from './onnx.ts';
import { seedModels } from './onnx-seeds.ts';

const x = suite('fuzz onnx');

x('the field tree of a model writes as it was read', () => {
  for (const model of seedModels) {
    const bytes = encodeToBytes('ModelProto', model);
    assert.equal(writeTree(parseTree(bytes)!), bytes);
  }
});

x('mutated models end in a model or in one of our errors', async () => {
  const result = await fuzz(onnxTarget(), { runs: 20_000, seed: 20, maxMs: 2500 });
  // Neither all refused nor all accepted: the mutations reach past the first check.
  assert.ok(result.accepted > result.runs / 50, `${result.accepted} of ${result.runs} accepted`);
  assert.ok(result.errors.size >= 6, [...result.errors.keys()].join());
});

x('the same seed makes the same inputs', () => {
  const { make } = onnxTarget();
  assert.equal(make(random(9)), make(random(9)));
});

x.run();
