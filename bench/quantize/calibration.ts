// Peak memory of calibration, in a process for each number of samples; this file is that process, too.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { calibrate } from '../../src/compress/calibration/index.ts';
import { readModel } from '../../src/formats/index.ts';
import { sharedFile } from '../../test/shared.ts';
import type { NodeBinary } from '../nodes.ts';
import { measured, samplesOf } from './models.ts';
import type { PlainTable } from './table.ts';

const counts = [8, 64, 512];
const methods = ['minmax', 'mse'] as const;
/** How much the peak may grow. */
const most = 1.05;

/** Megabytes at most, by method and number of samples. */
export function calibrationTable(node: NodeBinary): PlainTable {
  const notes: string[] = [];
  const rows = methods.map((method) => {
    const peaks = counts.map((count) => peakOf(node, method, count));
    const growth = peaks.at(-1)! / peaks[0]!;
    if (growth > most) notes.push(`calibration by ${method} grows ${growth.toFixed(2)} times`);
    return [method, ...peaks.map((peak) => (peak / 1000).toFixed(0)), growth.toFixed(3)];
  });
  const head = ['peak of calibration, MB', ...counts.map((count) => `${count} samples`), 'growth'];
  return { title: 'memory of calibration, ResNet-20', head, rows, notes };
}

/** The least of three processes, kB: what was collected late is no part of it. */
function peakOf({ path }: NodeBinary, method: string, count: number): number {
  const file = fileURLToPath(import.meta.url);
  const flags = ['--expose-gc', '--max-semi-space-size=1', '--import', 'tsx', file];
  const run = (): number => Number(execFileSync(path, [...flags, method, String(count)]));
  return Math.min(run(), run(), run());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [method, count] = [process.argv[2] as (typeof methods)[number], Number(process.argv[3])];
  const item = measured.find(({ name }) => name.startsWith('ResNet-20'))!;
  const model = await readModel(new Uint8Array(sharedFile(item.path)!));
  const input = model.graph.inputs[0]!.name;
  const values = model.graph.nodes.flatMap(({ outputs }) => outputs.map(({ name }) => name));
  const gc = (globalThis as unknown as { gc(): void }).gc;
  function* samples() {
    for (const feeds of samplesOf(input, item.images('train'), count, 1)) {
      gc();
      yield feeds;
    }
  }
  await calibrate(model, samples(), values, { method });
  process.stdout.write(String(process.resourceUsage().maxRSS));
}
