import type { OptimizedReport } from './optimized.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';

/** Reasons beyond this many are left out unless the full report is asked for. */
const shortRows = 12;

/** Operators before and after, what was rewritten, and what was not and why, as text. */
export function optimizedText(
  report: OptimizedReport,
  { full = false }: { full?: boolean } = {},
): string {
  const { before, after } = report;
  const parts = [
    operatorTable(report),
    rewriteTable(report),
    refusalTable(report, full),
    `${before.nodes} nodes before, ${after.nodes} after`,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function operatorTable({ before, after }: OptimizedReport): string {
  const names = new Set([...Object.keys(before.operators), ...Object.keys(after.operators)]);
  const count = (side: OptimizedReport['before'], name: string): number =>
    Object.hasOwn(side.operators, name) ? side.operators[name]! : 0;
  const rows = [...names].map((name) => [
    printable(name),
    String(count(before, name)),
    String(count(after, name)),
  ]);
  return formatTable(
    [
      { title: 'operator', max: 40 },
      { title: 'before', align: 'right' },
      { title: 'after', align: 'right' },
    ],
    rows,
  );
}

function rewriteTable({ rewrites }: OptimizedReport): string {
  if (rewrites.length === 0) return '';
  return formatTable(
    [
      { title: 'rewrite' },
      { title: 'nodes less', align: 'right' },
      { title: 'nodes more', align: 'right' },
      { title: 'because' },
    ],
    rewrites.map(({ pass, rule, reason, removed, added }) => [
      `${pass}/${rule}`,
      String(removed),
      String(added),
      reason,
    ]),
  );
}

/** One row for each rule and reason, with the first node that it is about. */
function refusalTable({ refused }: OptimizedReport, full: boolean): string {
  if (refused.length === 0) return '';
  if (full) {
    return formatTable(
      [{ title: 'not rewritten' }, { title: 'node', max: 60 }, { title: 'because', max: 100 }],
      refused.map(({ rule, node, why }) => [rule, printable(node), printable(why)]),
    );
  }
  const groups = new Map<string, { rule: string; node: string; why: string; count: number }>();
  for (const row of refused) {
    // Names and numbers in a reason differ from node to node.
    const key = `${row.rule} ${row.why.replace(/"[^"]*"|\d+/g, '#')}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ...row, count: 1 });
    else group.count++;
  }
  const all = [...groups.values()].sort((a, b) => b.count - a.count);
  const rows = all
    .slice(0, shortRows)
    .map(({ rule, node, why, count }) => [rule, String(count), printable(why), printable(node)]);
  const table = formatTable(
    [
      { title: 'not rewritten' },
      { title: 'times', align: 'right' },
      { title: 'because', max: 90 },
      { title: 'as', max: 40 },
    ],
    rows,
  );
  const more = all.length - rows.length;
  return more > 0 ? `${table}\n… ${more} more reasons (--full)` : table;
}
