import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root: string = fileURLToPath(new URL('../../', import.meta.url));

/** What of package.json the checks read. */
export interface Manifest {
  name: string;
  exports: Record<string, string | Record<string, string>>;
  bin: Record<string, string>;
}

export const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A user's project: the packed package, installed. */
export interface Project {
  folder: string;
  /** The tarball. */
  tarball: string;
  /** The installed package. */
  installed: string;
}

let made: Project | undefined;

/** Packs and installs once a process; gone when the process ends. */
export function project(): Project {
  if (made !== undefined) return made;
  const folder = mkdtempSync(join(tmpdir(), 'modelpress-package-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  npm(root, 'pack', '--pack-destination', folder);
  const name = readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? '';
  const tarball = join(folder, name);
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'user', private: true, type: 'module' }),
  );
  npm(folder, 'install', '--ignore-scripts', '--no-audit', '--no-fund', tarball);
  made = { folder, tarball, installed: join(folder, 'node_modules', manifest.name) };
  return made;
}

function npm(cwd: string, ...args: string[]): void {
  execFileSync('npm', args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Runs Node on a module's text inside the project; what it prints.
 *  @throws with the standard error in the message */
export function runInProject(text: string, type: 'module' | 'commonjs' = 'module'): string {
  const { folder } = project();
  return String(
    execFileSync(process.execPath, ['--no-warnings', `--input-type=${type}`, '--eval', text], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 30_000,
    }),
  );
}

/** All files under a folder, as paths relative to it. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Bytes of all files under a folder. */
export function bytesIn(folder: string): number {
  return filesIn(folder).reduce((total, file) => total + statSync(join(folder, file)).size, 0);
}
