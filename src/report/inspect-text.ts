import type { InspectReport } from './inspect.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';
import { formatBytes, formatCount, formatShare } from './units.ts';

/** Layers beyond this many are left out unless the full report is asked for. */
const shortRows = 20;

/** What a model is made of, as text. */
export function inspectText(
  report: InspectReport,
  { full = false }: { full?: boolean } = {},
): string {
  const opsets = Object.entries(report.opsets).map(
    ([domain, version]) => `${domain || 'ai.onnx'} ${version}`,
  );
  const sets = opsets.length === 0 ? '' : `, opset ${opsets.map(printable).join(', ')}`;
  const head = [
    `${report.format}, ${formatBytes(report.bytes)}${sets}`,
    ...report.inputs.map(({ name, type }) => `  in   ${printable(name)}: ${printable(type)}`),
    ...report.outputs.map(({ name, type }) => `  out  ${printable(name)}: ${printable(type)}`),
    ...report.about.map((text) => `  ${printable(text)}`),
  ].join('\n');
  const parts = [
    head,
    operatorTable(report),
    typeTable(report),
    largestTable(report),
    layerTable(report, full),
  ];
  if (report.warnings.length > 0) {
    const shown = full ? report.warnings : report.warnings.slice(0, 3);
    const more = report.warnings.length - shown.length;
    parts.push(
      [
        ...shown.map((text) => `Warning: ${printable(text)}`),
        ...(more > 0 ? [`… ${more} more`] : []),
      ].join('\n'),
    );
  }
  parts.push(summary(report));
  return parts.filter((part) => part !== '').join('\n\n');
}

function operatorTable({ operators, macs }: InspectReport): string {
  const rows = operators.map((row) => [
    printable(row.name),
    String(row.count),
    formatCount(row.parameters),
    formatCount(row.macs),
    macs > 0 ? formatShare(row.macs / macs) : '–',
  ]);
  return formatTable(
    [
      { title: 'operator', max: 40 },
      { title: 'nodes', align: 'right' },
      { title: 'parameters', align: 'right' },
      { title: 'MACs', align: 'right' },
      { title: 'share', align: 'right' },
    ],
    rows,
  );
}

function typeTable({ dtypes, bytes }: InspectReport): string {
  if (dtypes.length === 0) return '';
  return formatTable(
    [
      { title: 'constants of type' },
      { title: 'count', align: 'right' },
      { title: 'bytes', align: 'right' },
      { title: 'of the file', align: 'right' },
    ],
    dtypes.map((row) => [
      row.dtype,
      String(row.constants),
      formatBytes(row.bytes),
      bytes > 0 ? formatShare(row.bytes / bytes) : '–',
    ]),
  );
}

function largestTable({ largest }: InspectReport): string {
  if (largest.length === 0) return '';
  return formatTable(
    [
      { title: 'largest constants', max: 48 },
      { title: 'type' },
      { title: 'shape', align: 'right' },
      { title: 'bytes', align: 'right' },
    ],
    largest.map((row) => [
      printable(row.name),
      row.dtype,
      row.shape.join('×'),
      formatBytes(row.bytes),
    ]),
  );
}

/** Layers that have weights or multiply; all with `full`. */
function layerTable({ layers }: InspectReport, full: boolean): string {
  const working = full
    ? layers
    : layers.filter(({ macs, parameters }) => (macs ?? 0) > 0 || parameters > 0);
  if (working.length === 0) return '';
  const shown = full ? working : working.slice(0, shortRows);
  const rows = shown.map((row) => [
    printable(row.node),
    printable(row.operator),
    printable(row.output),
    formatCount(row.parameters),
    row.macs === null ? '?' : formatCount(row.macs),
  ]);
  const table = formatTable(
    [
      { title: 'layer', max: 40 },
      { title: 'operator', max: 24 },
      { title: 'output', max: 36 },
      { title: 'parameters', align: 'right' },
      { title: 'MACs', align: 'right' },
    ],
    rows,
  );
  const more = working.length - shown.length;
  return more > 0 ? `${table}\n… ${more} more layers (--full)` : table;
}

function summary({ nodes, parameters, macs, bindings, unknown }: InspectReport): string {
  const sizes = Object.entries(bindings).map(([name, size]) => `${printable(name)} = ${size}`);
  const at = sizes.length > 0 ? ` at ${sizes.join(', ')}` : '';
  const open = unknown > 0 ? ` (${unknown} nodes of unknown cost or size)` : '';
  return `${nodes} nodes, ${formatCount(parameters)} parameters, ${formatCount(macs)} MACs${at}${open}`;
}
