import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { libraryBackend } from '../../src/wasm/library.ts';
import { fuzz } from './fuzz.ts';
import { sessionTarget } from './session.ts';

const x = suite('fuzz sessions');

x('mutated models run or end in one of our errors, and give their memory back', async () => {
  const { arena } = libraryBackend();
  const before = arena.usage();
  const result = await fuzz(sessionTarget(), { runs: 3000, seed: 4, maxMs: 3000 });
  assert.ok(result.accepted > result.runs / 50, `${result.accepted} of ${result.runs} accepted`);
  assert.ok(result.errors.size >= 6, [...result.errors.keys()].join());
  const after = arena.usage();
  assert.is(after.weights, before.weights);
  assert.is(after.activations, before.activations);
});

x.run();
