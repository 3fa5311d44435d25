import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { skipLoudly } from '../skip.ts';
import { bytesIn, filesIn, manifest, project, runInProject } from './project.ts';

const mostPackages = 5;
const mostBytes = 5_000_000;

const install = suite('the package, packed and installed');

install('holds the built files and the papers, nothing else', () => {
  const { installed } = project();
  const papers = /^(package\.json|LICENSE|README\.md|CHANGELOG\.md|SECURITY\.md)$/;
  const built = /^dist\/[\w./-]+\.(js|d\.ts|wasm)$/;
  const others = filesIn(installed).filter((file) => !papers.test(file) && !built.test(file));
  assert.equal(others, []);
});

install(`is at most ${mostPackages} packages and ${mostBytes / 1e6} MB`, () => {
  const { folder } = project();
  const lock = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'));
  const names = Object.keys(lock.packages);
  const bytes = bytesIn(join(folder, 'node_modules'));
  console.log(`\n  ${names.length} packages, ${(bytes / 1e6).toFixed(2)} MB`);
  assert.ok(names.length <= mostPackages, names.join(', '));
  assert.ok(bytes <= mostBytes, `${bytes} bytes`);
  const scripts = names.filter((name) => lock.packages[name].hasInstallScript);
  assert.equal(scripts, [], 'no install scripts');
});

for (const [subpath, target] of Object.entries(manifest.exports)) {
  install(`${subpath} can be imported, and required`, () => {
    const { installed } = project();
    const files = typeof target === 'string' ? [target] : Object.values(target);
    const missing = files.filter((file) => !existsSync(join(installed, file)));
    if (missing.length > 0) return skipLoudly(`${subpath}: there is no ${missing.join(', ')}`);
    if (!files.some((file) => file.endsWith('.js'))) return;
    const name = manifest.name + subpath.slice(1);
    const imported = runInProject(`console.log(Object.keys(await import('${name}')).join())`);
    assert.ok(imported.trim().length > 0, `${name} exports nothing`);
    const required = runInProject(
      `console.log(Object.keys(require('${name}')).join())`,
      'commonjs',
    );
    assert.is(required.replace(/,?(__esModule|module\.exports)/g, ''), imported);
  });
}

for (const [name, file] of Object.entries(manifest.bin)) {
  install(`${name} --help`, () => {
    const { folder, installed } = project();
    if (!existsSync(join(installed, file))) return skipLoudly(`there is no ${file}`);
    const help = execFileSync(join(folder, 'node_modules/.bin', name), ['--help'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 30_000,
    });
    assert.match(String(help), new RegExp(name));
  });
}

install.run();
