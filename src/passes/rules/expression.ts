import type { Node, Value } from '../../ir/graph.ts';
import type { RuleContext } from '../rule-context.ts';

/** Small expressions that graphs spell out, read back: products with a scalar, polynomials of a value. */

/** A product of values, and one number. */
export interface Product {
  scale: number;
  factors: Value[];
}

const deepest = 6;

/** The factors of a Mul or Div, through Mul and Div by scalars that nothing else reads. */
export function productOf(root: Node, c: RuleContext): Product {
  const product: Product = { scale: 1, factors: [] };
  const visit = (value: Value, depth: number): void => {
    const number = c.scalar(value);
    const node = depth < deepest ? c.producer(value, 'Mul', 'Div') : null;
    if (number !== null) product.scale *= number;
    else if (node !== null && value.uses.size === 1 && canOpen(node, c)) open(node, depth + 1);
    else product.factors.push(value);
  };
  const open = (node: Node, depth: number): void => {
    const [a, b] = node.inputs as [Value, Value];
    visit(a, depth);
    if (node.op === 'Div') product.scale /= c.scalar(b)!;
    else visit(b, depth);
  };
  if (canOpen(root, c)) open(root, 0);
  return product;
}

function canOpen(node: Node, c: RuleContext): boolean {
  return node.op === 'Mul' || c.scalar(node.inputs[1]) !== null;
}

/** The value times a number that another value is. */
export function scaledOf(value: Value, c: RuleContext): { value: Value; scale: number } {
  const node = c.producer(value, 'Mul', 'Div');
  if (node === null) return { value, scale: 1 };
  const [a, b] = node.inputs as [Value, Value];
  const [x, y] = [c.scalar(a), c.scalar(b)];
  if (y !== null && x === null) return { value: a, scale: node.op === 'Div' ? 1 / y : y };
  if (x !== null && y === null && node.op === 'Mul') return { value: b, scale: x };
  return { value, scale: 1 };
}

/** Coefficients of a polynomial in `x` of degree 3 at most, lowest first; null if the value is none. */
export function polynomialIn(
  value: Value,
  x: Value,
  c: RuleContext,
  depth = 0,
): readonly number[] | null {
  if (value === x) return [0, 1, 0, 0];
  const number = c.scalar(value);
  if (number !== null) return [number, 0, 0, 0];
  const node = depth < deepest ? c.producer(value, 'Add', 'Sub', 'Mul', 'Div', 'Pow') : null;
  if (node === null) return null;
  const a = polynomialIn(node.inputs[0]!, x, c, depth + 1);
  const b = a === null ? null : polynomialIn(node.inputs[1]!, x, c, depth + 1);
  if (a === null || b === null) return null;
  const isNumber = b.slice(1).every((k) => k === 0);
  switch (node.op) {
    case 'Add':
      return a.map((k, i) => k + b[i]!);
    case 'Sub':
      return a.map((k, i) => k - b[i]!);
    case 'Mul':
      return multiply(a, b);
    case 'Div':
      return isNumber && b[0] !== 0 ? a.map((k) => k / b[0]!) : null;
    default: {
      if (!isNumber || (b[0] !== 2 && b[0] !== 3)) return null;
      const square = multiply(a, a);
      return b[0] === 2 || square === null ? square : multiply(square, a);
    }
  }
}

function multiply(a: readonly number[], b: readonly number[]): readonly number[] | null {
  const result = new Array<number>(7).fill(0);
  a.forEach((x, i) => {
    b.forEach((y, j) => {
      result[i + j]! += x * y;
    });
  });
  return result.slice(4).every((k) => k === 0) ? result.slice(0, 4) : null;
}

/** Whether numbers are those expected, as far as float32 and shortened constants go. */
export function isNear(actual: readonly number[], expected: readonly number[]): boolean {
  return expected.every((x, i) => Math.abs(actual[i]! - x) <= 1e-5 * Math.max(Math.abs(x), 1e-3));
}
