import { formatShare } from '../../src/report/units.ts';
import type { Row } from './row.ts';

interface Part {
  readonly title: string;
  readonly text: string;
  readonly of: (row: Row) => boolean;
}

const parts: readonly Part[] = [
  {
    title: 'ONNX to TFLite: models',
    text: 'Real models. The result runs in tfjs-tflite and is compared with onnxruntime-node: 1e-4 of the largest output.',
    of: ({ direction, group }) => direction === 'onnx-to-tflite' && group === 'models',
  },
  {
    title: 'ONNX to TFLite: small quantized models',
    text: 'Quantized outputs may differ by one quantum in one of a hundred elements.',
    of: ({ direction, group }) => direction === 'onnx-to-tflite' && group === 'small',
  },
  {
    title: 'ONNX to TFLite: the conformance cases',
    text: 'The cases of ONNX itself on float32. The result runs in tfjs-tflite and is compared with the stored outputs.',
    of: ({ direction, group }) => direction === 'onnx-to-tflite' && group === 'cases',
  },
  {
    title: 'TFLite to ONNX',
    text: 'The result runs in onnxruntime-node and is compared with what tfjs-tflite or LiteRT makes of the original.',
    of: ({ direction }) => direction === 'tflite-to-onnx',
  },
  {
    title: 'TFLite, read and written',
    text: 'The file that is written does in tfjs-tflite what the original does, bit for bit.',
    of: ({ direction }) => direction === 'tflite-to-tflite',
  },
];

/** One line for each part that has rows. */
export function summaryLines(rows: readonly Row[]): string[] {
  return parts.flatMap(({ title, of }) => {
    const mine = rows.filter(of);
    return mine.length === 0 ? [] : [`${title}: ${countsOf(mine)}`];
  });
}

function countsOf(rows: readonly Row[]): string {
  const passed = rows.filter(({ status }) => status === 'passed').length;
  const failed = rows.filter(({ status }) => status === 'failed').length;
  const outside = rows.length - passed - failed;
  const share = passed + failed === 0 ? '' : ` (${formatShare(passed / (passed + failed))})`;
  return `${passed} of ${passed + failed}${share}${outside === 0 ? '' : `, ${outside} out of scope`}`;
}

/** The page of all conversions: sums, what fails and why, operator by operator for the conformance cases. */
export function conversionPage(rows: readonly Row[]): string {
  const lines = [
    '# Conversions',
    '',
    'Made by `npm run conversions -- --write`: every model is converted, run in a runtime that shares no code with this',
    'one, and compared. Codes that begin with `E_` are those of the error that a caller gets; `LOAD` and `RUN` mean that',
    'the other runtime refused the result, `DIFFERS` that it computes something else.',
  ];
  for (const { title, text, of } of parts) {
    const mine = rows.filter(of);
    if (mine.length === 0) continue;
    lines.push('', `## ${title}`, '', text, '', `**${countsOf(mine)}.**`);
    const failed = mine.filter(({ status }) => status === 'failed');
    if (failed.length > 0) {
      lines.push('', '| does not convert | code | reason |', '| --- | --- | --- |');
      for (const { name, code, reason } of failed) {
        lines.push(`| ${name} | \`${code}\` | ${cell(reason)} |`);
      }
    }
    lines.push(...outsideLines(mine));
  }
  return `${lines.join('\n')}\n`;
}

/** What is out of scope, by reason. */
function outsideLines(rows: readonly Row[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { status, name, code, reason } of rows) {
    if (status !== 'out of scope') continue;
    const key = code === 'SCOPE' ? reason : `${code}: ${reason}`;
    byReason.set(key, [...(byReason.get(key) ?? []), name]);
  }
  if (byReason.size === 0) return [];
  const lines = ['', '| out of scope because | how many | such as |', '| --- | ---: | --- |'];
  for (const [reason, names] of byReason) {
    const some = names.slice(0, 3).join(', ');
    lines.push(`| ${cell(reason)} | ${names.length} | ${some}${names.length > 3 ? ', …' : ''} |`);
  }
  return lines;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
}
