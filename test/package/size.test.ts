import { statSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('size');

/** Bytes of an entry point as a browser gets it: bundled, minified, gzipped. */
async function gzippedBytes(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: 'dist' },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

const quantizing = `export { quantize, dequantize, minMax, minMaxAxis, meanVariance, absHistogram, squaredError,
  float32ToFloat16, float16ToFloat32, backendInfo, init } from './kernels/index.js';`;

test('what quantizes, out of modelpress/kernels: at most 25 kB', async () => {
  const bytes = await gzippedBytes(quantizing);
  assert.ok(bytes <= 25_000, `${bytes} bytes`);
});

test('all of modelpress/kernels: at most 100 kB', async () => {
  const bytes = await gzippedBytes(`export * from './kernels/index.js';`);
  assert.ok(bytes <= 100_000, `${bytes} bytes`);
});

test('the TFLite codec (verifier, decoder, encoder, schema): at most 15 kB', async () => {
  const bytes = await gzippedBytes(
    `export { decodeTflite, encodeTflite, encodeTfliteTo, openTflite } from './formats/tflite/codec.js';`,
  );
  assert.ok(bytes <= 15_000, `${bytes} bytes`);
});

test('each wasm file: at most 120 kB', () => {
  for (const name of ['simd', 'library', 'relaxed']) {
    const { size } = statSync(`dist/wasm/kernels.${name}.wasm`);
    assert.ok(size <= 120_000, `${name}: ${size} bytes`);
  }
});

test.run();
