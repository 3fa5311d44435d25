// Runs the same built package in nine runtimes and compares what comes out: `npm run test:runtimes`.
//   --write-readme    put the table into README.md
//   --package FOLDER  test that built package instead of this one
//   NAME…             only the runtimes whose name contains it
// A runtime that is missing is skipped, loudly; with CI=true it is a failure.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runtimes, versionOf } from './launch.mjs';
import { stage } from './stage.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const { values: options, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: { 'write-readme': { type: 'boolean' }, package: { type: 'string' } },
});

const wanted = runtimes.filter(
  ({ name }) =>
    filters.length === 0 || filters.some((f) => name.toLowerCase().includes(f.toLowerCase())),
);
const project = stage(resolve(options.package ?? root));
const rows = [];
try {
  for (const runtime of wanted) rows.push(await measure(runtime));
} finally {
  rmSync(project, { recursive: true, force: true });
}

/** The cases' digests that most runtimes agree on: the others are named by what differs from it. */
const reference = mostCommon(rows.filter((row) => row.everything !== undefined));
for (const row of rows) {
  if (row.everything === undefined || row.everything === reference.everything) continue;
  const names = Object.keys({ ...reference.cases, ...row.cases });
  const different = names.filter((name) => row.cases[name] !== reference.cases[name]);
  row.problem = `differs in ${different.join(', ')}`;
}

console.log(`\n${table(rows, true)}`);
for (const row of rows.filter((row) => row.problem !== undefined))
  console.log(`\n${label(row)}: ${row.problem}`);

const skipped = rows.filter((row) => row.missing);
for (const row of skipped)
  console.log(`\nSKIPPED: ${label(row)} is not here (test/runtimes/README.md says how to get it)`);

let failed = rows.filter((row) => row.problem !== undefined).length;
let passed = rows.length - failed - skipped.length;
if (filters.length === 0 && options.package === undefined && failed + skipped.length === 0) {
  const problem = readme();
  if (problem === undefined) passed += 1;
  else {
    failed += 1;
    console.log(`\n${problem}`);
  }
}
console.log(
  `\n${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

async function measure(runtime) {
  const row = { name: runtime.name, variant: runtime.variant };
  const binary = runtime.find();
  if (binary === undefined) {
    if (process.env.CI !== 'true') return { ...row, missing: true };
    return { ...row, problem: 'is not here, and CI must not skip' };
  }
  const began = performance.now();
  try {
    row.version = versionOf(binary);
    const { cases, error } = await runtime.run(binary, project);
    if (error !== undefined) throw new Error(error);
    const lines = Object.entries(cases).map(([name, hash]) => `${name} ${hash}\n`);
    if (lines.length === 0) throw new Error('no case ran');
    row.cases = cases;
    const sum = (part) => createHash('sha256').update(part.join('')).digest('hex');
    row.everything = sum(lines);
    // Models that are not everywhere must not change what the README shows.
    row.digest = sum(lines.filter((line) => !line.startsWith('extra')));
  } catch (error) {
    row.problem = error.message;
  }
  row.seconds = (performance.now() - began) / 1000;
  console.error(`${label(row)}: ${row.problem === undefined ? 'ran' : 'failed'}`);
  return row;
}

function label({ name, variant }) {
  return variant === undefined ? name : `${name}, ${variant}`;
}

function mostCommon(rows) {
  const count = (row) => rows.filter((other) => other.everything === row.everything).length;
  return rows.reduce((best, row) => (best && count(best) >= count(row) ? best : row), undefined);
}

/** Markdown, columns padded; times only on the terminal, since the README must not depend on the machine. */
function table(rows, withTimes) {
  const body = rows.map((row) => {
    const result = row.missing ? 'skipped' : row.problem === undefined ? 'ok' : 'FAILED';
    const digest = row.digest === undefined ? '' : `\`${row.digest.slice(0, 16)}\``;
    const cells = [label(row), row.version ?? '', digest, result];
    return withTimes ? [...cells, row.seconds?.toFixed(1) ?? ''] : cells;
  });
  const head = ['runtime', 'version', 'digest', 'result', ...(withTimes ? ['s'] : [])];
  const widths = head.map((_, i) => Math.max(...[head, ...body].map((cells) => cells[i].length)));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head), rule, ...body.map(line)].join('\n');
}

/** Writes the README's table, or says that the one there shows another digest than today's. */
function readme() {
  const path = join(root, 'README.md');
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const [begin, end] = ['<!-- runtimes:begin -->', '<!-- runtimes:end -->'];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) return `README.md has no ${begin} … ${end}`;
  const shown = text.slice(from + begin.length, to);
  if (options['write-readme']) {
    const made = `\n\n${table(rows, false)}\n\n`;
    writeFileSync(path, text.slice(0, from + begin.length) + made + text.slice(to));
    return undefined;
  }
  if (shown.includes(reference.digest.slice(0, 16))) return undefined;
  return `README.md does not show ${reference.digest.slice(0, 16)}: results changed, or this machine differs from the others. If the change is meant: npm run test:runtimes -- --write-readme`;
}
