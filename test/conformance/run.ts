// Every ONNX conformance case of an archive or a folder, through sessions: `npm run conformance -- PATH`.
//   --json             the report as JSON on standard output
//   --limit SECONDS    time for one case (10)
// PATH is a .tar, .tar.gz or folder of `CASE/model.onnx` with `CASE/test_data_set_N/{input,output}_I.pb`, at any depth;
// archives in a folder are looked into. Exit code 1 if a case failed.
import { type ChildProcess, fork } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../../src/report/table.ts';
import { formatShare } from '../../src/report/units.ts';
import { casesOf, type OnnxCase } from '../onnx-cases.ts';
import { type TarFile, untar } from '../tar.ts';
import type { Judgement, Status } from './judge.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, limit: { type: 'string', default: '10' } },
});
const [path, ...rest] = positionals;
const limitMs = Number(options.limit) * 1000;
if (path === undefined || rest.length > 0 || !(limitMs > 0)) {
  console.error('npm run conformance -- PATH [--json] [--limit SECONDS]');
  process.exit(2);
}

const archive = /\.(tar|tar\.gz|tgz)$/;
const cases = casesOf(filesOf(path));
if (cases.length === 0) {
  console.error(`${path}: no CASE/model.onnx in it`);
  process.exit(2);
}
const judgements: Judgement[] = [];
let worker: ChildProcess | null = null;
for (const item of cases) judgements.push(await inWorker(item));
stop();

const operators = rowsOf(judgements);
const count = (status: Status): number => judgements.filter((j) => j.status === status).length;
const totals = {
  cases: judgements.length,
  pass: count('pass'),
  outOfScope: count('out of scope'),
  fail: count('fail'),
  crash: count('crash'),
};
if (options.json) {
  const report = { kind: 'conformance', version: 1, ...totals, operators, cases: judgements };
  console.log(JSON.stringify(report, null, 1));
} else {
  print();
}
process.exitCode = totals.fail + totals.crash === 0 ? 0 : 1;

function print(): void {
  const columns = ['pass', 'out of scope', 'fail', 'crash'] as const;
  console.log(
    formatTable(
      [
        { title: 'operator', max: 48 },
        { title: 'cases', align: 'right' },
        ...columns.map((title) => ({ title, align: 'right' as const })),
      ],
      operators.map((row) => [
        row.operator,
        String(row.cases),
        ...columns.map((column) => (row[column] === 0 ? '' : String(row[column]))),
      ]),
    ),
  );
  for (const { name, status, reason } of judgements) {
    if (status !== 'pass') console.log(`${status}: ${name}: ${reason}`);
  }
  const { pass, outOfScope, fail, crash } = totals;
  console.log(
    `\n${totals.cases} cases: ${pass} pass (${formatShare(pass / totals.cases)}), ${outOfScope} out of scope, ${fail} fail, ${crash} crash`,
  );
}

/** A case counts for each operator in it. */
function rowsOf(all: readonly Judgement[]) {
  const rows = new Map<string, { operator: string; cases: number } & Record<Status, number>>();
  for (const { operators: names, status } of all) {
    for (const operator of names.length > 0 ? names : ['(not read)']) {
      let row = rows.get(operator);
      if (row === undefined) {
        row = { operator, cases: 0, pass: 0, 'out of scope': 0, fail: 0, crash: 0 };
        rows.set(operator, row);
      }
      row.cases++;
      row[status]++;
    }
  }
  return [...rows.values()].sort((a, b) => (a.operator < b.operator ? -1 : 1));
}

/** The judgement, or that the worker ended or took too long. */
function inWorker(item: OnnxCase): Promise<Judgement> {
  worker ??= fork(new URL('./worker.ts', import.meta.url), {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  });
  const child = worker;
  return new Promise((resolve) => {
    const done = (judgement: Judgement): void => {
      clearTimeout(timer);
      child.removeAllListeners();
      resolve(judgement);
    };
    const crashed = (reason: string): void => {
      stop();
      done({ name: item.name, status: 'crash', reason, operators: [] });
    };
    // The first case of a worker also waits for it to start.
    const timer = setTimeout(() => crashed(`no end after ${limitMs / 1000} s`), limitMs + 5000);
    child.once('message', (judgement) => done(judgement as Judgement));
    child.once('exit', (code, signal) => crashed(`the process ended with ${signal ?? code}`));
    child.send(item);
  });
}

function stop(): void {
  worker?.removeAllListeners();
  worker?.kill('SIGKILL');
  worker = null;
}

function filesOf(root: string): TarFile[] {
  if (!statSync(root).isDirectory()) return untar(new Uint8Array(readFileSync(root)));
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(onnx|pb|tar|gz|tgz)$/.test(entry.name))
    .flatMap((entry) => {
      const full = join(entry.parentPath, entry.name);
      const bytes = new Uint8Array(readFileSync(full));
      if (archive.test(entry.name)) return untar(bytes);
      return [{ name: full.slice(root.length).replaceAll('\\', '/').replace(/^\/+/, ''), bytes }];
    });
}
