// Every model and conformance case of ../shared/data through conversion, and the result through another runtime:
// `npm run conversions -- [FILTER …]`.
//   --write            writes CONVERSIONS.md
//   --json FILE        the rows as JSON
//   --limit SECONDS    time for one conversion (300)
// FILTERs are parts of `direction/group/name`. Exit code 1 if something crashed.
import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { conversionItems } from './items.ts';
import { type Item, nameOf } from './judge.ts';
import type { Row } from './row.ts';
import { conversionPage, summaryLines } from './table.ts';

const { values: options, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    write: { type: 'boolean' },
    json: { type: 'string' },
    limit: { type: 'string', default: '300' },
  },
});
const limitMs = Number(options.limit) * 1000;
const items = conversionItems().filter((item) => {
  const full = `${item.direction}/${item.group}/${nameOf(item)}`;
  return filters.length === 0 || filters.some((filter) => full.includes(filter));
});
const rows: Row[] = [];
let worker: ChildProcess | null = null;
for (const item of items) rows.push(await inWorker(item));
stop();

for (const { direction, name, status, code, reason } of rows) {
  if (status === 'failed') console.log(`${direction} ${name}: ${code}: ${reason}`);
}
console.log(`\n${summaryLines(rows).join('\n')}`);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows, null, 1)}\n`);
if (options.write) {
  writeFileSync(new URL('../../CONVERSIONS.md', import.meta.url), conversionPage(rows));
}
process.exitCode = rows.some(({ code }) => code === 'CRASH') ? 1 : 0;

/** The row, or that the worker ended or took too long. */
function inWorker(item: Item): Promise<Row> {
  worker ??= fork(new URL('./worker.ts', import.meta.url), {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  });
  const child = worker;
  return new Promise((resolve) => {
    const done = (row: Row): void => {
      clearTimeout(timer);
      child.removeAllListeners();
      resolve(row);
    };
    const crashed = (reason: string): void => {
      stop();
      const { direction, group } = item;
      const code = 'CRASH';
      done({ direction, group, name: nameOf(item), status: 'failed', code, reason, operators: [] });
    };
    // The first item of a worker also waits for it to start.
    const timer = setTimeout(() => crashed(`no end after ${limitMs / 1000} s`), limitMs + 5000);
    child.once('message', (row) => done(row as Row));
    child.once('exit', (code, signal) => crashed(`the process ended with ${signal ?? code}`));
    child.send(item);
  });
}

function stop(): void {
  worker?.removeAllListeners();
  worker?.kill('SIGKILL');
  worker = null;
}
