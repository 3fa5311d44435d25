import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface NodeBinary {
  readonly path: string;
  readonly version: string;
}

/** The Node that runs this and the newest that test/runtimes/ has installed, if that is another. */
export function nodes(): NodeBinary[] {
  const running = { path: process.execPath, version: process.versions.node };
  const folder = fileURLToPath(new URL('../test/runtimes/node_modules/', import.meta.url));
  const installed = (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => /^node(\d|$)/.test(name))
    .map((name) => `${folder}${name}/bin/node`)
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
