import { spawnSync } from 'node:child_process';

export const main: string = new URL('../../dist/node/cli/main.js', import.meta.url).pathname;

export interface Result {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the built command line. */
export function press(
  args: readonly string[],
  { input, env = {} }: { input?: Uint8Array; env?: object } = {},
): Result {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    ...(input === undefined ? {} : { input }),
    env: { ...process.env, ...env },
  });
  return { code: status, out: stdout.toString('latin1'), err: stderr.toString() };
}
