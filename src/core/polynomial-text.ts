import {
  add,
  ceilDivide,
  constant,
  extreme,
  floorDivide,
  maxText,
  multiply,
  ofAtom,
  type Polynomial,
  scale,
  symbol,
} from './polynomial.ts';

/** A quotient while parsing: exporters write ⌊n/2 − 1/2⌋ where we write floor((n-1)/2). */
interface Ratio {
  above: Polynomial;
  below: Polynomial;
}

const one = constant(1);
const maxDepth = 24;

/** The polynomial that a dimension's text stands for: sums and products of integers, names, quoted names,
 *  floor(a/b), ceil(a/b), min and max. Null if it is not such an expression. */
export function parsePolynomial(text: string): Polynomial | null {
  if (text.length > maxText) return null;
  const tokens = tokenize(text);
  if (tokens === null) return null;
  const parser = new Parser(tokens);
  const ratio = parser.sum(0);
  if (ratio === null || !parser.isAtEnd()) return null;
  return whole(ratio);
}

function tokenize(text: string): string[] | null {
  const pattern =
    /\s*([A-Za-z_][\w.]*(?:-[A-Za-z_][\w.]*)*|\d+|"(?:[^"\\]|\\.)*"|\/\/|\*\*|[-+*/^(),])\s*/y;
  const tokens: string[] = [];
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) return null;
    tokens.push(match[1]!);
  }
  return tokens.length > 0 ? tokens : null;
}

/** Recursive descent; every method gives null on anything that is not an expression. */
class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  isAtEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  sum(depth: number): Ratio | null {
    if (depth > maxDepth) return null;
    let negative = this.#take('-');
    let total: Ratio | null = null;
    for (;;) {
      let term = this.#product(depth);
      if (term !== null && negative) term = ratio(scale(term.above, -1), term.below);
      if (term === null) return null;
      total = total === null ? term : sumOf(total, term);
      if (total === null) return null;
      if (this.#take('+')) negative = false;
      else if (this.#take('-')) negative = true;
      else return total;
    }
  }

  #product(depth: number): Ratio | null {
    let result = this.#power(depth);
    while (result !== null) {
      if (this.#take('*')) {
        const factor = this.#power(depth);
        if (factor === null) return null;
        result = ratio(multiply(result.above, factor.above), multiply(result.below, factor.below));
      } else if (this.#take('/')) {
        const factor = this.#power(depth);
        if (factor === null || factor.above.length === 0) return null;
        result = ratio(multiply(result.above, factor.below), multiply(result.below, factor.above));
      } else if (this.#take('//')) {
        const factor = this.#power(depth);
        if (factor === null) return null;
        result = floorOf(
          ratio(multiply(result.above, factor.below), multiply(result.below, factor.above)),
        );
      } else return result;
    }
    return null;
  }

  #power(depth: number): Ratio | null {
    const base = this.#factor(depth);
    if (base === null || !(this.#take('^') || this.#take('**'))) return base;
    const exponent = Number(this.#tokens[this.#at++]);
    if (!(exponent >= 1 && exponent <= 8)) return null;
    let result: Ratio | null = base;
    for (let n = 1; n < exponent && result !== null; n++) {
      result = ratio(multiply(result.above, base.above), multiply(result.below, base.below));
    }
    return result;
  }

  #factor(depth: number): Ratio | null {
    const token = this.#tokens[this.#at++];
    if (token === undefined) return null;
    if (token === '(') {
      const inner = this.sum(depth + 1);
      return inner !== null && this.#take(')') ? inner : null;
    }
    if (/^\d/.test(token)) {
      const value = Number(token);
      return Number.isSafeInteger(value) ? ratio(constant(value), one) : null;
    }
    if (token.startsWith('"')) {
      const name = unquote(token);
      return name === null ? null : ratio(ofAtom(symbol(name)), one);
    }
    if (!/^[A-Za-z_]/.test(token)) return null;
    if (this.#tokens[this.#at] === '(') return this.#call(token.toLowerCase(), depth);
    return ratio(ofAtom(symbol(token)), one);
  }

  #call(name: string, depth: number): Ratio | null {
    this.#at++;
    const operands: Ratio[] = [];
    do {
      const operand = this.sum(depth + 1);
      if (operand === null) return null;
      operands.push(operand);
    } while (this.#take(','));
    if (!this.#take(')')) return null;
    const [first] = operands;
    if (name === 'floor' && operands.length === 1) return floorOf(first!);
    if (name === 'ceil' || name === 'ceiling') {
      if (operands.length !== 1) return null;
      return ratio(ceilDivide(first!.above, first!.below), one);
    }
    if (name !== 'min' && name !== 'max') return null;
    const wholes: Polynomial[] = [];
    for (const operand of operands) {
      const value = whole(operand);
      if (value === null) return null;
      wholes.push(value);
    }
    return ratio(extreme(name, wholes), one);
  }
}

function ratio(above: Polynomial | null, below: Polynomial | null): Ratio | null {
  return above === null || below === null ? null : { above, below };
}

function sumOf(a: Ratio, b: Ratio): Ratio | null {
  const left = multiply(a.above, b.below);
  const right = multiply(b.above, a.below);
  if (left === null || right === null) return null;
  return ratio(add(left, right), multiply(a.below, b.below));
}

function floorOf(value: Ratio | null): Ratio | null {
  return value === null ? null : ratio(floorDivide(value.above, value.below), one);
}

/** The quotient where nothing is divided. */
function whole({ above, below }: Ratio): Polynomial | null {
  return below.length === 1 && below[0]!.key === '' && below[0]!.coefficient === 1 ? above : null;
}

function unquote(token: string): string | null {
  try {
    const name: unknown = JSON.parse(token);
    return typeof name === 'string' ? name : null;
  } catch {
    return null;
  }
}
