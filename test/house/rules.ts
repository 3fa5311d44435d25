import type { SourceFile } from './source.ts';

/** A rule over the text of one file. */
export interface Rule {
  readonly name: string;
  /** Files it is about. */
  readonly where: RegExp;
  readonly except?: RegExp;
  readonly pattern: RegExp;
  /** Look at comments and strings too. */
  readonly inText?: boolean;
  /** One line that breaks it and one that does not: the rule is tried on both. */
  readonly breaks: string;
  readonly keeps: string;
}

const library = /^src\//;
const edge = /^src\/(host|cli)\//;
const written = /^(src|test|bench|scripts|assembly|examples|web|\.ci)\/|^[A-Z]+\.md$/;
const theseRules = /^test\/house(\/|\.)/;
const transcendental =
  'a?cosh?|a?sinh?|a?tanh?|atan2|exp|expm1|log|log1p|log2|log10|pow|cbrt|hypot|random';

/** What DESIGN sections 2, 4, 8 and 10 say about lines of code. */
export const rules: readonly Rule[] = [
  {
    name: 'only host and cli name a runtime',
    where: library,
    except: edge,
    pattern:
      /(?<![.\w$])(?:(?:process|Deno|Bun|Buffer|require|__dirname)\b(?!\s*\??:)|window\s*\.\s*(?:document|location|navigator|on|add|fetch))/,
    breaks: 'const folder = process.cwd();',
    keeps: 'const a: { process: number } = task.process(bytes.buffer, ArrayBuffer);',
  },
  {
    name: 'no JavaScript transcendental: engines differ in the last bit',
    where: library,
    except: /^src\/report\//,
    pattern: new RegExp(`\\bMath\\s*\\.\\s*(?:${transcendental})\\b`),
    breaks: 'return Math.exp(x) + 1;',
    keeps: 'return Math.sqrt(x) + Math.expand + exp(x);',
  },
  {
    name: 'no ** but with whole powers: the rest is a transcendental',
    where: library,
    except: /^src\/report\//,
    pattern: /(?<!(?<![\w.])2\s)(?<!\S)\*\*=?(?!\s*\d+\b(?!\.))/,
    breaks: 'return x ** y;',
    keeps: 'return 2 ** bits + x ** 2 + 2 ** -14;',
  },
  {
    name: 'nothing depends on the locale',
    where: library,
    pattern: /\.(?:localeCompare|toLocale\w+)\b|\bIntl\b/,
    breaks: 'names.sort((a, b) => a.localeCompare(b));',
    keeps: 'names.sort((a, b) => (a < b ? -1 : 1));',
  },
  {
    name: 'errors are ours, or from rangeError() and typeError()',
    where: library,
    except: /^src\/core\/errors\.ts$/,
    pattern: /\bnew (?:Error|RangeError|TypeError|SyntaxError)\(/,
    breaks: "throw new Error('bad');",
    keeps: "throw new FormatError('bad', details); throw rangeError('a', 'b', c);",
  },
  {
    name: 'no any',
    where: /^(src|test|bench)\/.*\.ts$/,
    pattern: /(?:[:<|&,(]\s*|\bas\s+)any\b(?!\s*[:(,])/,
    breaks: 'const x = y as any;',
    keeps: 'const x = any(y) ? list.any : [any, 1];',
  },
  {
    name: 'no code from strings, no import of what is not a literal',
    where: library,
    pattern: /\beval\s*\(|\bFunction\s*\(|\bimport\s*\(\s*[^'"\s]/,
    breaks: 'const f = new Function(body);',
    keeps: "const f = await import('./x.ts'); isFunction(f); node.evaluate(f);",
  },
  {
    name: 'no word that says that work is left',
    where: written,
    except: theseRules,
    inText: true,
    pattern:
      /\b(?:TODO|FIXME|XXX|HACK|WIP)\b|\bplace-?holders?\b|\bstub(?:s|bed)?\b|not (?:yet )?implemented/i,
    breaks: '// fixme: the rest',
    keeps: '// the rest of the stubborn rows',
  },
  {
    name: 'no word about how the work was organized, no path of a machine, no registry host',
    where: written,
    except: theseRules,
    inText: true,
    pattern:
      /\bissue #?\d+|\b(?:AI|LLM) agents?\b|\bsub-?agents?\b|(?<![\w.])\/work\/|registry\.npmjs|\/home\/\w+/i,
    breaks: '// see issue 12',
    keeps: '// the network/working set: a user agent',
  },
  {
    name: 'US spelling',
    where: written,
    except: theseRules,
    inText: true,
    pattern:
      /(?:normal|quant|optim|initial|serial|canonical|minim|maxim|summar|recogn|organ|special|local|vector|parallel|token|factor|util|visual)is(?:e|ed|es|er|ing|ation)(?![a-z])|behaviour|colour|favour|neighbour|labell|modell(?:ed|ing)|(?<!\w)analys(?:e|ed|ing)(?!\w)|\bcentre|catalogue|\bartefact|\bgrey\b/i,
    breaks: '// quantised values',
    keeps: '// quantized analyses, otherwise precise; a promise; noise raised',
  },
];

/** `src/a.ts:12 names a runtime …` for every line that breaks a rule. */
export function broken(rule: Rule, file: SourceFile): string[] {
  if (!rule.where.test(file.path) || rule.except?.test(file.path)) return [];
  const lines = (rule.inText ? file.text : file.code).split('\n');
  return lines.flatMap((line, i) =>
    rule.pattern.test(line) ? [`${file.path}:${i + 1}: ${file.text.split('\n')[i]?.trim()}`] : [],
  );
}

/** Most lines that a file may have. */
export const mostLines = 400;

/** Exported functions and classes without a doc comment right above. Overloads after the first share it. */
export function undocumented(file: SourceFile): string[] {
  const lines = file.text.split('\n');
  const documented = new Set<string>();
  return lines.flatMap((line, i) => {
    const name = /^export (?:default )?(?:async )?(?:abstract )?(?:function\*?|class) (\w+)/.exec(
      line,
    )?.[1];
    if (name === undefined) return [];
    const has = /\*\/\s*$/.test(lines[i - 1] ?? '');
    if (has) documented.add(name);
    return documented.has(name) ? [] : [`${file.path}:${i + 1}: ${name}`];
  });
}
