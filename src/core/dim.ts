/** Arithmetic on dimensions: numbers where they are known, canonical expressions where they depend on
 *  symbols, null where nothing is known. Symbols stand for sizes, so they are ≥ 0; equal expressions have
 *  equal texts (`2*n+1`, `floor((n-1)/2)+1`, `min(n,64)`), and text that is no expression is one symbol.
 *  Cost is bounded: results that would grow beyond a few hundred characters are null. */

import {
  add,
  ceilDivide,
  constant,
  constantOf,
  evaluatePolynomial,
  extreme,
  floorDivide,
  isNonNegative,
  maxText,
  multiply,
  ofAtom,
  type Polynomial,
  scale,
  subtract,
  symbol,
  textOf,
} from './polynomial.ts';
import { parsePolynomial } from './polynomial-text.ts';
import type { Dim } from './shape.ts';

const parsed = new Map<string, Polynomial | null>();
const maxParsed = 2048;

/** Null for unknown dimensions, inexact numbers and names too long to compute with. */
function polynomialOf(dim: Dim): Polynomial | null {
  if (dim === null) return null;
  if (typeof dim === 'number') return Number.isSafeInteger(dim) ? constant(dim) : null;
  if (dim.length > maxText) return null;
  let polynomial = parsed.get(dim);
  if (polynomial === undefined) {
    polynomial = parsePolynomial(dim) ?? ofAtom(symbol(dim));
    if (parsed.size >= maxParsed) parsed.clear();
    parsed.set(dim, polynomial);
  }
  return polynomial;
}

function dimOf(polynomial: Polynomial | null): Dim {
  if (polynomial === null) return null;
  const value = constantOf(polynomial);
  if (value !== null) return value;
  const text = textOf(polynomial);
  const [only] = polynomial;
  if (text === null || polynomial.length > 1 || only!.coefficient !== 1) return text;
  const [atom] = only!.atoms;
  if (only!.atoms.length > 1 || atom!.kind !== 'symbol') return text;
  // A name that is no expression stands alone without quotes, as the file has it.
  return parsePolynomial(atom!.name) === null ? atom!.name : text;
}

function combine(
  a: Dim,
  b: Dim,
  operation: (a: Polynomial, b: Polynomial) => Polynomial | null,
): Dim {
  const x = polynomialOf(a);
  const y = polynomialOf(b);
  return x === null || y === null ? null : dimOf(operation(x, y));
}

/** The canonical form of a dimension; text too long to compute with stays as it is. */
export function canonicalDim(dim: Dim): Dim {
  if (typeof dim !== 'string' || dim.length > maxText) return dim;
  return dimOf(polynomialOf(dim)) ?? dim;
}

/** A result of two exact numbers; null asks for the general way, which says what is too large. */
function ofNumbers(a: Dim, b: Dim, operation: (a: number, b: number) => number): number | null {
  if (typeof a !== 'number' || typeof b !== 'number') return null;
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b)) return null;
  const result = operation(a, b);
  return Number.isSafeInteger(result) ? result + 0 : null;
}

/** ⌊a / b⌋ without rounding between; NaN for a divisor of 0. */
function floorOf(a: number, b: number): number {
  return b < 0 ? floorOf(-a, -b) : (a - (((a % b) + b) % b)) / b;
}

/** a + b */
export function addDims(a: Dim, b: Dim): Dim {
  if (a === 0) return b;
  if (b === 0) return a;
  return ofNumbers(a, b, (x, y) => x + y) ?? combine(a, b, add);
}

/** a − b */
export function subtractDims(a: Dim, b: Dim): Dim {
  if (b === 0) return a;
  if (a !== null && a === b) return 0;
  return ofNumbers(a, b, (x, y) => x - y) ?? combine(a, b, subtract);
}

/** a · b; 0 times anything is 0. */
export function multiplyDims(a: Dim, b: Dim): Dim {
  if (a === 0 || b === 0) return 0;
  if (a === 1) return b;
  if (b === 1) return a;
  return ofNumbers(a, b, (x, y) => x * y) ?? combine(a, b, multiply);
}

/** The sum; 0 of nothing. */
export function sumOfDims(dims: readonly Dim[]): Dim {
  return dims.reduce(addDims, 0);
}

/** The product; 1 of nothing. */
export function productOfDims(dims: readonly Dim[]): Dim {
  return dims.includes(0) ? 0 : dims.reduce(multiplyDims, 1);
}

/** ⌊a / b⌋; null for a zero divisor. A symbolic divisor is taken to be not zero. */
export function floorDivideDims(a: Dim, b: Dim): Dim {
  if (b === 1) return a;
  return ofNumbers(a, b, floorOf) ?? combine(a, b, floorDivide);
}

/** ⌈a / b⌉ */
export function ceilDivideDims(a: Dim, b: Dim): Dim {
  if (b === 1) return a;
  return ofNumbers(a, b, (x, y) => -floorOf(-x, y)) ?? combine(a, b, ceilDivide);
}

/** The smaller one. */
export function minDims(a: Dim, b: Dim): Dim {
  if (a === b) return a;
  return ofNumbers(a, b, Math.min) ?? combine(a, b, (x, y) => extreme('min', [x, y]));
}

/** The larger one. */
export function maxDims(a: Dim, b: Dim): Dim {
  if (a === b) return a;
  return ofNumbers(a, b, Math.max) ?? combine(a, b, (x, y) => extreme('max', [x, y]));
}

/** Whether both are known and the same. */
export function equalDims(a: Dim, b: Dim): boolean {
  if (a === null || b === null) return false;
  return a === b || canonicalDim(a) === canonicalDim(b);
}

/** Whether the two can't be the same whatever the symbols are. */
export function differentDims(a: Dim, b: Dim): boolean {
  if (a === null || b === null || a === b) return false;
  if (typeof a === 'number' && typeof b === 'number') return true;
  const x = polynomialOf(a);
  const y = polynomialOf(b);
  const difference = x === null || y === null ? null : subtract(x, y);
  if (difference === null || difference.length === 0) return false;
  return isPositive(difference) || isPositive(scale(difference, -1));
}

function isPositive(p: Polynomial | null): boolean {
  const less = p === null ? null : subtract(p, constant(1));
  return less !== null && isNonNegative(less);
}

/** Whether a dimension or shape value is ≥ 0 for all sizes that the symbols can have. */
export function isNonNegativeDim(dim: Dim): boolean {
  const polynomial = polynomialOf(dim);
  return polynomial !== null && isNonNegative(polynomial);
}

/** The size of a dimension where the symbols have these sizes, or null if one is missing, a divisor is 0 or
 *  the number is not exact. A binding may also name a whole expression. */
export function evaluateDim(dim: Dim, bindings: Readonly<Record<string, number>>): number | null {
  if (dim === null || typeof dim === 'number') return dim;
  const sizeOf = (name: string): number | null =>
    Object.hasOwn(bindings, name) ? bindings[name]! : null;
  const direct = sizeOf(dim);
  if (direct !== null) return direct;
  const polynomial = polynomialOf(dim);
  return polynomial === null ? null : evaluatePolynomial(polynomial, sizeOf);
}

/** Names of the symbols in a dimension. */
export function symbolsOf(dim: Dim): ReadonlySet<string> {
  const names = new Set<string>();
  if (typeof dim !== 'string') return names;
  const polynomial = polynomialOf(dim);
  if (polynomial === null) names.add(dim);
  else
    evaluatePolynomial(polynomial, (name) => {
      names.add(name);
      return 1;
    });
  return names;
}
