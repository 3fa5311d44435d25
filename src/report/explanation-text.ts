import type { ExplanationReport, NoiseShares } from './explanation.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';
import { formatDecibels, formatShare } from './units.ts';

/** Rows beyond this many are left out, smallest shares first. */
const shortRows = 12;

/** An explanation as text: the shares of the error, the layers that make most of it, causes with their evidence. */
export function explanationText(
  report: ExplanationReport,
  { full = false }: { full?: boolean } = {},
): string {
  const { outputs, samples, shares, explained, layers, causes, tried, notes } = report;
  const worst = outputs.map(
    ({ output, sqnrDb }) => `${printable(output)} ${formatDecibels(sqnrDb)}`,
  );
  const parts = [
    `Error of the outputs on ${samples} samples: ${worst.join(', ')}`,
    `It comes from: ${sharesText(shares)} (${formatShare(explained)} accounted for)`,
  ];
  const bySize = [...layers].sort((a, b) => Math.abs(b.share) - Math.abs(a.share));
  const shown = new Set(full ? layers : bySize.slice(0, shortRows));
  const rows = layers
    .filter((layer) => shown.has(layer))
    .map((layer) => [
      printable(layer.layer),
      layer.operator,
      formatShare(layer.share),
      formatShare(layer.shares.weights),
      formatShare(layer.shares.rounding),
      formatShare(layer.shares.clipping),
      formatShare(layer.shares.bias),
      formatDecibels(layer.sqnrDb),
    ]);
  if (rows.length > 0) {
    const title = (text: string): { title: string; align: 'right' } => ({
      title: text,
      align: 'right',
    });
    const columns = [
      { title: 'layer', max: 40 },
      { title: 'operator' },
      ...['share', 'weights', 'rounding', 'clipping', 'bias', 'SQNR there'].map(title),
    ];
    parts.push(formatTable(columns, rows));
  }
  for (const cause of causes) {
    const share = cause.share === null ? '' : ` (${formatShare(cause.share)} of the error)`;
    const what = cause.severity === 'fault' ? 'Cause' : 'Hint';
    parts.push(`${what}: ${cause.code}${share}: ${printable(cause.text)}`);
  }
  for (const { kind, gainDb, note } of tried) {
    const gain = gainDb === null ? '' : `, ${gainDb < 0 ? '' : '+'}${gainDb.toFixed(1)} dB`;
    parts.push(`Tried: ${kind}${gain}: ${printable(note)}`);
  }
  for (const note of notes) parts.push(`Note: ${printable(note)}`);
  return parts.join('\n');
}

function sharesText({ weights, rounding, clipping, bias }: NoiseShares): string {
  const parts: [string, number][] = [
    ['weights', weights],
    ['rounding of values', rounding],
    ['values cut off', clipping],
    ['biases', bias],
  ];
  return parts.map(([name, share]) => `${name} ${formatShare(share)}`).join(', ');
}
