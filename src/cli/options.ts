import { parseArgs } from 'node:util';
import { nearWords } from '../core/near.ts';

/** Wrong usage: exit code 2. */
export class UsageError extends Error {
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.name = 'UsageError';
    this.hint = hint;
  }
}

export type OptionTable = Record<
  string,
  { type: 'string' | 'boolean'; short?: string; multiple?: boolean }
>;

/** Options that every verb takes. */
export const commonOptions: OptionTable = {
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  help: { type: 'boolean', short: 'h' },
};

export interface Parsed {
  positionals: string[];
  flags: ReadonlySet<string>;
  text: ReadonlyMap<string, string>;
  lists: ReadonlyMap<string, readonly string[]>;
}

/** @throws {UsageError} an unknown option (with the nearest known one), a missing value */
export function parse(args: readonly string[], table: OptionTable): Parsed {
  const options = { ...commonOptions, ...table };
  for (const arg of args) {
    if (arg === '--') break;
    const name = /^--([^=]+)/.exec(arg)?.[1];
    if (name !== undefined && !Object.hasOwn(options, name)) {
      const near = nearest(name, Object.keys(options));
      throw new UsageError(
        `unknown option --${name}`,
        near === null ? undefined : `did you mean --${near}?`,
      );
    }
  }
  let values: Record<string, unknown>;
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true }));
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0] ?? 'wrong usage');
  }
  const entries = Object.entries(values);
  return {
    positionals,
    flags: new Set(entries.filter(([, value]) => value === true).map(([name]) => name)),
    text: new Map(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    ),
    lists: new Map(entries.filter((entry): entry is [string, string[]] => Array.isArray(entry[1]))),
  };
}

/** A whole number ≥ `min`.
 *  @throws {UsageError} it is none */
export function wholeNumber(name: string, text: string | undefined, min = 0): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min) return value;
  throw new UsageError(`--${name} takes a whole number of at least ${min}, not "${text}"`);
}

/** One of some words.
 *  @throws {UsageError} it is none of them */
export function oneOf<T extends string>(
  name: string,
  text: string | undefined,
  words: readonly T[],
): T | undefined {
  if (text === undefined) return undefined;
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new UsageError(`--${name} takes ${words.join(', ')}, not "${text}"`);
}

/** The known word that differs least, if by at most two letters. */
export function nearest(word: string, known: readonly string[]): string | null {
  return nearWords(word, known)[0] ?? null;
}
