/** Polynomials with integer coefficients over atoms: what symbolic dimensions are computed as.
 *  Everything is bounded: a result with too many terms, too long a text or an inexact coefficient is null,
 *  "not known", so that no file can make shape inference slow. */

export type Atom =
  | { kind: 'symbol'; text: string; name: string }
  /** ⌊numerator / denominator⌋ */
  | { kind: 'floor'; text: string; numerator: Polynomial; denominator: Polynomial }
  | { kind: 'min' | 'max'; text: string; operands: readonly Polynomial[] };

export interface Term {
  coefficient: number;
  /** Sorted by text; a power is a repetition. */
  atoms: readonly Atom[];
  /** The atoms' texts with `*` between them; '' for the constant term. */
  key: string;
}

/** Terms by falling degree, then by key, none of them zero; no term is 0. */
export type Polynomial = readonly Term[];

const maxTerms = 24;
const maxDegree = 8;
/** Characters of an expression that is computed with; longer text is opaque. */
export const maxText = 512;

/** The polynomial that is a number. */
export function constant(value: number): Polynomial {
  return value === 0 ? [] : [{ coefficient: value, atoms: [], key: '' }];
}

/** The polynomial that is one atom. */
export function ofAtom(atom: Atom): Polynomial {
  return [{ coefficient: 1, atoms: [atom], key: atom.text }];
}

/** The atom of a symbolic dimension; a name that could be read as something else is quoted. */
export function symbol(name: string): Atom {
  return { kind: 'symbol', name, text: plainName.test(name) ? name : JSON.stringify(name) };
}

const plainName = /^[A-Za-z_][\w.]*(?:-[A-Za-z_][\w.]*)*$/;

/** The value of a polynomial without symbols. */
export function constantOf(p: Polynomial): number | null {
  if (p.length === 0) return 0;
  return p.length === 1 && p[0]!.key === '' ? p[0]!.coefficient : null;
}

/** Sums equal terms and puts them in order. */
function collect(terms: readonly Term[]): Polynomial | null {
  const sums = new Map<string, Term>();
  for (const term of terms) {
    const old = sums.get(term.key);
    const coefficient = (old?.coefficient ?? 0) + term.coefficient;
    if (!Number.isSafeInteger(coefficient)) return null;
    sums.set(term.key, { ...term, coefficient });
  }
  const result = [...sums.values()].filter((term) => term.coefficient !== 0);
  if (result.length > maxTerms) return null;
  return result.sort((a, b) => b.atoms.length - a.atoms.length || compare(a.key, b.key));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** a + b; null past the limits on terms and coefficients. */
export function add(a: Polynomial, b: Polynomial): Polynomial | null {
  return collect([...a, ...b]);
}

/** factor · p; null past the limits. */
export function scale(p: Polynomial, factor: number): Polynomial | null {
  return factor === 0 ? [] : mapCoefficients(p, (coefficient) => coefficient * factor);
}

function mapCoefficients(p: Polynomial, change: (value: number) => number): Polynomial | null {
  const terms = p.map((term) => ({ ...term, coefficient: change(term.coefficient) }));
  return collect(terms);
}

/** a − b; null past the limits. */
export function subtract(a: Polynomial, b: Polynomial): Polynomial | null {
  const negative = scale(b, -1);
  return negative === null ? null : add(a, negative);
}

/** a · b; null past the limits on terms, degree and coefficients. */
export function multiply(a: Polynomial, b: Polynomial): Polynomial | null {
  if (a.length * b.length > maxTerms * 4) return null;
  const terms: Term[] = [];
  for (const x of a) {
    for (const y of b) {
      const atoms = [...x.atoms, ...y.atoms].sort((p, q) => compare(p.text, q.text));
      if (atoms.length > maxDegree) return null;
      const coefficient = x.coefficient * y.coefficient;
      if (!Number.isSafeInteger(coefficient)) return null;
      terms.push({ coefficient, atoms, key: atoms.map(({ text }) => text).join('*') });
    }
  }
  return collect(terms);
}

/** ⌊a / b⌋; null also for a zero divisor. */
export function floorDivide(a: Polynomial, b: Polynomial): Polynomial | null {
  const divisor = constantOf(b);
  if (divisor === null) return divideBySymbols(a, b);
  if (divisor === 0) return null;
  if (divisor < 0) {
    const negative = scale(a, -1);
    return negative === null ? null : divideByNumber(negative, -divisor);
  }
  return divideByNumber(a, divisor);
}

/** ⌈a / b⌉; null also for a zero divisor. */
export function ceilDivide(a: Polynomial, b: Polynomial): Polynomial | null {
  const divisor = constantOf(b);
  if (divisor !== null && divisor > 0) {
    const raised = add(a, constant(divisor - 1));
    return raised === null ? null : divideByNumber(raised, divisor);
  }
  const negative = scale(a, -1);
  const floor = negative === null ? null : floorDivide(negative, b);
  return floor === null ? null : scale(floor, -1);
}

/** Multiples of the divisor leave the floor, common factors go, floors of floors become one. */
function divideByNumber(a: Polynomial, divisor: number): Polynomial | null {
  const outside: Term[] = [];
  const inside: Term[] = [];
  let offset = 0;
  for (const term of a) {
    const quotient = Math.floor(term.coefficient / divisor);
    const rest = term.coefficient - quotient * divisor;
    if (!Number.isSafeInteger(rest) || rest < 0 || rest >= divisor) return null;
    if (quotient !== 0) outside.push({ ...term, coefficient: quotient });
    if (term.key === '') offset = rest;
    else if (rest !== 0) inside.push({ ...term, coefficient: rest });
  }
  const whole = collect(outside);
  if (whole === null || inside.length === 0) return whole;
  let common = divisor;
  for (const term of inside) common = gcd(common, term.coefficient);
  const reduced = mapCoefficients(inside, (coefficient) => coefficient / common);
  const shift = Math.floor(offset / common);
  if (reduced === null) return null;
  const rest = floorOf(reduced, shift, divisor / common);
  return rest === null ? null : add(whole, rest);
}

/** ⌊(p + shift) / divisor⌋ of reduced parts. */
function floorOf(p: Polynomial, shift: number, divisor: number): Polynomial | null {
  const sum = add(p, constant(shift));
  if (sum === null || divisor === 1) return sum;
  const [only] = p;
  const inner = p.length === 1 && only!.atoms.length === 1 ? only!.atoms[0]! : null;
  if (inner?.kind === 'floor' && only!.coefficient === 1) {
    const below = constantOf(inner.denominator);
    if (below !== null && below > 0) {
      // ⌊(⌊x / a⌋ + c) / b⌋ = ⌊(x + a·c) / (a·b)⌋
      const moved = add(inner.numerator, constant(below * shift));
      const product = below * divisor;
      return moved === null || !Number.isSafeInteger(product)
        ? null
        : divideByNumber(moved, product);
    }
  }
  return floorAtom(sum, constant(divisor));
}

/** Exact where every term is a multiple of a single-term divisor (which is then not zero). */
function divideBySymbols(a: Polynomial, b: Polynomial): Polynomial | null {
  if (a.length === 0) return [];
  if (equal(a, b)) return constant(1);
  if (b.length === 1) {
    const exact: Term[] = [];
    for (const term of a) {
      const quotient = divideTerm(term, b[0]!);
      if (quotient === null) break;
      exact.push(quotient);
    }
    if (exact.length === a.length) return collect(exact);
  }
  return floorAtom(a, b);
}

function divideTerm(term: Term, by: Term): Term | null {
  const coefficient = term.coefficient / by.coefficient;
  if (!Number.isInteger(coefficient)) return null;
  const atoms = [...term.atoms];
  for (const atom of by.atoms) {
    const index = atoms.findIndex(({ text }) => text === atom.text);
    if (index < 0) return null;
    atoms.splice(index, 1);
  }
  return { coefficient, atoms, key: atoms.map(({ text }) => text).join('*') };
}

function floorAtom(numerator: Polynomial, denominator: Polynomial): Polynomial | null {
  const above = textOf(numerator);
  const below = textOf(denominator);
  if (above === null || below === null) return null;
  const isSum = numerator.length > 1 || numerator[0]!.coefficient < 0;
  const top = isSum ? `(${above})` : above;
  const isPlain = constantOf(denominator) !== null || /^\w+$/.test(below);
  const text = `floor(${top}/${isPlain ? below : `(${below})`})`;
  return ofAtom({ kind: 'floor', text, numerator, denominator });
}

/** The least or greatest of the operands; ones known not to matter are left out. */
export function extreme(kind: 'min' | 'max', operands: readonly Polynomial[]): Polynomial | null {
  const kept: Polynomial[] = [];
  for (const operand of operands.flatMap((p) => operandsOf(kind, p))) {
    const beaten = kept.some((other) => isKept(kind, other, operand));
    if (beaten) continue;
    for (let index = kept.length - 1; index >= 0; index--) {
      if (isKept(kind, operand, kept[index]!)) kept.splice(index, 1);
    }
    kept.push(operand);
  }
  if (kept.length === 1) return kept[0]!;
  if (kept.length > 4) return null;
  const texts = kept.map((p) => [textOf(p), p] as const);
  if (texts.some(([text]) => text === null)) return null;
  texts.sort(([a], [b]) => compare(a!, b!));
  return ofAtom({
    kind,
    text: `${kind}(${texts.map(([text]) => text).join(',')})`,
    operands: texts.map(([, p]) => p),
  });
}

/** The operands of an extreme of the same kind, a constant added to it going to each of them. */
function operandsOf(kind: 'min' | 'max', p: Polynomial): readonly Polynomial[] {
  const [first, rest] = p;
  const atom = first?.coefficient === 1 && first.atoms.length === 1 ? first.atoms[0]! : null;
  const isShifted = p.length === 1 || (p.length === 2 && rest!.key === '');
  if (atom === null || atom.kind !== kind || !isShifted) return [p];
  const shifted = atom.operands.map((operand) => add(operand, constant(rest?.coefficient ?? 0)));
  return shifted.every((operand) => operand !== null) ? shifted : [p];
}

/** Whether `winner` makes `loser` irrelevant. */
function isKept(kind: 'min' | 'max', winner: Polynomial, loser: Polynomial): boolean {
  const difference = kind === 'min' ? subtract(loser, winner) : subtract(winner, loser);
  return difference !== null && isNonNegative(difference);
}

/** Whether a polynomial is ≥ 0 whatever sizes (≥ 0) the symbols have; false if that can't be told. */
export function isNonNegative(p: Polynomial): boolean {
  return lowerBound(p) >= 0;
}

/** A number that the polynomial never falls below; −∞ if none is found. */
function lowerBound(p: Polynomial): number {
  let sum = 0;
  for (const { coefficient, atoms } of p) {
    let bound = coefficient;
    for (const atom of atoms) {
      const least = lowerBoundOf(atom);
      if (least < 0 && (coefficient < 0 || atoms.length > 1)) return Number.NEGATIVE_INFINITY;
      bound = least === 0 ? 0 : bound * least;
    }
    if (coefficient < 0 && atoms.length > 0) return Number.NEGATIVE_INFINITY;
    sum += bound;
  }
  return sum;
}

function lowerBoundOf(atom: Atom): number {
  switch (atom.kind) {
    case 'symbol':
      return 0;
    case 'floor': {
      const least = lowerBound(atom.numerator);
      const divisor = constantOf(atom.denominator);
      if (divisor !== null && divisor > 0) return Math.floor(least / divisor);
      return least >= 0 && lowerBound(atom.denominator) >= 0 ? 0 : Number.NEGATIVE_INFINITY;
    }
    case 'min':
      return Math.min(...atom.operands.map(lowerBound));
    case 'max':
      return Math.max(...atom.operands.map(lowerBound));
  }
}

/** Whether two canonical polynomials are the same. */
export function equal(a: Polynomial, b: Polynomial): boolean {
  return (
    a.length === b.length &&
    a.every((term, index) => {
      const other = b[index]!;
      return term.key === other.key && term.coefficient === other.coefficient;
    })
  );
}

/** Canonical text: equal polynomials have equal texts. Null when it is longer than `maxText`. */
export function textOf(p: Polynomial): string | null {
  if (p.length === 0) return '0';
  let text = '';
  for (const { coefficient, key } of p) {
    const size = Math.abs(coefficient);
    const body = key === '' ? String(size) : size === 1 ? key : `${size}*${key}`;
    // A name may go on after a hyphen, so a minus before a letter stands apart.
    const minus = text === '' ? '-' : /^[A-Za-z_]/.test(body) ? ' - ' : '-';
    text += (coefficient < 0 ? minus : text === '' ? '' : '+') + body;
    if (text.length > maxText) return null;
  }
  return text;
}

/** The value with these sizes for the symbols, or null if one is missing or a divisor is 0. */
export function evaluatePolynomial(
  p: Polynomial,
  sizeOf: (name: string) => number | null,
): number | null {
  let sum = 0;
  for (const { coefficient, atoms } of p) {
    let product = coefficient;
    for (const atom of atoms) {
      const value = evaluateAtom(atom, sizeOf);
      if (value === null) return null;
      product *= value;
    }
    sum += product;
  }
  return Number.isSafeInteger(sum) ? sum : null;
}

function evaluateAtom(atom: Atom, sizeOf: (name: string) => number | null): number | null {
  if (atom.kind === 'symbol') return sizeOf(atom.name);
  if (atom.kind === 'floor') {
    const above = evaluatePolynomial(atom.numerator, sizeOf);
    const below = evaluatePolynomial(atom.denominator, sizeOf);
    return above === null || below === null || below === 0 ? null : Math.floor(above / below);
  }
  const values: number[] = [];
  for (const operand of atom.operands) {
    const value = evaluatePolynomial(operand, sizeOf);
    if (value === null) return null;
    values.push(value);
  }
  return atom.kind === 'min' ? Math.min(...values) : Math.max(...values);
}

function gcd(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}
