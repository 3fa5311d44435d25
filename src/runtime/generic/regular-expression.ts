import { UnsupportedError } from '../../core/errors.ts';

/** RE2's regular expressions (github.com/google/re2/wiki/Syntax), which ONNX asks for, as JavaScript's.
 *  What means the same is kept; what differs (\s, `.`, POSIX classes, \A, \z, \Q…\E) is rewritten; what only one of
 *  both has (look-around, references back; \C, flags inside) is refused. */

function refusal(why: string): UnsupportedError {
  return new UnsupportedError(`the regular expression is not one that runs here: ${why}`, {
    code: 'E_OP_VARIANT',
  });
}

const posix: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

const space = '\\t\\n\\f\\r ';
const categories =
  /^(C|Cc|Cf|Co|Cs|L|Ll|Lm|Lo|Lt|Lu|M|Mc|Me|Mn|N|Nd|Nl|No|P|Pc|Pd|Pe|Pf|Pi|Po|Ps|S|Sc|Sk|Sm|So|Z|Zl|Zp|Zs)$/;

/** The expression that matches whole texts only.
 *  @throws {UnsupportedError} there is none
 *  Cost of matching: JavaScript's, which is exponential for nested repetitions where RE2's is linear. */
export function fullMatcher(pattern: string): RegExp {
  const { source, flags } = translate(pattern);
  try {
    return new RegExp(`^(?:${source})$`, flags);
  } catch (error) {
    if (error instanceof SyntaxError) throw refusal(error.message.slice(0, 200));
    throw error;
  }
}

interface Flags {
  multiline: boolean;
  dotAll: boolean;
}

function translate(pattern: string): { source: string; flags: string } {
  const leading = /^\(\?([ims]+)\)/.exec(pattern);
  const given = leading?.[1] ?? '';
  const flags: Flags = { multiline: given.includes('m'), dotAll: given.includes('s') };
  let at = leading?.[0].length ?? 0;
  let source = '';
  while (at < pattern.length) {
    const [text, next] = tokenAt(pattern, at, flags);
    source += text;
    at = next;
  }
  return { source, flags: given.includes('i') ? 'ui' : 'u' };
}

/** The translation of what stands at a place, and the place behind it. */
function tokenAt(pattern: string, at: number, flags: Flags): [string, number] {
  const point = pattern[at]!;
  switch (point) {
    case '\\':
      return escapeAt(pattern, at);
    case '[':
      return classAt(pattern, at);
    case '(':
      return groupAt(pattern, at);
    case '.':
      return [flags.dotAll ? '[^]' : '[^\\n]', at + 1];
    case '^':
      return [flags.multiline ? '(?<![^\\n])' : '^', at + 1];
    case '$':
      return [flags.multiline ? '(?![^\\n])' : '$', at + 1];
    case '{': {
      const repetition = /^\{(\d+)(,(\d*))?\}/.exec(pattern.slice(at, at + 24));
      if (repetition === null) return ['\\{', at + 1];
      if (Number(repetition[1]) > 1000 || Number(repetition[3] ?? 0) > 1000)
        throw refusal('more than 1000 repetitions');
      return [repetition[0], at + repetition[0].length];
    }
    case ']':
    case '}':
      return [`\\${point}`, at + 1];
    default:
      return [point, at + 1];
  }
}

function groupAt(pattern: string, at: number): [string, number] {
  const opening = /^\((\?(:|P?<([A-Za-z_]\w*)>))?/.exec(pattern.slice(at, at + 128))!;
  const [whole, , kind, name] = opening;
  if (kind === undefined && pattern[at + 1] === '?')
    throw refusal(`group ${pattern.slice(at, at + 4)}`);
  if (name !== undefined) return [`(?<${name}>`, at + whole.length];
  return [whole, at + whole.length];
}

/** An escape outside of classes. */
function escapeAt(pattern: string, at: number): [string, number] {
  const letter = pattern[at + 1];
  switch (letter) {
    case 'b':
    case 'B':
      return [`\\${letter}`, at + 2];
    case 'S':
      return [`[^${space}]`, at + 2];
    case 's':
      return [`[${space}]`, at + 2];
    case 'A':
      return ['^', at + 2];
    case 'z':
      return ['$', at + 2];
    case 'Q': {
      const end = pattern.indexOf('\\E', at + 2);
      const quoted = pattern.slice(at + 2, end < 0 ? undefined : end);
      return [Array.from(quoted, literal).join(''), end < 0 ? pattern.length : end + 2];
    }
    default:
      return commonEscapeAt(pattern, at);
  }
}

const control: Readonly<Record<string, string>> = {
  a: '\\x07',
  f: '\\f',
  t: '\\t',
  n: '\\n',
  r: '\\r',
  v: '\\v',
};

/** An escape that may also stand in a class. */
function commonEscapeAt(pattern: string, at: number): [string, number] {
  const letter = pattern[at + 1];
  if (letter === undefined) throw refusal('it ends in a backslash');
  if ('dDwW'.includes(letter)) return [`\\${letter}`, at + 2];
  const known = Object.hasOwn(control, letter) ? control[letter] : undefined;
  if (known !== undefined) return [known, at + 2];
  const rest = pattern.slice(at, at + 64);
  const hex = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(rest);
  if (hex !== null) return [`\\u{${hex[1] ?? hex[2]}}`, at + hex[0].length];
  const octal = /^\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
  if (octal !== null) {
    const code = Number.parseInt(octal[0].slice(1), 8);
    return [`\\u{${code.toString(16)}}`, at + octal[0].length];
  }
  const property = /^\\([pP])(?:\{(\^?)(\w+)\}|([A-Z]))/.exec(rest);
  if (property !== null) {
    const isNegated = (property[1] === 'P') !== (property[2] === '^');
    const name = property[3] ?? property[4]!;
    const full = categories.test(name) ? name : `Script=${name}`;
    return [`\\${isNegated ? 'P' : 'p'}{${full}}`, at + property[0].length];
  }
  if (/[0-9A-Za-z]/.test(letter)) throw refusal(`escape \\${letter}`);
  const point = String.fromCodePoint(pattern.codePointAt(at + 1)!);
  return [literal(point), at + 1 + point.length];
}

/** A character that stands for itself, in classes too. */
function literal(point: string): string {
  return /[\w\s]/.test(point) ? point : `\\u{${point.codePointAt(0)!.toString(16)}}`;
}

function classAt(pattern: string, start: number): [string, number] {
  let at = start + 1;
  let source = '[';
  if (pattern[at] === '^') {
    source += '^';
    at++;
  }
  for (let isFirst = true; ; isFirst = false) {
    if (at >= pattern.length) throw refusal('a class has no end');
    if (pattern[at] === ']' && !isFirst) return [`${source}]`, at + 1];
    const [low, next, isSet] = classItemAt(pattern, at);
    source += low;
    at = next;
    // A dash is itself where it is first or last, or behind a range or a set.
    if (isSet || pattern[at] !== '-' || (pattern[at + 1] ?? ']') === ']') continue;
    const [high, end, isSetToo] = classItemAt(pattern, at + 1);
    if (isSetToo) throw refusal('a range that ends in a class');
    source += `-${high}`;
    at = end;
  }
}

/** A character or a set of them within a class, the place behind it, and whether it is a set. */
function classItemAt(pattern: string, at: number): [string, number, boolean] {
  const point = String.fromCodePoint(pattern.codePointAt(at)!);
  if (point === '[' && pattern[at + 1] === ':') {
    const name = /^\[:(\w+):\]/.exec(pattern.slice(at, at + 16))?.[1] ?? '';
    const set = Object.hasOwn(posix, name) ? posix[name] : undefined;
    if (set === undefined) throw refusal('an unknown class of characters');
    return [set, at + name.length + 4, true];
  }
  if (point !== '\\') return [literal(point), at + point.length, false];
  if (pattern[at + 1] === 's') return [space, at + 2, true];
  if (pattern[at + 1] === 'S') throw refusal('\\S within a class');
  const [text, end] = commonEscapeAt(pattern, at);
  return [text, end, /[dDwWpP]/.test(pattern[at + 1] ?? '')];
}
