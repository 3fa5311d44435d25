import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { broken, rules } from '../house/rules.ts';
import { sourceFile } from '../house/source.ts';
import { filesIn, project, root } from './project.ts';

const types = suite('what tools say about the package');

types('publint', async () => {
  const { installed } = project();
  const { messages, pkg } = await publint({ pkgDir: installed, strict: true, pack: false });
  const problems = messages.map((message) => formatMessage(message, pkg, { color: false }));
  assert.is(problems.length, 0, problems.join('\n'));
});

types('are the types wrong', () => {
  const args = [
    '--profile',
    'esm-only',
    '--exclude-entrypoints',
    './kernels.wasm',
    './kernels.relaxed.wasm',
    './kernels.library.wasm',
  ];
  run('@arethetypeswrong/cli/dist/index.js', [project().tarball, ...args], root);
});

for (const resolution of ['nodenext', 'bundler']) {
  types(`a strict TypeScript project without @types/node, module resolution ${resolution}`, () => {
    const { folder } = project();
    writeFileSync(
      join(folder, 'user.ts'),
      `import { dequantize, minMax, quantize } from 'modelpress/kernels';
const q: Int8Array = quantize(new Float32Array(4), { scale: 0.5, zeroPoint: 0, type: 'int8' });
const x: Float32Array = dequantize(q, { scale: 0.5, zeroPoint: 0 });
export const range: { min: number; max: number } = minMax(x);
`,
    );
    const options = {
      strict: true,
      noEmit: true,
      target: 'es2022',
      module: resolution === 'bundler' ? 'esnext' : 'nodenext',
      moduleResolution: resolution,
      lib: ['ES2022', 'DOM'],
      types: [],
    };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['user.ts'] }),
    );
    run('typescript/bin/tsc', ['-p', 'tsconfig.json'], folder);
  });
}

types('no any in the declarations', () => {
  const { installed } = project();
  const rule = rules.find(({ name }) => name === 'no any');
  assert.ok(rule !== undefined);
  const problems = filesIn(installed)
    .filter((file) => file.endsWith('.d.ts'))
    .flatMap((file) => {
      const text = readFileSync(join(installed, file), 'utf8');
      return broken(rule, sourceFile(file.replace('dist/', 'src/'), text));
    });
  assert.equal(problems, []);
});

types.run();

/** Runs a development tool; its output is the message when it fails. */
function run(tool: string, args: string[], cwd: string): void {
  const script = join(root, 'node_modules', tool);
  const path = existsSync(script) ? script : `${script}.js`;
  try {
    execFileSync(process.execPath, [path, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
    assert.unreachable(`${tool}:\n${stdout}${stderr}`);
  }
}
