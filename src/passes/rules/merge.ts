import type { Node, Value } from '../../ir/graph.ts';
import type { Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';
import { floatConstant } from './constants.ts';

/** x op constant, for one family of operators that undo each other. */
interface Step {
  input: Value;
  numbers: readonly number[];
  shape: readonly number[];
  /** Whether it divides or subtracts. */
  isInverse: boolean;
}

function stepOf(node: Node, c: RuleContext, inverse: string): Step | null {
  const [input, operand] = node.inputs as [Value, Value];
  const constant = c.constant(operand);
  const numbers = c.numbers(operand);
  if (constant?.dtype !== 'float32' || numbers === null || c.constant(input) !== null) return null;
  return { input, numbers, shape: constant.shape, isInverse: node.op === inverse };
}

/** Two constants that broadcast against each other, element by element; null where the result would be larger than
 *  both. */
function combine(
  a: Step,
  b: Step,
  operation: (x: number, y: number) => number,
): { numbers: Float64Array; shape: readonly number[] } | null {
  const [large, small] = a.numbers.length >= b.numbers.length ? [a, b] : [b, a];
  const rank = Math.max(large.shape.length, small.shape.length);
  const sizes = (step: Step): number[] => [
    ...new Array<number>(rank - step.shape.length).fill(1),
    ...step.shape,
  ];
  const [outer, inner] = [sizes(large), sizes(small)];
  if (inner.some((size, axis) => size !== 1 && size !== outer[axis])) return null;
  const numbers = new Float64Array(large.numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    let rest = i;
    let at = 0;
    let stride = 1;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const index = rest % outer[axis]!;
      rest = (rest - index) / outer[axis]!;
      if (inner[axis] !== 1) at += index * stride;
      stride *= inner[axis]!;
    }
    const [x, y] = [large.numbers[i]!, small.numbers[at]!];
    numbers[i] = large === a ? operation(x, y) : operation(y, x);
  }
  return { numbers, shape: outer };
}

function merging(operator: 'Mul' | 'Add', inverse: 'Div' | 'Sub'): Rule {
  const apply = (sign: boolean, x: number): number =>
    operator === 'Mul' ? (sign ? 1 / x : x) : sign ? -x : x;
  return {
    name: `merge-${operator.toLowerCase()}`,
    reason: 'two constants are one',
    roots: [operator, inverse],
    find: (node, c) => {
      const second = stepOf(node, c, inverse);
      const before = second === null ? null : c.producer(second.input, operator, inverse);
      const first = before === null ? null : stepOf(before, c, inverse);
      if (second === null || first === null) return null;
      if (!c.isOnlyFor(second.input, node)) return 'the first result has another reader';
      const merged = combine(first, second, (x, y) => {
        const [a, b] = [apply(first.isInverse, x), apply(second.isInverse, y)];
        return operator === 'Mul' ? a * b : a + b;
      });
      if (merged === null) return 'both constants together are larger than each';
      if (!merged.numbers.every((x) => x === 0 || isNormal(x)))
        return 'the product is too large or too small';
      return () => {
        const constant = floatConstant(merged.numbers, merged.shape);
        const name = node.inputs[1]!.name;
        const value = c.addConstant(node.graph, name, constant);
        c.take(node, { op: operator, inputs: [first.input, value] });
      };
    },
  };
}

/** Whether float32 holds a number with all its digits. */
function isNormal(x: number): boolean {
  return Math.abs(x) >= 2 ** -126 && Number.isFinite(Math.fround(x));
}

/** (x · a) · b is x · (a·b); quotients too. */
export const mergedFactors: Rule = merging('Mul', 'Div');

/** (x + a) + b is x + (a+b); differences too. */
export const mergedSums: Rule = merging('Add', 'Sub');
