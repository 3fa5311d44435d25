// LiteRT.js on one thread. It is made for pages and workers, and knows neither int8 inputs nor Node.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInThisContext } from 'node:vm';
import { serve } from './serve.ts';
import { feedsOf } from './session.ts';

interface LiteRtTensor {
  toTypedArray(): unknown;
  delete(): void;
}

interface LiteRt {
  loadLiteRt(folder: string): Promise<unknown>;
  loadAndCompile(
    model: Uint8Array,
    options: { accelerator: 'wasm' },
  ): Promise<{ run(inputs: LiteRtTensor[]): Promise<LiteRtTensor[]>; delete(): void }>;
  Tensor: new (data: unknown, dims: number[]) => LiteRtTensor;
}

const require = createRequire(import.meta.url);
const folder = require.resolve('@litertjs/core/package.json').replace(/package\.json$/, '');

// What a worker has.
Object.assign(globalThis, {
  self: globalThis,
  require,
  __dirname: `${folder}wasm`,
  __filename: `${folder}wasm/litert.js`,
  importScripts: (path: string) => {
    runInThisContext(readFileSync(path, 'utf8'), { filename: path });
  },
  fetch: async (path: string) =>
    new Response(readFileSync(path), { headers: { 'content-type': 'application/wasm' } }),
});

// It tells what it does not find here.
console.error = console.warn = () => undefined;

const { loadLiteRt, loadAndCompile, Tensor } = await withInt8();
await loadLiteRt(`${folder}wasm/`);

/** The library with int8 in its table of types. */
async function withInt8(): Promise<LiteRt> {
  const utilities = createRequire(`${folder}package.json`).resolve('@litertjs/wasm-utils');
  const type = '{ dtype: "int8", typedArrayConstructor: Int8Array, elementType: ElementType.INT8 }';
  const text = readFileSync(`${folder}dist/index.js`, 'utf8')
    .replaceAll('"@litertjs/wasm-utils"', JSON.stringify(pathToFileURL(utilities).href))
    .replace('var DATATYPES = Object.freeze([', `var DATATYPES = Object.freeze([${type},`);
  const place = mkdtempSync(join(tmpdir(), 'modelpress-litert-'));
  try {
    const path = join(place, 'litert.mjs');
    writeFileSync(path, text);
    return (await import(pathToFileURL(path).href)) as LiteRt;
  } finally {
    rmSync(place, { recursive: true });
  }
}

serve(async (task) => {
  if (task.op !== 'model' || !task.path.endsWith('.tflite')) return null;
  const model = await loadAndCompile(new Uint8Array(readFileSync(task.path)), {
    accelerator: 'wasm',
  });
  const inputs = Object.values(feedsOf(task.feeds)).map(
    ({ data, dims }) => new Tensor(data, [...dims]),
  );
  return {
    run: async () => {
      const outputs = await model.run(inputs);
      for (const output of outputs) {
        output.toTypedArray();
        output.delete();
      }
    },
    dispose: () => model.delete(),
  };
});
