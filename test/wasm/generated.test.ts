import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generators } from '../../assembly/gen/files.ts';

const test = suite('generated kernels');
const folder = new URL('../../assembly/generated/', import.meta.url);

test('assembly/generated/ is what assembly/gen/ writes', () => {
  assert.equal(readdirSync(folder).sort(), Object.keys(generators).sort());
  for (const [name, generate] of Object.entries(generators)) {
    const same = readFileSync(new URL(name, folder), 'utf8') === generate();
    assert.ok(same, `${name} is not current: npm run generate`);
  }
});

test.run();
