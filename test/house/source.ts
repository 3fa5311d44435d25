import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file as the house rules see it. */
export interface SourceFile {
  /** From the root of the repository: `src/core/shape.ts`. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the insides of strings and regular expressions blanked, line by line the same. */
  readonly code: string;
}

/** One import or re-export, static or dynamic. */
export interface ImportEdge {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const root = new URL('../../', import.meta.url);
const skipped = new Set(['node_modules', 'dist', 'generated']);

/** Files under a folder whose names match; a folder that is not there has none. */
export function filesUnder(folder: string, pattern: RegExp): SourceFile[] {
  const walk = (path: string): string[] => {
    let entries: import('node:fs').Dirent[];
    try {
      entries = readdirSync(new URL(path, root), { withFileTypes: true });
    } catch {
      return [];
    }
    return entries.flatMap((entry) => {
      if (entry.isDirectory()) return skipped.has(entry.name) ? [] : walk(`${path}${entry.name}/`);
      return pattern.test(entry.name) ? [`${path}${entry.name}`] : [];
    });
  };
  return walk(folder)
    .sort()
    .map((path) => sourceFile(path, readFileSync(fileURLToPath(new URL(path, root)), 'utf8')));
}

/** A file of a text, for rules to look at. */
export function sourceFile(path: string, text: string): SourceFile {
  return { path, text, code: blank(text) };
}

/** What a file imports. Specifiers are blanked in `code`, so they are read from the text at the same place. */
export function importsOf({ text, code }: SourceFile): ImportEdge[] {
  const edges: ImportEdge[] = [];
  const clause = /\b(?:import|export)\b(?:\s*(type)\b(?!\s*(?:,|from\b)))?[\w\s{},*$]*?(?=['"])/g;
  for (const match of code.matchAll(clause)) {
    const head = match[0];
    if (!/\bfrom\s*$/.test(head) && !/^import\s*$/.test(head)) continue;
    const specifier = quoted(text, match.index + head.length);
    edges.push({ specifier, typeOnly: match[1] !== undefined });
  }
  for (const match of code.matchAll(/\bimport\s*\(\s*(?=['"])/g)) {
    edges.push({ specifier: quoted(text, match.index + match[0].length), typeOnly: false });
  }
  return edges;
}

function quoted(text: string, at: number): string {
  const quote = text[at] ?? '';
  return text.slice(at + 1, text.indexOf(quote, at + 1));
}

/** Blanks everything that is not code. Quotes, backquotes and `${ }` of templates stay, so that expressions in
 *  templates are looked at too. */
function blank(text: string): string {
  const out: string[] = [];
  /** Depth of braces at which each open template goes on. */
  const templates: number[] = [];
  let braces = 0;
  let at = 0;
  const keep = (count: number): void => {
    out.push(text.slice(at, at + count));
    at += count;
  };
  const erase = (end: number): void => {
    out.push(text.slice(at, end).replace(/[^\n]/g, ' '));
    at = end;
  };
  const template = (): void => {
    let end = at;
    while (end < text.length && text[end] !== '`' && !text.startsWith('${', end)) {
      end += text[end] === '\\' ? 2 : 1;
    }
    erase(end);
    if (text[at] === '`') keep(1);
    else {
      keep(2);
      templates.push(braces);
      braces += 1;
    }
  };
  while (at < text.length) {
    const char = text[at] as string;
    if (text.startsWith('//', at)) erase(endOf(text, '\n', at));
    else if (text.startsWith('/*', at)) erase(Math.min(text.length, endOf(text, '*/', at + 2) + 2));
    else if (char === '"' || char === "'") {
      keep(1);
      erase(endOfQuoted(text, at, char));
      keep(1);
    } else if (char === '`') {
      keep(1);
      template();
    } else if (char === '/' && startsRegExp(out)) {
      keep(1);
      erase(endOfRegExp(text, at));
      keep(1);
    } else if (char === '}' && templates.at(-1) === braces - 1) {
      templates.pop();
      braces -= 1;
      keep(1);
      template();
    } else {
      if (char === '{') braces += 1;
      if (char === '}') braces -= 1;
      keep(1);
    }
  }
  return out.join('');
}

function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from);
  return end < 0 ? text.length : end;
}

function endOfQuoted(text: string, from: number, quote: string): number {
  let end = from;
  while (end < text.length && text[end] !== quote && text[end] !== '\n') {
    end += text[end] === '\\' ? 2 : 1;
  }
  return end;
}

/** A slash begins a regular expression where a value cannot have ended just before it. */
function startsRegExp(out: readonly string[]): boolean {
  const before = out.slice(-80).join('').trimEnd();
  return /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|yield|await))$/.test(before);
}

function endOfRegExp(text: string, from: number): number {
  let inClass = false;
  let end = from;
  for (; end < text.length && text[end] !== '\n'; end++) {
    const char = text[end];
    if (char === '\\') end += 1;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) break;
  }
  return end;
}
