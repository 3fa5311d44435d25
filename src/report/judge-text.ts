import type { AttemptReport, JudgeReport } from './judge.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';
import { formatBytes, formatDecibels } from './units.ts';

/** Rows beyond this many are summed up. */
const shortRows = 12;

/** What candidates were judged on, what came of it, and what was put back into real numbers for it. */
export function judgeText(
  { samples, heldBack, inputs, minOutputDb, sqnrDb, restored }: JudgeReport,
  full: boolean,
): string {
  const from =
    inputs === 'calibration'
      ? `${samples} samples ${heldBack ? 'kept out of' : 'of'} the calibration`
      : `${samples} samples (${printable(inputs)})`;
  const { before, after } = sqnrDb;
  const wish = minOutputDb === null ? '' : `, ${minOutputDb} dB wished for`;
  const ratio =
    before === after
      ? formatDecibels(after)
      : `${formatDecibels(before)} → ${formatDecibels(after)}`;
  const title = `Judged on ${from}: outputs ${ratio}${wish}`;
  if (restored.length === 0) return title;
  const shown = full ? restored : restored.slice(0, shortRows);
  const lines = shown.map(({ kind, name, aloneDb }) => {
    const alone = aloneDb === null ? '' : `: rounded alone ${formatDecibels(aloneDb)}`;
    if (kind === 'layer') return `  ${printable(name)} multiplies real numbers`;
    return kind === 'value'
      ? `  value ${printable(name)} stays real${alone}`
      : `  weights of ${printable(name)} are float16${alone}`;
  });
  if (shown.length < restored.length) lines.push(`  … ${restored.length - shown.length} more`);
  return [title, ...lines].join('\n');
}

/** The ways that were tried, a row each. */
export function attemptsText(attempts: readonly AttemptReport[]): string {
  return formatTable(
    [
      { title: 'tried' },
      { title: 'outputs', align: 'right' },
      { title: 'constants', align: 'right' },
      { title: 'on integers', align: 'right' },
      { title: 'put back', align: 'right' },
      { title: '' },
    ],
    attempts.map((attempt) => [
      `${attempt.mode} int8`,
      formatDecibels(attempt.sqnrDb),
      formatBytes(attempt.constantBytes),
      String(attempt.operators),
      String(attempt.restored),
      attempt.isChosen ? 'taken' : '',
    ]),
  );
}
