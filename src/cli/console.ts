import { styleText } from 'node:util';
import { AgreementError, ModelpressError } from '../core/errors.ts';
import { printable } from '../report/printable.ts';
import { UsageError } from './options.ts';

/** Whether a stream takes escape sequences: a terminal, unless NO_COLOR says otherwise. */
function hasColor(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0';
  return stream.isTTY === true && process.env.TERM !== 'dumb';
}

function paint(style: 'red' | 'dim' | 'bold', text: string, stream: NodeJS.WriteStream): string {
  return hasColor(stream) ? styleText(style, text) : text;
}

/** Data: what the verb was asked for. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Data as indented JSON. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** A line of progress on standard error that replaces itself; nothing where that is no terminal. */
export class ProgressLine {
  readonly #on: boolean;
  #last = 0;

  constructor(quiet: boolean) {
    this.#on = !quiet && process.stderr.isTTY === true;
  }

  show(stage: string, done: number, total: number, name: string): void {
    const now = Date.now();
    if (!this.#on || (now - this.#last < 50 && done < total)) return;
    this.#last = now;
    const width = Math.max(20, (process.stderr.columns ?? 80) - 1);
    const text = `${stage} ${done}/${total} ${printable(name)}`.slice(0, width);
    process.stderr.write(`\r\u001b[K${paint('dim', text, process.stderr)}`);
  }

  clear(): void {
    if (this.#on) process.stderr.write('\r\u001b[K');
  }
}

/** One line on standard error. */
export function note(text: string, quiet = false): void {
  if (!quiet) process.stderr.write(`${printable(text)}\n`);
}

/** One of several reasons for which something was not done. */
interface Failure {
  code: string;
  where: string;
  reason: string;
  hint?: string;
}

/** The reasons that an error sums up, as writers give them. */
function failuresOf(error: unknown): readonly Failure[] {
  const cause = error instanceof ModelpressError ? error.cause : null;
  if (!Array.isArray(cause)) return [];
  const isFailure = (item: Partial<Failure>): boolean =>
    typeof item?.code === 'string' && typeof item.reason === 'string';
  return cause.every(isFailure) ? cause : [];
}

/** Says what went wrong in one line, and returns the exit code. The stack only with DEBUG. */
export function complain(error: unknown): number {
  const line = (text: string): void => {
    process.stderr.write(`${paint('red', 'modelpress:', process.stderr)} ${printable(text)}\n`);
  };
  if (error instanceof UsageError) {
    line(`${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`);
    return 2;
  }
  const failures = failuresOf(error);
  if (failures.length > 1) {
    line(`${failures.length} things are in the way; nothing was written`);
    for (const { code, where, reason, hint } of failures)
      line(`  ${code}: ${where}: ${reason}${hint === undefined ? '' : ` (${hint})`}`);
  } else if (error instanceof ModelpressError) {
    const where = error.where === undefined ? '' : `${error.where}: `;
    const hint = error.hint === undefined ? '' : ` (${error.hint})`;
    line(`${error.code}: ${where}${error.message}${hint}`);
  } else if (error instanceof Error && error.name === 'AbortError') {
    line('stopped; nothing was written');
  } else {
    line(error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error));
  }
  if (process.env.DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return error instanceof AgreementError ? 3 : 1;
}
