// Runs test/**/*.test.ts with uvu in one process and ends with `N passed, N failed`.
// Arguments filter by path: `npm test -- kernels onnx`. Files under test/runtimes/ have a command of their own.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const hangMinutes = 20;
const filters = process.argv.slice(2);

function find(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : find(path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

const files = find('test')
  .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${filters.join(' ')}`);
  process.exit(1);
}

const child = spawn(
  process.execPath,
  ['--expose-gc', '--import', 'tsx', join(root, 'scripts/test-run.mjs'), ...files],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
);
const watchdog = setTimeout(() => {
  console.error(`\nno end after ${hangMinutes} minutes: a test hangs`);
  child.kill('SIGKILL');
}, hangMinutes * 60_000);
child.on('exit', (code, signal) => {
  clearTimeout(watchdog);
  if (signal !== null || code === null) console.log(`0 passed, 1 failed`);
  process.exitCode = code ?? 1;
});
