import { printable } from './printable.ts';
import type { BenchReport, MemoryReport, ModelTimes, NodeReport, RunReport } from './run.ts';
import { formatTable } from './table.ts';
import { formatBytes, formatCount, formatMs, formatNumber, formatShare } from './units.ts';

/** Nodes beyond this many are left out unless the full report is asked for. */
const shortRows = 20;

/** What a run gave, as text: a row an output. */
export function runText(report: RunReport, { full = false }: { full?: boolean } = {}): string {
  const number = (value: number | null): string => (value === null ? '–' : formatNumber(value));
  const table = formatTable(
    [
      { title: 'output', max: 40 },
      { title: 'type' },
      { title: 'sizes', align: 'right' },
      { title: 'least', align: 'right' },
      { title: 'mean', align: 'right' },
      { title: 'largest', align: 'right' },
      { title: 'at', align: 'right' },
    ],
    report.outputs.map((output) => [
      printable(output.name),
      output.type,
      output.dims === null ? '–' : output.dims.join('×') || 'scalar',
      number(output.min),
      number(output.mean),
      number(output.max),
      output.largest === null ? '' : String(output.largest),
    ]),
  );
  const parts = [table];
  const bad = report.outputs.filter(({ notANumber }) => notANumber > 0);
  for (const { name, notANumber } of bad)
    parts.push(
      `Warning: ${formatCount(notANumber)} elements of ${printable(name)} are not numbers`,
    );
  const files = report.outputs.flatMap(({ file }) => (file === null ? [] : [printable(file)]));
  if (files.length > 0) parts.push(`Written: ${files.join(', ')}`);
  if (report.nodes.length > 0) parts.push(nodeTable(report.nodes, full));
  parts.push(`${formatMs(report.ms)}${sizesText(report.bindings)}; ${memoryText(report.memory)}`);
  return parts.join('\n\n');
}

/** Times of models, as text: a row a model, then the nodes of each by their time. */
export function benchText(report: BenchReport, { full = false }: { full?: boolean } = {}): string {
  const table = formatTable(
    [
      { title: 'model', max: 40 },
      { title: 'load', align: 'right' },
      { title: 'first run', align: 'right' },
      { title: 'best', align: 'right' },
      { title: 'median', align: 'right' },
      { title: 'runs', align: 'right' },
      { title: 'MACs', align: 'right' },
      { title: 'MACs/s', align: 'right' },
      { title: 'weights', align: 'right' },
      { title: 'activations', align: 'right' },
    ],
    report.models.map((row) => [
      printable(row.model),
      formatMs(row.loadMs),
      formatMs(row.firstMs),
      formatMs(row.bestMs),
      formatMs(row.medianMs),
      String(row.runs),
      formatCount(row.macs),
      row.bestMs > 0 ? formatCount((row.macs * 1000) / row.bestMs) : '–',
      formatBytes(row.memory.weights),
      formatBytes(row.memory.activations),
    ]),
  );
  const details = report.models.map((row) => modelDetails(row, full));
  return [table, ...details].join('\n\n');
}

function modelDetails({ model, bindings, nodes }: ModelTimes, full: boolean): string {
  return `${printable(model)}${sizesText(bindings)}: ${nodes.length} nodes\n${nodeTable(nodes, full)}`;
}

/** Those that took longest first. */
function nodeTable(nodes: readonly NodeReport[], full: boolean): string {
  const total = nodes.reduce((sum, { ms }) => sum + ms, 0);
  const sorted = [...nodes].sort((a, b) => b.ms - a.ms);
  const shown = full ? sorted : sorted.slice(0, shortRows);
  const table = formatTable(
    [
      { title: 'node', max: 40 },
      { title: 'operator', max: 24 },
      { title: 'run by', max: 32 },
      { title: 'time', align: 'right' },
      { title: 'share', align: 'right' },
      { title: 'MACs', align: 'right' },
    ],
    shown.map((row) => [
      printable(row.node),
      printable(row.op),
      row.kernel,
      formatMs(row.ms),
      total > 0 ? formatShare(row.ms / total) : '–',
      row.macs > 0 ? formatCount(row.macs) : '',
    ]),
  );
  const rest = sorted.slice(shown.length);
  if (rest.length === 0) return table;
  const restMs = rest.reduce((sum, { ms }) => sum + ms, 0);
  return `${table}\n… ${rest.length} more nodes, ${formatMs(restMs)} (--full)`;
}

function sizesText(bindings: Readonly<Record<string, number>>): string {
  const sizes = Object.entries(bindings).map(([name, size]) => `${printable(name)} = ${size}`);
  return sizes.length > 0 ? ` at ${sizes.join(', ')}` : '';
}

function memoryText({ weights, activations }: MemoryReport): string {
  return `kernel memory: ${formatBytes(weights)} weights, ${formatBytes(activations)} activations`;
}
