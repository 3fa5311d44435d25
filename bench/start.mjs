// Cold start: from importing the library to the first result of a model, each in a process of its own, in turns:
// `npm run bench:start -- MODEL.onnx [--rounds N]` against onnxruntime-web. Prints best and median, and their ratio.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '9' }, dims: { type: 'string' } },
});
const [path] = positionals;
if (path === undefined) {
  console.error('npm run bench:start -- MODEL.onnx [--rounds N] [--dims 1,3,32,32]');
  process.exit(2);
}
readFileSync(path);
const dims = (values.dims ?? '1,3,32,32').split(',').map(Number);
const feed = `const dims = ${JSON.stringify(dims)};
const data = new Float32Array(dims.reduce((a, b) => a * b)).fill(0.25);`;
const read = `import { readFileSync } from 'node:fs';
const began = performance.now();`;
const end = `const first = performance.now() - began;
const times = [];
for (let i = 0; i < 20; i++) { const t = performance.now(); await again(); times.push(performance.now() - t); }
console.log(JSON.stringify({ first, run: firstEnd - firstBegan, steady: Math.min(...times) }));
process.exit(0);`;

const programs = {
  modelpress: `${read}
const { createSession, readModel } = await import('modelpress');
const session = createSession(await readModel(readFileSync(${JSON.stringify(path)})));
${feed}
const feeds = { [session.inputs[0].name]: { type: 'float32', data, dims } };
const again = () => session.run(feeds);
const firstBegan = performance.now();
again();
const firstEnd = performance.now();
${end}`,
  'onnxruntime-web': `${read}
const ort = await import('onnxruntime-web');
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';
const session = await ort.InferenceSession.create(readFileSync(${JSON.stringify(path)}), { executionProviders: ['wasm'] });
${feed}
const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', data, dims) };
const again = () => session.run(feeds);
const firstBegan = performance.now();
await again();
const firstEnd = performance.now();
${end}`,
};

const results = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, program] of Object.entries(programs)) {
    const args = ['--no-warnings', '--input-type=module', '--eval', program];
    const text = execFileSync(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    results[name].push(JSON.parse(String(text)));
  }
}

const sorted = (name, key) => results[name].map((row) => row[key]).sort((a, b) => a - b);
const best = (name, key) => sorted(name, key)[0];
const middle = (name, key) => sorted(name, key)[results[name].length >> 1];
for (const name of Object.keys(programs)) {
  const show = (key) => `${best(name, key).toFixed(1)} (median ${middle(name, key).toFixed(1)}) ms`;
  console.log(
    `${name}: cold start ${show('first')}; first run ${show('run')}; then ${show('steady')}`,
  );
}
const [own, other] = Object.keys(programs);
for (const [what, of] of Object.entries({ best, median: middle }))
  console.log(
    `cold start, ${what}: ${(of(other, 'first') / of(own, 'first')).toFixed(2)} times as fast`,
  );
