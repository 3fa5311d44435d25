import { explanationText } from './explanation-text.ts';
import { attemptsText, judgeText } from './judge-text.ts';
import { printable } from './printable.ts';
import type {
  ActivationsReport,
  CompareReport,
  ComparisonReport,
  CompressReport,
  KeptReport,
  LayerRounding,
} from './report.ts';
import { formatTable } from './table.ts';
import { formatBytes, formatCount, formatDecibels, formatNumber, formatShare } from './units.ts';

/** A compression report as text: a table of layers, what was kept and why, the proof, one summary line. */
export function compressText(
  report: CompressReport,
  { full = false }: { full?: boolean } = {},
): string {
  const parts: string[] = [];
  if (report.layers.length > 0) parts.push(layerTable(report, full));
  if (report.kept.length > 0) parts.push(keptText(report.kept, full));
  if (report.activations !== null) parts.push(activationsText(report.activations, full));
  if (report.attempts.length > 0) parts.push(attemptsText(report.attempts));
  if (report.judge !== null) parts.push(judgeText(report.judge, full));
  if (report.explanation !== null) parts.push(explanationText(report.explanation, { full }));
  if (report.lossless.length > 0)
    parts.push(`Lossless: ${report.lossless.map(printable).join('; ')}`);
  if (report.proof !== null) parts.push(compareText(report.proof));
  for (const warning of report.warnings) parts.push(`Warning: ${printable(warning)}`);
  parts.push(summary(report));
  return parts.join('\n\n');
}

/** Rows beyond this many are summed up in one, largest weights first. */
const shortRows = 24;

function layerTable({ layers }: CompressReport, full: boolean): string {
  const bySize = [...layers].sort((a, b) => b.bytesBefore - a.bytesBefore);
  const shown = full || layers.length <= shortRows ? layers : bySize.slice(0, shortRows - 1);
  const rest = layers.filter((layer) => !shown.includes(layer));
  const isRounded = layers.some(({ rounding }) => rounding !== undefined);
  const rows = shown.map((layer) => [
    printable(layer.weight),
    printable(layer.layers[0]?.split(' ')[0] ?? ''),
    layer.shape.join('×'),
    layer.to,
    formatBytes(layer.bytesBefore),
    formatBytes(layer.bytesAfter),
    formatShare(layer.bytesAfter / layer.bytesBefore),
    formatDecibels(layer.sqnrDb),
    ...(isRounded ? [roundingText(layer.rounding)] : []),
  ]);
  if (rest.length > 0) {
    const before = rest.reduce((sum, layer) => sum + layer.bytesBefore, 0);
    const after = rest.reduce((sum, layer) => sum + layer.bytesAfter, 0);
    const worst = Math.min(...rest.map((layer) => layer.sqnrDb ?? Number.POSITIVE_INFINITY));
    const text = formatDecibels(worst === Number.POSITIVE_INFINITY ? null : worst);
    rows.push([
      `… ${rest.length} smaller ones`,
      '',
      '',
      '',
      formatBytes(before),
      formatBytes(after),
      formatShare(after / before),
      `≥ ${text}`,
      ...(isRounded ? [''] : []),
    ]);
  }
  return formatTable(
    [
      { title: 'weight', max: 36 },
      { title: 'operator' },
      { title: 'shape', align: 'right' },
      { title: 'stored as', max: 30 },
      { title: 'before', align: 'right' },
      { title: 'after', align: 'right' },
      { title: 'share', align: 'right' },
      { title: 'weight SQNR', align: 'right' },
      ...(isRounded ? [{ title: 'output SQNR, rounded', align: 'right' } as const] : []),
    ],
    rows,
  );
}

/** `21.2 dB → 25.6 dB`: with nearest levels, and with those that were chosen. */
function roundingText(rounding: LayerRounding | undefined): string {
  if (rounding === undefined) return '';
  return `${formatDecibels(rounding.nearestDb)} → ${formatDecibels(rounding.outputDb)}`;
}

function activationsText(
  { storage, values, operators, real }: ActivationsReport,
  full: boolean,
): string {
  const shown = full ? real : real.slice(0, shortRows);
  const lines = shown.map(({ layer, reason }) => `  ${printable(layer)} stays real: ${reason}`);
  if (shown.length < real.length) lines.push(`  … ${real.length - shown.length} more`);
  const title = `Activations: ${values} values are ${storage}, ${operators} operators run on them`;
  return [title, ...lines].join('\n');
}

function keptText(kept: readonly KeptReport[], full: boolean): string {
  const total = kept.reduce((sum, entry) => sum + entry.bytes, 0);
  const title = `Kept as they were: ${kept.length} constants, ${formatBytes(total)}`;
  const columns = [
    { title: 'constant', max: 36 },
    { title: 'count', align: 'right' as const },
    { title: 'size', align: 'right' as const },
    { title: 'because' },
  ];
  if (full) {
    const rows = kept.map((entry) => [
      printable(entry.weight),
      '1',
      formatBytes(entry.bytes),
      printable(entry.reason),
    ]);
    return `${title}\n${formatTable(columns, rows)}`;
  }
  const groups = new Map<string, KeptReport[]>();
  for (const entry of kept) {
    const group = groups.get(entry.code);
    if (group === undefined) groups.set(entry.code, [entry]);
    else group.push(entry);
  }
  const rows = [...groups.values()].map((group) => {
    const bytes = group.reduce((sum, entry) => sum + entry.bytes, 0);
    const first = group[0];
    const name = group.length === 1 ? (first?.weight ?? '') : `${first?.weight ?? ''} …`;
    const more =
      group.length > 1 && group.some((entry) => entry.reason !== first?.reason)
        ? ' (and the like)'
        : '';
    return [
      printable(name),
      String(group.length),
      formatBytes(bytes),
      printable(`${first?.reason ?? ''}${more}`),
    ];
  });
  return `${title}\n${formatTable(columns, rows)}`;
}

/** Two models side by side as text: weights stored otherwise, sizes, outputs. */
export function comparisonText(
  report: ComparisonReport,
  { full = false }: { full?: boolean } = {},
): string {
  const parts: string[] = [];
  const { weights, kept, missing, outputs, bytesBefore, bytesAfter } = report;
  const bySize = [...weights].sort((a, b) => b.bytesBefore - a.bytesBefore);
  const shown = full ? weights : bySize.slice(0, shortRows);
  if (shown.length > 0) {
    const rows = shown.map((row) => [
      printable(row.weight),
      row.shape.join('×'),
      row.stored,
      formatBytes(row.bytesBefore),
      formatBytes(row.bytesAfter),
      formatDecibels(row.sqnrDb),
    ]);
    const table = formatTable(
      [
        { title: 'weight', max: 48 },
        { title: 'shape', align: 'right' },
        { title: 'stored as' },
        { title: 'before', align: 'right' },
        { title: 'after', align: 'right' },
        { title: 'SQNR', align: 'right' },
      ],
      rows,
    );
    const more = weights.length - shown.length;
    parts.push(more > 0 ? `${table}\n… ${more} smaller ones (--full)` : table);
  }
  parts.push(
    `${weights.length} weights stored otherwise, ${kept.constants} the same (${formatBytes(kept.bytes)}), ${missing.length} without a counterpart`,
  );
  if (outputs !== null) parts.push(compareText(outputs));
  parts.push(`${formatBytes(bytesBefore)} and ${formatBytes(bytesAfter)}`);
  return parts.join('\n\n');
}

/** A comparison as text: a row an output. */
export function compareText(report: CompareReport): string {
  const rows = report.outputs.map((output) => [
    printable(output.output),
    formatCount(output.elements),
    formatNumber(output.maxDifference),
    formatNumber(output.maxReference),
    formatDecibels(output.sqnrDb),
    output.top1 === null ? '–' : formatShare(output.top1),
  ]);
  const bindings = Object.entries(report.bindings).map(
    ([name, size]) => `${printable(name)} = ${size}`,
  );
  const sizes = bindings.length > 0 ? `, ${bindings.join(', ')}` : '';
  const title = `Proof: both models on the same ${report.samples} inputs (${printable(report.inputs)}${sizes}), run by ${report.runner}`;
  const table = formatTable(
    [
      { title: 'output', max: 36 },
      { title: 'elements', align: 'right' },
      { title: 'largest difference', align: 'right' },
      { title: 'largest value', align: 'right' },
      { title: 'SQNR', align: 'right' },
      { title: 'same top-1', align: 'right' },
    ],
    rows,
  );
  return `${title}\n${table}`;
}

function summary({ bytesBefore, bytesAfter, parameters, proof, method }: CompressReport): string {
  const size =
    bytesAfter === null
      ? `${formatBytes(bytesBefore)} before`
      : `${formatBytes(bytesBefore)} → ${formatBytes(bytesAfter)} (${formatShare(bytesAfter / bytesBefore)})`;
  const worst =
    proof === null
      ? null
      : Math.min(...proof.outputs.map(({ sqnrDb }) => sqnrDb ?? Number.POSITIVE_INFINITY));
  const agreement =
    worst === null ? 'not run' : formatDecibels(worst === Number.POSITIVE_INFINITY ? null : worst);
  return `${size}, ${formatCount(parameters)} parameters, ${method}; output agreement: ${agreement}`;
}
