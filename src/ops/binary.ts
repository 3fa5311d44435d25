import { differentDims, equalDims, isNonNegativeDim, subtractDims } from '../core/dim.ts';
import type { Dim } from '../core/shape.ts';
import type { AttributeSchema, InferContext, Op, OutputInfo } from './op.ts';
import { broadcast, tensor } from './rules.ts';
import {
  addValues,
  divideValues,
  maxValuesOf,
  minValues,
  multiplyValues,
  remainderOfValues,
  subtractValues,
  type ValueFunction,
  zipValues,
} from './values.ts';

/** Two inputs that broadcast, output of their type. */
function binary(name: string, change: ValueFunction | null, commutative = false): Op {
  return {
    name,
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => {
      const dtype = c.dtype(0) ?? c.dtype(1);
      const values =
        change === null ? null : zipValues(c, [0, 1], ([a, b]) => change(a!, b!, dtype));
      return [tensor(dtype, broadcast(c, [c.shape(0), c.shape(1)]), values)];
    },
    traits: { elementwise: true, ...(commutative ? { commutative } : {}) },
  };
}

/** Two inputs that broadcast, a truth value for each pair.
 *  @param decide  whether it holds for two shape values, or null if that depends on symbols */
function comparison(
  name: string,
  decide: (a: Dim, b: Dim) => boolean | null,
  commutative = false,
): Op {
  return {
    ...binary(name, null, commutative),
    infer: (c) => {
      const values = zipValues(c, [0, 1], ([a, b]) => {
        const holds = decide(a!, b!);
        return holds === null ? null : Number(holds);
      });
      return [tensor('bool', broadcast(c, [c.shape(0), c.shape(1)]), values)];
    },
  };
}

function isLess(a: Dim, b: Dim): boolean | null {
  if (a === null || b === null) return null;
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (isNonNegativeDim(subtractDims(subtractDims(b, a), 1))) return true;
  return isNonNegativeDim(subtractDims(a, b)) ? false : null;
}

const not = (value: boolean | null): boolean | null => (value === null ? null : !value);

function isEqual(a: Dim, b: Dim): boolean | null {
  if (equalDims(a, b)) return true;
  return differentDims(a, b) ? false : null;
}

function truth(decide: (a: boolean, b: boolean) => boolean): (a: Dim, b: Dim) => boolean | null {
  return (a, b) =>
    typeof a === 'number' && typeof b === 'number' ? decide(a !== 0, b !== 0) : null;
}

/** Any number of inputs that broadcast. */
function variadic(name: string, change: ValueFunction | null): Op {
  return {
    name,
    inputs: [1, Infinity],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => {
      const indexes = c.node.inputs.map((_, index) => index);
      const dtype = c.dtype(0);
      const values =
        change === null
          ? null
          : zipValues(c, indexes, (items) => items.reduce((a, b) => change(a, b, dtype)));
      return [
        tensor(
          dtype,
          broadcast(
            c,
            indexes.map((index) => c.shape(index)),
          ),
          values,
        ),
      ];
    },
    traits: { elementwise: true, commutative: true },
  };
}

function whereRule(c: InferContext): OutputInfo[] {
  const values = zipValues(c, [0, 1, 2], ([condition, a, b]) => {
    if (typeof condition === 'number') return condition !== 0 ? a! : b!;
    return equalDims(a!, b!) ? a! : null;
  });
  const shape = broadcast(c, [c.shape(0), c.shape(1), c.shape(2)]);
  return [tensor(c.dtype(1) ?? c.dtype(2), shape, values)];
}

const withAttributes = (op: Op, attributes: Readonly<Record<string, AttributeSchema>>): Op => ({
  ...op,
  attributes,
});

export const binaryOps: readonly Op[] = [
  binary('Add', addValues, true),
  binary('Sub', subtractValues),
  binary('Mul', multiplyValues, true),
  binary('Div', divideValues),
  withAttributes(binary('Mod', remainderOfValues), {
    fmod: { kind: 'int', default: 0, min: 0, max: 1 },
  }),
  binary('Pow', null),
  withAttributes(binary('BitShift', null), {
    direction: { kind: 'string', required: true, oneOf: ['LEFT', 'RIGHT'] },
  }),
  binary('BitwiseAnd', null, true),
  binary('BitwiseOr', null, true),
  binary('BitwiseXor', null, true),
  comparison('Equal', isEqual, true),
  comparison('Less', isLess),
  comparison('Greater', (a, b) => isLess(b, a)),
  comparison('LessOrEqual', (a, b) => not(isLess(b, a))),
  comparison('GreaterOrEqual', (a, b) => not(isLess(a, b))),
  comparison(
    'And',
    truth((a, b) => a && b),
    true,
  ),
  comparison(
    'Or',
    truth((a, b) => a || b),
    true,
  ),
  comparison(
    'Xor',
    truth((a, b) => a !== b),
    true,
  ),
  variadic('Max', maxValuesOf),
  variadic('Min', minValues),
  variadic('Sum', addValues),
  variadic('Mean', null),
  {
    name: 'Where',
    inputs: [3, 3],
    outputs: [1, 1],
    attributes: {},
    infer: whereRule,
    traits: { elementwise: true },
  },
];
