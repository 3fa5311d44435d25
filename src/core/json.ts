import { FormatError, LimitError } from './errors.ts';

/** A JSON value; integers that a number can't hold exactly are bigints. Objects have no prototype. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

export interface JsonOptions {
  /** Nesting of arrays and objects; default 64. */
  depth?: number;
  /** For messages. */
  where?: string;
}

/** Parses JSON as RFC 8259 has it and refuses what `JSON.parse` lets pass silently: a key that comes twice (it keeps
 *  the last), an integer past 2^53 (it rounds: here it is a bigint), deep nesting, and `__proto__` as a key.
 *  @throws {FormatError} malformed text, with the offset
 *  @throws {LimitError} deeper than `depth`
 *  Linear; the parser calls itself `depth` times at most. */
export function parseJson(text: string, { depth = 64, where = 'json' }: JsonOptions = {}): Json {
  return new Parser(text, depth, where).parse();
}

const blank = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings must not have them
const plain = /[^"\\\u0000-\u001f]*/y;
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Parser {
  readonly #text: string;
  readonly #depth: number;
  readonly #where: string;
  #at = 0;

  constructor(text: string, depth: number, where: string) {
    this.#text = text;
    this.#depth = depth;
    this.#where = where;
  }

  parse(): Json {
    const value = this.#value(0);
    this.#skip();
    if (this.#at < this.#text.length) throw this.#fail('text after the value');
    return value;
  }

  #value(level: number): Json {
    this.#skip();
    const char = this.#text[this.#at];
    if (char === '{') return this.#object(level + 1);
    if (char === '[') return this.#array(level + 1);
    if (char === '"') return this.#string();
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#number();
  }

  #object(level: number): Json {
    this.#enter(level);
    const object: { [key: string]: Json } = Object.create(null);
    if (this.#next('}')) return object;
    do {
      this.#skip();
      if (this.#text[this.#at] !== '"') throw this.#fail('a key was expected');
      const start = this.#at;
      const key = this.#string();
      if (key === '__proto__' || Object.hasOwn(object, key)) {
        this.#at = start;
        throw this.#fail(key === '__proto__' ? 'the key "__proto__"' : 'a key that comes twice');
      }
      if (!this.#next(':')) throw this.#fail('":" was expected');
      object[key] = this.#value(level);
    } while (this.#next(','));
    if (!this.#next('}')) throw this.#fail('"," or "}" was expected');
    return object;
  }

  #array(level: number): Json {
    this.#enter(level);
    const array: Json[] = [];
    if (this.#next(']')) return array;
    do array.push(this.#value(level));
    while (this.#next(','));
    if (!this.#next(']')) throw this.#fail('"," or "]" was expected');
    return array;
  }

  #string(): string {
    this.#at++;
    let result = '';
    for (;;) {
      result += this.#match(plain)?.[0] ?? '';
      const char = this.#text[this.#at];
      if (char === '"') {
        this.#at++;
        return result;
      }
      if (char !== '\\')
        throw this.#fail(char === undefined ? 'a string without an end' : 'a control character');
      const letter = this.#text[this.#at + 1] ?? '';
      if (letter === 'u') {
        const digits = this.#text.slice(this.#at + 2, this.#at + 6);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#fail('an escape without four digits');
        result += String.fromCharCode(Number.parseInt(digits, 16));
        this.#at += 6;
      } else {
        const meant = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
        if (meant === undefined) throw this.#fail('an unknown escape');
        result += meant;
        this.#at += 2;
      }
    }
  }

  #number(): number | bigint {
    const start = this.#at;
    const found = this.#match(number);
    if (found === null || found[0] === '') throw this.#fail('a value was expected');
    const [digits, fraction, exponent] = found;
    const value = Number(digits);
    if (!Number.isFinite(value)) {
      this.#at = start;
      throw this.#fail('a number out of range');
    }
    const whole = fraction === undefined && exponent === undefined;
    return whole && !Number.isSafeInteger(value) ? BigInt(digits) : value;
  }

  #enter(level: number): void {
    if (level > this.#depth)
      throw new LimitError('depth', this.#depth, level, { where: this.#where });
    this.#at++;
  }

  #next(char: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #skip(): void {
    this.#match(blank);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #fail(message: string): FormatError {
    return new FormatError(`malformed JSON: ${message}`, {
      code: 'E_JSON',
      where: `${this.#where}, character ${this.#at}`,
    });
  }
}
