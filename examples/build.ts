// Builds both examples: `npm run examples`. What comes out are plain files, for any static server and for workerd.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { digitModel, digits } from './digits.ts';

const here: string = fileURLToPath(new URL('.', import.meta.url));

/** @param folder  gets `page/` and `worker/` */
export async function buildExamples(folder: string): Promise<void> {
  const model = digitModel(digits('train'));
  const page = join(folder, 'page');
  const worker = join(folder, 'worker');
  for (const path of [page, worker]) {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'digits.onnx'), model);
  }
  const shown = digits('t10k', 10).images;
  writeFileSync(join(page, 'samples.bin'), Buffer.concat(shown));
  cpSync(join(here, 'page/index.html'), join(page, 'index.html'));
  cpSync(join(here, 'worker/config.capnp'), join(worker, 'config.capnp'));
  const common = { bundle: true, minify: true, format: 'esm', logLevel: 'warning' } as const;
  await build({
    ...common,
    entryPoints: [join(here, 'page/page.js')],
    outdir: page,
    platform: 'browser',
  });
  await build({
    ...common,
    entryPoints: [join(here, 'worker/worker.js')],
    outdir: worker,
    platform: 'browser',
    conditions: ['workerd', 'worker'],
    external: ['*.onnx'],
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
  });
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const folder = join(here, 'built');
  await buildExamples(folder);
  console.log(`${folder}/page: serve it with any static server
${folder}/worker: workerd serve ${folder}/worker/config.capnp, then POST 784 bytes (28 × 28, white on black)`);
}
