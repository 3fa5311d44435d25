import type { Value } from '../../../ir/graph.ts';
import type { Attribute } from '../../../ir/types.ts';
import { type Activation, attributesOfActivation, noActivation } from '../../../ops/activation.ts';
import { ActivationFunctionType } from '../schema-table.ts';
import type { OperatorReader } from './operator.ts';
import type { Attributes } from './values.ts';

/** What an operator applies to its result.
 *  @throws {UnsupportedError} a function that no runtime has (SIGN_BIT) */
export function fusedActivation(o: OperatorReader, number = 0): Activation {
  switch (number) {
    case ActivationFunctionType.NONE:
      return noActivation;
    case ActivationFunctionType.RELU:
      return { ...noActivation, kind: 'Relu' };
    case ActivationFunctionType.RELU_N1_TO_1:
      return { ...noActivation, kind: 'Clip', min: -1, max: 1 };
    case ActivationFunctionType.RELU6:
      return { ...noActivation, kind: 'Clip', min: 0, max: 6 };
    case ActivationFunctionType.TANH:
      return { ...noActivation, kind: 'Tanh' };
    default:
      throw o.unsupported(`the fused activation ${number}`);
  }
}

/** A fused activation as attributes of an `mp` operator. */
export function activationAttributes(
  o: OperatorReader,
  number: number | undefined,
): Record<string, Attribute> {
  return Object.fromEntries(attributesOfActivation(fusedActivation(o, number)));
}

/** Adds a node that makes the first output, and an activation behind it where there is one. */
export function giveActivated(
  o: OperatorReader,
  op: string,
  inputs: readonly (Value | null)[],
  attributes: Attributes,
  number: number | undefined,
): void {
  const activation = fusedActivation(o, number);
  if (activation.kind === 'none') {
    o.give(op, inputs, attributes);
    return;
  }
  const output = o.output(0);
  // Clamping levels is what the kernels do: the result before it has the same levels.
  const before = output === null ? o.fresh(op) : o.like(output, op);
  o.node(op, inputs, attributes, [before]);
  giveActivation(o, before, activation);
}

function giveActivation(o: OperatorReader, x: Value, { kind, min, max }: Activation): void {
  if (kind === 'Clip') o.give('Clip', [x, o.scalar('min', min), o.scalar('max', max)]);
  else o.give(kind, [x]);
}
