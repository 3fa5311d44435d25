import type { EvaluateContext } from './evaluator.ts';
import { unsupported } from './operands.ts';

/** Patterns in RE2's syntax, as far as JavaScript's expressions mean the same: the rest is refused.
 *  Source: RE2's syntax page (github.com/google/re2/wiki/Syntax). */

/** What RE2 calls white space; JavaScript's \s has more. */
const space = '\\t\\n\\f\\r ';

/** Escapes that mean the same in both. */
const sameEscapes = /^\\(?:[dDwWbBtnrfv]|[^A-Za-z0-9]|x[0-9A-Fa-f]{2})/;

/** One escape in JavaScript's syntax, and how many characters it had; null is RE2's alone. */
function escapeOf(rest: string, isInSet: boolean): readonly [string, number] | null {
  if (rest.startsWith('\\s')) return [isInSet ? space : `[${space}]`, 2];
  if (rest.startsWith('\\S') && !isInSet) return [`[^${space}]`, 2];
  if (/^\\[bB]/.test(rest) && isInSet) return null;
  const property = /^\\([pP])(?:\{(\w+)\}|([A-Z]))/.exec(rest);
  if (property !== null) {
    const name = property[2] ?? property[3]!;
    const full = name.length > 2 ? `Script=${name}` : name;
    return [`\\${property[1]}{${full}}`, property[0].length];
  }
  const point = /^\\x\{([0-9A-Fa-f]{1,6})\}/.exec(rest);
  if (point !== null) return [`\\u{${point[1]}}`, point[0].length];
  const same = sameEscapes.exec(rest);
  if (same === null) return null;
  // What needs no escape may not have one in JavaScript.
  const [text] = same;
  const isPlain = text.length === 2 && /[^A-Za-z0-9]/.test(text[1]!);
  if (isPlain && !/[\\^$.*+?()[\]{}|/-]/.test(text[1]!)) return [text[1]!, 2];
  if (text === '\\-' && !isInSet) return ['-', 2];
  return [text, text.length];
}

function translated(pattern: string): string | null {
  let result = '';
  let isInSet = false;
  for (let at = 0; at < pattern.length; ) {
    const rest = pattern.slice(at);
    const char = pattern[at]!;
    if (char === '\\') {
      const found = escapeOf(rest, isInSet);
      if (found === null) return null;
      result += found[0];
      at += found[1];
      continue;
    }
    if (isInSet) {
      if (rest.startsWith('[:')) return null;
      if (char === ']') isInSet = false;
      result += char === '[' ? '\\[' : char;
      at++;
      continue;
    }
    if (char === '[') {
      isInSet = true;
      // A bracket that comes first is a member.
      const start = /^\[\^?/.exec(rest)![0];
      result += start;
      at += start.length;
      if (pattern[at] === ']') {
        result += '\\]';
        at++;
      }
      continue;
    }
    const named = /^\(\?P?<([A-Za-z_]\w*)>/.exec(rest);
    if (named !== null) {
      result += `(?<${named[1]}>`;
      at += named[0].length;
      continue;
    }
    // Flags, and what looks around, which RE2 hasn't.
    if (rest.startsWith('(?') && !rest.startsWith('(?:')) return null;
    result += char === '.' ? '[^\\n]' : char;
    at++;
  }
  return result;
}

/** Whether a pattern matches the whole of a text.
 *  @throws {UnsupportedError} syntax that JavaScript hasn't
 *  Cost: JavaScript's engine backtracks, so that nested repetitions may take time exponential in the text. */
export function fullMatcher(c: EvaluateContext, pattern: string): (text: string) => boolean {
  const source = translated(pattern);
  const refused = unsupported(c, `the pattern "${pattern.slice(0, 80)}" has syntax of RE2 only`);
  if (source === null) throw refused;
  let expression: RegExp;
  try {
    expression = new RegExp(`^(?:${source})$`, 'u');
  } catch {
    throw refused;
  }
  return (text) => expression.test(text);
}
