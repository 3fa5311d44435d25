import type { ConversionReport } from './conversion.ts';
import { compareText } from './text.ts';
import { formatBytes } from './units.ts';

/** A conversion for people.
 *  @param full  every adapted node, where otherwise kinds of them are counted */
export function conversionText(
  report: ConversionReport,
  { full = false }: { full?: boolean } = {},
): string {
  const lines = [
    `${report.from} opset ${report.opsetBefore} → ${report.to} opset ${report.opsetAfter}, ` +
      `${formatBytes(report.bytesBefore)} → ${formatBytes(report.bytesAfter)}`,
  ];
  const kinds = new Map<string, number>();
  for (const { node, op, becomes } of report.adapted) {
    const text = becomes.length === 1 && becomes[0] === op ? op : `${op} → ${becomes.join(', ')}`;
    if (full) lines.push(`  ${node}: ${text}`);
    else kinds.set(text, (kinds.get(text) ?? 0) + 1);
  }
  if (report.adapted.length === 0) lines.push('no node had to be adapted');
  for (const [text, count] of kinds) lines.push(`  ${count} × ${text}`);
  lines.push(report.outputs === null ? 'not run' : compareText(report.outputs));
  return lines.join('\n');
}
