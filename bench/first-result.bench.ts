// From the first line of a program to its first result: import, load, run, each in a new process and with the
// published files (dist/), since that is what users start.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sharedData } from '../test/shared.ts';
import type { Comparison, PeerName } from './comparison.ts';
import type { Bench, BenchOptions } from './lib.ts';
import { modelTask } from './models.bench.ts';
import { timeOf } from './peers/compare.ts';
import { absence } from './peers/start.ts';
import type { ModelTask } from './peers/tasks.ts';

const names = ['modelpress', 'onnxruntime-web'] as const;

/** Of one float32 input. */
const models: readonly { file: string; name: string; slow?: boolean }[] = [
  { file: 'resnet20_cifar10', name: 'ResNet-20, 32²' },
  { file: 'version-RFB-320', name: 'RFB-320 face detector', slow: true },
];

export const firstResultBench: Bench = {
  name: 'first result of a new process',
  async run(options) {
    const comparisons: Comparison[] = [];
    const root = sharedData();
    for (const { file, name, slow = false } of root === null ? [] : models) {
      const task = await modelTask(root!, file);
      if (task === null || (slow && options.quick)) continue;
      for (const node of options.nodes) {
        const { seen, missing } = firstResults(task, node.path, options);
        const times = Object.fromEntries([...seen].map(([peer, each]) => [peer, timeOf(each)]));
        comparisons.push({ work: name, node: node.version, times, missing });
      }
    }
    return { comparisons, groups: [] };
  },
};

function firstResults(
  { path, feeds }: ModelTask,
  node: string,
  { quick }: BenchOptions,
): { seen: Map<PeerName, number[]>; missing: Comparison['missing'] } {
  const missing: Comparison['missing'] = {};
  const seen = new Map<PeerName, number[]>();
  const input = feeds[0]!;
  for (const peer of names) {
    const reason = absence(peer);
    if (reason === null) seen.set(peer, []);
    else missing[peer] = reason;
  }
  for (let round = 0; round < (quick ? 3 : 9); round++)
    for (const [peer, times] of seen) {
      const program = fileURLToPath(new URL(`first-result/${peer}.mjs`, import.meta.url));
      try {
        const output = execFileSync(node, [program, path, input.name, input.npy], {
          encoding: 'utf8',
        });
        times.push(Number(output));
      } catch (error) {
        missing[peer] = String(error).slice(0, 200);
        seen.delete(peer);
      }
    }
  return { seen, missing };
}
