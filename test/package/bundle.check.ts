import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build, type Platform } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { broken, rules } from '../house/rules.ts';
import { sourceFile } from '../house/source.ts';
import { filesIn, project } from './project.ts';

const mostKernelBytes = 25_000;
const quantizeOnly = `import { quantize } from 'modelpress/kernels';
export const levels = [...quantize(Float32Array.of(-1, 0, 0.25, 0.75, 9), { scale: 0.5, zeroPoint: 1, type: 'int8' })];`;

const bundles = suite('the package in bundles');

for (const platform of ['browser', 'neutral'] as const) {
  bundles(`quantize alone, platform ${platform}: no settings, small, and works`, async () => {
    const text = await bundle(quantizeOnly, platform);
    const size = gzipSync(text, { level: 9 }).length;
    console.log(`\n  ${platform}: ${text.length} bytes, ${size} with gzip`);
    assert.ok(size <= mostKernelBytes, `${size} bytes with gzip`);
    const path = join(project().folder, `bundle.${platform}.mjs`);
    writeFileSync(path, text);
    const { levels } = await import(pathToFileURL(path).href);
    // rint(-2) + 1, rint(0) + 1, rint(0.5) + 1, rint(1.5) + 1, rint(18) + 1
    assert.equal(levels, [-1, 1, 1, 3, 19]);
  });
}

bundles('condition workerd takes the .wasm files instead of code', async () => {
  const text = await bundle(quantizeOnly, 'browser', {
    conditions: ['workerd'],
    loader: { '.wasm': 'copy' },
  });
  assert.match(text, /from\s*["']\.\/[\w.-]+\.wasm["']/);
  assert.not.match(text, /\batob\b/);
});

bundles('what is not used is left out', async () => {
  assert.is((await bundle("import 'modelpress/kernels';", 'browser')).trim(), '');
});

bundles('no code from strings in what a browser gets, dependencies included', async () => {
  const files = filesIn(join(project().installed, 'dist'));
  const entries = files.filter((file) => /^(\w+\/)?index\.js$/.test(file) && !/^cli/.test(file));
  const text = await bundle(
    entries.map((file, i) => `export * as e${i} from 'modelpress-dist/${file}';`).join('\n'),
    'browser',
    { alias: { 'modelpress-dist': join(project().installed, 'dist') }, minify: false },
  );
  assert.ok(entries.length > 0);
  const { code } = sourceFile('bundle.js', text);
  const found = code.match(/\b(?:eval|Function)\s*\(.*/g) ?? [];
  assert.equal(found, []);
});

bundles('the built files name no runtime outside of host and cli', () => {
  const dist = join(project().installed, 'dist');
  const wanted = rules.filter(({ name }) => /^only host and cli|^no code from strings/.test(name));
  assert.is(wanted.length, 2);
  const problems = filesIn(dist)
    .filter((file) => file.endsWith('.js') && !/^(host|cli|node\/cli)\//.test(file))
    .flatMap((file) => {
      const source = sourceFile(`src/${file}`, readFileSync(join(dist, file), 'utf8'));
      const node = /(?:from|import)\s*\(?["']node:/.test(source.text) ? [`${file}: node:`] : [];
      return [...node, ...wanted.flatMap((rule) => broken(rule, source))];
    });
  assert.equal(problems, []);
});

bundles.run();

/** One ES module of a text that stands in the user's project. */
async function bundle(
  text: string,
  platform: Platform,
  settings: BuildOptions = {},
): Promise<string> {
  const { folder } = project();
  const { outputFiles = [] } = await build({
    stdin: { contents: text, resolveDir: folder },
    bundle: true,
    write: false,
    outdir: join(folder, 'out'),
    format: 'esm',
    minify: true,
    platform,
    logLevel: 'silent',
    ...settings,
  });
  return outputFiles.find((file) => file.path.endsWith('.js'))?.text ?? '';
}
