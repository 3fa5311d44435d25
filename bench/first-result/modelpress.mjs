import { readFileSync } from 'node:fs';
import { float32Input } from './float32-input.mjs';

const [path, name, input] = process.argv.slice(2);
const { data, dims } = float32Input(input);
const start = performance.now();
const { readModel } = await import('../../dist/formats/index.js');
const { createSession } = await import('../../dist/runtime/index.js');
const session = createSession(await readModel(new Uint8Array(readFileSync(path))));
session.run({ [name]: { type: 'float32', data, dims } });
process.stdout.write(String(performance.now() - start));
