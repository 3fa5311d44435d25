// Every kernel and the public quantize and dequantize, on each Node: see kernels-process.ts.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bench, Group } from './lib.ts';

const program = fileURLToPath(new URL('kernels-process.ts', import.meta.url));
const run = promisify(execFile);

export const kernelsBench: Bench = {
  name: 'kernels',
  async run({ quick, nodes }) {
    const groups: Group[] = [];
    for (const { path, version } of nodes) {
      const flags = ['--import', 'tsx', program, ...(quick ? ['--quick'] : [])];
      const { stdout } = await run(path, flags, { maxBuffer: 2 ** 26 });
      const { backend, groups: measured } = JSON.parse(stdout) as {
        backend: Readonly<Record<string, unknown>>;
        groups: Group[];
      };
      console.log(`kernels, Node ${version}: ${JSON.stringify(backend)}`);
      for (const { title, measurements } of measured)
        groups.push({ title: `${title}, Node ${version}`, measurements });
    }
    return { comparisons: [], groups };
  },
};
