import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('size');

/** Bytes of an entry point as a browser gets it: bundled, minified, gzipped. */
async function gzippedBytes(entry: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

test('modelpress/kernels: at most 25 kB', async () => {
  const bytes = await gzippedBytes('dist/kernels/index.js');
  assert.ok(bytes <= 25_000, `${bytes} bytes`);
});

test.run();
