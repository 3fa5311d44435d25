// npm run generate: writes assembly/generated/.
import { mkdirSync, writeFileSync } from 'node:fs';
import { generators } from './files.ts';

const folder = new URL('../generated/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, generate] of Object.entries(generators)) {
  writeFileSync(new URL(name, folder), generate());
}
