import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface NodeBinary {
  readonly path: string;
  readonly version: string;
}

/** Where `npm ci` puts Nodes. */
const folders = ['node_modules/', '../test/runtimes/node_modules/'];

/** The Node that runs this and the newest that is installed here or in test/runtimes/, if that is newer. */
export function nodes(): NodeBinary[] {
  const running = { path: process.execPath, version: process.versions.node };
  const installed = folders
    .map((folder) => fileURLToPath(new URL(folder, import.meta.url)))
    .filter(existsSync)
    .flatMap((folder) => readdirSync(folder).map((name) => ({ name, path: `${folder}${name}` })))
    .filter(({ name }) => /^node(\d|$)/.test(name))
    .map(({ path }) => `${path}/bin/node`)
    .filter(existsSync)
    .map(nodeAt);
  const newest = [running, ...installed].reduce((a, b) => (isNewer(b, a) ? b : a));
  return newest === running ? [running] : [running, newest];
}

/** A Node binary with its version. */
export function nodeAt(path: string): NodeBinary {
  return { path, version: execFileSync(path, ['--version'], { encoding: 'utf8' }).trim().slice(1) };
}

function isNewer(a: NodeBinary, b: NodeBinary): boolean {
  const [x, y] = [a, b].map(({ version }) => version.split('.').map(Number));
  const at = x!.findIndex((part, i) => part !== y![i]);
  return at >= 0 && x![at]! > (y![at] ?? 0);
}
