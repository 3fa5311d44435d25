// Builds dist/: AssemblyScript → wasm → base64 module → TypeScript. `--if-stale` skips what is newer than its sources.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const ifStale = process.argv.includes('--if-stale');
const require = createRequire(import.meta.url);
process.chdir(root);

const targets = ['simd', 'library', 'relaxed'];
const wasm = (target) => `dist/wasm/kernels.${target}.wasm`;
const embedded = 'src/wasm/generated/binaries.ts';

function newest(path) {
  if (!existsSync(path)) return Number.POSITIVE_INFINITY;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function fresh(outputs, sources) {
  const made = Math.min(...outputs.map((path) => (existsSync(path) ? statSync(path).mtimeMs : 0)));
  return ifStale && made > Math.max(...sources.map(newest));
}

/** Puts protobufjs' Reader and Writer in the place of the import, with the licenses of all that is in them. */
function embedProtobuf() {
  const file = 'dist/formats/protobuf/minimal.js';
  const { outputFiles, metafile } = buildSync({
    stdin: { contents: "export { default } from 'protobufjs/minimal.js';", resolveDir: root },
    bundle: true,
    format: 'esm',
    minify: true,
    legalComments: 'none',
    metafile: true,
    write: false,
  });
  const packages = new Set(
    Object.keys(metafile.inputs).map(
      (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1],
    ),
  );
  packages.delete(undefined);
  const licenses = [...packages].sort().map((name) => {
    const license = readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8').trim();
    return `${name} ${versionOf(name)}\n\n${license.replaceAll('*/', '* /')}`;
  });
  writeFileSync(file, `/*!\n${licenses.join('\n\n')}\n*/\n${outputFiles[0].text}`);
  // Its types are seen by no public declaration.
  writeFileSync(
    'dist/formats/protobuf/minimal.d.ts',
    'declare const protobuf: unknown;\nexport default protobuf;\n',
  );
}

/** The entries again, in few files: what runs from node_modules without a bundler starts several times faster than
 *  from hundreds of modules. Entries share chunks, so there is one of each module however it is imported. */
function bundleForNode() {
  const entries = ['index', 'cli/main'];
  for (const { default: file } of Object.values(packageExports()))
    if (file?.endsWith('/index.js') && file !== './dist/index.js')
      entries.push(file.slice('./dist/'.length, -'.js'.length));
  buildSync({
    entryPoints: Object.fromEntries(entries.map((name) => [name, `dist/${name}.js`])),
    outdir: 'dist/node',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['@assemblyscript/loader', '#wasm', 'onnxruntime-node'],
    chunkNames: 'chunk-[hash]',
    legalComments: 'inline',
    minifySyntax: true,
    minifyWhitespace: true,
  });
}

/** Takes comments and indentation out of the modules: their documentation is in the declarations beside them, and the
 *  package installs in a quarter less. Names stay. */
function compactModules() {
  const modules = readdirSync('dist', { recursive: true })
    .map((name) => join('dist', name))
    .filter((path) => path.endsWith('.js') && !path.startsWith(join('dist', 'node')));
  buildSync({
    entryPoints: modules,
    outdir: 'dist',
    outbase: 'dist',
    allowOverwrite: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'inline',
    minifyWhitespace: true,
  });
}

/** Removes declarations that no entry leads to, nor an import of the package's own (`#wasm`): nobody can import what they
 *  declare. */
function dropInnerDeclarations() {
  const reached = new Set();
  const { imports } = JSON.parse(readFileSync('package.json', 'utf8'));
  const modules = Object.values(imports).flatMap((target) => Object.values(target));
  const pending = Object.values(packageExports()).flatMap(({ types }) =>
    types === undefined ? [] : [join(types)],
  );
  pending.push(...modules.map((path) => join(path.replace(/\.js$/, '.d.ts'))));
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (reached.has(path) || !existsSync(path)) continue;
    reached.add(path);
    const text = readFileSync(path, 'utf8');
    for (const [, target] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.[tj]s['"]/g))
      pending.push(join(dirname(path), `${target}.d.ts`));
  }
  for (const name of readdirSync('dist', { recursive: true })) {
    const path = join('dist', name);
    if (path.endsWith('.d.ts') && !reached.has(path)) rmSync(path);
  }
}

function packageExports() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports;
}

function versionOf(name) {
  return JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
}

function node(script, ...args) {
  execFileSync(process.execPath, [script, ...args], { stdio: 'inherit' });
}

if (!fresh([...targets.map(wasm), embedded], ['assembly', 'asconfig.json'])) {
  const asc = join(dirname(require.resolve('assemblyscript/package.json')), 'bin/asc.js');
  mkdirSync('dist/wasm', { recursive: true });
  for (const target of targets) node(asc, `assembly/${target}.ts`, '--target', target);
  const lines = targets.map((target) => {
    const base64 = readFileSync(wasm(target)).toString('base64');
    return `export const ${target}: string =\n  '${base64}';\n`;
  });
  mkdirSync(dirname(embedded), { recursive: true });
  writeFileSync(embedded, `// Made by scripts/build.mjs from assembly/.\n${lines.join('')}`);
}

const done = 'dist/.built';
if (!fresh([done], ['src', 'tsconfig.json', 'package.json', embedded])) {
  for (const name of readdirSync('dist')) {
    if (name !== 'wasm') rmSync(join('dist', name), { recursive: true, force: true });
  }
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  node(existsSync(tsc) ? tsc : `${tsc}.js`, '-p', 'tsconfig.json');
  embedProtobuf();
  bundleForNode();
  compactModules();
  dropInnerDeclarations();
  chmodSync('dist/node/cli/main.js', 0o755);
  writeFileSync(done, '');
}
