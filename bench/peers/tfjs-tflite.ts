// tfjs-tflite on one thread, below its JavaScript wrapper, which needs a page.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { serve } from './serve.ts';
import { feedsOf } from './session.ts';

interface Vector {
  size(): number;
  get(index: number): { data(): Float32Array | Int8Array | Uint8Array };
}

interface ModelRunner {
  GetInputs(): Vector;
  GetOutputs(): Vector;
  Infer(): boolean;
}

interface Runtime {
  HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  TFLiteWebModelRunner: {
    CreateFromBufferAndOptions(
      address: number,
      bytes: number,
      options: Record<string, unknown>,
    ): { ok(): boolean; errorMessage(): string; value(): ModelRunner };
  };
}

const folder = createRequire(import.meta.url)
  .resolve('@tensorflow/tfjs-tflite/package.json')
  .replace(/package\.json$/, 'wasm/');
Object.assign(globalThis, {
  document: { currentScript: { src: '' } },
  window: globalThis,
  self: globalThis,
});
const source = readFileSync(`${folder}tflite_web_api_cc_simd.js`, 'utf8');
const start = new Function(
  ...['process', 'require', 'module', 'exports'],
  `${source}; return tflite_web_api_ModuleFactory;`,
)() as (settings: Record<string, unknown>) => Promise<Runtime>;
const runtime = await start({
  wasmBinary: readFileSync(`${folder}tflite_web_api_cc_simd.wasm`),
  locateFile: (name: string) => name,
  print: () => undefined,
  printErr: () => undefined,
});

serve(async (task) => {
  if (task.op !== 'model' || !task.path.endsWith('.tflite')) return null;
  const bytes = readFileSync(task.path);
  const address = runtime._malloc(bytes.length);
  runtime.HEAPU8.set(bytes, address);
  const options = { numThreads: 1, enableProfiling: false, maxProfilingBufferEntries: 4096 };
  const made = runtime.TFLiteWebModelRunner.CreateFromBufferAndOptions(
    address,
    bytes.length,
    options,
  );
  if (!made.ok()) throw new Error(made.errorMessage());
  const runner = made.value();
  const feeds = Object.values(feedsOf(task.feeds));
  const inputs = runner.GetInputs();
  feeds.forEach(({ data }, i) => {
    inputs
      .get(i)
      .data()
      .set(data as Float32Array);
  });
  return {
    run: () => {
      if (!runner.Infer()) throw new Error('Infer failed');
      const outputs = runner.GetOutputs();
      for (let i = 0; i < outputs.size(); i++) outputs.get(i).data().slice();
    },
  };
});
