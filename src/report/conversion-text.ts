import type { ConversionReport } from './conversion.ts';
import type { LayerDifference, LayersReport } from './layers.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';
import { compareText } from './text.ts';
import { formatBytes, formatDecibels, formatNumber } from './units.ts';

/** Layers beyond this many are left out unless all are asked for. */
const shortRows = 10;

/** A conversion for people.
 *  @param full  every adapted node, where otherwise kinds of them are counted
 *  @param layers  every value on the way, where otherwise only those are listed in which a difference arises */
export function conversionText(
  report: ConversionReport,
  { full = false, layers = false }: { full?: boolean; layers?: boolean } = {},
): string {
  const lines = [
    `${side(report.from, report.opsetBefore)} → ${side(report.to, report.opsetAfter)}, ` +
      `${formatBytes(report.bytesBefore)} → ${formatBytes(report.bytesAfter)}, ` +
      `${report.nodesBefore} nodes → ${report.nodesAfter}`,
  ];
  const kinds = new Map<string, number>();
  for (const { node, op, becomes } of report.adapted) {
    const text = becomes.length === 1 && becomes[0] === op ? op : `${op} → ${becomes.join(', ')}`;
    if (full) lines.push(`  ${printable(node)}: ${printable(text)}`);
    else kinds.set(text, (kinds.get(text) ?? 0) + 1);
  }
  if (report.adapted.length === 0) lines.push('no node had to be adapted');
  for (const [text, count] of kinds) lines.push(`  ${count} × ${printable(text)}`);
  lines.push(...quantizationLines(report, full));
  const { count, least } = report.transposes;
  lines.push(`transposes between layouts: ${count}, the least there can be: ${least}`);
  for (const note of report.notes) lines.push(`Note: ${printable(note)}`);
  lines.push(report.outputs === null ? 'not run' : `\n${proofText(report)}`);
  if (report.layers !== null) lines.push(`\n${layersText(report.layers, { all: layers })}`);
  return lines.join('\n');
}

/** Kinds of changes, those that may be seen in results first; each of them with `full`. */
function quantizationLines({ quantization }: ConversionReport, full: boolean): string[] {
  const sorted = [...quantization].sort((a, b) => b.error - a.error);
  const line = (where: string, what: string, error: number): string =>
    `  ${printable(where)}: ${printable(what)}${error > 0 ? ` (up to ${formatNumber(error)})` : ''}`;
  if (full) return sorted.map(({ where, what, error }) => line(where, what, error));
  const kinds = new Map<string, { count: number; error: number; what: string }>();
  for (const { kind, what, error } of sorted) {
    const group = kinds.get(kind);
    if (group === undefined) kinds.set(kind, { count: 1, error, what });
    else group.count++;
  }
  return [...kinds].map(([kind, { count, error, what }]) =>
    line(`${count} × ${kind}`, what, error),
  );
}

function side(format: string, opset: number | null): string {
  return opset === null ? format : `${format} opset ${opset}`;
}

function proofText({ outputs }: ConversionReport): string {
  const levels = outputs!.outputs.flatMap(({ output, levels: found }) => {
    if (found === null || found.most === 0) return [];
    const { same, one, two, more, most } = found;
    const name = printable(output);
    return [`${name}: ${same} equal, ${one} one level apart, ${two} two, ${more} more (${most})`];
  });
  return [compareText(outputs!), ...levels].join('\n');
}

/** Values on the way as text: how many agree, where differences arise and why; all of them with `all`. */
export function layersText(
  { layers, unmatched, firstDifferent }: LayersReport,
  { all = false }: { all?: boolean } = {},
): string {
  const different = layers.filter(({ differs }) => differs);
  const summary =
    `Layers: ${layers.length} compared, ${layers.length - different.length} agree` +
    (unmatched.length > 0 ? `, ${unmatched.length} have no counterpart` : '') +
    (firstDifferent === null ? '' : `; the first that differs: ${printable(firstDifferent)}`);
  const shown = all ? layers : layers.filter(({ arises }) => arises).slice(0, shortRows);
  const parts = [summary];
  if (shown.length > 0) parts.push(layerTable(shown));
  if (!all && different.length > shown.length)
    parts.push(`… ${different.length - shown.length} more that differ (--layers)`);
  if (all && unmatched.length > 0)
    parts.push(`Without a counterpart: ${unmatched.map(printable).join(', ')}`);
  return parts.join('\n');
}

function layerTable(rows: readonly LayerDifference[]): string {
  return formatTable(
    [
      { title: 'layer', max: 36 },
      { title: 'operator', max: 20 },
      { title: 'as', max: 20 },
      { title: 'sizes', align: 'right', max: 20 },
      { title: 'largest difference', align: 'right' },
      { title: 'largest value', align: 'right' },
      { title: 'SQNR', align: 'right' },
      { title: 'levels', align: 'right' },
      { title: '' },
      { title: 'because', max: 48 },
    ],
    rows.map((row) => [
      printable(row.layer),
      row.operator,
      row.otherOperator,
      `${row.dims.join('×')}${row.permuted ? ' turned' : ''}`,
      formatNumber(row.maxDifference),
      formatNumber(row.maxReference),
      formatDecibels(row.sqnrDb),
      row.levels === null ? '–' : String(row.levels.most),
      row.arises ? 'here' : row.differs ? 'from before' : '',
      printable(row.why ?? ''),
    ]),
  );
}
