export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** Longest text; longer ones lose their middle. */
  max?: number;
}

/** Rows as text in aligned columns, a rule under the titles. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const cells = rows.map((row) => row.map((text, i) => shorten(text, columns[i]?.max)));
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((text: string, i: number): string => {
        const width = widths[i] ?? 0;
        return columns[i]?.align === 'right' ? text.padStart(width) : text.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width: number) => '─'.repeat(width)).join('──');
  return [line(columns.map(({ title }) => title)), rule, ...cells.map(line)].join('\n');
}

/** `backbone.stage1…conv.weight` */
export function shorten(text: string, max = Number.POSITIVE_INFINITY): string {
  if (text.length <= max) return text;
  const head = Math.floor((max - 1) / 3);
  return `${text.slice(0, head)}…${text.slice(text.length - (max - 1 - head))}`;
}
