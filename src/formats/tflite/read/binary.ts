import { dtypes } from '../../../core/dtype.ts';
import type { Value } from '../../../ir/graph.ts';
import { activationAttributes, giveActivated } from './activation.ts';
import type { OperatorReader, Row } from './operator.ts';
import { typeOf } from './values.ts';

/** Sums and products have an activation in them; without one they are ONNX's. */
const arithmetic =
  (op: 'Add' | 'Sub' | 'Mul'): Row =>
  (o) => {
    const { fusedActivationFunction } = o.options(`${op}Options`);
    const attributes = activationAttributes(o, fusedActivationFunction);
    const domain = Object.keys(attributes).length > 0 ? 'mp.' : '';
    o.give(`${domain}${op}`, [o.input(0), o.input(1)], attributes);
  };

const plain =
  (op: string): Row =>
  (o) => {
    o.give(op, o.inputs());
  };

function divide(o: OperatorReader): void {
  const { fusedActivationFunction } = o.options('DivOptions');
  giveActivated(o, 'Div', [o.input(0), o.input(1)], {}, fusedActivationFunction);
}

function isFloat(value: Value): boolean {
  const { dtype } = typeOf(value);
  return dtype !== null && dtypes[dtype].kind === 'float';
}

/** Rounded towards −∞. ONNX's Div of integers truncates: one less where a remainder has the other sign. */
function floorDivide(o: OperatorReader): void {
  const [a, b] = [o.input(0), o.input(1)];
  if (isFloat(a)) {
    o.give('Floor', [o.add('Div', [a, b])]);
    return;
  }
  const remainder = o.add('Mod', [a, b]);
  o.give('Div', [o.add('Sub', [a, remainder]), b]);
}

/** The sign is that of the divisor: ONNX's Mod for integers; for reals a − ⌊a / b⌋ · b by way of the exact fmod. */
function floorModulo(o: OperatorReader): void {
  const [a, b] = [o.input(0), o.input(1)];
  if (!isFloat(a)) {
    o.give('Mod', [a, b]);
    return;
  }
  const truncated = o.add('Mod', [a, b], { fmod: 1 });
  const zero = o.scalar('zero', 0);
  const isOther = o.add('Xor', [o.add('Less', [truncated, zero]), o.add('Less', [b, zero])]);
  const isInexact = o.add('Not', [o.add('Equal', [truncated, zero])]);
  const shifted = o.add('Add', [truncated, b]);
  o.give('Where', [o.add('And', [isOther, isInexact]), shifted, truncated]);
}

function squaredDifference(o: OperatorReader): void {
  const difference = o.add('Sub', [o.input(0), o.input(1)]);
  o.give('Mul', [difference, difference]);
}

function notEqual(o: OperatorReader): void {
  o.give('Not', [o.add('Equal', [o.input(0), o.input(1)])]);
}

function sum(o: OperatorReader): void {
  const values = o.inputs();
  const { dtype } = typeOf(o.input(0));
  if (dtype === 'float32' || values.length === 1) {
    o.give('Sum', values);
    return;
  }
  let total = values[0]!;
  values.slice(1, -1).forEach((value) => {
    total = o.add('Add', [total, value]);
  });
  o.give('Add', [total, values.at(-1)!]);
}

const bitwise =
  (op: string, onBool: string): Row =>
  (o) => {
    o.give(typeOf(o.input(0)).dtype === 'bool' ? onBool : op, o.inputs());
  };

export const binaryRows: Readonly<Record<string, Row>> = {
  ADD: arithmetic('Add'),
  SUB: arithmetic('Sub'),
  MUL: arithmetic('Mul'),
  DIV: divide,
  ADD_N: sum,
  FLOOR_DIV: floorDivide,
  FLOOR_MOD: floorModulo,
  SQUARED_DIFFERENCE: squaredDifference,
  POW: plain('Pow'),
  MAXIMUM: plain('Max'),
  MINIMUM: plain('Min'),
  EQUAL: plain('Equal'),
  NOT_EQUAL: notEqual,
  LESS: plain('Less'),
  LESS_EQUAL: plain('LessOrEqual'),
  GREATER: plain('Greater'),
  GREATER_EQUAL: plain('GreaterOrEqual'),
  LOGICAL_AND: plain('And'),
  LOGICAL_OR: plain('Or'),
  'CUSTOM:FlexAddV2': plain('Add'),
  BITWISE_XOR: bitwise('BitwiseXor', 'Xor'),
};
