// The table of the README: what the comparisons with other libraries measured, on what and when.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { type Group, overFloat32 } from './lib.ts';

const begin = '<!-- bench:begin -->';
const end = '<!-- bench:end -->';

/** Writes the groups in which another library took part between the markers of a README. */
export function writeReadme(path: string, groups: readonly Group[]): void {
  const rows: string[] = [];
  for (const group of groups) {
    const { title, measurements } = group;
    const over = overFloat32(group);
    const own = over === undefined ? '' : `${over.toFixed(2)} ×${over < 1 ? ' (slower)' : ''}`;
    const ours = measurements.find(({ name }) => name === 'modelpress');
    for (const peer of measurements) {
      if (ours === undefined || peer.name.startsWith('modelpress')) continue;
      const ratio = peer.bestMs / ours.bestMs;
      rows.push(
        `| ${title} | ${peer.name} | ${ours.bestMs.toFixed(2)} | ${peer.bestMs.toFixed(2)} | ${ratio.toFixed(2)} × | ${own} |`,
      );
    }
  }
  const machine = cpus()[0]?.model.trim() ?? 'unknown';
  const date = new Date().toISOString().slice(0, 10);
  const text = [
    begin,
    '',
    `One thread, best of the rounds, ${machine}, ${date}:`,
    '',
    '| work | against | modelpress, ms | the other, ms | faster | than own float32 |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    end,
  ].join('\n');
  const readme = readFileSync(path, 'utf8');
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) {
    console.error(`${path} has no ${begin} … ${end}`);
    process.exitCode = 1;
    return;
  }
  writeFileSync(path, readme.slice(0, from) + text + readme.slice(to + end.length));
  // Aligned as everything else is.
  const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
  execFileSync(process.execPath, [biome, 'format', '--write', path], { stdio: 'ignore' });
}
