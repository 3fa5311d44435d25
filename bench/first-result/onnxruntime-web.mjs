import { readFileSync } from 'node:fs';
import { float32Input } from './float32-input.mjs';

const [path, name, input] = process.argv.slice(2);
const { data, dims } = float32Input(input);
const start = performance.now();
const ort = await import('onnxruntime-web');
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';
const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(path)), {
  executionProviders: ['wasm'],
  logSeverityLevel: 3,
});
await session.run({ [name]: new ort.Tensor('float32', data, dims) });
process.stdout.write(String(performance.now() - start));
process.exit();
