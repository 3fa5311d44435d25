// The tables of the README: what the comparisons measured, on what and when.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Comparison, geometricMean, type PeerName, peersOf, ratioTo } from './comparison.ts';
import type { Outcome } from './lib.ts';
import { machine } from './machine.ts';
import type { PlainTable } from './quantize/table.ts';

const begin = '<!-- bench:begin -->';
const end = '<!-- bench:end -->';

/** What the baselines of a group are. */
const baselines: Readonly<Record<string, string>> = {
  'quantized products and convolutions': 'own float32',
  'linear algebra': 'own whole SVD',
  models: 'own float32',
  'tflite models': 'own float32',
  quantization: 'own float32',
};

/** Writes the groups in which libraries were compared between the markers of a README.
 *  @param how  what lessens the figures */
export function writeReadme(
  path: string,
  outcomes: Readonly<Record<string, Outcome>>,
  how: readonly string[],
): void {
  const groups = Object.entries(outcomes).filter(([, { comparisons }]) => comparisons.length > 0);
  const versions = new Set(groups.flatMap(([, { comparisons }]) => comparisons.map((c) => c.node)));
  const date = new Date().toISOString().slice(0, 10);
  const nodes = [...versions].map((version) => `Node ${version}`).join(' / ');
  const text = [
    begin,
    '',
    `One thread, ${[machine(), date, ...how].join(', ')}; ${nodes}.`,
    'Best of interleaved rounds: milliseconds of modelpress, then how many times faster it was than each of the others (below',
    '1: slower). numpy is LAPACK in native code.',
    '',
    ...groups.flatMap(([name, { comparisons, tables = [] }]) => [
      ...sectionOf(name, comparisons),
      ...tables.flatMap(markdownOf),
    ]),
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

/** One row for each work; a cell has a figure for each Node. */
function sectionOf(name: string, comparisons: readonly Comparison[]): string[] {
  const peers = peersOf(comparisons);
  const titles = peers.map((peer) => `× ${peer === 'own baseline' ? baselines[name] : peer}`);
  const rows = new Map<string, Comparison[]>();
  for (const each of comparisons) rows.set(each.work, [...(rows.get(each.work) ?? []), each]);
  const lines = [`| ${[name, 'ms', ...titles].join(' | ')} |`];
  lines.push(`| --- |${' ---: |'.repeat(peers.length + 1)}`);
  for (const [work, row] of rows) {
    const times = row.map(({ times }) => times.modelpress?.bestMs);
    const ratios = peers.map((peer) => cell(row.map((each) => ratioTo(peer, each))));
    lines.push(`| ${[work, cell(times), ...ratios].join(' | ')} |`);
  }
  if (name === 'models') lines.push(meanRow(peers, comparisons));
  const absent = peers
    .map((peer) => comparisons.find(({ missing }) => missing[peer] !== undefined)?.missing[peer])
    .filter((reason) => reason !== undefined);
  return ['', ...lines, '', ...new Set(absent)];
}

/** A table that is no comparison of times. */
function markdownOf({ title, head, rows }: PlainTable): string[] {
  const lines = [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows];
  return ['', `${title}:`, '', ...lines.map((cells) => `| ${cells.join(' | ')} |`), ''];
}

function meanRow(peers: readonly PeerName[], comparisons: readonly Comparison[]): string {
  const nodes = [...new Set(comparisons.map(({ node }) => node))];
  const floats = comparisons.filter((each) => ratioTo('own baseline', each) === undefined);
  const means = peers.map((peer) =>
    cell(
      nodes.map((node) =>
        geometricMean(
          peer,
          floats.filter((each) => each.node === node),
        ),
      ),
    ),
  );
  return `| ${['geometric mean of float32', '', ...means].join(' | ')} |`;
}

function cell(figures: readonly (number | undefined)[]): string {
  if (figures.every((figure) => figure === undefined)) return '';
  return figures.map((figure) => (figure === undefined ? '–' : short(figure))).join(' / ');
}

const short = (figure: number): string =>
  figure >= 100 ? figure.toFixed(0) : figure >= 10 ? figure.toFixed(1) : figure.toFixed(2);
