import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeTflite, encodeTflite, tfliteSchema } from '../../src/formats/tflite/codec.ts';
import { differences } from '../formats/tflite/same-tables.ts';
import { fuzz } from './fuzz.ts';
import { tfliteTarget } from './tflite.ts';
import { seedFiles } from './tflite-seeds.ts';

const x = suite('fuzz tflite');

x('files with every field of the schema come back', () => {
  const seen = new Set<string>();
  for (const bytes of seedFiles()) {
    const record = decodeTflite(bytes);
    // One has its buffers behind the tables.
    const inside = record.buffers?.every(({ offset }) => offset === undefined || offset === 0n);
    assert.equal(differences(bytes, encodeTflite(record), inside), []);
    collect(record);
  }
  // The schema's tables, but those of unions within what a file has once.
  assert.ok(seen.size > 0.95 * [...tfliteSchema().unions.values()].flat().length);

  function collect(value: unknown): void {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
    if ('type' in value && 'value' in value) seen.add(value.type as string);
    for (const inner of Object.values(value)) collect(inner);
  }
});

x('mutated files end in one of our errors, or all of them can be read', async () => {
  const result = await fuzz(tfliteTarget(), { runs: 20_000, seed: 11, maxMs: 2500 });
  assert.ok(result.accepted > result.runs / 50, `${result.accepted} of ${result.runs} accepted`);
  assert.ok(result.errors.size >= 8, [...result.errors.keys()].join());
});

x.run();
